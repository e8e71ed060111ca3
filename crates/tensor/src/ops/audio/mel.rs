//! Mel filter banks and cepstra.

use crate::{DType, Tensor};

/// How pitch is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MelScale {
    /// 2595 log₁₀(1 + f/700), of HTK.
    Htk,
    /// Linear below 1000 Hz and logarithmic above, of Slaney's Auditory Toolbox (1998).
    #[default]
    Slaney,
}

/// Hertz per mel below 1000 Hz on Slaney's scale.
const SLANEY_STEP: f64 = 200.0 / 3.0;
/// 1000 Hz on Slaney's scale.
const SLANEY_BREAK: f64 = 15.0;

/// The logarithm of the ratio of frequencies one mel apart above 1000 Hz on Slaney's scale.
fn slaney_ratio() -> f64 {
    6.4f64.ln() / 27.0
}

impl MelScale {
    /// The pitch of a frequency in Hz.
    pub fn mel(self, hertz: f64) -> f64 {
        match self {
            MelScale::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
            MelScale::Slaney if hertz < 1000.0 => hertz / SLANEY_STEP,
            MelScale::Slaney => SLANEY_BREAK + (hertz / 1000.0).ln() / slaney_ratio(),
        }
    }

    /// The frequency in Hz of a pitch.
    pub fn hertz(self, mel: f64) -> f64 {
        match self {
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < SLANEY_BREAK => mel * SLANEY_STEP,
            MelScale::Slaney => 1000.0 * (slaney_ratio() * (mel - SLANEY_BREAK)).exp(),
        }
    }
}

/// Triangular filters, equally far apart in pitch.
///
/// ```
/// use bolete_tensor::{DType, Key, ops::audio::{MelBank, Stft}};
/// let signal = Key::new(0).normal([1000], DType::F32);
/// let energy = Stft::new(256).spectrogram(&signal, 2.0);
/// let mel = MelBank::new(16_000.0, 256, 20).apply(&energy);
/// assert_eq!(mel.shape(), &[20, 16]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelBank {
    /// Samples per second.
    pub sample_rate: f64,
    /// The length of the transformed frames.
    pub n_fft: usize,
    /// The number of filters.
    pub filters: usize,
    /// The lowest frequency in Hz.
    pub low: f64,
    /// The highest frequency in Hz.
    pub high: f64,
    /// How pitch is measured.
    pub scale: MelScale,
    /// Whether filters have area 1 in Hz, instead of height 1.
    pub slaney_norm: bool,
}

impl MelBank {
    /// Filters from 0 to half the sample rate, on Slaney's scale and with his norm.
    pub fn new(sample_rate: f64, n_fft: usize, filters: usize) -> MelBank {
        let high = 0.5 * sample_rate;
        MelBank { sample_rate, n_fft, filters, low: 0.0, high, scale: MelScale::Slaney, slaney_norm: true }
    }

    /// The filters as a matrix `[filters, n_fft/2 + 1]`.
    ///
    /// # Panics
    /// If the frequencies are not in order or `dtype` is not a float.
    #[track_caller]
    pub fn matrix(&self, dtype: DType) -> Tensor {
        assert!(
            0.0 <= self.low && self.low < self.high && self.sample_rate > 0.0 && dtype.is_float(),
            "mel bank: no filters of {dtype} from {} Hz to {} Hz at {} samples per second",
            self.low,
            self.high,
            self.sample_rate
        );
        let (first, last) = (self.scale.mel(self.low), self.scale.mel(self.high));
        let step = (last - first) / (self.filters + 1) as f64;
        let corners: Vec<f64> =
            (0..self.filters + 2).map(|index| self.scale.hertz(first + step * index as f64)).collect();
        let bins = self.n_fft / 2 + 1;
        let mut values = Vec::with_capacity(self.filters * bins);
        for corner in corners.windows(3) {
            let area = if self.slaney_norm { 2.0 / (corner[2] - corner[0]) } else { 1.0 };
            for bin in 0..bins {
                let frequency = bin as f64 * self.sample_rate / self.n_fft as f64;
                let rising = (frequency - corner[0]) / (corner[1] - corner[0]);
                let falling = (corner[2] - frequency) / (corner[2] - corner[1]);
                values.push(area * rising.min(falling).max(0.0));
            }
        }
        Tensor::from_vec(values, [self.filters, bins]).cast(dtype)
    }

    /// The mel spectrogram of a spectrogram: `[…, n_fft/2 + 1, frames]` to `[…, filters, frames]`.
    ///
    /// # Panics
    /// If the axis of frequencies does not fit.
    #[track_caller]
    pub fn apply(&self, spectrogram: &Tensor) -> Tensor {
        let (shape, bins) = (spectrogram.shape(), self.n_fft / 2 + 1);
        assert!(
            shape.rank() >= 2 && shape[shape.rank() - 2] == bins,
            "mel bank: expected a spectrogram […, {bins}, frames] for frames of {}, found {shape}",
            self.n_fft
        );
        self.matrix(spectrogram.dtype().to_float()).matmul(spectrogram)
    }
}

/// 10 log₁₀ of energies, those below 10⁻¹⁰ counting as that much. With `range`, levels further below the largest of
/// the last two axes are raised to that distance.
///
/// # Panics
/// If there are fewer than two axes.
#[track_caller]
pub fn decibels(energy: &Tensor, range: Option<f64>) -> Tensor {
    assert!(energy.rank() >= 2, "decibels of shape {}: expected […, frequency, frame]", energy.shape());
    let level = energy.maximum(1e-10).log10() * 10.0;
    match range {
        Some(range) if level.elements() > 0 => level.maximum(level.max_keepdim([-2, -1]) - range),
        _ => level,
    }
}

/// Mel-frequency cepstral coefficients: the first `coefficients` of the orthogonal cosine transform of the levels (in
/// decibels, within 80 of the largest) of a mel spectrogram `[…, filters, frames]` of energies.
///
/// # Panics
/// If there are fewer filters than coefficients.
#[track_caller]
pub fn mfcc(mel: &Tensor, coefficients: usize) -> Tensor {
    let level = decibels(mel, Some(80.0));
    let filters = level.shape()[level.rank() - 2];
    assert!(
        coefficients <= filters,
        "mfcc of shape {}: {filters} filters do not give {coefficients} coefficients",
        mel.shape()
    );
    level.dct(-2, true).narrow(-2, 0, coefficients)
}
