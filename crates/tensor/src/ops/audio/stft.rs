//! The short-time Fourier transform and its inverse, with PyTorch's conventions.

use crate::ops::fourier::Norm;
use crate::{Complex, DType, Key, Shape, Tensor};

use super::Window;

/// How a signal is cut into frames and transformed.
///
/// ```
/// use bolete_tensor::{DType, Key, ops::audio::Stft};
/// let stft = Stft::new(64);
/// let signal = Key::new(0).normal([2, 400], DType::F64);
/// let spectrum = stft.stft(&signal);
/// assert_eq!(spectrum.shape(), &[2, 33, 26]);
/// let back = stft.istft(&spectrum, Some(400));
/// assert!((back - signal).abs().max(..).item() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Stft {
    /// The length of a frame.
    pub n_fft: usize,
    /// From the start of a frame to that of the next.
    pub hop: usize,
    /// What frames are multiplied with: a vector of at most `n_fft`, centred with zeros around it.
    pub window: Tensor,
    /// Whether the signal is padded by reflection, so that frame `t` is centred at `t · hop`.
    pub centre: bool,
    /// Whether spectra are divided by √n_fft.
    pub normalised: bool,
    /// Whether only the first n_fft/2 + 1 frequencies are kept.
    pub onesided: bool,
}

impl Stft {
    /// Frames of length `n_fft` with a periodic Hann window, a quarter apart, centred, one-sided.
    #[track_caller]
    pub fn new(n_fft: usize) -> Stft {
        let _site = crate::graph::site::on_behalf_of_caller();
        Stft {
            n_fft,
            hop: (n_fft / 4).max(1),
            window: Window::Hann.values(n_fft, true, DType::F64),
            centre: true,
            normalised: false,
            onesided: true,
        }
    }

    fn norm(&self) -> Norm {
        if self.normalised { Norm::Ortho } else { Norm::Backward }
    }

    /// The window with zeros around it.
    #[track_caller]
    fn padded_window(&self, name: &str, dtype: DType) -> Tensor {
        let length = self.window.elements();
        assert!(
            self.n_fft > 0 && self.hop > 0 && self.window.rank() == 1 && length <= self.n_fft,
            "{name}: frames of {} every {} with a window of shape {} are not possible",
            self.n_fft,
            self.hop,
            self.window.shape()
        );
        let before = (self.n_fft - length) / 2;
        self.window.cast(dtype).pad(&[(before, self.n_fft - length - before)], 0.0)
    }

    /// For each frame the positions in the padded signal that it reads: `[frames, n_fft]`.
    fn positions(&self, frames: usize) -> Vec<i64> {
        let frame = |frame: usize| (0..self.n_fft).map(move |offset| (frame * self.hop + offset) as i64);
        (0..frames).flat_map(frame).collect()
    }

    /// The spectra of frames: `[…, time]` to `[…, frequency, frame]`. Integers and half precision are computed in
    /// `f32`.
    ///
    /// # Panics
    /// If the signal is shorter than a frame or, with `centre`, than can be reflected.
    #[track_caller]
    pub fn stft(&self, signal: &Tensor) -> Complex {
        let _site = crate::graph::site::on_behalf_of_caller();
        assert!(signal.rank() > 0, "stft: a signal needs an axis of time");
        let signal = signal.cast(if signal.dtype() == DType::F64 { DType::F64 } else { DType::F32 });
        let window = self.padded_window("stft", signal.dtype());
        let length = signal.shape()[signal.rank() - 1];
        let padding = if self.centre { self.n_fft / 2 } else { 0 };
        assert!(
            length > padding && length + 2 * padding >= self.n_fft,
            "stft of shape {}: {length} samples are too few for frames of {}",
            signal.shape(),
            self.n_fft
        );
        let frames = 1 + (length + 2 * padding - self.n_fft) / self.hop;
        let reflected = |position: i64| {
            let position = (position - padding as i64).abs();
            let last = length as i64 - 1;
            if position > last { 2 * last - position } else { position }
        };
        let positions = self.positions(frames).into_iter().map(reflected).collect();
        let framed = signal.take(&Tensor::from_vec::<i64>(positions, [frames, self.n_fft]), -1) * window;
        let spectrum = if self.onesided {
            framed.rfft(None, -1, self.norm())
        } else {
            Complex::from_real(&framed).fft(None, -1, self.norm())
        };
        spectrum.map_parts(|part| part.transpose(-1, -2))
    }

    /// The signal whose spectra these are, and otherwise the one with the closest spectra (Griffin, Lim 1984): frames
    /// are added up with the window once more, and divided by the sum of its squares. Samples that no window reaches
    /// are 0, as are those beyond the last frame if `length` asks for them.
    ///
    /// # Panics
    /// If the axis of frequencies does not have the length of [`stft`](Stft::stft)'s.
    #[track_caller]
    pub fn istft(&self, spectrum: &Complex, length: Option<usize>) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let (shape, bins) = (spectrum.shape(), if self.onesided { self.n_fft / 2 + 1 } else { self.n_fft });
        let rank = shape.rank();
        assert!(
            rank >= 2 && shape[rank - 2] == bins && shape[rank - 1] > 0,
            "istft of shape {shape}: expected […, {bins}, frames] for frames of {}",
            self.n_fft
        );
        let window = self.padded_window("istft", spectrum.dtype());
        let frames = shape[rank - 1];
        let total = self.n_fft + self.hop * (frames - 1);
        let spectrum = spectrum.map_parts(|part| part.transpose(-1, -2));
        // Of two-sided spectra the first half, too.
        let framed = spectrum.irfft(Some(self.n_fft), -1, self.norm());
        let positions = Tensor::from_vec(self.positions(frames), [frames, self.n_fft]);
        let summed = |frames: &Tensor| {
            let shape: Shape = frames.shape()[..frames.rank() - 2].iter().copied().chain([total]).collect();
            Tensor::zeros(shape, frames.dtype()).index_add(-1, &positions, frames)
        };
        let signal = summed(&(framed * &window));
        let weight = summed(&window.square().broadcast_to([frames, self.n_fft]));
        // Below this PyTorch refuses to divide.
        let reached = weight.abs().greater(1e-11);
        let signal = reached.select(signal / reached.select(weight, 1.0), 0.0);
        let start = if self.centre { self.n_fft / 2 } else { 0 };
        let length = length.unwrap_or(total.saturating_sub(2 * start));
        let available = length.min(total - start);
        let signal = signal.narrow(-1, start, available);
        let mut missing = vec![(0, 0); signal.rank()];
        missing[signal.rank() - 1].1 = length - available;
        signal.pad(&missing, 0.0)
    }

    /// The absolute values of the spectra to the power `power`: 1 for magnitudes, 2 for energies.
    ///
    /// # Panics
    /// As [`stft`](Stft::stft).
    #[track_caller]
    pub fn spectrogram(&self, signal: &Tensor, power: f64) -> Tensor {
        let spectrum = self.stft(signal);
        match power {
            1.0 => spectrum.abs(),
            2.0 => spectrum.square_abs(),
            _ => spectrum.abs().pow(power),
        }
    }

    /// A signal whose spectra have the given magnitudes, by alternating projections from random phases (Griffin and
    /// Lim 1984), accelerated by `momentum` (Perraudin et al. 2013; 0.99 is usual, 0 is the original).
    ///
    /// # Panics
    /// As [`istft`](Stft::istft).
    #[track_caller]
    pub fn griffin_lim(
        &self,
        magnitude: &Tensor,
        iterations: usize,
        momentum: f64,
        length: Option<usize>,
        key: &Key,
    ) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let magnitude = magnitude.cast(if magnitude.dtype() == DType::F64 { DType::F64 } else { DType::F32 });
        let phase = key.uniform(magnitude.shape(), magnitude.dtype()) * (2.0 * std::f64::consts::PI);
        let mut direction = Complex::from_polar(&magnitude.ones_like(), &phase);
        let mut before: Option<Complex> = None;
        for _ in 0..iterations {
            let consistent = self.stft(&self.istft(&direction.scale(&magnitude), length));
            let moved = match &before {
                Some(before) => {
                    let weight = momentum / (1.0 + momentum);
                    consistent.sub(&before.map_parts(|part| part * weight))
                }
                None => consistent.clone(),
            };
            let size = moved.abs() + 1e-16;
            direction = moved.map_parts(|part| part / &size);
            before = Some(consistent);
        }
        self.istft(&direction.scale(&magnitude), length)
    }
}
