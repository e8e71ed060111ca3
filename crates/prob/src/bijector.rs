//! Invertible functions of single numbers, for [`Transformed`](crate::Transformed) distributions.

use std::f64::consts::LN_2;

use bolete_tensor::{DType, Tensor, Tree};

/// An invertible, monotonic function, applied element by element.
pub trait Bijector: Tree {
    /// f(x).
    fn forward(&self, x: &Tensor) -> Tensor;
    /// f⁻¹(y).
    fn inverse(&self, y: &Tensor) -> Tensor;
    /// ln |f′(x)|.
    fn log_slope(&self, x: &Tensor) -> Tensor;
    /// Whether y is f of something.
    fn contains(&self, y: &Tensor) -> Tensor {
        y.is_nan().logical_not()
    }
    /// Whether y lies above all that f gives.
    fn is_above(&self, y: &Tensor) -> Tensor {
        y.is_nan().logical_and(&y.is_nan().logical_not())
    }
    /// Whether f rises.
    fn is_rising(&self) -> Tensor {
        Tensor::scalar(1.0, DType::Bool)
    }
    /// Slope and offset, if f is a straight line.
    fn as_affine(&self) -> Option<(Tensor, Tensor)> {
        None
    }
}

/// scale · x + offset.
#[derive(Clone, Debug, Tree)]
pub struct Affine {
    /// The slope, not zero.
    pub scale: Tensor,
    /// The value at 0.
    pub offset: Tensor,
}

impl Bijector for Affine {
    fn forward(&self, x: &Tensor) -> Tensor {
        x * &self.scale + &self.offset
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        (y - &self.offset) / &self.scale
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        x.zeros_like() + self.scale.abs().log()
    }
    fn is_rising(&self) -> Tensor {
        self.scale.greater(0.0)
    }
    fn as_affine(&self) -> Option<(Tensor, Tensor)> {
        Some((self.scale.clone(), self.offset.clone()))
    }
}

/// eˣ, onto the positive numbers.
#[derive(Clone, Copy, Debug, Default, Tree)]
pub struct Exp;

impl Bijector for Exp {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.exp()
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        y.log()
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        x.clone()
    }
    fn contains(&self, y: &Tensor) -> Tensor {
        y.greater(0.0)
    }
}

/// ln(1 + eˣ), onto the positive numbers.
#[derive(Clone, Copy, Debug, Default, Tree)]
pub struct Softplus;

impl Bijector for Softplus {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.softplus()
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        // ln(eʸ − 1) = y + ln(1 − e⁻ʸ).
        y + (-(-y).expm1()).log()
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        -(-x).softplus()
    }
    fn contains(&self, y: &Tensor) -> Tensor {
        y.greater(0.0)
    }
}

/// 1/(1 + e⁻ˣ), onto (0, 1).
#[derive(Clone, Copy, Debug, Default, Tree)]
pub struct Sigmoid;

impl Bijector for Sigmoid {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.sigmoid()
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        y.log() - (-y).log1p()
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        -(x.softplus() + (-x).softplus())
    }
    fn contains(&self, y: &Tensor) -> Tensor {
        y.greater(0.0).logical_and(&y.less(1.0))
    }
    fn is_above(&self, y: &Tensor) -> Tensor {
        y.greater_equal(1.0)
    }
}

/// The hyperbolic tangent, onto (−1, 1).
#[derive(Clone, Copy, Debug, Default, Tree)]
pub struct Tanh;

impl Bijector for Tanh {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.tanh()
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        (y.log1p() - (-y).log1p()) * 0.5
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        // ln(1 − tanh²) without the cancellation of large x.
        (-(x + (x * -2.0).softplus()) + LN_2) * 2.0
    }
    fn contains(&self, y: &Tensor) -> Tensor {
        y.greater(-1.0).logical_and(&y.less(1.0))
    }
    fn is_above(&self, y: &Tensor) -> Tensor {
        y.greater_equal(1.0)
    }
}

/// The second function after the first.
#[derive(Clone, Debug, Tree)]
pub struct Chain<F, G> {
    /// What is applied to x.
    pub first: F,
    /// What is applied to the result.
    pub second: G,
}

impl<F: Bijector, G: Bijector> Chain<F, G> {
    /// A number that the second function can take back, in place of those that it cannot.
    fn middle(&self, y: &Tensor, inside: &Tensor) -> Tensor {
        let harmless = self.second.forward(&self.first.forward(&y.zeros_like()));
        self.second.inverse(&inside.select(y, harmless))
    }
}

impl<F: Bijector, G: Bijector> Bijector for Chain<F, G> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.second.forward(&self.first.forward(x))
    }
    fn inverse(&self, y: &Tensor) -> Tensor {
        self.first.inverse(&self.second.inverse(y))
    }
    fn log_slope(&self, x: &Tensor) -> Tensor {
        self.first.log_slope(x) + self.second.log_slope(&self.first.forward(x))
    }
    fn contains(&self, y: &Tensor) -> Tensor {
        let inside = self.second.contains(y);
        inside.logical_and(&self.first.contains(&self.middle(y, &inside)))
    }
    fn is_above(&self, y: &Tensor) -> Tensor {
        let inside = self.second.contains(y);
        let middle = self.middle(y, &inside);
        // A falling second function puts on top what the first leaves out below.
        let below = self.first.contains(&middle).logical_or(&self.first.is_above(&middle)).logical_not();
        let beyond = self.second.is_rising().select(self.first.is_above(&middle), below);
        inside.select(beyond, self.second.is_above(y))
    }
    fn is_rising(&self) -> Tensor {
        self.first.is_rising().logical_xor(&self.second.is_rising()).logical_not()
    }
    fn as_affine(&self) -> Option<(Tensor, Tensor)> {
        let ((a, b), (c, d)) = (self.first.as_affine()?, self.second.as_affine()?);
        Some((a * &c, b * c + d))
    }
}
