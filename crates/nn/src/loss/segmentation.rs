//! Losses for masks, of overlap rather than of single pixels.

use bolete_tensor::Tensor;

use super::{Reduction, assert_alike};

/// 1 − the index of Tversky: 1 − (TP + s) / (TP + α FP + β FN + s), with soft counts over all axes behind the first `kept`
/// ones (Salehi et al. 2017). α = β = ½ is the Dice loss, α = β = 1 that of Jaccard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// The weight α of false positives.
    pub false_positives: f64,
    /// The weight β of false negatives.
    pub false_negatives: f64,
    /// Added above and below, so that an empty mask met by an empty prediction is no loss.
    pub smooth: f64,
    /// How many axes in front have an overlap of their own: 2 for a number per image and class.
    pub kept: usize,
    /// What becomes of those numbers.
    pub reduction: Reduction,
}

impl Overlap {
    /// The Dice loss 1 − (2 Σ py + s) / (Σ p + Σ y + s), per image and class (Milletari et al. 2016, with sums instead of
    /// squares in the denominator). `smooth` is 1.
    pub fn dice() -> Overlap {
        // Tversky's form divides above and below by 2, so that s counts half.
        Overlap {
            false_positives: 0.5,
            false_negatives: 0.5,
            smooth: 0.5,
            kept: 2,
            reduction: Reduction::Mean,
        }
    }

    /// The soft loss of Jaccard, 1 − (Σ py + s) / (Σ p + Σ y − Σ py + s), per image and class. `smooth` is 1.
    pub fn jaccard() -> Overlap {
        Overlap {
            false_positives: 1.0,
            false_negatives: 1.0,
            smooth: 1.0,
            kept: 2,
            reduction: Reduction::Mean,
        }
    }

    /// The loss of probabilities `[images, classes, …]` for masks of the same shape.
    ///
    /// # Panics
    /// If the shapes differ or have fewer axes than are kept.
    #[track_caller]
    pub fn of(&self, probabilities: &Tensor, target: &Tensor) -> Tensor {
        assert_alike("Overlap", probabilities, target);
        assert!(
            target.rank() >= self.kept,
            "Overlap: {} axes are kept, but the shape is {}",
            self.kept,
            target.shape()
        );
        let axes: Vec<isize> = (self.kept as isize..target.rank() as isize).collect();
        let total = |counts: Tensor| counts.sum(axes.as_slice());
        let hits = total(probabilities * target);
        let false_positives = total(probabilities * (1.0 - target));
        let false_negatives = total((1.0 - probabilities) * target);
        let all = &hits + false_positives * self.false_positives + false_negatives * self.false_negatives;
        self.reduction.apply(&(1.0 - (hits + self.smooth) / (all + self.smooth)))
    }
}

/// The [Dice loss](Overlap::dice) of probabilities `[images, classes, …]` for masks of the same shape.
///
/// # Panics
/// If the shapes differ or have fewer than two axes.
#[track_caller]
pub fn dice(probabilities: &Tensor, target: &Tensor) -> Tensor {
    Overlap::dice().of(probabilities, target)
}
