//! Muon: momentum made orthogonal.

use bolete_tensor::{Tensor, Tree};

use super::adam::direction;
use super::{Memory, Moment, RuleOptimiser, UpdateRule, WeightDecay, check_betas};

/// Muon (Jordan 2024): the momentum of a matrix, B ← μB + (1 − μ)g and in Nesterov's form (1 − μ)g + μB, is replaced by the nearest
/// orthogonal matrix, found by five steps of Newton and Schulz, and θ ← θ − η √max(1, rows/columns) O − ηλθ. Parameters that are
/// no matrices are updated by AdamW; give embeddings and output layers a group of their own if they are to be as well.
pub type Muon = RuleOptimiser<MuonConfig>;

/// What a [`Muon`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct MuonConfig {
    /// The first learning rate of matrices.
    pub learning_rate: f64,
    /// μ.
    pub momentum: f64,
    /// Whether the gradient is looked at from where momentum is about to lead.
    pub nesterov: bool,
    /// Steps of Newton and Schulz.
    pub steps: usize,
    /// λ, for matrices and all else.
    pub weight_decay: f64,
    /// The learning rate of AdamW for all else as a factor of that of matrices.
    pub other_rate: f64,
    /// AdamW's betas.
    pub betas: [f64; 2],
    /// AdamW's ε.
    pub epsilon: f64,
}

impl Default for MuonConfig {
    /// Learning rate 0.02, μ = 0.95 in Nesterov's form, 5 steps, weight decay 0.01; for all else 0.015 times the rate, betas 0.9 and
    /// 0.95, ε = 10⁻⁸.
    fn default() -> MuonConfig {
        MuonConfig {
            learning_rate: 0.02,
            momentum: 0.95,
            nesterov: true,
            steps: 5,
            weight_decay: 0.01,
            other_rate: 0.015,
            betas: [0.9, 0.95],
            epsilon: 1e-8,
        }
    }
}

/// A matrix with the singular vectors of `matrix` and singular values near 1, by `steps` of X ← aX + (bA + cA²)X with A = X Xᵀ.
#[track_caller]
pub fn orthogonalise(matrix: &Tensor, steps: usize) -> Tensor {
    const A: f64 = 3.4445;
    const B: f64 = -4.775;
    const C: f64 = 2.0315;
    let tall = matrix.shape()[0] > matrix.shape()[1];
    let mut x = if tall { matrix.t() } else { matrix.clone() };
    x = &x / (x.square().sum(..).sqrt() + 1e-7);
    for _ in 0..steps {
        let square = x.matmul(&x.t());
        let factor = &square * B + square.matmul(&square) * C;
        x = &x * A + factor.matmul(&x);
    }
    if tall { x.t() } else { x }
}

impl UpdateRule for MuonConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn weight_decay(&self) -> WeightDecay {
        // Applied in the step: the rate is another one for what is no matrix.
        WeightDecay::default()
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        if value.rank() == 2 {
            return vec![("momentum", value.zeros_like())];
        }
        vec![("first_moment", value.zeros_like()), ("second_moment", value.zeros_like())]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let dtype = value.dtype();
        let (rate, direction) = if value.rank() == 2 {
            let momentum = memory.running_mean("momentum", gradient, 1.0 - self.momentum);
            let direction = if self.nesterov { gradient.lerp(&momentum, self.momentum) } else { momentum };
            let [rows, columns] = [value.shape()[0], value.shape()[1]];
            let factor = (rows as f64 / columns.max(1) as f64).max(1.0).sqrt();
            (moment.rate.clone(), orthogonalise(&direction, self.steps) * factor)
        } else {
            let direction = direction(self.betas, self.epsilon, false, moment, gradient, memory);
            (&moment.rate * self.other_rate, direction)
        };
        let kept = (1.0 - &rate * (self.weight_decay * moment.decay_factor)).cast(dtype);
        value * kept - direction * rate.cast(dtype)
    }
    fn check(&self) {
        check_betas("Muon", self.betas);
    }
}
