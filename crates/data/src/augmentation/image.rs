//! The picture that augmentations work on.

use bolete_formats::FormatError;
use bolete_formats::picture::Picture;

/// A picture of 8-bit values in planes: `[channels, height, width]`, row-major.
///
/// Planes, and not channels side by side, because that is what a batch for a network holds: the last step copies rows
/// as they lie. Crops and flips are copies of whole rows too, and loops over colours read three streams, which
/// compilers vectorise; side by side, every third byte belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// The picture of these values, `[channels, height, width]`.
    ///
    /// # Panics
    /// If a side is 0 or the number of values is not `channels * height * width`.
    #[track_caller]
    pub fn new(channels: usize, height: usize, width: usize, pixels: Vec<u8>) -> Self {
        assert!(
            channels * height * width == pixels.len() && !pixels.is_empty(),
            "an image of {channels} channels and {height}x{width} pixels cannot be made of {} values",
            pixels.len()
        );
        Self { channels, height, width, pixels }
    }

    /// A picture in which each channel has one value.
    ///
    /// # Panics
    /// If there are no values or a side is 0.
    #[track_caller]
    pub fn uniform(height: usize, width: usize, values: &[u8]) -> Self {
        let pixels = values.iter().flat_map(|&value| std::iter::repeat_n(value, height * width)).collect();
        Self::new(values.len(), height, width, pixels)
    }

    /// 1 for gray, 3 for red, green and blue; others are allowed.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values, `[channels, height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The values, `[channels, height, width]`.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The values without a copy.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The channels one after the other, each `[height, width]`.
    pub fn planes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.height * self.width)
    }

    /// The channels one after the other, each `[height, width]`.
    pub fn planes_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        self.pixels.chunks_exact_mut(self.height * self.width)
    }

    /// Red, green and blue; None for pictures of another number of channels.
    pub fn rgb_mut(&mut self) -> Option<[&mut [u8]; 3]> {
        if self.channels != 3 {
            return None;
        }
        let (red, rest) = self.pixels.split_at_mut(self.height * self.width);
        let (green, blue) = rest.split_at_mut(self.height * self.width);
        Some([red, green, blue])
    }

    /// A picture with channels side by side.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when there are not 1, 3 or 4 channels.
    pub fn to_picture(&self) -> Result<Picture, FormatError> {
        let area = self.height * self.width;
        let pixels = (0..area)
            .flat_map(|pixel| (0..self.channels).map(move |channel| self.pixels[channel * area + pixel]))
            .collect();
        Picture::new(self.width, self.height, self.channels, pixels)
    }
}

impl From<&Picture> for Image {
    fn from(picture: &Picture) -> Self {
        let (channels, area) = (picture.channels(), picture.width() * picture.height());
        let mut pixels = vec![0; channels * area];
        match channels {
            1 => pixels.copy_from_slice(picture.pixels()),
            3 => {
                let (red, rest) = pixels.split_at_mut(area);
                let (green, blue) = rest.split_at_mut(area);
                let planes = red.iter_mut().zip(green).zip(blue);
                for (((red, green), blue), pixel) in planes.zip(picture.pixels().as_chunks::<3>().0) {
                    [*red, *green, *blue] = *pixel;
                }
            }
            _ => {
                for (channel, plane) in pixels.chunks_exact_mut(area).enumerate() {
                    let values = picture.pixels().iter().skip(channel).step_by(channels);
                    plane.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
                }
            }
        }
        Self { channels, height: picture.height(), width: picture.width(), pixels }
    }
}
