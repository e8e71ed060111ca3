//! How alike two images are: PSNR and SSIM, to report and to differentiate.

use bolete_tensor::{Convolution2d, Tensor};

use super::assert_alike;

/// The peak signal-to-noise ratio of each image in decibels, 10 log₁₀(range² / mean squared error): `[images, …]` twice to
/// `[images]`. `range` is how far apart black and white are. Equal images have infinity.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn peak_signal_to_noise_ratio(a: &Tensor, b: &Tensor, range: f64) -> Tensor {
    assert_alike("peak_signal_to_noise_ratio", a, b);
    let pixels: Vec<isize> = (1..a.rank() as isize).collect();
    let error = (a - b).square().mean(pixels.as_slice());
    (error / (range * range)).log() * (-10.0 / std::f64::consts::LN_10)
}

/// The structural similarity of each image, from −1 to 1 for equal ones (Wang et al. 2004): images
/// `[images, channels, height, width]` twice to `[images]`. `range` is how far apart black and white are.
///
/// As in the paper: means, variances and covariances under a Gaussian window of 11×11 with σ = 1.5, K₁ = 0.01,
/// K₂ = 0.03, averaged over all places where the window fits, and over channels. 1 − SSIM is a loss.
///
/// # Panics
/// If the shapes differ, the rank is not 4, or the window does not fit once.
#[track_caller]
pub fn structural_similarity(a: &Tensor, b: &Tensor, range: f64) -> Tensor {
    const WINDOW: usize = 11;
    assert_alike("structural_similarity", a, b);
    assert!(
        a.rank() == 4 && a.shape()[2] >= WINDOW && a.shape()[3] >= WINDOW,
        "structural_similarity: expected images [images, channels, height, width] of at least {WINDOW}x{WINDOW}, found \
         {}",
        a.shape()
    );
    let dtype = a.dtype();
    let distance = Tensor::arange(WINDOW, dtype) - (WINDOW / 2) as f64;
    let bell = (distance.square() * (-0.5 / (1.5 * 1.5))).exp();
    let bell = &bell / bell.sum(..);
    let (images, channels, height, width) = (a.shape()[0], a.shape()[1], a.shape()[2], a.shape()[3]);
    let blur = |x: &Tensor| {
        let planes = x.reshape([images * channels, 1, height, width]);
        let once = planes.conv2d(&bell.reshape([1, 1, WINDOW, 1]), &Convolution2d::default());
        once.conv2d(&bell.reshape([1, 1, 1, WINDOW]), &Convolution2d::default())
    };
    let (mean_a, mean_b) = (blur(a), blur(b));
    let variance_a = blur(&a.square()) - mean_a.square();
    let variance_b = blur(&b.square()) - mean_b.square();
    let covariance = blur(&(a * b)) - &mean_a * &mean_b;
    let [c1, c2] = [0.01, 0.03].map(|k: f64| (k * range).powi(2));
    let luminance = (&mean_a * &mean_b * 2.0 + c1) / (mean_a.square() + mean_b.square() + c1);
    let structure = (covariance * 2.0 + c2) / (variance_a + variance_b + c2);
    (luminance * structure).reshape([images, channels * (height - WINDOW + 1) * (width - WINDOW + 1)]).mean(1)
}
