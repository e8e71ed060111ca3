//! Reading WAV files, trusting nothing in them.

use std::path::Path;

use super::{EXTENSIBLE, FLOAT, PCM, Samples, Sound};
use crate::error::{Context, quoted};
use crate::source::Walk;
use crate::{FormatError, source};

/// What follows the format's number in the identifier of an extensible file.
const IDENTIFIER: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Reads a WAV file.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is damaged, truncated, or
/// compressed.
pub fn read(path: impl AsRef<Path>) -> Result<Sound, FormatError> {
    let path = path.as_ref();
    parse(&source::read(path)?, path)
}

/// Reads the bytes of a WAV file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<Sound, FormatError> {
    let context = Context { file: file.as_ref(), format: "WAV", advice: "convert the sound to WAV again" };
    let mut walk = Walk::new(bytes, 0, context);
    let first: [u8; 12] = walk.array("a header")?;
    if &first[..4] != b"RIFF" || &first[8..] != b"WAVE" {
        return Err(context.malformed("RIFF and WAVE at the beginning", format!("{first:02x?}")));
    }
    let mut form = None;
    loop {
        if walk.left() == 0 {
            return Err(context.malformed("a chunk \"data\"", "the end of the file"));
        }
        let name: [u8; 4] = walk.array("the name of a chunk")?;
        let length = walk.u32("the length of a chunk")? as usize;
        match &name {
            b"fmt " => form = Some(Form::parse(walk.take(length, "the chunk \"fmt \"")?, context)?),
            b"data" => {
                let form = form.ok_or_else(|| context.malformed("\"fmt \" before \"data\"", "none"))?;
                // A length of all ones comes from programs that could not go back to write it.
                let length = if length == u32::MAX as usize { walk.left() } else { length };
                return form.sound(walk.take(length, "the samples")?, context);
            }
            _ => {
                walk.take(length, &format!("the chunk {}", quoted(&String::from_utf8_lossy(&name))))?;
            }
        }
        // Chunks begin at even bytes.
        if length % 2 == 1 && walk.left() > 0 {
            walk.u8("a filling byte")?;
        }
    }
}

/// The content of the chunk `fmt `.
struct Form {
    kind: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

impl Form {
    fn parse(bytes: &[u8], context: Context<'_>) -> Result<Self, FormatError> {
        let mut walk = Walk::new(bytes, 0, context);
        let what = "the chunk \"fmt \"";
        let (mut kind, channels, rate) = (walk.u16(what)?, walk.u16(what)?, walk.u32(what)?);
        walk.u32(what)?;
        let (block, bits) = (walk.u16(what)?, walk.u16(what)?);
        if kind == EXTENSIBLE {
            walk.take(8, what)?;
            kind = walk.u16(what)?;
            let rest: [u8; 14] = walk.array(what)?;
            if rest != IDENTIFIER {
                return Err(context.malformed("the identifier of PCM or floats", format!("{rest:02x?}")));
            }
        }
        if !matches!((kind, bits), (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64)) {
            return Err(context.malformed(
                "PCM of 8, 16, 24 or 32 bits or floats of 32 or 64 bits",
                format!("format {kind} of {bits} bits"),
            ));
        }
        if channels == 0 || u32::from(channels) * u32::from(bits / 8) != u32::from(block) {
            return Err(context.malformed(
                format!("channels of {} bytes each", bits / 8),
                format!("{channels} channels in {block} bytes"),
            ));
        }
        Ok(Self { kind, channels, rate, bits })
    }

    fn sound(&self, bytes: &[u8], context: Context<'_>) -> Result<Sound, FormatError> {
        let size = usize::from(self.bits / 8);
        let block = size * usize::from(self.channels);
        if !bytes.len().is_multiple_of(block) {
            return Err(context.malformed(
                format!("samples for {} channels in blocks of {block} bytes", self.channels),
                format!("{} bytes", bytes.len()),
            ));
        }
        let integers = |convert: fn(&[u8]) -> i32| Samples::Integer {
            bits: self.bits,
            values: bytes.chunks_exact(size).map(convert).collect(),
        };
        let samples = match (self.kind, self.bits) {
            (PCM, 8) => integers(|bytes| i32::from(bytes[0]) - 128),
            (PCM, 16) => integers(|bytes| i32::from(i16::from_le_bytes([bytes[0], bytes[1]]))),
            (PCM, 24) => integers(|bytes| i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8),
            (PCM, _) => integers(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
            (_, 32) => Samples::F32(
                bytes
                    .chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                    .collect(),
            ),
            _ => {
                let double = |bytes: &[u8]| {
                    let mut exact = [0; 8];
                    exact.copy_from_slice(bytes);
                    f64::from_le_bytes(exact)
                };
                Samples::F64(bytes.chunks_exact(8).map(double).collect())
            }
        };
        Ok(Sound { rate: self.rate, channels: self.channels, samples })
    }
}
