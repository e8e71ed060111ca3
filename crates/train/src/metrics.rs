//! Metrics as accumulators: fed batch by batch, merged across parts, read at any time.
//!
//! Every metric is a [`Metric`]: parts seen by different workers merge to what one worker would have seen. Most have more
//! to tell than the one number of [`Metric::value`], such as a curve or a number per class.

pub mod calibration;
pub mod confusion;
pub mod mean;
pub mod ranking;
pub mod regression;
pub mod text;
pub mod top_k;

pub use calibration::{Calibration, CalibrationBin};
pub use confusion::{Averaging, Confusion};
pub use mean::{Mean, Perplexity};
pub use ranking::{PrecisionRecallPoint, Ranking, RocPoint};
pub use regression::Regression;
pub use text::{Bleu, BleuSmoothing, ErrorRate};
pub use top_k::TopK;

use bolete_tensor::{DType, Tensor};

/// An accumulator that can be read.
pub trait Metric {
    /// Takes in all that another has seen.
    ///
    /// # Panics
    /// If the two were not made alike, such as confusion matrices of different numbers of classes.
    fn merge(&mut self, other: &Self);

    /// The number that stands for all, or `None` where it does not exist: of nothing, as a rule.
    fn value(&self) -> Option<f64>;
}

fn part(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

/// The elements of a tensor of any type.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec()
}

/// The elements of a tensor of class numbers.
#[track_caller]
fn classes(name: &str, tensor: &Tensor) -> Vec<usize> {
    let values = tensor.cast(DType::I64).to_vec::<i64>();
    let class = |value: i64| {
        usize::try_from(value).unwrap_or_else(|_| panic!("{name}: {value} is not the number of a class"))
    };
    values.into_iter().map(class).collect()
}
