//! TFRecord framing: length, its checksum, data, its checksum.

use std::io::{self, Read};

/// The longest record that is read: 256 MiB.
pub const MOST_RECORD_BYTES: u64 = 256 << 20;

/// CRC-32C (Castagnoli), reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

/// CRC-32C of data, in the masked form of TFRecord: a checksum of data that holds checksums is a weak one.
fn masked_checksum(data: &[u8]) -> u32 {
    let sum = !data
        .iter()
        .fold(u32::MAX, |sum, byte| (sum >> 8) ^ TABLE[((sum ^ u32::from(*byte)) & 0xff) as usize]);
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A record of TFRecord around data: its length and the data, each followed by its checksum.
pub fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&masked_checksum(&length).to_le_bytes());
    record.extend_from_slice(data);
    record.extend_from_slice(&masked_checksum(data).to_le_bytes());
    record
}

/// What comes next in a file of records.
pub(super) enum Next {
    Record(Vec<u8>),
    End,
    /// The file ends within a record, as while it is being written.
    CutOff,
    /// Not a record: what was expected, what was found.
    Damaged(&'static str, String),
}

/// Reads as much as there is, up to `count` bytes.
fn read_up_to(file: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The next record.
pub(super) fn next(file: &mut impl Read) -> io::Result<Next> {
    let head = read_up_to(file, 12)?;
    if head.is_empty() {
        return Ok(Next::End);
    }
    let Ok(head) = <[u8; 12]>::try_from(head) else { return Ok(Next::CutOff) };
    let (length, checksum) = head.split_at(8);
    if masked_checksum(length).to_le_bytes() != *checksum {
        return Ok(Next::Damaged("a record's length with its checksum", "another checksum".into()));
    }
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    if length > MOST_RECORD_BYTES {
        return Ok(Next::Damaged("records of at most 256 MiB", format!("one of {length} bytes")));
    }
    // Grows as bytes arrive, so that a false length takes no memory.
    let mut data = read_up_to(file, length + 4)?;
    if data.len() as u64 != length + 4 {
        return Ok(Next::CutOff);
    }
    let checksum = data.split_off(length as usize);
    if masked_checksum(&data).to_le_bytes() != checksum[..] {
        return Ok(Next::Damaged("a record with its checksum", "another checksum".into()));
    }
    Ok(Next::Record(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        let unmasked = |data: &[u8]| masked_checksum(data).wrapping_sub(0xa282_ead8).rotate_left(15);
        assert_eq!(unmasked(&[0; 32]), 0x8a91_36aa);
        assert_eq!(unmasked(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(unmasked(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
    }
}
