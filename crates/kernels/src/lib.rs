//! The loops that do the arithmetic on the processor: they know pointers, sizes and strides, and nothing of graphs.
//!
//! Everything here takes the [`threads::Pool`] to run on and the [`isa::Isa`] to be compiled for as arguments, and
//! gives the same bits on any number of threads.

pub mod attention;
pub mod compiled;
pub mod convolution;
pub mod ctc;
pub mod filter;
pub mod fourier;
pub mod gemm;
pub mod hashing;
pub mod indexing;
pub mod isa;
pub mod linalg;
pub mod math;
pub mod memory;
pub mod order;
mod panels;
pub mod peak;
pub mod philox;
pub mod pooling;
pub mod recurrent;
pub mod rows;
pub mod sampling;
pub mod sparse;
pub mod special;
pub mod threads;
pub mod winners;
