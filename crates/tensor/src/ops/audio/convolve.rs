//! Convolution by transforms.

use crate::Tensor;
use crate::ops::fourier::Norm;

/// The smallest length of at least `n` that has no prime factors but 2, 3 and 5.
fn quick_length(n: usize) -> usize {
    let is_quick = |mut length: usize| {
        for prime in [2, 3, 5] {
            while length.is_multiple_of(prime) {
                length /= prime;
            }
        }
        length == 1
    };
    (n.max(1)..).find(|length| is_quick(*length)).expect("a power of two follows every number")
}

impl Tensor {
    /// The full linear convolution along the last axis, of length n + m − 1: outₖ = Σⱼ xⱼ yₖ₋ⱼ. The
    /// other axes broadcast. By Fourier transforms, for long kernels; the error is relative to the largest element.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let product = Tensor::from([1.0f64, 2.0]).fft_convolve(&Tensor::from([3.0f64, 4.0, 5.0]));
    /// let rounded: Vec<f64> = product.round().to_vec();
    /// assert_eq!(rounded, [3.0, 10.0, 13.0, 10.0]);
    /// ```
    ///
    /// # Panics
    /// If one has no last axis or an empty one, or the other axes do not broadcast.
    #[track_caller]
    pub fn fft_convolve(&self, other: &Tensor) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let last = |tensor: &Tensor| tensor.shape().last().copied().unwrap_or(0);
        let (own, others) = (last(self), last(other));
        assert!(
            own > 0 && others > 0,
            "fft_convolve: both need a last axis that is not empty, but the shapes are {} and {}",
            self.shape(),
            other.shape()
        );
        let length = own + others - 1;
        let padded = quick_length(length);
        let spectrum = |x: &Tensor| x.rfft(Some(padded), -1, Norm::Backward);
        let product = spectrum(self).mul(&spectrum(other));
        product.irfft(Some(padded), -1, Norm::Backward).narrow(-1, 0, length)
    }
}
