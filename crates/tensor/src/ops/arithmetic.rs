//! The operators `+ - * / %` and unary `-` and `!`, and compositions of elementwise ops.

use std::ops::{Add, Div, Mul, Neg, Not, Rem, Sub};

use crate::Tensor;

use super::map::Operand;

macro_rules! operators {
    ($($trait:ident $method:ident $named:ident),*) => {$(
        impl<R: Operand> $trait<R> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: R) -> Tensor {
                Tensor::$named(self, other)
            }
        }
        impl<R: Operand> $trait<R> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: R) -> Tensor {
                Tensor::$named(&self, other)
            }
        }
        // One float and one integer type, so that the type of a literal on the left is never in doubt.
        operators!(@number $trait $method $named f64 i64);
    )*};
    (@number $trait:ident $method:ident $named:ident $($type:ty)*) => {$(
        impl $trait<&Tensor> for $type {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                Tensor::$named(&self.to_operand(other.dtype()), other)
            }
        }
        impl $trait<Tensor> for $type {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                Tensor::$named(&self.to_operand(other.dtype()), &other)
            }
        }
    )*};
}

operators!(Add add add, Sub sub sub, Mul mul mul, Div div div, Rem rem modulo);

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        Tensor::neg(self)
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        Tensor::neg(&self)
    }
}

impl Not for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn not(self) -> Tensor {
        self.logical_not()
    }
}

/// Compositions of elementwise ops. The planner fuses them with their neighbours.
impl Tensor {
    /// The values limited to `[low, high]`.
    #[track_caller]
    pub fn clamp(&self, low: f64, high: f64) -> Tensor {
        self.maximum(low).minimum(high)
    }

    /// Linear interpolation: this tensor at weight 0, `end` at weight 1.
    #[track_caller]
    pub fn lerp(&self, end: impl Operand, weight: impl Operand) -> Tensor {
        let end = end.to_operand(self.dtype());
        self + (end - self) * weight.to_operand(self.dtype())
    }

    /// `value` where `mask` is true, this tensor elsewhere.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: f64) -> Tensor {
        mask.select(value.to_operand(self.dtype()), self)
    }

    /// `x` where positive, `slope · x` elsewhere.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor {
        self.greater(0.0).select(self, self * slope)
    }

    /// `x` where positive, `alpha (eˣ − 1)` elsewhere (Clevert et al. 2016).
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor {
        // The exponential sees no positive numbers, whose overflow would spoil the derivative of the other branch.
        self.greater(0.0).select(self, self.minimum(0.0).expm1() * alpha)
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

    /// The approximation of [`gelu`](Tensor::gelu) by a hyperbolic tangent, as in GPT-2.
    #[track_caller]
    pub fn gelu_tanh(&self) -> Tensor {
        let inner = (self + self * self.square() * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
        (inner.tanh() + 1.0) * self * 0.5
    }

    /// Whether each element is an infinity.
    #[track_caller]
    pub fn is_infinite(&self) -> Tensor {
        self.abs().equal(Tensor::constant(f64::INFINITY, self.dtype().to_float()))
    }
}
