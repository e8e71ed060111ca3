//! Complex numbers.
//!
//! A complex tensor is a tree of two real ones, so that everything that works on real tensors (fusion, derivatives of
//! every order, `vmap`, saving) works on complex ones. A gradient of a real function is taken in the real and the
//! imaginary part: ∂f/∂re + i ∂f/∂im, the direction of steepest ascent, as in PyTorch (JAX gives its conjugate).

use crate::{DType, Shape, Tensor, Tree};

/// An array of complex numbers. Both parts have one shape and one element type, `f32` or `f64`.
///
/// ```
/// use bolete_tensor::{Complex, Tensor};
/// let i = Complex::new(Tensor::from([0.0f64]), Tensor::from([1.0f64]));
/// assert_eq!(i.mul(&i).re.to_vec::<f64>(), [-1.0]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Complex {
    /// The real part.
    pub re: Tensor,
    /// The imaginary part.
    pub im: Tensor,
}

impl Complex {
    /// From real and imaginary parts, which are promoted to one type.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn new(re: Tensor, im: Tensor) -> Complex {
        assert!(
            re.shape() == im.shape(),
            "Complex: the real part {} and the imaginary part {} must have one shape",
            re.shape(),
            im.shape()
        );
        let common = re.dtype().promote(im.dtype()).to_float();
        let common = if common.is_half() { DType::F32 } else { common };
        Complex { re: re.cast(common), im: im.cast(common) }
    }

    /// Real numbers as complex ones.
    #[track_caller]
    pub fn from_real(re: &Tensor) -> Complex {
        Complex::new(re.clone(), re.zeros_like())
    }

    /// From absolute values and angles in radians.
    #[track_caller]
    pub fn from_polar(abs: &Tensor, angle: &Tensor) -> Complex {
        Complex::new(abs * angle.cos(), abs * angle.sin())
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        self.re.shape()
    }

    /// The element type of both parts.
    pub fn dtype(&self) -> DType {
        self.re.dtype()
    }

    /// `change` of both parts: for views, sums and all else that is linear with real coefficients.
    pub fn map_parts(&self, change: impl Fn(&Tensor) -> Tensor) -> Complex {
        Complex { re: change(&self.re), im: change(&self.im) }
    }

    /// Sum; the shapes broadcast.
    #[track_caller]
    pub fn add(&self, other: &Complex) -> Complex {
        Complex { re: &self.re + &other.re, im: &self.im + &other.im }
    }

    /// Difference; the shapes broadcast.
    #[track_caller]
    pub fn sub(&self, other: &Complex) -> Complex {
        Complex { re: &self.re - &other.re, im: &self.im - &other.im }
    }

    /// Product; the shapes broadcast.
    #[track_caller]
    pub fn mul(&self, other: &Complex) -> Complex {
        Complex {
            re: &self.re * &other.re - &self.im * &other.im,
            im: &self.re * &other.im + &self.im * &other.re,
        }
    }

    /// Product with real numbers; the shapes broadcast.
    #[track_caller]
    pub fn scale(&self, factor: &Tensor) -> Complex {
        self.map_parts(|part| part * factor)
    }

    /// Quotient; the shapes broadcast.
    #[track_caller]
    pub fn div(&self, other: &Complex) -> Complex {
        self.mul(&other.reciprocal())
    }

    /// 1/z.
    #[track_caller]
    pub fn reciprocal(&self) -> Complex {
        self.conj().scale(&self.square_abs().reciprocal())
    }

    /// −z.
    #[track_caller]
    pub fn neg(&self) -> Complex {
        self.map_parts(Tensor::neg)
    }

    /// The complex conjugate.
    #[track_caller]
    pub fn conj(&self) -> Complex {
        Complex { re: self.re.clone(), im: self.im.neg() }
    }

    /// |z|². Its derivative exists at 0, where that of [`abs`](Complex::abs) does not.
    #[track_caller]
    pub fn square_abs(&self) -> Tensor {
        self.re.square() + self.im.square()
    }

    /// |z|, without overflow of the squares; the derivative at 0 is 0.
    #[track_caller]
    pub fn abs(&self) -> Tensor {
        self.re.hypot(&self.im)
    }

    /// The angle in (−π, π].
    #[track_caller]
    pub fn angle(&self) -> Tensor {
        self.im.atan2(&self.re)
    }

    /// e^z.
    #[track_caller]
    pub fn exp(&self) -> Complex {
        Complex::from_polar(&self.re.exp(), &self.im)
    }

    /// The logarithm with imaginary part in (−π, π].
    #[track_caller]
    pub fn log(&self) -> Complex {
        Complex::new(self.abs().log(), self.angle())
    }

    /// The square root with non-negative real part.
    #[track_caller]
    pub fn sqrt(&self) -> Complex {
        Complex::from_polar(&self.abs().sqrt(), &(self.angle() * 0.5))
    }

    /// The matrix product of the last two axes.
    ///
    /// # Panics
    /// As [`Tensor::matmul`].
    #[track_caller]
    pub fn matmul(&self, other: &Complex) -> Complex {
        Complex {
            re: self.re.matmul(&other.re) - self.im.matmul(&other.im),
            im: self.re.matmul(&other.im) + self.im.matmul(&other.re),
        }
    }

    /// The transposed matrix (not conjugated).
    #[track_caller]
    pub fn t(&self) -> Complex {
        self.map_parts(Tensor::t)
    }
}
