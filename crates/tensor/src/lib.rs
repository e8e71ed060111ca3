//! Lazy tensors with every derivative: the engine of Bolete.
//!
//! A [`Tensor`] is a handle to the output of a node in a lazy, immutable graph. Calling an op checks shapes, records
//! a node and returns; reading a value plans everything that is pending, fuses it, and runs it. Because functions of
//! tensors leave ordinary graphs behind, derivatives are functions of graphs: [`grad`], [`jvp`], [`vmap`],
//! [`hessian`] and the others of [`transform`] compose in any order.
//!
//! ```
//! use bolete_tensor::{Tensor, grad};
//!
//! let f = |x: &Tensor| x.tanh().sum(..);
//! let slope = grad(f)(&Tensor::from([0.0f64, 1.0]));
//! assert!((slope.to_vec::<f64>()[0] - 1.0).abs() < 1e-12);
//! ```

extern crate self as bolete_tensor;

pub mod buffer;
mod complex;
pub mod cpu;
pub mod debug;
mod device;
mod display;
mod dtype;
pub mod graph;
pub mod ops;
pub mod plan;
mod scalar;
mod shape;
mod tensor;
pub mod transform;
pub mod tree;

pub use bolete_derive::Tree;
pub use complex::Complex;
pub use cpu::execute::{set_threads, threads};
pub use dtype::{DType, Element};
pub use graph::evaluate::{eval, eval_tree};
pub use ops::boxes::BoxFormat;
pub use ops::convolution::{Convolution, Convolution1d, Convolution2d, Convolution3d, PadMode};
pub use ops::custom::{CustomOp, HostArray, HostArrayMut, Metadata, custom};
pub use ops::fused::{AttentionOptions, BatchNormOutput, LstmOutput, Rotary};
pub use ops::indexing::ScatterReduction;
pub use ops::linalg::{Eig, Eigh, Lu, MatrixNorm, PowerIteration, Qr, Slogdet, Svd, Triangular};
pub use ops::order::{Extremes, Sorted, Unique};
pub use ops::pooling::{Pool, Pool1d, Pool2d, Pool3d, Pooled};
pub use ops::random::Key;
pub use ops::resize::{Interpolation, Resize};
pub use ops::sample::{GridSample, RoiAlign, SamplePadding};
pub use ops::sparse::SparseMatrix;
pub use ops::view::index;
pub use plan::step::Step;
pub use scalar::Scalar;
pub use shape::{Axes, Shape};
pub use tensor::Tensor;
pub use transform::{
    associative_scan, cond, fori_loop, scan, scan_reversed, scan_steps, while_loop, while_loop_bounded,
};
pub use transform::{
    check_gradients, checkpoint, custom_vjp, grad, hessian, hessian_blocks, hvp, jacobian_forward,
    jacobian_reverse, jvp, value_and_grad, vjp, vmap, vmap_axes,
};
pub use tree::{Param, State, Tree};
