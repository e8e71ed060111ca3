//! Two normal classes and points of them.

use bolete::prelude::*;
use bolete::prob::MultivariateNormal;

use super::MEANS;
use super::boundary::Labelled;

/// Two classes and points of them.
pub(super) struct Case {
    classes: [MultivariateNormal; 2],
    pub covariances: [Tensor; 2],
    pub train: Labelled,
    pub test: Labelled,
}

impl Case {
    pub fn new(covariances: [[[f64; 2]; 2]; 2], per_class: usize, test_per_class: usize, seed: u64) -> Case {
        let covariances = covariances.map(Tensor::from);
        let classes: [MultivariateNormal; 2] = std::array::from_fn(|class| {
            MultivariateNormal::from_covariance(&Tensor::from(MEANS[class]), &covariances[class])
        });
        let draw = |count: usize, key: &Key| {
            let keys: [Key; 2] = key.split();
            let parts = [0, 1].map(|class| classes[class].sample(&[count], &keys[class]));
            let y = Tensor::arange(2 * count, DType::I64).greater_equal(count as i64).cast(DType::F64);
            Labelled { x: Tensor::concatenate(&parts, 0), y }
        };
        let [train, test] = Key::new(seed).split();
        let (train, test) = (draw(per_class, &train), draw(test_per_class, &test));
        Case { classes, covariances, train, test }
    }

    /// The part of points that even the true densities cannot tell apart.
    pub fn bayes_error(&self) -> f64 {
        let [zero, one] = &self.classes;
        let says_one = one.log_prob(&self.test.x).greater(zero.log_prob(&self.test.x)).cast(DType::F64);
        says_one.not_equal(&self.test.y).cast(DType::F64).mean(..).item()
    }
}
