//! Files in and out: the formats that Bolete reads and writes, on plain bytes and vectors.
//!
//! | module | holds |
//! |---|---|
//! | [`npy`] | NumPy arrays, alone or several in an archive |
//! | [`csv`] | tables with a header, row by row |
//! | [`numbers`] | whitespace-separated numbers, as `numpy.loadtxt` reads them |
//! | [`safetensors`] | named arrays with types and shapes, the format of model weights; sharded and mapped too |
//! | [`torch`] | what `torch.save` wrote, without executing anything |
//! | [`gguf`] | the format of llama.cpp, quantised tensors as `f32` |
//! | [`weights`] | safetensors, PyTorch, GGUF and npz, told apart by content |
//! | [`idx`] | IDX arrays, plain or gzip (the format of MNIST) |
//! | [`picture`] | PNG and JPEG, GIF in frames; grey conversion and resizing |
//! | [`tiff`] | TIFF, all pages, as arrays |
//! | [`wav`] | sound |
//! | [`tensorboard`] | event files of TensorBoard |
//! | [`atomic`] | writing a file so that it is either complete or untouched |
//!
//! Two rules hold for all of them. A reader trusts nothing: lengths are checked against the file before memory is
//! taken for them, and a damaged file gives a [`FormatError`], never a panic. A writer leaves nothing half-written:
//! every file goes through [`atomic::write`], but for event files, which grow while others read them.
//!
//! This crate knows nothing about tensors; the crates above it turn bytes into them.
#![deny(unsafe_code)]

pub mod array;
pub mod atomic;
pub mod csv;
mod error;
pub mod gguf;
pub mod idx;
mod mapped;
pub mod npy;
pub mod numbers;
pub mod picture;
pub mod safetensors;
mod source;
pub mod tensorboard;
pub mod tiff;
pub mod torch;
pub mod wav;
pub mod weights;
mod zip;

pub use array::{Array, ArrayValue, ElementType};
pub use error::FormatError;
pub use mapped::MappedFile;
