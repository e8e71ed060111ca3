//! JPEG: whether a file is whole, and its pixels.
//!
//! The decoder is called directly and not through the `image` crate, which reads the headers three times over. With
//! small pictures, as those of CIFAR, the tables in the headers are most of the work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::decode::{check_size, malformed};
use super::{Limits, Picture};
use crate::FormatError;

const NAME: &str = "JPEG";

/// The picture in the bytes of a JPEG file.
pub(super) fn decode(bytes: &[u8], file: &Path, limits: &Limits) -> Result<Picture, FormatError> {
    if !is_complete(bytes) {
        // Decoders fill the missing part with gray, and a network would learn that gray.
        let expected = "an end-of-image marker after the picture";
        return Err(malformed(file, NAME, expected, "a truncated file".to_string()));
    }
    // The decoder can panic on damaged files (fuzzing found one in four million); nothing of it is kept then.
    catch_unwind(AssertUnwindSafe(|| decode_whole(bytes, file, limits))).unwrap_or_else(|_| {
        let found = "one that the decoder gave up on".to_string();
        Err(malformed(file, NAME, "an undamaged picture", found))
    })
}

fn decode_whole(bytes: &[u8], file: &Path, limits: &Limits) -> Result<Picture, FormatError> {
    let refused = |error: DecodeErrors| {
        // Messages are broken over lines.
        let found = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        malformed(file, NAME, "an undamaged picture", format!("a broken one ({found})"))
    };
    // The sides are left to `check_size`, whose message names both numbers.
    let options =
        DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refused)?;
    let channels = if decoder.input_colorspace() == Some(ColorSpace::Luma) {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
        1
    } else {
        3
    };
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let size = (width as u64, height as u64, channels as u64);
    check_size(size, bytes.len() as u64, file, NAME, limits)?;
    let mut pixels = vec![0; width * height * channels];
    decoder.decode_into(&mut pixels).map_err(refused)?;

    // A damaged orientation is no reason to lose the picture.
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (width, height, pixels) = match orientation {
        None | Some(Orientation::NoTransforms) => (width, height, pixels),
        Some(orientation) => oriented(width, height, channels, pixels, orientation),
    };
    Picture::new(width, height, channels, pixels)
        .map_err(|_| malformed(file, NAME, "at least one pixel", format!("{width}x{height} pixels")))
}

/// The picture as the camera was held.
fn oriented(
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
    orientation: Orientation,
) -> (usize, usize, Vec<u8>) {
    let (across, along) = (width as u32, height as u32);
    let image = match channels {
        1 => GrayImage::from_raw(across, along, pixels).map(DynamicImage::ImageLuma8),
        _ => RgbImage::from_raw(across, along, pixels).map(DynamicImage::ImageRgb8),
    };
    // There are as many bytes as pixels need.
    let mut image = image.unwrap_or_default();
    image.apply_orientation(orientation);
    (image.width() as usize, image.height() as usize, image.into_bytes())
}

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
