//! Batch normalisation (Ioffe, Szegedy 2015, algorithms 1 and 2).

use bolete_tensor::{DType, Param, Shape, State, Tensor, Tree};

use crate::{Context, Module};

/// What a [`BatchNorm`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance, against division by zero.
    pub epsilon: f64,
    /// How far the running statistics move toward those of a batch, from 0 to 1.
    pub momentum: f64,
}

impl BatchNormConfig {
    /// ε = 10⁻⁵ and momentum 0.1.
    pub fn new(channels: usize) -> BatchNormConfig {
        BatchNormConfig { channels, epsilon: 1e-5, momentum: 0.1 }
    }

    /// The layer with weight 1, bias 0, running mean 0 and running variance 1.
    pub fn init(&self) -> BatchNorm {
        // A tensor for each, since a state is known by its tensor.
        let zeros = || Tensor::zeros([self.channels], DType::F32);
        let ones = || Tensor::ones([self.channels], DType::F32);
        BatchNorm {
            weight: Param::new(ones()),
            bias: Param::new(zeros()),
            running_mean: State::new(zeros()),
            running_var: State::new(ones()),
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }
}

/// Each channel, axis 1 of `[batch, channels]` or `[batch, channels, …]`, brought to mean 0 and variance 1, then scaled
/// and shifted.
///
/// In training the statistics are those of the batch, with the variance divided by the count n, and the running ones
/// move by `momentum` toward them, with the variance divided by n − 1. In evaluation the running ones are used.
#[derive(Clone, Debug, Tree)]
pub struct BatchNorm {
    /// `[channels]`.
    pub weight: Param,
    /// `[channels]`.
    pub bias: Param,
    /// `[channels]`.
    pub running_mean: State,
    /// `[channels]`.
    pub running_var: State,
    /// Added to the variance.
    pub epsilon: f64,
    /// How far the running statistics move toward those of a batch.
    pub momentum: f64,
}

impl BatchNorm {
    /// `running` moved toward `batch`, in the type of the running statistics.
    fn moved(&self, running: Tensor, batch: Tensor) -> Tensor {
        running.lerp(batch.cast(running.dtype()), self.momentum)
    }
}

impl Module for BatchNorm {
    /// # Panics
    /// If axis 1 of the input is not as long as there are channels, or if in training there is only one number per
    /// channel, which has no variance.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let channels = self.weight.elements();
        assert!(
            input.rank() >= 2 && input.shape()[1] == channels,
            "{}: expected [batch, {channels}, …], but the shape is {}",
            self.describe(),
            input.shape()
        );
        if !context.is_training() {
            let (mean, variance) = (context.state(&self.running_mean), context.state(&self.running_var));
            let output = input.batch_norm_with(&mean, &variance, &self.weight, &self.bias, self.epsilon);
            return context.observe(self, input, output);
        }
        let count = input.elements() / channels.max(1);
        assert!(
            count > 1,
            "{}: one number per channel has no variance to normalise by, but the shape is {}; train with larger \
             batches",
            self.describe(),
            input.shape()
        );
        let normalised = input.batch_norm(&self.weight, &self.bias, self.epsilon);
        let unbiased = normalised.variance * (count as f64 / (count - 1) as f64);
        let mean = self.moved(context.state(&self.running_mean), normalised.mean);
        let variance = self.moved(context.state(&self.running_var), unbiased);
        context.update(&self.running_mean, mean);
        context.update(&self.running_var, variance);
        context.observe(self, input, normalised.output)
    }

    fn describe(&self) -> String {
        format!("BatchNorm {}", self.weight.elements())
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        2 * output.elements() as u64
    }
}
