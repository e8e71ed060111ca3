//! Files in and out: the formats that Bolete reads and writes, on plain bytes and vectors.
//!
//! | module | holds |
//! |---|---|
//! | [`idx`] | IDX arrays, plain or gzip (the format of MNIST) |
//! | [`picture`] | PNG and JPEG in, PNG out, grey conversion and resizing |
//! | [`safetensors`] | named arrays with types and shapes, the format of model weights |
//! | [`atomic`] | writing a file so that it is either complete or untouched |
//!
//! Two rules hold for all of them. A reader trusts nothing: lengths are checked against the file before memory is
//! taken for them, and a damaged file gives a [`FormatError`], never a panic. A writer leaves nothing half-written:
//! every file goes through [`atomic::write`].
//!
//! This crate knows nothing about tensors; the crates above it turn bytes into them.
#![forbid(unsafe_code)]

pub mod atomic;
mod error;
pub mod idx;
pub mod picture;
pub mod safetensors;

pub use error::FormatError;
