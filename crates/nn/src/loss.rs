//! Losses: how wrong a batch of predictions is, as one number to differentiate.
//!
//! A plain function gives the mean over all items. A loss with choices is a struct of options with a method `of`, one of
//! the options being the [`Reduction`]. Predictions come first, targets second, and their shapes must agree: nothing is
//! broadcast, because `[n, 1]` against `[n]` is a mistake, not a table of n² errors.

pub mod adversarial;
pub mod boxes;
pub mod classification;
pub mod contrastive;
pub mod distribution;
pub mod image;
pub mod regression;
pub mod segmentation;

use bolete_tensor::{Tensor, Tree};

/// What becomes of the losses of the items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Tree)]
pub enum Reduction {
    /// Their mean, weighted where the items have weights.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Nothing: one number per item.
    None,
}

impl Reduction {
    /// The losses reduced.
    #[track_caller]
    pub fn apply(self, losses: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => losses.mean(..),
            Reduction::Sum => losses.sum(..),
            Reduction::None => losses.clone(),
        }
    }

    /// The losses, which have been multiplied with `weights` already, reduced; the mean divides by the sum of the weights.
    #[track_caller]
    fn apply_weighted(self, losses: &Tensor, weights: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => losses.sum(..) / weights.sum(..),
            other => other.apply(losses),
        }
    }
}

#[track_caller]
fn assert_alike(name: &str, prediction: &Tensor, target: &Tensor) {
    assert!(
        prediction.shape() == target.shape(),
        "{name}: prediction {} and target {} must have the same shape",
        prediction.shape(),
        target.shape()
    );
}
