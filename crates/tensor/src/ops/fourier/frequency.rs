//! Frequencies, and moving the zero among them.

use crate::shape::{AxisList, axes_for};
use crate::{Axes, Complex, DType, Tensor};

/// The elements along `axes` rolled by `amount(length)`.
#[track_caller]
fn rolled(x: &Tensor, axes: &AxisList, amount: impl Fn(usize) -> usize) -> Tensor {
    let _site = crate::graph::site::on_behalf_of_caller();
    axes.iter().fold(x.clone(), |x, axis| {
        let length = x.shape()[*axis];
        let by = amount(length);
        if by == 0 {
            return x;
        }
        let axis = *axis as isize;
        Tensor::concatenate(&[x.narrow(axis, length - by, by), x.narrow(axis, 0, length - by)], axis)
    })
}

impl Tensor {
    /// Frequency 0 moved from the front to the middle along the axes.
    ///
    /// # Panics
    /// If an axis does not exist.
    #[track_caller]
    pub fn fftshift(&self, axes: impl Into<Axes>) -> Tensor {
        rolled(self, &axes_for("fftshift", self.shape(), &axes.into()), |length| length / 2)
    }

    /// The inverse of [`fftshift`](Tensor::fftshift).
    ///
    /// # Panics
    /// If an axis does not exist.
    #[track_caller]
    pub fn ifftshift(&self, axes: impl Into<Axes>) -> Tensor {
        rolled(self, &axes_for("ifftshift", self.shape(), &axes.into()), |length| {
            length.div_ceil(2) % length.max(1)
        })
    }

    /// The frequencies of a transform of length `n` of samples `spacing` apart, in cycles per unit: 0, 1, …, then the
    /// negative ones, …, −1, divided by `n · spacing`.
    #[track_caller]
    pub fn fftfreq(n: usize, spacing: f64, dtype: DType) -> Tensor {
        let negative = n / 2;
        let values = (0..n).map(|k| if k < n - negative { k as f64 } else { k as f64 - n as f64 });
        let scale = 1.0 / (n as f64 * spacing);
        Tensor::from_vec(values.map(|k| k * scale).collect::<Vec<f64>>(), [n]).cast(dtype)
    }

    /// The frequencies of [`rfft`](Tensor::rfft) of length `n`: 0, 1, …, n/2, divided by `n · spacing`.
    #[track_caller]
    pub fn rfftfreq(n: usize, spacing: f64, dtype: DType) -> Tensor {
        let scale = 1.0 / (n as f64 * spacing);
        let values: Vec<f64> = (0..=n / 2).map(|k| k as f64 * scale).collect();
        Tensor::from_vec(values, [n / 2 + 1]).cast(dtype)
    }
}

impl Complex {
    /// [`Tensor::fftshift`] of both parts.
    #[track_caller]
    pub fn fftshift(&self, axes: impl Into<Axes>) -> Complex {
        let axes = axes.into();
        Complex { re: self.re.fftshift(axes.clone()), im: self.im.fftshift(axes) }
    }

    /// [`Tensor::ifftshift`] of both parts.
    #[track_caller]
    pub fn ifftshift(&self, axes: impl Into<Axes>) -> Complex {
        let axes = axes.into();
        Complex { re: self.re.ifftshift(axes.clone()), im: self.im.ifftshift(axes) }
    }
}
