//! Mixtures of the pictures of a batch, with labels that say what is in them.

use crate::{DataError, Dataset, EpochRandomness, ImageBatch, Randomness};

/// How the pictures of a batch are mixed. Every picture is the first of a pair with a random other one of its batch.
///
/// Sources: H. Zhang et al., *mixup: beyond empirical risk minimization*, ICLR 2018; S. Yun et al., *CutMix:
/// regularization strategy to train strong classifiers with localizable features*, ICCV 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// How likely a picture is mixed at all.
    pub probability: f32,
    /// How likely a mixture puts a rectangle of the other picture in (cutmix), instead of laying the whole over the
    /// first (mixup).
    pub cutmix: f32,
    /// The share of the first picture is drawn from the beta distribution with both parameters this: 1 for any share,
    /// below 1 for shares close to 0 and 1. Above 0.
    pub concentration: f32,
}

impl Mixing {
    /// Only mixup, always.
    pub fn mixup(concentration: f32) -> Self {
        Self { probability: 1.0, cutmix: 0.0, concentration }
    }

    /// Only cutmix, always.
    pub fn cutmix(concentration: f32) -> Self {
        Self { probability: 1.0, cutmix: 1.0, concentration }
    }

    /// Mixes a batch. `stream` gives the randomness of each position in it.
    ///
    /// # Panics
    /// If a label is not below `classes`, or the concentration is not above 0.
    #[track_caller]
    pub fn mix(
        &self,
        batch: ImageBatch,
        classes: usize,
        mut stream: impl FnMut(usize) -> Randomness,
    ) -> MixedBatch {
        assert!(self.concentration > 0.0, "a concentration must be above 0, not {}", self.concentration);
        let ImageBatch { images: originals, labels, batch, channels, height, width } = batch;
        let size = channels * height * width;
        let mut images = originals.clone();
        let mut targets = vec![0.0; batch * classes];
        for position in 0..batch {
            let mut randomness = stream(position);
            let (mut share, mut other) = (1.0, position);
            if batch > 1 && randomness.chance(self.probability) {
                other = (position + 1 + randomness.below(batch - 1)) % batch;
                share = beta(self.concentration, &mut randomness);
                let image = &mut images[position * size..][..size];
                let second = &originals[other * size..][..size];
                if randomness.chance(self.cutmix) {
                    share = paste(image, second, (height, width), share, &mut randomness);
                } else {
                    image.iter_mut().zip(second).for_each(|(a, b)| *a = share * *a + (1.0 - share) * b);
                }
            }
            for (label, share) in [(labels[position], share), (labels[other], 1.0 - share)] {
                let class = usize::try_from(label).ok().filter(|&class| class < classes);
                let Some(class) = class else { panic!("the label {label} is not one of {classes} classes") };
                targets[position * classes + class] += share;
            }
        }
        MixedBatch { images, targets, batch, classes, channels, height, width }
    }
}

/// Puts a rectangle of `second` in the same place of `image`. Returns the part of the area that is still `image`.
fn paste(
    image: &mut [f32],
    second: &[f32],
    (height, width): (usize, usize),
    share: f32,
    randomness: &mut Randomness,
) -> f32 {
    let part = (1.0 - share).sqrt();
    let mut range = |len: usize| {
        let (side, centre) = ((len as f32 * part) as usize, randomness.below(len));
        let begin = centre.saturating_sub(side / 2);
        begin..(centre + side - side / 2).min(len)
    };
    let (rows, columns) = (range(height), range(width));
    for (to, from) in image.chunks_exact_mut(height * width).zip(second.chunks_exact(height * width)) {
        for row in rows.clone() {
            to[row * width..][columns.clone()].copy_from_slice(&from[row * width..][columns.clone()]);
        }
    }
    1.0 - (rows.len() * columns.len()) as f32 / (height * width) as f32
}

/// A number of the beta distribution with both parameters `concentration`.
fn beta(concentration: f32, randomness: &mut Randomness) -> f32 {
    let (a, b) = (log_gamma_number(concentration, randomness), log_gamma_number(concentration, randomness));
    // On a scale on which the numbers of small parameters, close to 0, do not vanish.
    (1.0 / (1.0 + (b - a).exp())) as f32
}

/// The logarithm of a number of the gamma distribution with the parameter `shape`.
///
/// Source: G. Marsaglia, W. W. Tsang, *A simple method for generating gamma variables*, 2000.
fn log_gamma_number(shape: f32, randomness: &mut Randomness) -> f64 {
    let shape = f64::from(shape);
    // Below 1, a number of the next higher parameter times a power of a uniform one.
    let boost = if shape < 1.0 { (1.0 - f64::from(randomness.uniform())).ln() / shape } else { 0.0 };
    let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = f64::from(randomness.normal());
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - f64::from(randomness.uniform());
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d.ln() + v.ln() + boost;
        }
    }
}

/// Pictures that may be mixtures, and how much of each class is in them.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedBatch {
    /// Normalised values, `[batch, channels, height, width]`, row-major.
    pub images: Vec<f32>,
    /// The share of each class, `[batch, classes]`, row-major; each row sums to 1.
    pub targets: Vec<f32>,
    /// Number of pictures.
    pub batch: usize,
    /// Number of classes.
    pub classes: usize,
    /// 1 for gray, 3 for red, green and blue.
    pub channels: usize,
    /// Rows per picture.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
}

/// A data set of labelled pictures whose batches are mixed.
///
/// What becomes of a picture depends, beside its own stream, on which pictures share its batch; that is a matter of
/// seed, epoch and batch size, never of the number of workers.
#[derive(Clone, Debug)]
pub struct Mixed<D> {
    dataset: D,
    classes: usize,
    mixing: Mixing,
}

impl<D: Dataset<Batch = ImageBatch>> Mixed<D> {
    /// The batches of `dataset`, whose labels are below `classes`, mixed.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when there are no classes or the concentration is not above 0.
    pub fn new(dataset: D, classes: usize, mixing: Mixing) -> Result<Self, DataError> {
        if classes == 0 || !(mixing.concentration > 0.0 && mixing.concentration.is_finite()) {
            let found = format!("{classes} classes and the concentration {}", mixing.concentration);
            return Err(DataError::invalid("classes and a finite concentration above 0", found));
        }
        Ok(Self { dataset, classes, mixing })
    }

    /// The data set that is mixed.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }
}

/// Sets the streams of mixing apart from those of the items.
const MIXING: u64 = u64::from_be_bytes(*b"MIXING\0\0");

impl<D: Dataset<Batch = ImageBatch>> Dataset for Mixed<D> {
    type Batch = MixedBatch;

    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<MixedBatch, DataError> {
        let batch = self.dataset.batch(indices, randomness)?;
        // A data set that leaves out damaged pictures has fewer positions than indices.
        Ok(self.mixing.mix(batch, self.classes, |position| {
            Randomness::keyed(&[MIXING, randomness.item(indices[position]).bits()])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::beta;
    use crate::Randomness;

    #[test]
    fn shares_have_the_moments_of_the_beta_distribution() {
        for concentration in [0.2f32, 1.0, 4.0] {
            let mut randomness = Randomness::new(11);
            let count = 50_000;
            let shares: Vec<f64> =
                (0..count).map(|_| f64::from(beta(concentration, &mut randomness))).collect();
            let mean = shares.iter().sum::<f64>() / f64::from(count);
            let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / f64::from(count);
            let expected = 1.0 / (4.0 * (2.0 * f64::from(concentration) + 1.0));
            // Five standard errors each.
            assert!((mean - 0.5).abs() < 5.0 * (expected / f64::from(count)).sqrt(), "{mean}");
            assert!((variance / expected - 1.0).abs() < 0.03, "{concentration}: {variance} {expected}");
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        }
    }
}
