//! The truth that is looked for, and least squares with polynomials.

use bolete::data::synthetic;
use bolete::prelude::*;

/// Inputs are drawn uniformly from [−REACH, REACH].
pub const REACH: f64 = 10.0;

/// The function that is looked for, 0.1 (x − 2)³ + x² − 6x + 1, by its coefficients from that of 1 on.
const TRUTH: [f64; 4] = [0.2, -4.8, 0.4, 0.1];

/// The function that is looked for.
pub fn truth(x: &Tensor) -> Tensor {
    TRUTH.iter().rev().fold(x.zeros_like(), |sum, coefficient| sum * x + *coefficient)
}

/// Inputs of this shape with noisy values.
pub fn draw(seed: u64, shape: &[usize], noise: f64) -> (Tensor, Tensor) {
    let drawn = synthetic::polynomial(shape.iter().product(), &TRUTH, (-REACH, REACH), noise, seed);
    (Tensor::from_vec(drawn.x, shape), Tensor::from_vec(drawn.y, shape))
}

/// The design matrix: powers 0 to `degree` of x / 10 along a new last axis.
pub fn design(x: &Tensor, degree: usize) -> Tensor {
    powers(&(x / REACH), degree)
}

/// Powers 0 to `degree` of x itself along a new last axis.
pub(super) fn powers(x: &Tensor, degree: usize) -> Tensor {
    let mut powers = vec![x.ones_like()];
    for power in 1..=degree {
        powers.push(&powers[power - 1] * x);
    }
    Tensor::stack(&powers, -1)
}

/// Weights `[…, degree + 1]` that fit values `[…, points]` best.
pub fn fit(x: &Tensor, y: &Tensor, degree: usize) -> Tensor {
    design(x, degree).lstsq(&y.unsqueeze(-1), None).squeeze(-1)
}

/// The polynomial with these weights `[degree + 1]` at `x`.
pub(super) fn predict(weights: &Tensor, x: &Tensor) -> Tensor {
    design(x, weights.elements() - 1).matmul(weights)
}

/// Points in the middle of equal parts of the range, so that a mean over them is an integral.
pub fn grid(count: usize) -> Tensor {
    let half = REACH / count as f64;
    Tensor::linspace(-REACH + half, REACH - half, count, DType::F64)
}

/// The mean of the squares.
pub(super) fn mean_square(difference: Tensor) -> f64 {
    difference.square().mean(..).item()
}
