//! From pictures to a batch: augmentation, normalisation, and one block of memory.

use super::{ImageBatch, ImageShape, Normalisation};
use crate::augmentation::{Augmentation, Sample};
use crate::{DataError, Randomness};

/// A batch in the making.
pub(crate) struct Finish<'a> {
    augmentation: &'a Augmentation,
    /// The scaled value of every 8-bit value, for each channel.
    tables: Vec<[f32; 256]>,
    /// That of the pictures, after the first one was augmented.
    shape: ImageShape,
    images: Vec<f32>,
    labels: Vec<i64>,
}

impl<'a> Finish<'a> {
    /// A batch of up to `capacity` pictures of this shape before augmentation.
    pub(crate) fn new(
        shape: ImageShape,
        normalisation: &Normalisation,
        augmentation: &'a Augmentation,
        capacity: usize,
    ) -> Self {
        Self {
            augmentation,
            tables: (0..shape.channels).map(|channel| normalisation.table(channel)).collect(),
            shape,
            images: Vec::with_capacity(capacity * shape.values()),
            labels: Vec::with_capacity(capacity),
        }
    }

    /// Adds a picture after augmentation.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when augmentation gives pictures of different sizes.
    pub(crate) fn push(
        &mut self,
        sample: Sample,
        label: i64,
        randomness: &mut Randomness,
    ) -> Result<(), DataError> {
        let image = self.augmentation.apply(sample, randomness).image;
        let shape = ImageShape { height: image.height(), width: image.width(), ..self.shape };
        if self.labels.is_empty() {
            self.shape = shape;
        } else if shape != self.shape {
            return Err(DataError::invalid(
                format!(
                    "pictures of {}x{} after augmentation, as the first",
                    self.shape.height, self.shape.width
                ),
                format!("{}x{}; let the augmentation end with a fixed size", shape.height, shape.width),
            ));
        }
        self.push_plain(image.pixels(), label);
        Ok(())
    }

    /// Adds the values of a picture, `[channels, height, width]`, as they are.
    pub(crate) fn push_plain(&mut self, pixels: &[u8], label: i64) {
        let area = self.shape.height * self.shape.width;
        for (plane, table) in pixels.chunks_exact(area).zip(&self.tables) {
            self.images.extend(plane.iter().map(|&value| table[usize::from(value)]));
        }
        self.labels.push(label);
    }

    pub(crate) fn batch(self) -> ImageBatch {
        let ImageShape { channels, height, width } = self.shape;
        ImageBatch {
            batch: self.labels.len(),
            images: self.images,
            labels: self.labels,
            channels,
            height,
            width,
        }
    }
}
