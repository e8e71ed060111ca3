//! A [`Picture`] into PNG.

use std::io::{self, Write};
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

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
        let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "the picture is too large for PNG");
        let width = u32::try_from(self.width).map_err(|_| too_large())?;
        let height = u32::try_from(self.height).map_err(|_| too_large())?;
        let color = match self.channels {
            1 => ExtendedColorType::L8,
            3 => ExtendedColorType::Rgb8,
            _ => ExtendedColorType::Rgba8,
        };
        PngEncoder::new(out).write_image(&self.pixels, width, height, color).map_err(|error| match error {
            image::ImageError::IoError(error) => error,
            other => io::Error::other(other),
        })
    }
}
