//! Labelled pictures of one size, in memory.

mod finish;
mod normalisation;

use std::sync::Arc;

use crate::augmentation::{Augmentation, Image, Sample};
use crate::{DataError, Dataset, EpochRandomness, Fingerprint, Gather, epoch_order};

pub(crate) use finish::Finish;
pub use normalisation::Normalisation;

/// The shape of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
}

impl ImageShape {
    /// Values per picture.
    pub fn values(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// A data set of labelled pictures that all have the same shape, 8 bits per value.
///
/// Cloning and selecting share the pixels.
#[derive(Clone, Debug)]
pub struct ImageClassification {
    /// `[n, channels, height, width]`, row-major.
    pixels: Arc<Vec<u8>>,
    /// For each item of this set, its picture in `pixels`.
    pictures: Vec<usize>,
    labels: Vec<i64>,
    shape: ImageShape,
    class_names: Vec<String>,
    normalisation: Normalisation,
    augmentation: Augmentation,
}

/// The two parts of a data set.
#[derive(Clone, Debug)]
pub struct TrainTest {
    /// What a model learns from.
    pub train: ImageClassification,
    /// What it is measured on.
    pub test: ImageClassification,
}

/// A batch of pictures, ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBatch {
    /// Normalised values, `[batch, channels, height, width]`, row-major.
    pub images: Vec<f32>,
    /// The class of each picture, from 0; `[batch]`.
    pub labels: Vec<i64>,
    /// Number of pictures.
    pub batch: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// Rows per picture.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
}

impl ImageClassification {
    /// A data set of `pixels`, `[n, channels, height, width]` row-major, and the class of each picture as an index
    /// into `class_names`. Values are scaled to 0 to 1; see [`with_normalisation`](Self::with_normalisation).
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a side is 0, the counts of pictures and labels differ, or a label names no class.
    pub fn new(
        pixels: Vec<u8>,
        shape: ImageShape,
        labels: Vec<i64>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let expected = labels.len().checked_mul(shape.values());
        if shape.values() == 0 || expected != Some(pixels.len()) {
            return Err(DataError::invalid(
                format!("{} pictures of {shape:?}, as there are labels", labels.len()),
                format!("{} values", pixels.len()),
            ));
        }
        let classes = class_names.len() as i64;
        if let Some(position) = labels.iter().position(|label| !(0..classes).contains(label)) {
            return Err(DataError::invalid(
                format!("labels from 0 to {}", classes - 1),
                format!("{} at position {position}", labels[position]),
            ));
        }
        Ok(Self {
            pictures: (0..labels.len()).collect(),
            pixels: Arc::new(pixels),
            labels,
            shape,
            class_names,
            normalisation: Normalisation::default(),
            augmentation: Augmentation::default(),
        })
    }

    /// The same data set with another scaling of the values.
    pub fn with_normalisation(self, normalisation: Normalisation) -> Self {
        Self { normalisation, ..self }
    }

    /// The same data set with random changes of each picture, new ones in every epoch. They may change the size of
    /// the pictures, to the same one for all.
    pub fn with_augmentation(self, augmentation: Augmentation) -> Self {
        Self { augmentation, ..self }
    }

    /// The items at these indices as a data set of their own, in this order, sharing the pixels.
    ///
    /// # Panics
    /// If an index is not below [`len`](Dataset::len).
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            pictures: indices.iter().map(|&index| self.pictures[index]).collect(),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            ..self.clone()
        }
    }

    /// Splits at random into two parts, the second of which has `test` items (all, where there are fewer). The same
    /// seed gives the same parts.
    pub fn split(&self, test: usize, seed: u64) -> TrainTest {
        let order = epoch_order(self.len(), seed, 0);
        let (test, train) = order.split_at(test.min(order.len()));
        TrainTest { train: self.select(train), test: self.select(test) }
    }

    /// The shape of every picture.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The class of each item, from 0; `[n]`.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The name of each class.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// How values are scaled in a batch.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// The values of one picture, `[channels, height, width]`, as they were given.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Dataset::len).
    #[track_caller]
    pub fn pixels(&self, index: usize) -> &[u8] {
        let size = self.shape.values();
        let begin = self.pictures[index] * size;
        &self.pixels[begin..begin + size]
    }

    /// The normalisation that gives the values of this data set mean 0 and standard deviation 1 in each channel.
    pub fn measure_normalisation(&self) -> Normalisation {
        Normalisation::measure((0..self.len()).map(|index| self.pixels(index)), self.shape)
    }
}

impl Dataset for ImageClassification {
    type Batch = ImageBatch;

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<ImageBatch, DataError> {
        if let Some(index) = indices.iter().find(|&&index| index >= self.len()) {
            return Err(DataError::invalid(format!("indices below {}", self.len()), index.to_string()));
        }
        let mut finish = Finish::new(self.shape, &self.normalisation, &self.augmentation, indices.len());
        for &index in indices {
            let ImageShape { channels, height, width } = self.shape;
            match self.augmentation.is_empty() {
                true => finish.push_plain(self.pixels(index), self.labels[index]),
                false => {
                    let image = Image::new(channels, height, width, self.pixels(index).to_vec());
                    finish.push(Sample::from(image), self.labels[index], &mut randomness.item(index))?;
                }
            }
        }
        Ok(finish.batch())
    }

    /// Hashes the pictures, labels and names of classes, and how pictures are changed.
    fn fingerprint(&self) -> u64 {
        let mut hash = Fingerprint::new("labelled pictures")
            .number(self.shape.channels as u64)
            .number(self.shape.height as u64)
            .number(self.shape.width as u64)
            .numbers(self.labels.iter().map(|&label| label as u64));
        // Other pictures may share the memory; only those of this set count.
        for index in 0..self.len() {
            hash = hash.bytes(self.pixels(index));
        }
        for name in &self.class_names {
            hash = hash.bytes(name.as_bytes());
        }
        let changes = format!("{:?} {:?}", self.normalisation, self.augmentation);
        hash.bytes(changes.as_bytes()).finish()
    }
}

impl Gather for ImageBatch {
    /// # Panics
    /// If the shapes of the pictures differ.
    #[track_caller]
    fn gather(parts: &[Self], rows: &[(usize, usize)]) -> Self {
        let shape = |part: &Self| (part.channels, part.height, part.width);
        let (channels, height, width) = parts.first().map_or((0, 0, 0), shape);
        let size = channels * height * width;
        let mut images = Vec::with_capacity(rows.len() * size);
        let mut labels = Vec::with_capacity(rows.len());
        for &(part, row) in rows {
            let part = &parts[part];
            assert_eq!(shape(part), (channels, height, width), "pictures of one batch differ in shape");
            images.extend_from_slice(&part.images[row * size..(row + 1) * size]);
            labels.push(part.labels[row]);
        }
        Self { images, labels, batch: rows.len(), channels, height, width }
    }
}
