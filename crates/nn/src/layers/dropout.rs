//! Dropout (Srivastava et al. 2014, section 10 for the scaling in training).

use bolete_tensor::{Shape, Tensor, Tree};

use crate::{Context, Module};

/// In training each element is set to zero independently with a probability and the others are divided by the
/// probability of staying, so that the mean does not change; in evaluation nothing happens. Any shape.
///
/// ```
/// use bolete_nn::{Context, Dropout, Module};
/// use bolete_tensor::{DType, Key, Tensor};
/// let ones = Tensor::ones([1000], DType::F32);
/// let layer = Dropout { probability: 0.2 };
/// let output = layer.forward(&ones, &mut Context::training(Key::new(0))).to_vec::<f32>();
/// assert!(output.iter().all(|value| [0.0, 1.25].contains(value)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct Dropout {
    /// Of being set to zero, in [0, 1).
    pub probability: f64,
}

impl Default for Dropout {
    /// Probability ½.
    fn default() -> Dropout {
        Dropout { probability: 0.5 }
    }
}

impl Module for Dropout {
    /// # Panics
    /// In training if the probability is not in [0, 1).
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = if context.is_training() {
            input.dropout(self.probability, &context.next_key())
        } else {
            input.clone()
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("Dropout {}", self.probability)
    }

    fn operations(&self, _: &Shape, _: &Shape) -> u64 {
        0
    }
}

/// In training whole channels `[batch, channels, …]` are set to zero independently with a probability and the others divided by the
/// probability of staying (Tompson et al. 2015); in evaluation nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct ChannelDropout {
    /// Of being set to zero, in [0, 1).
    pub probability: f64,
}

/// In training whole examples `[batch, …]` are set to zero independently with a probability and the others divided by the probability of
/// staying: put before a residual sum, it skips the block (stochastic depth, Huang et al. 2016). In evaluation nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct StochasticDepth {
    /// Of being set to zero, in [0, 1).
    pub probability: f64,
}

/// The input times noise that is one number for all but the first `axes` axes.
#[track_caller]
fn dropped_together(
    name: &str,
    input: &Tensor,
    axes: usize,
    probability: f64,
    context: &mut Context,
) -> Tensor {
    assert!(input.rank() >= axes, "{name}: expected at least {axes} axes, found {}", input.shape());
    if !context.is_training() {
        return input.clone();
    }
    let shape: Shape =
        (0..input.rank()).map(|axis| if axis < axes { input.shape()[axis] } else { 1 }).collect();
    input * Tensor::ones(shape, input.dtype()).dropout(probability, &context.next_key())
}

impl Module for ChannelDropout {
    /// # Panics
    /// If the input has fewer than two axes, or in training if the probability is not in [0, 1).
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = dropped_together("ChannelDropout", input, 2, self.probability, context);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("ChannelDropout {}", self.probability)
    }
}

impl Module for StochasticDepth {
    /// # Panics
    /// If the input has no axis, or in training if the probability is not in [0, 1).
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = dropped_together("StochasticDepth", input, 1, self.probability, context);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("StochasticDepth {}", self.probability)
    }
}
