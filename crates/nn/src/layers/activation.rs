//! Activation functions.

use bolete_tensor::{Shape, Tensor, Tree};

use crate::{Context, Module};

/// A function without parameters, applied to each element (softmax: to each vector along an axis). Any shape.
///
/// ```
/// use bolete_nn::{Activation, Context, Module};
/// use bolete_tensor::Tensor;
/// let output = Activation::Relu.forward(&Tensor::from([-1.0f32, 2.0]), &mut Context::evaluation());
/// assert_eq!(output.to_vec::<f32>(), [0.0, 2.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub enum Activation {
    /// x.
    Identity,
    /// max(x, 0).
    Relu,
    /// x where positive, `slope` · x elsewhere (Maas et al. 2013).
    LeakyRelu {
        /// Usually 0.01.
        slope: f64,
    },
    /// x where positive, `alpha` (eˣ − 1) elsewhere (Clevert et al. 2016).
    Elu {
        /// Usually 1.
        alpha: f64,
    },
    /// The self-normalising unit of Klambauer et al. 2017.
    Selu,
    /// x Φ(x) (Hendrycks, Gimpel 2016).
    Gelu,
    /// The approximation of GELU by a hyperbolic tangent, as in GPT-2.
    GeluTanh,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// ln(1 + eˣ).
    Softplus,
    /// max(x, 0), at most 6.
    Relu6,
    /// x where positive, `alpha` (e^(x/alpha) − 1) elsewhere (Barron 2017).
    Celu {
        /// Usually 1.
        alpha: f64,
    },
    /// x · tanh(softplus(x)) (Misra 2019).
    Mish,
    /// x / (1 + |x|).
    Softsign,
    /// ln sigmoid(x), accurate where that is tiny.
    LogSigmoid,
    /// x/6 + ½ limited to [0, 1].
    HardSigmoid,
    /// x times the hard sigmoid (Howard et al. 2019).
    HardSwish,
    /// x limited to [−1, 1].
    HardTanh,
    /// x where above a threshold, a number elsewhere.
    Threshold {
        /// The threshold.
        threshold: f64,
        /// The number.
        value: f64,
    },
    /// The first half along an axis times the sigmoid of the second (Dauphin et al. 2017): the axis becomes half as long.
    Glu {
        /// Negative ones count from the last.
        axis: isize,
    },
    /// Positive numbers that sum to 1 along an axis.
    Softmax {
        /// Negative ones count from the last.
        axis: isize,
    },
    /// The logarithm of softmax.
    LogSoftmax {
        /// Negative ones count from the last.
        axis: isize,
    },
}

impl Activation {
    /// The factor by which weights before this function are to be wider so that the signal keeps its size: that of
    /// `torch.nn.init.calculate_gain`, 5/3 for tanh, √2 for ReLU (He et al. 2015), √(2/(1 + slope²)) for the leaky
    /// ReLU, ¾ for SELU; √2 for the smooth relatives of ReLU, and 1 for the others.
    pub fn gain(self) -> f64 {
        match self {
            Activation::Tanh => 5.0 / 3.0,
            Activation::LeakyRelu { slope } => (2.0 / (1.0 + slope * slope)).sqrt(),
            Activation::Selu => 0.75,
            Activation::Relu
            | Activation::Elu { .. }
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Relu6
            | Activation::Celu { .. }
            | Activation::Mish
            | Activation::HardSwish => std::f64::consts::SQRT_2,
            Activation::Identity
            | Activation::Sigmoid
            | Activation::Softplus
            | Activation::Softsign
            | Activation::LogSigmoid
            | Activation::HardSigmoid
            | Activation::HardTanh
            | Activation::Threshold { .. }
            | Activation::Glu { .. }
            | Activation::Softmax { .. }
            | Activation::LogSoftmax { .. } => 1.0,
        }
    }

    /// The function itself, where no context is at hand.
    #[track_caller]
    pub fn apply(self, input: &Tensor) -> Tensor {
        match self {
            Activation::Identity => input.clone(),
            Activation::Relu => input.relu(),
            Activation::LeakyRelu { slope } => input.leaky_relu(slope),
            Activation::Elu { alpha } => input.elu(alpha),
            Activation::Selu => input.selu(),
            Activation::Gelu => input.gelu(),
            Activation::GeluTanh => input.gelu_tanh(),
            Activation::Silu => input.silu(),
            Activation::Sigmoid => input.sigmoid(),
            Activation::Tanh => input.tanh(),
            Activation::Softplus => input.softplus(),
            Activation::Relu6 => input.relu6(),
            Activation::Celu { alpha } => input.celu(alpha),
            Activation::Mish => input.mish(),
            Activation::Softsign => input.softsign(),
            Activation::LogSigmoid => input.log_sigmoid(),
            Activation::HardSigmoid => input.hard_sigmoid(),
            Activation::HardSwish => input.hard_swish(),
            Activation::HardTanh => input.hard_tanh(),
            Activation::Threshold { threshold, value } => input.threshold(threshold, value),
            Activation::Glu { axis } => {
                let place = if axis < 0 { axis + input.rank() as isize } else { axis };
                let length = usize::try_from(place).ok().and_then(|place| input.shape().get(place));
                assert!(
                    length.is_some_and(|length| length.is_multiple_of(2)),
                    "Glu: axis {axis} of {} does not divide into halves",
                    input.shape()
                );
                let halves = input.chunk(2, axis);
                &halves[0] * halves[1].sigmoid()
            }
            Activation::Softmax { axis } => input.softmax(axis),
            Activation::LogSoftmax { axis } => input.log_softmax(axis),
        }
    }
}

impl Module for Activation {
    /// # Panics
    /// If the axis of a softmax or a gated unit does not exist, or does not divide into halves.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, self.apply(input))
    }

    fn describe(&self) -> String {
        match self {
            Activation::LeakyRelu { slope } => format!("LeakyRelu {slope}"),
            Activation::Elu { alpha } => format!("Elu {alpha}"),
            Activation::Celu { alpha } => format!("Celu {alpha}"),
            Activation::Threshold { threshold, value } => format!("Threshold {threshold}, else {value}"),
            Activation::Glu { axis } => format!("Glu, axis {axis}"),
            Activation::Softmax { axis } => format!("Softmax, axis {axis}"),
            Activation::LogSoftmax { axis } => format!("LogSoftmax, axis {axis}"),
            plain => format!("{plain:?}"),
        }
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        let per_element = match self {
            Activation::Identity => 0,
            Activation::Relu | Activation::Tanh | Activation::Sigmoid | Activation::Softplus => 1,
            Activation::LogSigmoid | Activation::HardTanh | Activation::Threshold { .. } => 1,
            Activation::LeakyRelu { .. } | Activation::Silu | Activation::Relu6 | Activation::Glu { .. } => 2,
            Activation::Elu { .. } | Activation::Mish | Activation::Softsign | Activation::HardSigmoid => 3,
            Activation::Celu { .. } | Activation::HardSwish => 4,
            Activation::Selu | Activation::Gelu => 4,
            // The maximum, the difference, the exponential, the sum and the last step.
            Activation::Softmax { .. } | Activation::LogSoftmax { .. } => 5,
            Activation::GeluTanh => 8,
        };
        per_element * output.elements() as u64
    }
}
