//! Writing archives. The same entries give the same bytes: no times are stored.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::{CENTRAL, DEFLATED, END, END_64, EXTRA_64, LOCAL, LOCATOR_64, STORED};

/// The first of January 1980, where the format's calendar begins, at midnight.
const DATE: u32 = 0x0021_0000;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// The version that introduced 64-bit sizes.
const VERSION: u16 = 45;

/// An archive that is being written.
pub(crate) struct Writer<W> {
    out: W,
    written: u64,
    directory: Vec<u8>,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Self { out, written: 0, directory: Vec::new(), entries: 0 }
    }

    /// Appends a file with this content, which comes in pieces.
    pub fn add(&mut self, name: &str, content: &[&[u8]], compressed: bool) -> io::Result<()> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a name is longer than 65535 bytes");
        let name_bytes = u16::try_from(name.len()).map_err(|_| too_long())?;
        let mut crc = Crc::new();
        content.iter().for_each(|piece| crc.update(piece));
        let size: u64 = content.iter().map(|piece| piece.len() as u64).sum();
        let deflated = match compressed {
            true => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                content.iter().try_for_each(|piece| encoder.write_all(piece))?;
                Some(encoder.finish()?)
            }
            false => None,
        };
        let packed = deflated.as_ref().map_or(size, |bytes| bytes.len() as u64);
        let method = if compressed { DEFLATED } else { STORED };

        // What both headers have in common. Sizes always go to the 64-bit field, which every reader knows.
        let mut shared = Vec::new();
        put(&mut shared, &VERSION.to_le_bytes());
        put(&mut shared, &FLAGS.to_le_bytes());
        put(&mut shared, &method.to_le_bytes());
        put(&mut shared, &DATE.to_le_bytes());
        put(&mut shared, &crc.sum().to_le_bytes());
        put(&mut shared, &[0xff; 8]);
        put(&mut shared, &name_bytes.to_le_bytes());
        let mut sizes = [size.to_le_bytes(), packed.to_le_bytes()].concat();

        let mut header = LOCAL.to_le_bytes().to_vec();
        put(&mut header, &shared);
        put(&mut header, &20u16.to_le_bytes());
        put(&mut header, name.as_bytes());
        put_extra(&mut header, &sizes);

        put(&mut self.directory, &CENTRAL.to_le_bytes());
        put(&mut self.directory, &VERSION.to_le_bytes());
        put(&mut self.directory, &shared);
        put(&mut self.directory, &28u16.to_le_bytes());
        put(&mut self.directory, &[0; 10]);
        put(&mut self.directory, &[0xff; 4]);
        put(&mut self.directory, name.as_bytes());
        put(&mut sizes, &self.written.to_le_bytes());
        put_extra(&mut self.directory, &sizes);
        self.entries += 1;

        self.out.write_all(&header)?;
        match &deflated {
            Some(bytes) => self.out.write_all(bytes)?,
            None => content.iter().try_for_each(|piece| self.out.write_all(piece))?,
        }
        self.written += header.len() as u64 + packed;
        Ok(())
    }

    /// Appends the directory.
    pub fn finish(mut self) -> io::Result<()> {
        let mut end = std::mem::take(&mut self.directory);
        let size = end.len() as u64;
        put(&mut end, &END_64.to_le_bytes());
        put(&mut end, &44u64.to_le_bytes());
        put(&mut end, &VERSION.to_le_bytes());
        put(&mut end, &VERSION.to_le_bytes());
        put(&mut end, &[0; 8]);
        put(&mut end, &self.entries.to_le_bytes());
        put(&mut end, &self.entries.to_le_bytes());
        put(&mut end, &size.to_le_bytes());
        put(&mut end, &self.written.to_le_bytes());
        put(&mut end, &LOCATOR_64.to_le_bytes());
        put(&mut end, &[0; 4]);
        put(&mut end, &(self.written + size).to_le_bytes());
        put(&mut end, &1u32.to_le_bytes());
        put(&mut end, &END.to_le_bytes());
        put(&mut end, &[0; 4]);
        put(&mut end, &[0xff; 12]);
        put(&mut end, &[0; 2]);
        self.out.write_all(&end)
    }
}

fn put(bytes: &mut Vec<u8>, more: &[u8]) {
    bytes.extend_from_slice(more);
}

fn put_extra(bytes: &mut Vec<u8>, sizes: &[u8]) {
    put(bytes, &EXTRA_64.to_le_bytes());
    put(bytes, &(sizes.len() as u16).to_le_bytes());
    put(bytes, sizes);
}
