//! TIFF: pages of numbers, as microscopes and scanners write them.

use std::io::Cursor;
use std::path::Path;

use half::f16;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};

use super::Limits;
use super::decode::{malformed, read_file, too_large};
use crate::array::ArrayValue;
use crate::{Array, FormatError};

/// No file has more bytes of pixels per byte: LZW codes of 12 bits stand for runs of at most 4096.
const LARGEST_RATIO: u64 = 2731;

/// Reads all pages of a TIFF file: `[height, width]` for gray, `[height, width, 3]` for colour, with one more channel
/// where there is alpha. The values are as in the file: 8-bit as `u8`, 16-bit as `i32`, 32-bit as `i64` (without a
/// sign) or `i32` (with one), floats as they are. Uncompressed, deflate and LZW files are read.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is damaged or of another kind,
/// [`FormatError::TooLarge`] when all pages together are past the limits.
pub fn read_tiff(path: impl AsRef<Path>, limits: &Limits) -> Result<Vec<Array>, FormatError> {
    let path = path.as_ref();
    decode_tiff(&read_file(path, limits)?, path, limits)
}

/// Decodes the bytes of a TIFF file; `file` is the name used in messages.
///
/// # Errors
/// As [`read_tiff`].
pub fn decode_tiff(bytes: &[u8], file: impl AsRef<Path>, limits: &Limits) -> Result<Vec<Array>, FormatError> {
    let file = file.as_ref();
    let refused = |error: tiff::TiffError| {
        let found = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        malformed(file, "TIFF", "an undamaged picture", format!("a broken one ({found})"))
    };
    let most = limits.bytes.min((bytes.len() as u64).saturating_mul(LARGEST_RATIO));
    let mut theirs = TiffLimits::default();
    theirs.decoding_buffer_size = usize::try_from(most).unwrap_or(usize::MAX);
    theirs.intermediate_buffer_size = theirs.decoding_buffer_size;
    theirs.ifd_value_size = bytes.len();
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refused)?.with_limits(theirs);
    let mut pages = Vec::new();
    let mut left = limits.bytes;
    loop {
        let (width, height) = decoder.dimensions().map_err(refused)?;
        if width.max(height) > limits.side {
            let expected = format!("at most {} pixels a side", limits.side);
            return Err(too_large(file, expected, format!("{width}x{height} pixels")));
        }
        let color = decoder.colortype().map_err(refused)?;
        let (channels, bits) = match color {
            ColorType::Gray(bits) => (1, bits),
            ColorType::GrayA(bits) => (2, bits),
            ColorType::RGB(bits) => (3, bits),
            ColorType::RGBA(bits) => (4, bits),
            other => {
                let found = format!("{other:?}");
                return Err(malformed(file, "TIFF", "gray or red, green and blue", found));
            }
        };
        if !matches!(bits, 8 | 16 | 32 | 64) {
            return Err(malformed(file, "TIFF", "8, 16, 32 or 64 bits", format!("{bits} bits")));
        }
        let area = u64::from(width) * u64::from(height);
        let size = area * channels as u64 * u64::from(bits / 8);
        if size > most {
            let expected = format!("at most {most} bytes a page for this file");
            return Err(too_large(file, expected, format!("{width}x{height} pixels of {color:?}")));
        }
        // Widening may double a page.
        left = left.checked_sub(size * 2).ok_or_else(|| {
            let expected = format!("pages of at most {} bytes in all", limits.bytes / 2);
            too_large(file, expected, format!("more than {}", pages.len()))
        })?;
        let mut shape = vec![height as usize, width as usize];
        if channels > 1 {
            shape.push(channels);
        }
        pages.push(array(decoder.read_image().map_err(refused)?, shape).map_err(|found| {
            malformed(file, "TIFF", "a value for every pixel and channel", found)
        })?);
        if !decoder.more_images() {
            return Ok(pages);
        }
        decoder.next_image().map_err(refused)?;
    }
}

fn array(values: DecodingResult, shape: Vec<usize>) -> Result<Array, String> {
    fn widened<S, T: ArrayValue>(
        shape: Vec<usize>,
        values: Vec<S>,
        convert: impl Fn(S) -> T,
    ) -> Result<Array, String> {
        let mut array = Array { element: T::ELEMENT, shape, bytes: Vec::new() };
        array.bytes.reserve_exact(values.len() * T::ELEMENT.size());
        values.into_iter().for_each(|value| convert(value).append(&mut array.bytes));
        array.check("TIFF").map_err(|error| error.to_string())?;
        Ok(array)
    }
    match values {
        DecodingResult::U8(values) => widened(shape, values, |value| value),
        DecodingResult::U16(values) => widened(shape, values, i32::from),
        DecodingResult::U32(values) => widened(shape, values, i64::from),
        DecodingResult::I8(values) => widened(shape, values, i32::from),
        DecodingResult::I16(values) => widened(shape, values, i32::from),
        DecodingResult::I32(values) => widened(shape, values, |value| value),
        DecodingResult::I64(values) => widened(shape, values, |value| value),
        DecodingResult::F16(values) => widened(shape, values, |value: f16| value),
        DecodingResult::F32(values) => widened(shape, values, |value| value),
        DecodingResult::F64(values) => widened(shape, values, |value| value),
        DecodingResult::U64(_) => Err("unsigned integers of 64 bits".to_string()),
    }
}
