//! A [`Picture`] into PNG and JPEG.

use std::io::{self, Write};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::Picture;
use crate::{FormatError, atomic};

impl Picture {
    /// Writes the picture as a PNG file, atomically.
    ///
    /// # Errors
    /// [`FormatError::Write`] when the disk refuses, or the picture is larger than PNG allows.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<(), FormatError> {
        atomic::write(path, |out| self.encode_png(out))
    }

    /// Writes the picture as the bytes of a PNG file to `out`.
    ///
    /// # Errors
    /// What `out` returns, or an error of the kind `InvalidInput` where the picture is larger than PNG allows.
    pub fn encode_png(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let (width, height) = self.sides("PNG")?;
        let color = match self.channels {
            1 => ExtendedColorType::L8,
            3 => ExtendedColorType::Rgb8,
            _ => ExtendedColorType::Rgba8,
        };
        PngEncoder::new(out).write_image(&self.pixels, width, height, color).map_err(plain_error)
    }

    /// Writes the picture as a JPEG file of `quality` 1 to 100, atomically. Transparent parts are laid over white.
    ///
    /// # Errors
    /// [`FormatError::Write`] when the disk refuses, or a side is longer than 65535 pixels.
    pub fn write_jpeg(&self, path: impl AsRef<Path>, quality: u8) -> Result<(), FormatError> {
        atomic::write(path, |out| self.encode_jpeg(out, quality))
    }

    /// Writes the picture as the bytes of a JPEG file to `out`.
    ///
    /// # Errors
    /// What `out` returns, or an error of the kind `InvalidInput` where a side is longer than 65535 pixels.
    pub fn encode_jpeg(&self, out: &mut (impl Write + ?Sized), quality: u8) -> io::Result<()> {
        if self.channels == 4 {
            return self.over_white().encode_jpeg(out, quality);
        }
        if self.width.max(self.height) > usize::from(u16::MAX) {
            return Err(too_large("JPEG"));
        }
        let (width, height) = self.sides("JPEG")?;
        let color = if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        JpegEncoder::new_with_quality(out, quality.clamp(1, 100))
            .encode(&self.pixels, width, height, color)
            .map_err(plain_error)
    }

    fn sides(&self, format: &str) -> io::Result<(u32, u32)> {
        let sides = (u32::try_from(self.width), u32::try_from(self.height));
        match sides {
            (Ok(width), Ok(height)) => Ok((width, height)),
            _ => Err(too_large(format)),
        }
    }
}

fn too_large(format: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the picture is too large for {format}"))
}

pub(super) fn plain_error(error: ImageError) -> io::Error {
    match error {
        ImageError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
