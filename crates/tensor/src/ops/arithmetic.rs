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

    /// Logarithm to base 2.
    #[track_caller]
    pub fn log2(&self) -> Tensor {
        let log = self.log();
        &log * Tensor::constant(std::f64::consts::LOG2_E, log.dtype())
    }

    /// Logarithm to base 10.
    #[track_caller]
    pub fn log10(&self) -> Tensor {
        let log = self.log();
        &log * Tensor::constant(std::f64::consts::LOG10_E, log.dtype())
    }

    /// sin(πx) / (πx), and 1 at 0, where every derivative exists too.
    #[track_caller]
    pub fn sinc(&self) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let angle = self.cast(self.dtype().to_float()) * std::f64::consts::PI;
        let square = angle.square();
        let is_small = square.less(0.5);
        // The Taylor series in the square; ten terms leave less than 1e-23 of it. Neither branch sees the arguments of
        // the other, at which it has no finite derivative.
        let square = is_small.select(&square, 0.0);
        let term = |series: Tensor, k: usize| 1.0 - &square * series * (1.0 / ((2 * k) * (2 * k + 1)) as f64);
        let series = (1..=10).rev().fold(square.ones_like(), term);
        let divisor = is_small.select(1.0.to_operand(angle.dtype()), &angle);
        is_small.select(series, divisor.sin() / &divisor)
    }

    /// √(a² + b²), without overflow of the squares; the derivative at the origin is 0.
    #[track_caller]
    pub fn hypot(&self, other: impl Operand) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let other = other.to_operand(self.dtype());
        let largest = self.abs().maximum(other.abs()).stop_gradient();
        let plain = largest.equal(0.0).logical_or(&largest.is_infinite());
        let scale = plain.select(Tensor::constant(1.0, largest.dtype().to_float()), &largest);
        let square = (self / &scale).square() + (other / &scale).square();
        // The root's derivative at 0 is infinite; it sees 1 there instead.
        let zero = square.equal(0.0);
        let number = |value: f64| value.to_operand(square.dtype());
        zero.select(number(0.0), zero.select(number(1.0), &square).sqrt() * scale)
    }

    /// x ln y, and 0 where x = 0 even if the logarithm does not exist (unless y is NaN).
    #[track_caller]
    pub fn xlogy(&self, y: impl Operand) -> Tensor {
        let y = y.to_operand(self.dtype());
        let zero = self.equal(0.0).logical_and(&y.less_equal(0.0).logical_or(&y.is_infinite()));
        self * zero.select(1.0.to_operand(y.dtype()), y).log()
    }

    /// x ln(1 + y), and 0 where x = 0 even if the logarithm does not exist (unless y is NaN).
    #[track_caller]
    pub fn xlog1py(&self, y: impl Operand) -> Tensor {
        let y = y.to_operand(self.dtype());
        let zero = self.equal(0.0).logical_and(&y.less_equal(-1.0).logical_or(&y.is_infinite()));
        self * zero.select(0.0.to_operand(y.dtype()), y).log1p()
    }

    /// −x ln x, the term of an entropy: 0 at 0 and −∞ below.
    #[track_caller]
    pub fn entr(&self) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let negative = self.less(0.0);
        let number = |value: f64| value.to_operand(self.dtype());
        let x = negative.select(number(1.0), self);
        negative.select(number(f64::NEG_INFINITY), -x.xlogy(&x))
    }

    /// `nan` where NaN, `high` where +∞, `low` where −∞, itself elsewhere. No derivative flows through the
    /// replaced elements.
    #[track_caller]
    pub fn nan_to_num(&self, nan: f64, high: f64, low: f64) -> Tensor {
        let infinite = self.greater(0.0).select(high.to_operand(self.dtype()), low.to_operand(self.dtype()));
        self.is_nan().select(nan.to_operand(self.dtype()), self.is_infinite().select(infinite, self))
    }

    /// |x| with the sign of `sign`, where zero of either sign and NaN count as positive.
    #[track_caller]
    pub fn copysign(&self, sign: impl Operand) -> Tensor {
        let magnitude = self.abs();
        sign.to_operand(self.dtype()).less(0.0).select(-&magnitude, &magnitude)
    }

    /// Whether each element is an infinity.
    #[track_caller]
    pub fn is_infinite(&self) -> Tensor {
        self.abs().equal(Tensor::constant(f64::INFINITY, self.dtype().to_float()))
    }
}
