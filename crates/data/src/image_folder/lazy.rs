//! Pictures that are decoded when they are needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::listing::Listing;
use super::{Corrupt, FolderOptions, SkippedPicture, read, to_size};
use crate::augmentation::{Augmentation, Image, Sample};
use crate::image_classification::Finish;
use crate::{DataError, Dataset, EpochRandomness, ImageBatch, ImageShape, Normalisation};

/// A folder of pictures, listed once and decoded picture by picture for each batch. It needs no memory to speak of.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use bolete_data::augmentation::{Augmentation, ColourJitter, Crop, Flip};
/// use bolete_data::image_folder::{self, Corrupt, FolderOptions};
/// use bolete_data::{Loader, LoaderOptions};
///
/// let options = FolderOptions { corrupt: Corrupt::Skip, ..FolderOptions::default() };
/// let pictures = image_folder::open("cifar10/train", &options)?.with_augmentation(
///     Augmentation::default()
///         .then(Crop::padded(4))
///         .then(Flip::horizontal(0.5))
///         .then(ColourJitter::new(0.2, 0.2, 0.2, 0.05)),
/// );
/// let loader = Loader::new(Arc::new(pictures), LoaderOptions { workers: 2, ..LoaderOptions::default() })?;
/// for batch in loader.epoch(0)? {
///     let batch = batch?;
/// }
/// println!("{} pictures could not be read", loader.dataset().skipped().len());
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageFolder {
    listing: Arc<Listing>,
    labels: Vec<i64>,
    class_names: Vec<String>,
    options: FolderOptions,
    shape: ImageShape,
    original_sizes: bool,
    normalisation: Normalisation,
    augmentation: Augmentation,
    /// Why pictures were left out, by index: the same picture comes again in every epoch.
    skipped: Arc<Mutex<BTreeMap<usize, String>>>,
}

/// Lists the pictures below `folder`. None is opened.
///
/// # Errors
/// [`DataError::Invalid`] when a side in `options` is 0, [`DataError::Folder`] when a folder cannot be listed,
/// [`DataError::Unfit`] when there are no class folders or a class has no pictures.
pub fn open(folder: impl AsRef<Path>, options: &FolderOptions) -> Result<ImageFolder, DataError> {
    let shape = options.shape()?;
    let listing = Listing::read(folder.as_ref())?;
    Ok(ImageFolder {
        labels: listing.labels(),
        class_names: listing.class_names(),
        listing: Arc::new(listing),
        options: *options,
        shape,
        original_sizes: false,
        normalisation: Normalisation::default(),
        augmentation: Augmentation::default(),
        skipped: Arc::default(),
    })
}

impl ImageFolder {
    /// The same pictures with another scaling of the values.
    pub fn with_normalisation(self, normalisation: Normalisation) -> Self {
        Self { normalisation, ..self }
    }

    /// The same pictures with random changes of each, new ones in every epoch.
    pub fn with_augmentation(self, augmentation: Augmentation) -> Self {
        Self { augmentation, ..self }
    }

    /// The same pictures, which come to the augmentation in the size that they have in the file instead of that of the
    /// options. The augmentation must bring all to the same size, as
    /// [`ResizedCrop`](crate::augmentation::ResizedCrop) does.
    pub fn with_original_sizes(self) -> Self {
        Self { original_sizes: true, ..self }
    }

    /// The class of each picture, from 0.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The name of each class.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The file of each picture.
    pub fn files(&self) -> &[PathBuf] {
        &self.listing.files
    }

    /// The pictures that were left out so far, in the order of the files; each once, however often it was met.
    pub fn skipped(&self) -> Vec<SkippedPicture> {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        let picture = |(&index, reason): (&usize, &String)| SkippedPicture {
            path: self.files()[index].clone(),
            reason: reason.clone(),
        };
        skipped.iter().map(picture).collect()
    }

    /// The picture of this index before augmentation.
    ///
    /// # Errors
    /// [`DataError::Format`] when it cannot be decoded.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Dataset::len).
    #[track_caller]
    pub fn image(&self, index: usize) -> Result<Image, DataError> {
        let picture = read(&self.files()[index], &self.options)?;
        if self.original_sizes {
            return Ok(Image::from(&picture));
        }
        Ok(to_size(picture, &self.options)?)
    }
}

impl Dataset for ImageFolder {
    type Batch = ImageBatch;

    fn len(&self) -> usize {
        self.labels.len()
    }

    /// With [`Corrupt::Skip`], a batch is smaller by the pictures that cannot be decoded; if it is left without any,
    /// that is an error.
    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<ImageBatch, DataError> {
        if let Some(index) = indices.iter().find(|&&index| index >= self.len()) {
            return Err(DataError::invalid(format!("indices below {}", self.len()), index.to_string()));
        }
        let mut finish = Finish::new(self.shape, &self.normalisation, &self.augmentation, indices.len());
        let mut last_error = None;
        for &index in indices {
            match self.image(index) {
                Ok(image) => {
                    let mut randomness = randomness.item(index);
                    finish.push(Sample::from(image), self.labels[index], &mut randomness)?;
                }
                Err(error) if self.options.corrupt == Corrupt::Refuse => return Err(error),
                Err(error) => {
                    let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
                    skipped.entry(index).or_insert_with(|| error.to_string());
                    last_error = Some(error);
                }
            }
        }
        let batch = finish.batch();
        match last_error {
            Some(error) if batch.batch == 0 => Err(error),
            _ => Ok(batch),
        }
    }
}
