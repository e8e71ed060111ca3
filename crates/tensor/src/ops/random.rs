//! Random numbers from explicit keys.
//!
//! A [`Key`] is a 64-bit number in a tensor; the numbers drawn from it are a function of the key alone, computed by
//! the counter-based generator Philox4x32-10 (Salmon et al. 2011): the same on every device, on any number of threads
//! and inside `vmap`. Use each key once: [`Key::split`] makes new ones.

mod continuous;
mod discrete;
mod rejection;

use smallvec::smallvec;

use crate::{DType, Scalar, Shape, Tensor, Tree};

use super::Op;
use super::map::Operand;
use super::rule::{Batch, Batched, Call};

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RandomOp {
    /// Floats in [0, 1).
    Uniform,
    /// New keys.
    Split,
    /// The numbers from 0 in random order.
    Permutation,
}

/// A source of random numbers.
///
/// ```
/// use bolete_tensor::{DType, Key};
/// let [first, second] = Key::new(0).split();
/// let noise = first.normal([2, 3], DType::F32);
/// assert_ne!(noise.to_vec::<f32>(), second.normal([2, 3], DType::F32).to_vec::<f32>());
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Key(Tensor);

impl Key {
    /// The key of a seed.
    #[track_caller]
    pub fn new(seed: u64) -> Key {
        let _site = crate::graph::site::on_behalf_of_caller();
        Key(Tensor::from_scalar(Scalar::from_i64(seed as i64, DType::I64)))
    }

    /// A key from a tensor of 64-bit keys, of any shape; drawing from it puts that shape in front.
    ///
    /// # Panics
    /// If the type is not `i64`.
    #[track_caller]
    pub fn from_tensor(keys: Tensor) -> Key {
        assert!(keys.dtype() == DType::I64, "Key: expected i64, found {}", keys.dtype());
        Key(keys)
    }

    /// The tensor that holds the key.
    #[track_caller]
    pub fn tensor(&self) -> &Tensor {
        &self.0
    }

    #[track_caller]
    fn draw(&self, op: RandomOp, shape: &Shape, dtype: DType) -> Tensor {
        let shape = self.full_shape(shape);
        Tensor::record(Op::Random(op), smallvec![self.0.clone()], shape, dtype)
    }

    /// The shape of what is drawn: the axes of the key in front.
    fn full_shape(&self, shape: &Shape) -> Shape {
        self.0.shape().iter().chain(&**shape).copied().collect()
    }

    /// `N` independent keys.
    #[track_caller]
    pub fn split<const N: usize>(&self) -> [Key; N] {
        let _site = crate::graph::site::on_behalf_of_caller();
        let keys = self.split_many(N);
        let axis = self.0.rank() as isize;
        std::array::from_fn(|index| Key(keys.narrow(axis, index, 1).squeeze(axis)))
    }

    /// `count` independent keys as one tensor, to map over.
    #[track_caller]
    pub fn split_many(&self, count: usize) -> Tensor {
        self.draw(RandomOp::Split, &[count].into(), DType::I64)
    }

    /// Uniform floats in [0, 1).
    ///
    /// # Panics
    /// If `dtype` is not a float.
    #[track_caller]
    pub fn uniform(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        assert!(dtype.is_float(), "uniform: random floats cannot be {dtype}");
        let drawn = if dtype.is_half() { DType::F32 } else { dtype };
        self.draw(RandomOp::Uniform, &shape.into(), drawn).cast(dtype)
    }

    /// Normal floats with mean 0 and variance 1, by inversion of the distribution function.
    ///
    /// # Panics
    /// If `dtype` is not a float.
    #[track_caller]
    pub fn normal(&self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let drawn = if dtype.is_half() { DType::F32 } else { dtype };
        let uniform = self.uniform(shape, drawn);
        // The grid of uniform numbers moved by half a step: symmetric about 0, and ±1 is never hit.
        let half_step = if drawn == DType::F64 { 2f64.powi(-53) } else { 2f64.powi(-24) };
        let constant = |value: f64| Tensor::constant(value, drawn);
        let centred = uniform * constant(2.0) - constant(1.0) + constant(half_step);
        (centred.erf_inv() * constant(std::f64::consts::SQRT_2)).cast(dtype)
    }

    /// True with probability `probability`: a number, or a tensor that stretches to the shape.
    ///
    /// # Panics
    /// If the probabilities do not stretch to the shape.
    #[track_caller]
    pub fn bernoulli(&self, probability: impl Operand, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let probability = probability.to_operand(DType::F32);
        let drawn = if probability.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let uniform = self.uniform(&shape, drawn);
        uniform.less(stretched("bernoulli", &probability, uniform.shape()))
    }

    /// For each row of unnormalised log-probabilities `[…, classes]` a class as `i64`, by the Gumbel trick.
    #[track_caller]
    pub fn categorical(&self, logits: &Tensor) -> Tensor {
        let dtype = if logits.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        (logits.cast(dtype) + self.gumbel(logits.shape(), dtype)).argmax(-1)
    }

    /// The numbers `0 … count − 1` in random order, as `i64`.
    #[track_caller]
    pub fn permutation(&self, count: usize) -> Tensor {
        self.draw(RandomOp::Permutation, &[count].into(), DType::I64)
    }
}

/// A parameter of a distribution stretched to the shape of what is drawn.
#[track_caller]
fn stretched(name: &str, parameter: &Tensor, shape: &Shape) -> Tensor {
    assert!(
        parameter.shape().broadcast(shape).as_ref() == Some(shape),
        "{name}: a parameter of shape {} does not stretch to the shape {shape}",
        parameter.shape()
    );
    parameter.broadcast_to(shape)
}

impl Batch for RandomOp {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let output = call.outputs[0].meta();
        let shape = output.shape.inserted(0, size);
        vec![Tensor::record(Op::Random(self.clone()), smallvec![inputs[0].mapped(size)], shape, output.dtype)]
    }
}
