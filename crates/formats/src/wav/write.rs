//! Writing WAV files.

use std::path::Path;

use super::{FLOAT, PCM, Samples, Sound};
use crate::{FormatError, atomic};

/// Writes a sound as a WAV file, atomically.
///
/// # Errors
/// [`FormatError::Unwritable`] when the samples are not the same number for every channel, a sample does not fit its
/// bits, the bits are not 8, 16, 24 or 32, or the file would be longer than 4 GiB; [`FormatError::Write`] when the
/// disk refuses.
pub fn write(path: impl AsRef<Path>, sound: &Sound) -> Result<(), FormatError> {
    let bytes = encode(sound)?;
    atomic::write(path, |out| out.write_all(&bytes))
}

/// The bytes of a WAV file with a sound.
///
/// # Errors
/// As [`write()`], but for the disk.
///
/// # Examples
/// ```
/// use bolete_formats::wav::{self, Samples, Sound};
/// let samples = Samples::Integer { bits: 16, values: vec![0, 100, -32768, 32767] };
/// let sound = Sound { rate: 44100, channels: 2, samples };
/// assert_eq!(wav::parse(&wav::encode(&sound)?, "f")?, sound);
/// # Ok::<(), bolete_formats::FormatError>(())
/// ```
pub fn encode(sound: &Sound) -> Result<Vec<u8>, FormatError> {
    let unwritable = |expected: &str, found: String| FormatError::Unwritable {
        format: "WAV",
        expected: expected.to_string(),
        found,
    };
    let Sound { rate, channels, ref samples } = *sound;
    if channels == 0 || !samples.len().is_multiple_of(usize::from(channels)) {
        let found = format!("{} samples for {channels} channels", samples.len());
        return Err(unwritable("as many samples for every channel", found));
    }
    let (kind, bits) = match samples {
        Samples::Integer { bits, .. } => (PCM, *bits),
        Samples::F32(_) => (FLOAT, 32),
        Samples::F64(_) => (FLOAT, 64),
    };
    let mut data = Vec::with_capacity(samples.len().saturating_mul(usize::from(bits / 8)));
    match samples {
        Samples::Integer { bits, values } => {
            if !matches!(bits, 8 | 16 | 24 | 32) {
                return Err(unwritable("8, 16, 24 or 32 bits", format!("{bits} bits")));
            }
            let largest = i64::from(u32::MAX >> 1) >> (32 - bits);
            let fits = |value: &&i32| !(-largest - 1..=largest).contains(&i64::from(**value));
            if let Some(value) = values.iter().find(fits) {
                return Err(unwritable(&format!("samples of {bits} bits"), value.to_string()));
            }
            for value in values {
                let value = if *bits == 8 { value + 128 } else { *value };
                data.extend_from_slice(&value.to_le_bytes()[..usize::from(bits / 8)]);
            }
        }
        Samples::F32(values) => data.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Samples::F64(values) => data.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
    let block = u32::from(channels) * u32::from(bits / 8);
    let sizes = u32::try_from(data.len() + 64).ok().zip(u16::try_from(block).ok());
    let sizes = sizes.zip(rate.checked_mul(block));
    let Some(((_, short_block), per_second)) = sizes else {
        let found = format!("{} bytes of samples, {block} a moment, at {rate} Hz", data.len());
        return Err(unwritable("a file of at most 4 GiB and moments of at most 65535 bytes", found));
    };

    let mut form = Vec::new();
    form.extend_from_slice(&kind.to_le_bytes());
    form.extend_from_slice(&channels.to_le_bytes());
    form.extend_from_slice(&rate.to_le_bytes());
    form.extend_from_slice(&per_second.to_le_bytes());
    form.extend_from_slice(&short_block.to_le_bytes());
    form.extend_from_slice(&bits.to_le_bytes());
    let mut chunks = Vec::with_capacity(data.len() + 64);
    if kind == FLOAT {
        form.extend_from_slice(&[0; 2]);
    }
    chunk(&mut chunks, b"fmt ", &form);
    if kind == FLOAT {
        chunk(&mut chunks, b"fact", &(sound.len() as u32).to_le_bytes());
    }
    chunk(&mut chunks, b"data", &data);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(chunks.len() as u32 + 4).to_le_bytes());
    bytes.extend_from_slice(b"WAVE");
    bytes.extend_from_slice(&chunks);
    Ok(bytes)
}

fn chunk(bytes: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
}
