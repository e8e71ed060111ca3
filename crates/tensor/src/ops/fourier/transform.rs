//! The transforms users call, with NumPy's lengths, axes and scaling.

use crate::shape::{AxisList, axes_for, axis_for};
use crate::{Axes, Complex, DType, Tensor};

use super::{Kind, parts, record};

/// Who divides by the length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// The inverse transform, by n.
    #[default]
    Backward,
    /// Both, by √n: the transform is an isometry.
    Ortho,
    /// The forward transform, by n.
    Forward,
}

impl Norm {
    /// What an unscaled transform of length `n` is multiplied with.
    fn factor(self, inverse: bool, n: usize) -> f64 {
        match (self, inverse) {
            (Norm::Ortho, _) => 1.0 / (n as f64).sqrt(),
            (Norm::Backward, true) | (Norm::Forward, false) => 1.0 / n as f64,
            _ => 1.0,
        }
    }
}

#[track_caller]
fn scaled(x: &Tensor, factor: f64) -> Tensor {
    if factor == 1.0 { x.clone() } else { x * Tensor::constant(factor, x.dtype()) }
}

/// The last axis cut or padded with zeros at its end to length `n`.
#[track_caller]
fn resized(x: &Tensor, n: usize) -> Tensor {
    let last = x.rank() - 1;
    let length = x.shape()[last];
    if n <= length {
        return x.narrow(-1, 0, n);
    }
    let mut amounts = vec![(0, 0); x.rank()];
    amounts[last].1 = n - length;
    x.pad(&amounts, 0.0)
}

#[track_caller]
fn length_for(name: &str, x: &Tensor, axis: usize, n: Option<usize>) -> usize {
    let n = n.unwrap_or(x.shape()[axis]);
    assert!(n > 0, "{name} of shape {}: there is no transform of length 0 (axis {axis})", x.shape());
    n
}

/// The type that is transformed: `f64`, or `f32` for all others.
#[track_caller]
fn computed(x: &Tensor) -> Tensor {
    x.cast(if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 })
}

#[track_caller]
fn complex(name: &str, inverse: bool, z: &Complex, n: Option<usize>, axis: isize, norm: Norm) -> Complex {
    let _site = crate::graph::site::on_behalf_of_caller();
    let axis = axis_for(name, z.shape(), axis, z.shape().rank());
    let n = length_for(name, &z.re, axis, n);
    let at_end = z.map_parts(|part| resized(&part.move_axis(axis as isize, -1), n));
    let done = parts(record(Kind::Complex { inverse }, n, &[at_end.re, at_end.im]));
    let factor = norm.factor(inverse, n);
    done.map_parts(|part| scaled(part, factor).move_axis(-1, axis as isize))
}

#[track_caller]
fn over_axes(name: &str, inverse: bool, z: &Complex, axes: &AxisList, norm: Norm) -> Complex {
    let _site = crate::graph::site::on_behalf_of_caller();
    let each = |z: Complex, axis: &usize| complex(name, inverse, &z, None, *axis as isize, norm);
    axes.iter().rev().fold(z.clone(), each)
}

/// The last two axes.
const IMAGE: [isize; 2] = [-2, -1];

/// Fourier transforms of complex tensors: yₖ = Σⱼ zⱼ exp(−2πi jk/n) along an axis. `n` cuts the axis or pads it with
/// zeros; without, its length is transformed. Any length is quick, powers of 2, 3 and 5 most.
impl Complex {
    /// The transform along `axis`.
    ///
    /// ```
    /// use bolete_tensor::{Complex, Tensor, ops::fourier::Norm};
    /// let z = Complex::from_real(&Tensor::from([1.0f64, 0.0, 0.0, 0.0]));
    /// assert_eq!(z.fft(None, -1, Norm::Backward).re.to_vec::<f64>(), [1.0; 4]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or the length is 0, as all of these.
    #[track_caller]
    pub fn fft(&self, n: Option<usize>, axis: isize, norm: Norm) -> Complex {
        complex("fft", false, self, n, axis, norm)
    }

    /// The inverse of [`fft`](Complex::fft) with the same `norm`.
    #[track_caller]
    pub fn ifft(&self, n: Option<usize>, axis: isize, norm: Norm) -> Complex {
        complex("ifft", true, self, n, axis, norm)
    }

    /// The transform along several axes, one after the other.
    #[track_caller]
    pub fn fftn(&self, axes: impl Into<Axes>, norm: Norm) -> Complex {
        over_axes("fftn", false, self, &axes_for("fftn", self.shape(), &axes.into()), norm)
    }

    /// The inverse of [`fftn`](Complex::fftn) with the same `norm`.
    #[track_caller]
    pub fn ifftn(&self, axes: impl Into<Axes>, norm: Norm) -> Complex {
        over_axes("ifftn", true, self, &axes_for("ifftn", self.shape(), &axes.into()), norm)
    }

    /// The transform of images, along the last two axes.
    #[track_caller]
    pub fn fft2(&self, norm: Norm) -> Complex {
        over_axes("fft2", false, self, &axes_for("fft2", self.shape(), &IMAGE.into()), norm)
    }

    /// The inverse of [`fft2`](Complex::fft2) with the same `norm`.
    #[track_caller]
    pub fn ifft2(&self, norm: Norm) -> Complex {
        over_axes("ifft2", true, self, &axes_for("ifft2", self.shape(), &IMAGE.into()), norm)
    }

    /// The inverse of [`Tensor::rfft`]: real numbers of length `n` along `axis` from the first n/2 + 1 elements of
    /// their spectrum. Without `n`, an even length is assumed, 2 (length − 1). The imaginary parts of the first
    /// element and, for even `n`, of the last count as 0.
    #[track_caller]
    pub fn irfft(&self, n: Option<usize>, axis: isize, norm: Norm) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("irfft", self.shape(), axis, self.shape().rank());
        let n = n.unwrap_or((2 * self.shape()[axis]).saturating_sub(2));
        let n = length_for("irfft", &self.re, axis, Some(n));
        let half = self.map_parts(|part| resized(&part.move_axis(axis as isize, -1), n / 2 + 1));
        let real = record(Kind::FromHalf, n, &[half.re, half.im]).remove(0);
        scaled(&real, norm.factor(true, n)).move_axis(-1, axis as isize)
    }

    /// The inverse of [`Tensor::rfftn`]: `n` is the length of the last of the axes.
    ///
    /// # Panics
    /// If no axis is named.
    #[track_caller]
    pub fn irfftn(&self, n: Option<usize>, axes: impl Into<Axes>, norm: Norm) -> Tensor {
        self.irfft_axes("irfftn", n, axes_for("irfftn", self.shape(), &axes.into()), norm)
    }

    /// The inverse of [`Tensor::rfft2`]: `n` is the length of the last axis.
    #[track_caller]
    pub fn irfft2(&self, n: Option<usize>, norm: Norm) -> Tensor {
        self.irfft_axes("irfft2", n, axes_for("irfft2", self.shape(), &IMAGE.into()), norm)
    }

    #[track_caller]
    fn irfft_axes(&self, name: &str, n: Option<usize>, mut axes: AxisList, norm: Norm) -> Tensor {
        let last = axes.pop();
        assert!(last.is_some(), "{name} of shape {}: there must be an axis", self.shape());
        let complex = over_axes(name, true, self, &axes, norm);
        complex.irfft(n, last.map_or(0, |axis| axis as isize), norm)
    }
}

/// Fourier transforms of real tensors. Integers and half precision are transformed in `f32`.
impl Tensor {
    /// The first n/2 + 1 elements of the transform along `axis`; the others are their conjugates. At half the cost of
    /// the complex transform for even lengths. See [`Complex::fft`].
    ///
    /// # Panics
    /// If the axis does not exist or the length is 0.
    #[track_caller]
    pub fn rfft(&self, n: Option<usize>, axis: isize, norm: Norm) -> Complex {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("rfft", self.shape(), axis, self.rank());
        let n = length_for("rfft", self, axis, n);
        let at_end = resized(&computed(self).move_axis(axis as isize, -1), n);
        let done = parts(record(Kind::ToHalf, n, &[at_end]));
        let factor = norm.factor(false, n);
        done.map_parts(|part| scaled(part, factor).move_axis(-1, axis as isize))
    }

    /// [`rfft`](Tensor::rfft) along the last of the axes, [`fft`](Complex::fft) along the others. The axes count in
    /// ascending order.
    ///
    /// # Panics
    /// If no axis is named.
    #[track_caller]
    pub fn rfftn(&self, axes: impl Into<Axes>, norm: Norm) -> Complex {
        self.rfft_axes("rfftn", axes_for("rfftn", self.shape(), &axes.into()), norm)
    }

    /// [`rfftn`](Tensor::rfftn) of images, along the last two axes.
    #[track_caller]
    pub fn rfft2(&self, norm: Norm) -> Complex {
        self.rfft_axes("rfft2", axes_for("rfft2", self.shape(), &IMAGE.into()), norm)
    }

    #[track_caller]
    fn rfft_axes(&self, name: &str, mut axes: AxisList, norm: Norm) -> Complex {
        let last = axes.pop();
        assert!(last.is_some(), "{name} of shape {}: there must be an axis", self.shape());
        let half = self.rfft(None, last.map_or(0, |axis| axis as isize), norm);
        over_axes(name, false, &half, &axes, norm)
    }

    /// The cosine transform of type II along `axis`, yₖ = 2 Σⱼ xⱼ cos(πk(2j + 1)/2n), or with `ortho` the orthogonal
    /// matrix that is proportional to it in all rows but the first.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    pub fn dct(&self, axis: isize, ortho: bool) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("dct", self.shape(), axis, self.rank());
        let n = length_for("dct", self, axis, None);
        let x = computed(self).move_axis(axis as isize, -1);
        // The even extension to twice the length, whose transform is real up to a turn by half a step.
        let spectrum = Tensor::concatenate(&[x.clone(), x.flip(-1)], -1).rfft(None, -1, Norm::Backward);
        let turned =
            spectrum.map_parts(|part| part.narrow(-1, 0, n)).mul(&half_steps(n, x.dtype()).conj()).re;
        let y = if ortho { turned * ortho_factors(n, x.dtype()) } else { turned };
        y.move_axis(-1, axis as isize)
    }

    /// The cosine transform of type III along `axis`, yₖ = x₀ + 2 Σⱼ xⱼ cos(πj(2k + 1)/2n) over j ≥ 1, or with `ortho`
    /// the inverse of [`dct`](Tensor::dct) with `ortho`. Without, the inverse is this divided by 2n.
    ///
    /// # Panics
    /// If the axis does not exist or is empty.
    #[track_caller]
    pub fn idct(&self, axis: isize, ortho: bool) -> Tensor {
        let axis = axis_for("idct", self.shape(), axis, self.rank());
        let n = length_for("idct", self, axis, None);
        let x = computed(self).move_axis(axis as isize, -1);
        // Orthogonal is the transpose of `dct`; the first row of type III has half the weight of the others.
        let weights = Tensor::arange(n, DType::I64).equal(0).select(2.0f64, 1.0f64).cast(x.dtype());
        let x = if ortho { x.clone() * ortho_factors(n, x.dtype()) * weights } else { x };
        let spectrum = Complex::from_real(&x).mul(&half_steps(n, x.dtype()));
        spectrum.irfft(Some(2 * n), -1, Norm::Forward).narrow(-1, 0, n).move_axis(-1, axis as isize)
    }
}

/// exp(πi k/2n) for k < n.
#[track_caller]
fn half_steps(n: usize, dtype: DType) -> Complex {
    let _site = crate::graph::site::on_behalf_of_caller();
    let angle =
        Tensor::arange(n, DType::F64) * Tensor::constant(std::f64::consts::PI / (2 * n) as f64, DType::F64);
    Complex { re: angle.cos().cast(dtype), im: angle.sin().cast(dtype) }
}

/// What makes `dct` orthogonal: 1/√4n for the first row and 1/√2n for the others.
#[track_caller]
fn ortho_factors(n: usize, dtype: DType) -> Tensor {
    let (first, others) = (1.0 / (4.0 * n as f64).sqrt(), 1.0 / (2.0 * n as f64).sqrt());
    let pick = Tensor::arange(n, DType::I64).equal(0);
    pick.select(Tensor::constant(first, dtype), Tensor::constant(others, dtype))
}
