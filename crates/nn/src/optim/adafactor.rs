//! Adafactor: Adam's scale from the sums of rows and columns alone.

use bolete_tensor::{DType, Tensor, Tree};

use super::{Memory, Moment, RuleOptimiser, UpdateRule};

/// Adafactor (Shazeer, Stern 2018, algorithm 4) in PyTorch's form. Of the squares of gradients of a matrix (the last two axes)
/// only running means of rows R and columns C are kept, with the weight t^decay of the newest; V = R C / mean R. The update
/// u = g/√V is divided by max(1, rms(u)/d), and the step is min(η, 1/√t) · max(ε₂, rms(θ)).
pub type Adafactor = RuleOptimiser<AdafactorConfig>;

/// What an [`Adafactor`] optimiser is to be.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct AdafactorConfig {
    /// The largest step relative to the parameter's size.
    pub learning_rate: f64,
    /// The power of the number of the update that is the weight of the newest squares, negative.
    pub decay: f64,
    /// ε₁, below which the square of a gradient does not count; the precision of the type without.
    pub epsilon: Option<f64>,
    /// ε₂, the smallest size of a parameter that counts.
    pub smallest: f64,
    /// d, above which updates are clipped.
    pub threshold: f64,
    /// The part of the parameter that is taken away by an update is this times the learning rate.
    pub weight_decay: f64,
}

impl Default for AdafactorConfig {
    /// Learning rate 0.01, decay −0.8, ε₂ = 10⁻³, d = 1, no weight decay.
    fn default() -> AdafactorConfig {
        AdafactorConfig {
            learning_rate: 0.01,
            decay: -0.8,
            epsilon: None,
            smallest: 1e-3,
            threshold: 1.0,
            weight_decay: 0.0,
        }
    }
}

impl UpdateRule for AdafactorConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    fn memory(&self, value: &Tensor) -> Vec<(&'static str, Tensor)> {
        if value.rank() < 2 {
            return vec![("squares", value.zeros_like())];
        }
        vec![("rows", value.sum_keepdim(-1)), ("columns", value.sum_keepdim(-2))]
    }
    fn step(&self, moment: &Moment, value: &Tensor, gradient: &Tensor, memory: &mut Memory) -> Tensor {
        let dtype = value.dtype();
        let precision = if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        let epsilon = self.epsilon.unwrap_or(precision);
        let weight = moment.number.pow(self.decay).cast(dtype);
        let rms = |x: &Tensor| x.square().mean(..).sqrt();
        let squares = if value.rank() < 2 {
            memory.change("squares", |mean| mean.lerp(gradient.square(), &weight))
        } else {
            let rows = memory.change("rows", |mean| mean.lerp(gradient.square().mean_keepdim(-1), &weight));
            let columns =
                memory.change("columns", |mean| mean.lerp(gradient.square().mean_keepdim(-2), &weight));
            &rows * columns / rows.mean_keepdim(-2).maximum(epsilon)
        };
        let update = gradient * squares.maximum(epsilon * epsilon).rsqrt();
        let excess = (rms(&update) / self.threshold).maximum(1.0);
        let rate = moment.rate.minimum(moment.number.rsqrt()).cast(dtype);
        let step = update * (rate * rms(value).maximum(self.smallest) / excess);
        if self.weight_decay == 0.0 {
            return value - step;
        }
        // Here and not before the step, whose length is that of the parameter before it decays.
        let kept = 1.0 - &moment.rate * (self.weight_decay * moment.decay_factor);
        value * kept.cast(dtype) - step
    }
}
