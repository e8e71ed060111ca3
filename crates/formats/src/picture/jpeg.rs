//! Whether a JPEG file is whole.

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether the markers of a JPEG file lead to its end-of-image marker. What follows that marker is not looked at:
/// some cameras append a film.
///
/// Source: ITU-T T.81, annex B.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Between segments, 0xff may be repeated as filling.
        let Some(marker) = next_marker(bytes, &mut at) else { return false };
        match marker {
            END_OF_IMAGE => return true,
            // Markers that stand alone: TEM, restarts and start of image.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else { return false };
        at += usize::from(u16::from_be_bytes([high, low]));
        if marker == START_OF_SCAN {
            skip_scan(bytes, &mut at);
        }
    }
}

/// The marker at or after `at`, which moves past it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = bytes.get(*at..)?;
        *at += rest.iter().position(|&byte| byte == 0xff)? + 1;
        match *bytes.get(*at)? {
            0x00 => {}
            0xff => {}
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}

/// Moves `at` past compressed data: to the first 0xff that is followed neither by a stuffed zero nor a restart.
fn skip_scan(bytes: &[u8], at: &mut usize) {
    while let Some(pair) = bytes.get(*at..*at + 2) {
        if pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7) {
            return;
        }
        *at += 1;
    }
}
