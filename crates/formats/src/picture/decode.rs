//! PNG and JPEG into a [`Picture`], within limits.

use std::io::{Cursor, Read};
use std::path::Path;

use image::error::ImageError;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{Picture, jpeg};
use crate::{FormatError, source};

/// What a picture may ask for before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest width or height, in pixels.
    pub side: u32,
    /// The most memory that decoding may take, in bytes; also the largest file.
    pub bytes: u64,
}

impl Default for Limits {
    /// Sides of 16,384 pixels and 512 MiB.
    fn default() -> Self {
        Self { side: 16_384, bytes: 512 << 20 }
    }
}

/// No picture in either format has more pixels per byte of file: deflate shrinks by 1032 at most (a byte holds at
/// most 8 pixels, of one bit), and a JPEG block of 64 pixels takes a good bit.
const MOST_PIXELS_PER_BYTE: u64 = 8 * 1040;

const ADVICE: &str = "replace or remove the file";

/// Reads a PNG or JPEG file, recognised by its first bytes, within the default [`Limits`].
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is neither format, damaged or
/// truncated, [`FormatError::TooLarge`] past the limits.
pub fn read(path: impl AsRef<Path>) -> Result<Picture, FormatError> {
    read_within(path, &Limits::default())
}

/// Reads a PNG or JPEG file, recognised by its first bytes, within `limits`.
///
/// # Errors
/// As [`read`].
pub fn read_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Picture, FormatError> {
    let path = path.as_ref();
    decode(&read_file(path, limits)?, path, limits)
}

/// The content of a file within the limits.
pub(super) fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, FormatError> {
    let (file, length) = source::open(path)?;
    if length > limits.bytes {
        return Err(too_large(path, format!("at most {} bytes", limits.bytes), format!("{length} bytes")));
    }
    // As much as most files have; a longer one grows it, whatever its length was said to be.
    let mut bytes = Vec::with_capacity(length.min(1 << 16) as usize);
    file.take(limits.bytes).read_to_end(&mut bytes).map_err(|reason| FormatError::read(path, reason))?;
    Ok(bytes)
}

/// Decodes the bytes of a PNG or JPEG file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
pub fn decode(bytes: &[u8], file: impl AsRef<Path>, limits: &Limits) -> Result<Picture, FormatError> {
    let file = file.as_ref();
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => {
            let first = &bytes[..bytes.len().min(8)];
            return Err(malformed(
                file,
                "PNG or JPEG",
                "the first bytes of one of the two",
                format!("{first:02x?}"),
            ));
        }
    };
    if format == ImageFormat::Jpeg {
        return jpeg::decode(bytes, file, limits);
    }

    let name = "PNG";
    let refused = |error: ImageError| refusal(file, name, &error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(image_limits(limits));
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel());
    let size = (u64::from(width), u64::from(height), bytes_per_pixel);
    check_size(size, bytes.len() as u64, file, name, limits)?;
    // A damaged orientation is no reason to lose the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);

    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, pixels) = match image.color() {
        ColorType::L8 | ColorType::L16 => (1, image.into_luma8().into_raw()),
        ColorType::Rgb8 | ColorType::Rgb16 | ColorType::Rgb32F => (3, image.into_rgb8().into_raw()),
        _ => (4, image.into_rgba8().into_raw()),
    };
    Picture::new(width, height, channels, pixels)
        .map_err(|_| malformed(file, name, "at least one pixel", format!("{width}x{height} pixels")))
}

/// Compares what the header asks for with the limits and with what the file can hold, before memory is taken.
pub(super) fn check_size(
    (width, height, bytes_per_pixel): (u64, u64, u64),
    file_bytes: u64,
    file: &Path,
    name: &'static str,
    limits: &Limits,
) -> Result<(), FormatError> {
    let size = || format!("{width}x{height} pixels");
    if width.max(height) > u64::from(limits.side) {
        return Err(too_large(file, format!("at most {} pixels a side", limits.side), size()));
    }
    // Neither format has sides of more than 32 bits.
    let decoded = (width * height).saturating_mul(bytes_per_pixel);
    if decoded > limits.bytes {
        return Err(too_large(
            file,
            format!("at most {} bytes when decoded", limits.bytes),
            format!("{decoded} bytes for {}", size()),
        ));
    }
    if width * height / MOST_PIXELS_PER_BYTE > file_bytes {
        return Err(malformed(
            file,
            name,
            "data for every pixel",
            format!("{} in a file of {file_bytes} bytes", size()),
        ));
    }
    Ok(())
}

/// The limit of the decoders' own buffers. The sides are left to [`check_size`], whose message names both numbers.
pub(super) fn image_limits(limits: &Limits) -> image::Limits {
    let mut theirs = image::Limits::no_limits();
    theirs.max_alloc = Some(limits.bytes);
    theirs
}

pub(super) fn refusal(file: &Path, name: &'static str, error: &ImageError) -> FormatError {
    // Some decoders break their messages over lines.
    let found = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match error {
        ImageError::Limits(_) => too_large(file, "a picture within the limits".to_string(), found),
        _ => malformed(file, name, "an undamaged picture", format!("a broken one ({found})")),
    }
}

pub(super) fn malformed(file: &Path, format: &'static str, expected: &str, found: String) -> FormatError {
    FormatError::Malformed {
        file: file.to_path_buf(),
        format,
        expected: expected.to_string(),
        found,
        advice: ADVICE,
    }
}

pub(super) fn too_large(file: &Path, expected: String, found: String) -> FormatError {
    FormatError::TooLarge { file: file.to_path_buf(), expected, found, advice: "make the picture smaller" }
}
