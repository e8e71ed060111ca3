//! Group normalisation (Wu, He 2018, section 3).

use bolete_tensor::{DType, Param, Shape, Tensor, Tree};

use crate::{Context, Module};

/// What a [`GroupNorm`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNormConfig {
    /// Number of groups, which divides the channels.
    pub groups: usize,
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance, against division by zero.
    pub epsilon: f64,
    /// Whether each channel is scaled and shifted afterwards.
    pub affine: bool,
}

impl GroupNormConfig {
    /// With weight and bias and ε = 10⁻⁵.
    pub fn new(groups: usize, channels: usize) -> GroupNormConfig {
        GroupNormConfig { groups, channels, epsilon: 1e-5, affine: true }
    }

    /// The layer with weight 1 and bias 0.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    #[track_caller]
    pub fn init(&self) -> GroupNorm {
        let GroupNormConfig { groups, channels, epsilon, affine } = *self;
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "GroupNorm: {channels} channels do not divide into {groups} groups"
        );
        GroupNorm {
            weight: affine.then(|| Param::new(Tensor::ones([channels], DType::F32))),
            bias: affine.then(|| Param::new(Tensor::zeros([channels], DType::F32))),
            groups,
            channels,
            epsilon,
        }
    }
}

/// In each example of `[batch, channels, …]`, each group of neighbouring channels brought to mean 0 and variance 1
/// (divided by the count), then each channel scaled and shifted. The same in training and evaluation.
///
/// ```
/// use bolete_nn::{Context, GroupNormConfig, Module};
/// use bolete_tensor::Tensor;
/// let layer = GroupNormConfig::new(2, 4).init();
/// let output = layer.forward(&Tensor::from([[1.0f32, 5.0, 0.0, -6.0]]), &mut Context::evaluation());
/// for (value, expected) in output.to_vec::<f32>().into_iter().zip([-1.0, 1.0, 1.0, -1.0]) {
///     assert!((value - expected).abs() < 1e-5);
/// }
/// ```
#[derive(Clone, Debug, Tree)]
pub struct GroupNorm {
    /// `[channels]`; none is a weight of 1.
    pub weight: Option<Param>,
    /// `[channels]`; none is a bias of 0.
    pub bias: Option<Param>,
    /// Number of groups.
    pub groups: usize,
    /// Number of channels.
    pub channels: usize,
    /// Added to the variance.
    pub epsilon: f64,
}

/// A parameter of channels, or the constant that does nothing in its place.
pub(super) fn or_constant(parameter: Option<&Param>, value: f64, channels: usize, input: &Tensor) -> Tensor {
    match parameter {
        Some(parameter) => parameter.tensor().clone(),
        None => Tensor::full([channels], value, input.dtype().to_float()),
    }
}

impl Module for GroupNorm {
    /// # Panics
    /// If axis 1 of the input is not as long as there are channels.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let weight = or_constant(self.weight.as_ref(), 1.0, self.channels, input);
        let bias = or_constant(self.bias.as_ref(), 0.0, self.channels, input);
        let output = input.group_norm(self.groups, &weight, &bias, self.epsilon);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("GroupNorm {} in {} groups", self.channels, self.groups)
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // Mean, difference, square and its mean, then two multiply-adds' worth of scaling.
        8 * output.elements() as u64
    }
}
