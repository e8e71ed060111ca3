//! Random changes of pictures that keep their meaning, and of what is marked in them.
//!
//! An [`Augmentation`] is a list of changes, each of which draws its numbers from the one stream of the item. So what
//! becomes of an item depends on seed, epoch and index only, never on the batch or the number of workers.
//!
//! | kind | changes |
//! |---|---|
//! | place | [`Crop`], [`ResizedCrop`], [`CentreCrop`], [`Resize`], [`Flip`], [`Affine`] (rotation, shear, translation, scale), [`Perspective`], [`Elastic`] |
//! | colour | [`Photometric`] (brightness, contrast, saturation, hue, gray, invert, solarise, posterise, equalise, auto-contrast, gamma), [`ColourJitter`] |
//! | sharpness | [`Photometric`] (sharpness, Gaussian blur, motion blur, emboss) |
//! | damage | [`GaussianNoise`], [`SaltAndPepper`], [`Erasing`], [`CutOut`] |
//! | choice | [`Sometimes`], [`OneOf`], [`RandAugment`], [`TrivialAugment`], [`AutoAugment`] |
//! | batches | [`Mixed`] (mixup, cutmix) |
//!
//! Changes of place move the picture, its boxes, masks and keypoints together ([`Sample`]). Where several follow each
//! other they are multiplied to one map, and the picture is sampled once.
//!
//! # Examples
//! ```
//! use bolete_data::Randomness;
//! use bolete_data::augmentation::{Augmentation, ColourJitter, Crop, Flip, Image, Sample};
//!
//! let augmentation = Augmentation::default()
//!     .then(Crop::padded(4))
//!     .then(Flip::horizontal(0.5))
//!     .then(ColourJitter::new(0.2, 0.2, 0.2, 0.05));
//! let image = Image::uniform(32, 32, &[200, 100, 50]);
//! let changed = augmentation.apply(Sample::from(image), &mut Randomness::new(1));
//! assert_eq!((changed.image.height(), changed.image.width()), (32, 32));
//! ```

mod affine;
mod annotations;
mod auto_augment;
mod border;
mod choice;
mod colour;
mod copy;
mod crop;
mod displacement;
mod elastic;
mod erasing;
mod filters;
mod homography;
mod image;
mod interval;
mod jitter;
mod levels;
mod mixing;
mod noise;
mod photometric;
mod policy;
mod sample;
mod separable;
mod stage;
mod warp;

use std::fmt;
use std::sync::Arc;

use crate::Randomness;

pub use affine::{Affine, Perspective};
pub use auto_augment::{AutoAugment, Step};
pub use border::Border;
pub use choice::{OneOf, Sometimes};
pub use crop::{CentreCrop, Crop, Flip, Resize, ResizedCrop};
pub use displacement::Displacement;
pub use elastic::Elastic;
pub use erasing::{CutOut, Erasing, Fill};
pub use homography::{Homography, Point};
pub use image::Image;
pub use interval::Interval;
pub use jitter::ColourJitter;
pub use mixing::{Mixed, MixedBatch, Mixing};
pub use noise::{GaussianNoise, SaltAndPepper};
pub use photometric::Photometric;
pub use policy::{Operation, RandAugment, TrivialAugment};
pub use sample::{BoundingBox, Keypoint, Mask, Sample};
pub use stage::Stage;

/// One kind of random change.
pub trait Augment: fmt::Debug + Send + Sync {
    /// Changes the sample on the stage. All that is random comes from `randomness`.
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness);
}

/// A list of changes, one after the other. By default none. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Augmentation {
    changes: Vec<Arc<dyn Augment>>,
    least_visible: f32,
}

impl Augmentation {
    /// One change.
    pub fn of(change: impl Augment + 'static) -> Self {
        Self::default().then(change)
    }

    /// These changes and then another one.
    pub fn then(mut self, change: impl Augment + 'static) -> Self {
        self.changes.push(Arc::new(change));
        self
    }

    /// The same changes, but boxes of which less than this part is left in the picture are dropped. Without it, a box
    /// is dropped when nothing is left.
    pub fn with_least_visible(self, least_visible: f32) -> Self {
        Self { least_visible, ..self }
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What becomes of a sample.
    ///
    /// # Panics
    /// If a mask has another size than the picture, or a change is asked for what cannot be, as a crop that is larger
    /// than the picture.
    #[track_caller]
    pub fn apply(&self, sample: Sample, randomness: &mut Randomness) -> Sample {
        let mut stage = Stage::new(sample, self.least_visible);
        self.augment(&mut stage, randomness);
        stage.finish()
    }
}

impl Augment for Augmentation {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        self.changes.iter().for_each(|change| change.augment(stage, randomness));
    }
}
