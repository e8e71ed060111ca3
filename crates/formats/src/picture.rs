//! Pictures: PNG and JPEG in and out, GIF in frames, and the few changes that a data set needs.
//!
//! Memory: within the [`Limits`] that are given.
//!
//! A [`Picture`] holds 8 bits per channel, rows from the top, pixels from the left, channels next to each other.
//! Files with 16 bits are reduced to 8, palettes are looked up, and the orientation that a camera stored is applied.

mod decode;
mod encode;
mod gif;
mod jpeg;
mod resize;

pub use decode::{Limits, decode, read, read_within};
pub use gif::{GifFrame, decode_gif, encode_gif, read_gif, write_gif};

use crate::FormatError;

/// A picture in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A picture of `pixels`, interleaved: `[height, width, channels]` row-major, with 1 channel (gray), 3 (red,
    /// green, blue) or 4 (red, green, blue, alpha).
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when the number of channels is another one, a side is 0, or the number of bytes is
    /// not `height * width * channels`.
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::picture::Picture;
    /// let picture = Picture::new(2, 1, 3, vec![255, 255, 255, 255, 0, 0])?;
    /// assert_eq!(picture.to_gray().pixels(), [255, 76]);
    /// # Ok::<(), bolete_formats::FormatError>(())
    /// ```
    pub fn new(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, FormatError> {
        let bytes = width.checked_mul(height).and_then(|area| area.checked_mul(channels));
        if !matches!(channels, 1 | 3 | 4) || width == 0 || height == 0 || bytes != Some(pixels.len()) {
            return Err(FormatError::Unwritable {
                format: "a picture",
                expected: "width * height * channels bytes, sides above 0 and 1, 3 or 4 channels".to_string(),
                found: format!("{} bytes for {width}x{height} pixels of {channels} channels", pixels.len()),
            });
        }
        Ok(Self { width, height, channels, pixels })
    }

    /// Pixels per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 (gray), 3 (red, green, blue) or 4 (red, green, blue, alpha).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The values, `[height, width, channels]` row-major.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The values, `[height, width, channels]` row-major, without a copy.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The picture with 1 channel: the luma 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), transparent parts
    /// over white.
    pub fn to_gray(&self) -> Self {
        let pixels = match self.channels {
            1 => self.pixels.clone(),
            3 => self.pixels.chunks_exact(3).map(luma).collect(),
            _ => return self.over_white().to_gray(),
        };
        Self { channels: 1, pixels, ..*self }
    }

    /// The picture with 3 channels: gray is repeated, transparent parts are laid over white.
    pub fn to_rgb(&self) -> Self {
        let pixels = match self.channels {
            1 => self.pixels.iter().flat_map(|&value| [value; 3]).collect(),
            3 => self.pixels.clone(),
            _ => return self.over_white(),
        };
        Self { channels: 3, pixels, ..*self }
    }

    /// The picture without its alpha channel, laid over white. A picture without alpha is returned as it is.
    pub fn over_white(&self) -> Self {
        if self.channels != 4 {
            return self.clone();
        }
        let blend = |value: u8, alpha: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let pixels = self
            .pixels
            .chunks_exact(4)
            .flat_map(|pixel| [0, 1, 2].map(|channel| blend(pixel[channel], pixel[3])))
            .collect();
        Self { channels: 3, pixels, ..*self }
    }
}

fn luma(pixel: &[u8]) -> u8 {
    let weighted = 299 * u32::from(pixel[0]) + 587 * u32::from(pixel[1]) + 114 * u32::from(pixel[2]);
    ((weighted + 500) / 1000) as u8
}
