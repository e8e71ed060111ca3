//! How far predicted numbers are from the true ones.

use bolete_tensor::Tensor;

use super::{Metric, numbers};

/// Errors of predicted numbers: mean squared and absolute error, R², correlation, all at once. Means and variances are
/// kept in the form of Chan et al. 1983, which does not lose digits to a large mean.
///
/// ```
/// use bolete_train::{Metric, Regression};
/// let mut errors = Regression::default();
/// errors.add(1.0, 1.0);
/// errors.add(4.0, 2.0);
/// assert_eq!(errors.mean_absolute_error(), Some(1.0));
/// assert_eq!(errors.value(), Some(2f64.sqrt()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Regression {
    count: f64,
    absolute: f64,
    square: f64,
    largest: f64,
    prediction: f64,
    target: f64,
    prediction_square: f64,
    target_square: f64,
    product: f64,
}

impl Regression {
    /// Takes in a prediction and the truth.
    pub fn add(&mut self, prediction: f64, target: f64) {
        let error = prediction - target;
        let one = Regression {
            count: 1.0,
            absolute: error.abs(),
            square: error * error,
            largest: error.abs(),
            prediction,
            target,
            ..Regression::default()
        };
        self.merge(&one);
    }

    /// Takes in a batch of predictions and truths.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn add_batch(&mut self, prediction: &Tensor, target: &Tensor) {
        assert!(
            prediction.shape() == target.shape(),
            "Regression: predictions {} and targets {} must have the same shape",
            prediction.shape(),
            target.shape()
        );
        for (prediction, target) in numbers(prediction).into_iter().zip(numbers(target)) {
            self.add(prediction, target);
        }
    }

    fn per_item(&self, sum: f64) -> Option<f64> {
        (self.count > 0.0).then(|| sum / self.count)
    }

    /// Mean squared error.
    pub fn mean_squared_error(&self) -> Option<f64> {
        self.per_item(self.square)
    }

    /// Root of the mean squared error, in the unit of the numbers.
    pub fn root_mean_squared_error(&self) -> Option<f64> {
        self.mean_squared_error().map(f64::sqrt)
    }

    /// Mean absolute error.
    pub fn mean_absolute_error(&self) -> Option<f64> {
        self.per_item(self.absolute)
    }

    /// Largest absolute error.
    pub fn max_error(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.largest)
    }

    /// The coefficient of determination R²: 1 for perfect, 0 for the mean of the targets, negative for worse. `None`
    /// where the targets do not vary.
    pub fn r_squared(&self) -> Option<f64> {
        (self.target_square > 0.0).then(|| 1.0 - self.square / self.target_square)
    }

    /// The correlation of Pearson; `None` where one side does not vary.
    pub fn pearson_correlation(&self) -> Option<f64> {
        let scale = (self.prediction_square * self.target_square).sqrt();
        (scale > 0.0).then(|| self.product / scale)
    }
}

impl Metric for Regression {
    fn merge(&mut self, other: &Regression) {
        let count = self.count + other.count;
        if count == 0.0 {
            return;
        }
        let (predictions, targets) = (other.prediction - self.prediction, other.target - self.target);
        let shared = self.count * other.count / count;
        let share = other.count / count;
        *self = Regression {
            count,
            absolute: self.absolute + other.absolute,
            square: self.square + other.square,
            largest: self.largest.max(other.largest),
            prediction: self.prediction + predictions * share,
            target: self.target + targets * share,
            prediction_square: self.prediction_square
                + other.prediction_square
                + predictions * predictions * shared,
            target_square: self.target_square + other.target_square + targets * targets * shared,
            product: self.product + other.product + predictions * targets * shared,
        };
    }

    /// The [`root_mean_squared_error`](Regression::root_mean_squared_error).
    fn value(&self) -> Option<f64> {
        self.root_mean_squared_error()
    }
}
