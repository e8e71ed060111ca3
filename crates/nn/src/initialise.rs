//! Initial values of parameters.

use bolete_tensor::{DType, Key, Shape, Tensor, Tree};

/// How many numbers each output of a layer is a sum of, and how many outputs each input goes into: what the spread of
/// initial weights has to fit for activations and gradients to keep their size from layer to layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fan {
    /// Inputs per output.
    pub input: usize,
    /// Outputs per input.
    pub output: usize,
}

impl Fan {
    /// The fans of a weight `[outputs, inputs, window…]`, such as those of [`Linear`](crate::Linear)
    /// `[outputs, inputs]` and [`Conv2d`](crate::Conv2d) `[outputs, inputs / groups, height, width]`. As in PyTorch,
    /// groups are not taken into account in the outputs.
    ///
    /// ```
    /// use bolete_nn::Fan;
    /// assert_eq!(Fan::of(&[16, 6, 5, 5].into()), Fan { input: 150, output: 400 });
    /// ```
    ///
    /// # Panics
    /// If the shape has fewer than two axes.
    #[track_caller]
    pub fn of(weight: &Shape) -> Fan {
        assert!(
            weight.rank() >= 2,
            "Fan: a weight has at least the axes [outputs, inputs], but the shape is {weight}"
        );
        let window: usize = weight[2..].iter().product();
        Fan { input: weight[1] * window, output: weight[0] * window }
    }
}

/// A distribution of initial values. `fan_in` and `fan_out` are the two numbers of [`Fan`]; for the right gain see
/// [`Activation::gain`](crate::Activation::gain).
///
/// ```
/// use bolete_nn::{Activation, Initialiser};
/// use bolete_tensor::{DType, Key};
///
/// let he = Initialiser::KaimingNormal { gain: Activation::Relu.gain() };
/// let weight = he.weight([300, 200], &Key::new(0), DType::F64);
/// let deviation = weight.std(.., 0).item();
/// assert!((deviation - 0.1).abs() < 0.002);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub enum Initialiser {
    /// 0.
    Zeros,
    /// One value.
    Constant(f64),
    /// Uniform in [low, high).
    Uniform {
        /// The smallest value.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Normal, conditioned on lying in [low, high]. Mean and deviation are those before the condition.
    TruncatedNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// U(±1/√fan_in), what PyTorch gives weights and biases of linear and convolutional layers. For weights it equals
    /// [`KaimingUniform`](Initialiser::KaimingUniform) with the gain of a leaky ReLU of slope √5.
    FanIn,
    /// U(±√3 σ) with σ = gain · √(2 / (fan_in + fan_out)) (Glorot, Bengio 2010, equation 16).
    XavierUniform {
        /// Factor for the activation that follows.
        gain: f64,
    },
    /// N(0, σ²) with σ = gain · √(2 / (fan_in + fan_out)) (Glorot, Bengio 2010, equation 12).
    XavierNormal {
        /// Factor for the activation that follows.
        gain: f64,
    },
    /// U(±√3 σ) with σ = gain / √fan_in (He et al. 2015, equation 10).
    KaimingUniform {
        /// Factor for the activation that follows, √2 for ReLU.
        gain: f64,
    },
    /// N(0, σ²) with σ = gain / √fan_in (He et al. 2015, equation 10).
    KaimingNormal {
        /// Factor for the activation that follows, √2 for ReLU.
        gain: f64,
    },
    /// U(±√3 σ) with σ = 1 / √fan_in (LeCun et al. 1998, Efficient BackProp, section 4.6).
    LecunUniform,
    /// N(0, σ²) with σ = 1 / √fan_in (LeCun et al. 1998, Efficient BackProp, equation 16).
    LecunNormal,
}

impl Initialiser {
    /// Initial values of a weight `[outputs, inputs, window…]`.
    ///
    /// # Panics
    /// If the shape has fewer than two axes or `dtype` is not a float.
    #[track_caller]
    pub fn weight(self, shape: impl Into<Shape>, key: &Key, dtype: DType) -> Tensor {
        let shape = shape.into();
        let fan = Fan::of(&shape);
        self.sample(shape, fan, key, dtype)
    }

    /// Initial values of any shape for a layer with the given fans, such as the bias that goes with a weight.
    ///
    /// # Panics
    /// If `dtype` is not a float.
    #[track_caller]
    pub fn sample(self, shape: impl Into<Shape>, fan: Fan, key: &Key, dtype: DType) -> Tensor {
        assert!(dtype.is_float(), "Initialiser: parameters cannot be {dtype}");
        let shape = shape.into();
        // A layer without inputs has no sum whose spread could matter; any finite bound will do.
        let fan_in = fan.input.max(1) as f64;
        let fan_mean = (fan.input + fan.output).max(1) as f64 / 2.0;
        let symmetric = |bound: f64| uniform(&shape, -bound, bound, key, dtype);
        let normal = |deviation: f64| key.normal(&shape, dtype) * deviation;
        match self {
            Initialiser::Zeros => Tensor::zeros(shape, dtype),
            Initialiser::Constant(value) => Tensor::full(shape, value, dtype),
            Initialiser::Uniform { low, high } => uniform(&shape, low, high, key, dtype),
            Initialiser::Normal { mean, deviation } => normal(deviation) + mean,
            Initialiser::TruncatedNormal { mean, deviation, low, high } => {
                truncated_normal(&shape, [mean, deviation], [low, high], key, dtype)
            }
            Initialiser::FanIn => symmetric(1.0 / fan_in.sqrt()),
            Initialiser::XavierUniform { gain } => symmetric(gain * (3.0 / fan_mean).sqrt()),
            Initialiser::XavierNormal { gain } => normal(gain / fan_mean.sqrt()),
            Initialiser::KaimingUniform { gain } => symmetric(gain * (3.0 / fan_in).sqrt()),
            Initialiser::KaimingNormal { gain } => normal(gain / fan_in.sqrt()),
            Initialiser::LecunUniform => symmetric((3.0 / fan_in).sqrt()),
            Initialiser::LecunNormal => normal(1.0 / fan_in.sqrt()),
        }
    }
}

fn uniform(shape: &Shape, low: f64, high: f64, key: &Key, dtype: DType) -> Tensor {
    key.uniform(shape, dtype) * (high - low) + low
}

/// By inversion: a uniform number between the distribution function at the two ends, mapped back by its inverse.
#[track_caller]
fn truncated_normal(shape: &Shape, normal: [f64; 2], bounds: [f64; 2], key: &Key, dtype: DType) -> Tensor {
    let ([mean, deviation], [low, high]) = (normal, bounds);
    assert!(
        low < high && deviation > 0.0,
        "Initialiser: a truncated normal needs low < high and a positive deviation, not [{low}, {high}] and {deviation}"
    );
    // 2Φ − 1 is the error function of the standardised bound over √2; the engine's knows all digits of it.
    let end = |bound: f64| {
        Tensor::scalar((bound - mean) / deviation * std::f64::consts::FRAC_1_SQRT_2, DType::F64).erf()
    };
    let (first, last) = (end(low), end(high));
    let drawn = key.uniform(shape, DType::F64) * (last - &first) + first;
    let standard = drawn.erf_inv() * std::f64::consts::SQRT_2;
    // Rounding can carry a number beyond the end, and bounds far out into infinity.
    (standard * deviation + mean).clamp(low, high).cast(dtype)
}
