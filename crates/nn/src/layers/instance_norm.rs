//! Instance normalisation (Ulyanov, Vedaldi, Lempitsky 2016).

use bolete_tensor::{DType, Param, Shape, State, Tensor, Tree};

use super::group_norm::or_constant;
use crate::{Context, Module};

/// What an [`InstanceNorm`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceNormConfig {
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance, against division by zero.
    pub epsilon: f64,
    /// Whether each channel is scaled and shifted afterwards.
    pub affine: bool,
    /// Whether evaluation normalises by statistics kept from training instead of those of each example.
    pub running_statistics: bool,
    /// How far the running statistics move toward those of a batch, from 0 to 1.
    pub momentum: f64,
}

impl InstanceNormConfig {
    /// As in PyTorch: without parameters and running statistics, ε = 10⁻⁵, momentum 0.1.
    pub fn new(channels: usize) -> InstanceNormConfig {
        InstanceNormConfig {
            channels,
            epsilon: 1e-5,
            affine: false,
            running_statistics: false,
            momentum: 0.1,
        }
    }

    /// The layer with weight 1, bias 0, running mean 0 and running variance 1, as far as it has them.
    pub fn init(&self) -> InstanceNorm {
        // A tensor for each, since a state is known by its tensor.
        let zeros = || Tensor::zeros([self.channels], DType::F32);
        let ones = || Tensor::ones([self.channels], DType::F32);
        InstanceNorm {
            weight: self.affine.then(|| Param::new(ones())),
            bias: self.affine.then(|| Param::new(zeros())),
            running_mean: self.running_statistics.then(|| State::new(zeros())),
            running_var: self.running_statistics.then(|| State::new(ones())),
            channels: self.channels,
            epsilon: self.epsilon,
            momentum: self.momentum,
        }
    }
}

/// In each example of `[batch, channels, …]`, each channel brought to mean 0 and variance 1 (divided by the count) over
/// all further axes, then scaled and shifted.
///
/// With running statistics, training moves them by `momentum` toward the mean over the batch of the means and of the
/// variances (divided by the count less one) of the examples, and evaluation uses them. Without, training and evaluation
/// are the same.
///
/// ```
/// use bolete_nn::{Context, InstanceNormConfig, Module};
/// use bolete_tensor::Tensor;
/// let layer = InstanceNormConfig::new(2).init();
/// let output = layer.forward(&Tensor::from([[[1.0f32, 5.0], [0.0, -6.0]]]), &mut Context::evaluation());
/// for (value, expected) in output.to_vec::<f32>().into_iter().zip([-1.0, 1.0, 1.0, -1.0]) {
///     assert!((value - expected).abs() < 1e-5);
/// }
/// ```
#[derive(Clone, Debug, Tree)]
pub struct InstanceNorm {
    /// `[channels]`; none is a weight of 1.
    pub weight: Option<Param>,
    /// `[channels]`; none is a bias of 0.
    pub bias: Option<Param>,
    /// `[channels]`.
    pub running_mean: Option<State>,
    /// `[channels]`.
    pub running_var: Option<State>,
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance.
    pub epsilon: f64,
    /// How far the running statistics move toward those of a batch.
    pub momentum: f64,
}

impl InstanceNorm {
    /// Moves the running statistics toward those of a batch.
    fn track(&self, mean: &State, variance: &State, input: &Tensor, context: &mut Context) {
        let places: Vec<isize> = (2..input.rank() as isize).collect();
        let means = input.mean(places.as_slice()).mean(0);
        let variances = input.var(places.as_slice(), 1).mean(0);
        for (state, batch) in [(mean, means), (variance, variances)] {
            let next = context.state(state).lerp(batch.cast(state.dtype()), self.momentum);
            context.update(state, next);
        }
    }
}

impl Module for InstanceNorm {
    /// # Panics
    /// If axis 1 of the input is not as long as there are channels, or if there is only one number per channel of an example,
    /// which has no variance, where that is to be normalised by.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        assert!(
            input.rank() >= 2 && input.shape()[1] == self.channels,
            "{}: expected [batch, {}, …], but the shape is {}",
            self.describe(),
            self.channels,
            input.shape()
        );
        let weight = or_constant(self.weight.as_ref(), 1.0, self.channels, input);
        let bias = or_constant(self.bias.as_ref(), 0.0, self.channels, input);
        let running = self.running_mean.as_ref().zip(self.running_var.as_ref());
        if let Some((mean, variance)) = running.filter(|_| !context.is_training()) {
            let (mean, variance) = (context.state(mean), context.state(variance));
            let output = input.batch_norm_with(&mean, &variance, &weight, &bias, self.epsilon);
            return context.observe(self, input, output);
        }
        assert!(
            input.shape()[2..].iter().product::<usize>() != 1,
            "{}: one number per channel has no variance to normalise by, but the shape is {}",
            self.describe(),
            input.shape()
        );
        if let Some((mean, variance)) = running {
            self.track(mean, variance, input, context);
        }
        let output = input.instance_norm(&weight, &bias, self.epsilon);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("InstanceNorm {}", self.channels)
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // As group normalisation.
        8 * output.elements() as u64
    }
}
