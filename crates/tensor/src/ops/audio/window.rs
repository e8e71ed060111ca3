//! Windows.

use std::f64::consts::PI;

use crate::cpu::kernels::special::bessel::scaled_bessel_i;
use crate::{DType, Tensor};

/// The shape of a window (Harris 1978).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// 1 everywhere.
    Rectangular,
    /// ½ − ½ cos.
    Hann,
    /// 0.54 − 0.46 cos.
    Hamming,
    /// 0.42 − 0.5 cos + 0.08 cos of twice the angle.
    Blackman,
    /// I₀(β √(1 − r²)) / I₀(β) with r from −1 to 1 (Kaiser 1974).
    Kaiser {
        /// The larger, the lower the side lobes and the wider the main one.
        beta: f64,
    },
}

impl Window {
    /// `length` values. Periodic windows, for spectra, are the first of a symmetric one with one value more;
    /// symmetric ones are for filters.
    ///
    /// ```
    /// use bolete_tensor::{DType, ops::audio::Window};
    /// let window: Vec<f64> = Window::Hann.values(4, true, DType::F64).to_vec();
    /// assert!((window[0], window[2]) == (0.0, 1.0) && (window[1] - 0.5).abs() < 1e-15);
    /// ```
    ///
    /// # Panics
    /// If `dtype` is not a float.
    #[track_caller]
    pub fn values(self, length: usize, periodic: bool, dtype: DType) -> Tensor {
        assert!(dtype.is_float(), "window: {dtype} cannot hold a window");
        let steps = if periodic { length } else { length.max(1) - 1 };
        let value = |index: usize| {
            if length == 1 {
                return 1.0;
            }
            let at = index as f64 / steps as f64;
            let cos = |turns: f64| (2.0 * PI * turns * at).cos();
            match self {
                Window::Rectangular => 1.0,
                Window::Hann => 0.5 - 0.5 * cos(1.0),
                Window::Hamming => 0.54 - 0.46 * cos(1.0),
                Window::Blackman => 0.42 - 0.5 * cos(1.0) + 0.08 * cos(2.0),
                Window::Kaiser { beta } => {
                    let r = 2.0 * at - 1.0;
                    let inner = beta * (1.0 - r * r).max(0.0).sqrt();
                    scaled_bessel_i(0, inner) / scaled_bessel_i(0, beta) * (inner - beta).exp()
                }
            }
        };
        Tensor::from_vec((0..length).map(value).collect::<Vec<f64>>(), [length]).cast(dtype)
    }
}
