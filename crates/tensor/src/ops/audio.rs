//! Audio: windows, short-time spectra and back, mel scales, cepstra.
//!
//! Everything is a composition of differentiable ops on the last axis (time), other axes being a batch. The conventions
//! are PyTorch's for short-time transforms and librosa's for mel banks.

mod convolve;
mod mel;
mod stft;
mod window;

pub use mel::{MelBank, MelScale, decibels, mfcc};
pub use stft::Stft;
pub use window::Window;
