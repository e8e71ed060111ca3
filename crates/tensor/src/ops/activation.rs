//! Activation functions of networks, as compositions that the planner fuses with their neighbours.

use crate::Tensor;

use super::map::Operand;

/// Activation functions.
impl Tensor {
    /// `x` where positive, `slope · x` elsewhere.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor {
        self.greater(0.0).select(self, self * slope)
    }

    /// `x` where positive, `alpha (eˣ − 1)` elsewhere (Clevert et al. 2016).
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor {
        // The exponential sees no positive numbers, whose overflow would spoil the derivative of the other branch. A
        // minimum would do the same, but shares the derivative at 0 between its two arguments.
        let positive = self.greater(0.0);
        positive.select(self, positive.select(self.zeros_like(), self).expm1() * alpha)
    }

    /// The self-normalising unit of Klambauer et al. 2017.
    #[track_caller]
    pub fn selu(&self) -> Tensor {
        const ALPHA: f64 = 1.673_263_242_354_377_2;
        const SCALE: f64 = 1.050_700_987_355_480_5;
        self.elu(ALPHA) * SCALE
    }

    /// `x · sigmoid(x)`, also called swish.
    #[track_caller]
    pub fn silu(&self) -> Tensor {
        self * self.sigmoid()
    }

    /// `x · Φ(x)` with the normal distribution function, computed with [`erf`](Tensor::erf) (Hendrycks, Gimpel 2016).
    #[track_caller]
    pub fn gelu(&self) -> Tensor {
        ((self * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * self * 0.5
    }

    /// The approximation of [`gelu`](Tensor::gelu) by a hyperbolic tangent, as in GPT-2: x (1 + tanh(√(2/π) (x +
    /// 0.044715 x³))) / 2, computed as x times the sigmoid of twice that argument, which does not cancel.
    #[track_caller]
    pub fn gelu_tanh(&self) -> Tensor {
        let inner = self + self * self.square() * 0.044_715;
        self * (inner * (2.0 * (2.0 / std::f64::consts::PI).sqrt())).sigmoid()
    }

    /// max(0, min(x, 6)).
    #[track_caller]
    pub fn relu6(&self) -> Tensor {
        self.clamp(0.0, 6.0)
    }

    /// `x` where positive, `slope · x` elsewhere, with slopes that are learnt (He et al. 2015). The slopes broadcast:
    /// for one per channel of `[batch, channels, height, width]` give them as `[channels, 1, 1]`.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn prelu(&self, slope: impl Operand) -> Tensor {
        let scaled = self * slope.to_operand(self.dtype());
        self.greater(0.0).select(self, scaled)
    }

    /// `x` where positive, `alpha (exp(x/alpha) − 1)` elsewhere: once continuously differentiable for every `alpha`
    /// (Barron 2017).
    #[track_caller]
    pub fn celu(&self, alpha: f64) -> Tensor {
        let positive = self.greater(0.0);
        positive.select(self, (positive.select(self.zeros_like(), self) * (1.0 / alpha)).expm1() * alpha)
    }

    /// `x` where above `threshold`, `value` elsewhere.
    #[track_caller]
    pub fn threshold(&self, threshold: f64, value: f64) -> Tensor {
        self.greater(threshold).select(self, value.to_operand(self.dtype()))
    }

    /// ln(1/(1 + e⁻ˣ)), without underflow.
    #[track_caller]
    pub fn log_sigmoid(&self) -> Tensor {
        self.neg().softplus().neg()
    }

    /// ln(x/(1 − x)), the inverse of [`sigmoid`](Tensor::sigmoid): ∓∞ at 0 and 1, NaN beyond.
    #[track_caller]
    pub fn logit(&self) -> Tensor {
        self.log() - self.neg().log1p()
    }

    /// x / (1 + |x|).
    #[track_caller]
    pub fn softsign(&self) -> Tensor {
        self / (self.abs() + 1.0)
    }

    /// The piecewise linear sigmoid max(0, min(x/6 + 1/2, 1)) of MobileNetV3.
    #[track_caller]
    pub fn hard_sigmoid(&self) -> Tensor {
        (self * (1.0 / 6.0) + 0.5).clamp(0.0, 1.0)
    }

    /// `x · hard_sigmoid(x)` (Howard et al. 2019).
    #[track_caller]
    pub fn hard_swish(&self) -> Tensor {
        self * self.hard_sigmoid()
    }

    /// The values limited to [−1, 1].
    #[track_caller]
    pub fn hard_tanh(&self) -> Tensor {
        self.clamp(-1.0, 1.0)
    }

    /// `x · tanh(softplus(x))` (Misra 2019).
    #[track_caller]
    pub fn mish(&self) -> Tensor {
        self * self.softplus().tanh()
    }
}
