//! The handle that users hold.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::buffer::Buffer;
use crate::graph::evaluate::eval;
use crate::graph::node::{Inputs, Meta, Node};
use crate::ops::Op;
use crate::{DType, Element, Scalar, Shape};

/// An array of numbers, computed or yet to be computed.
///
/// Cloning is cheap and shares the value. Ops never change a tensor; they record a new one. Reading a value
/// ([`item`](Tensor::item), [`to_vec`](Tensor::to_vec), printing) computes it, and with it everything it needs.
///
/// ```
/// use bolete_tensor::Tensor;
/// let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let b = (&a.t().matmul(&a) + 1.0).sum(0);
/// assert_eq!(b.to_vec::<f32>(), [26.0, 36.0]);
/// ```
#[derive(Clone)]
pub struct Tensor {
    pub(crate) node: Arc<Node>,
    pub(crate) out: u16,
}

impl Tensor {
    /// Records an op with one output.
    #[track_caller]
    pub(crate) fn record(op: Op, inputs: Inputs, shape: Shape, dtype: DType) -> Tensor {
        let node = Node::pending(op, inputs, smallvec![Meta { shape, dtype }]);
        let overgrown = node.is_overgrown();
        let tensor = Tensor { node, out: 0 };
        if overgrown {
            eval([&tensor]);
        }
        tensor
    }

    /// Records an op with several outputs.
    #[track_caller]
    pub(crate) fn record_many(op: Op, inputs: Inputs, outputs: SmallVec<[Meta; 1]>) -> Vec<Tensor> {
        let count = outputs.len();
        let node = Node::pending(op, inputs, outputs);
        let overgrown = node.is_overgrown();
        let tensors: Vec<Tensor> =
            (0..count).map(|out| Tensor { node: node.clone(), out: out as u16 }).collect();
        if overgrown {
            eval(&tensors);
        }
        tensors
    }

    /// A leaf around computed values.
    #[track_caller]
    pub(crate) fn from_buffer(shape: Shape, dtype: DType, data: Buffer) -> Tensor {
        Tensor { node: Node::evaluated(Meta { shape, dtype }, data), out: 0 }
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.node.outputs[usize::from(self.out)]
    }

    pub(crate) fn value(&self) -> Option<&Buffer> {
        self.node.value(usize::from(self.out))
    }

    /// Values in row-major order.
    ///
    /// # Panics
    /// If the number of values is not the product of `shape`.
    #[track_caller]
    pub fn from_vec<T: Element>(values: Vec<T>, shape: impl Into<Shape>) -> Tensor {
        Tensor::from_slice(&values, shape)
    }

    /// A copy of values in row-major order.
    ///
    /// # Panics
    /// If the number of values is not the product of `shape`.
    #[track_caller]
    pub fn from_slice<T: Element>(values: &[T], shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert!(
            values.len() == shape.elements(),
            "from_slice: {} values do not fill the shape {shape}, which has {} elements",
            values.len(),
            shape.elements()
        );
        Tensor::from_buffer(shape, T::DTYPE, Buffer::from_host(T::as_bytes(values)))
    }

    /// Values as they lie in memory, row-major, in this machine's byte order. For bytes that come from outside: a
    /// wrong length is an error that says so.
    pub fn from_bytes(bytes: &[u8], shape: impl Into<Shape>, dtype: DType) -> Result<Tensor, String> {
        let shape = shape.into();
        let expected = shape
            .iter()
            .try_fold(dtype.size(), |product, length| product.checked_mul(*length))
            .ok_or_else(|| format!("shape {shape} of {dtype} does not fit in memory"))?;
        if bytes.len() != expected {
            return Err(format!(
                "shape {shape} of {dtype} needs {expected} bytes, but {} were given",
                bytes.len()
            ));
        }
        if dtype == DType::Bool && bytes.iter().any(|byte| *byte > 1) {
            return Err("a boolean is stored as a byte 0 or 1, but another value was given".into());
        }
        Ok(Tensor::from_buffer(shape, dtype, Buffer::from_host(bytes)))
    }

    /// A single number. Its value is not part of a plan: computations that differ only in such numbers share one.
    #[track_caller]
    pub fn scalar(value: f64, dtype: DType) -> Tensor {
        Tensor::from_scalar(Scalar::new(value, dtype))
    }

    /// A single number.
    #[track_caller]
    pub fn from_scalar(value: Scalar) -> Tensor {
        Tensor::record(Op::Scalar(value), Inputs::new(), Shape::scalar(), value.dtype())
    }

    /// A number that rules know when they write it, so that the planner may simplify with it.
    #[track_caller]
    pub(crate) fn constant(value: f64, dtype: DType) -> Tensor {
        let op = Op::Constant(Scalar::new(value, dtype));
        Tensor::record(op, Inputs::new(), Shape::scalar(), dtype)
    }

    /// `shape` filled with one value.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64, dtype: DType) -> Tensor {
        Tensor::constant(value, dtype).broadcast_to(shape)
    }

    /// Zeros.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Tensor::full(shape, 0.0, dtype)
    }

    /// Ones.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Tensor::full(shape, 1.0, dtype)
    }

    /// Zeros in the shape and type of this tensor.
    #[track_caller]
    pub fn zeros_like(&self) -> Tensor {
        Tensor::zeros(self.shape(), self.dtype())
    }

    /// One value in the shape and type of this tensor.
    #[track_caller]
    pub fn full_like(&self, value: f64) -> Tensor {
        Tensor::full(self.shape(), value, self.dtype())
    }

    /// Ones in the shape and type of this tensor.
    #[track_caller]
    pub fn ones_like(&self) -> Tensor {
        Tensor::ones(self.shape(), self.dtype())
    }

    /// `0, 1, … length − 1` as a vector of type `dtype`.
    #[track_caller]
    pub fn arange(length: usize, dtype: DType) -> Tensor {
        Tensor::record(Op::Iota, Inputs::new(), Shape::from([length]), dtype)
    }

    /// `count` numbers from `first` to `last`, both included, equally far apart.
    #[track_caller]
    pub fn linspace(first: f64, last: f64, count: usize, dtype: DType) -> Tensor {
        let step = (last - first) / (count.max(2) - 1) as f64;
        let ramp = Tensor::arange(count, DType::F64) * Tensor::constant(step, DType::F64);
        (ramp + Tensor::constant(first, DType::F64)).cast(dtype)
    }

    /// `count` numbers from `base`^`first` to `base`^`last`, both included, each the same multiple of the one before.
    #[track_caller]
    pub fn logspace(first: f64, last: f64, count: usize, base: f64, dtype: DType) -> Tensor {
        let exponents = Tensor::linspace(first, last, count, DType::F64);
        (exponents * Tensor::constant(base.ln(), DType::F64)).exp().cast(dtype)
    }

    /// The identity matrix `[size, size]`.
    #[track_caller]
    pub fn eye(size: usize, dtype: DType) -> Tensor {
        let index = Tensor::arange(size, DType::I64);
        index.unsqueeze(0).equal(index.unsqueeze(1)).cast(dtype)
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.meta().shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape().elements()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.meta().dtype
    }

    /// A number that is this tensor's own: equal for clones, different for all others of this process.
    pub fn id(&self) -> u64 {
        self.node.id << 16 | u64::from(self.out)
    }

    /// Whether the value has been computed and kept.
    pub fn is_evaluated(&self) -> bool {
        self.value().is_some()
    }

    /// The values in row-major order, computed if they are pending.
    ///
    /// # Panics
    /// If `T` is not the element type: convert with [`cast`](Tensor::cast) first.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        assert!(
            T::DTYPE == self.dtype(),
            "to_vec: this tensor holds {}, not {}; cast it first",
            self.dtype(),
            T::DTYPE
        );
        T::from_bytes(&self.to_bytes())
    }

    /// The values as they lie in memory, row-major, computed if they are pending.
    #[track_caller]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.evaluated().to_host()
    }

    /// The only element, as an `f64`.
    ///
    /// # Panics
    /// If there is not exactly one element.
    #[track_caller]
    pub fn item(&self) -> f64 {
        assert!(
            self.elements() == 1,
            "item: a tensor of shape {} has {} elements, not one",
            self.shape(),
            self.elements()
        );
        let bytes = self.evaluated().read(0, self.dtype().size());
        Scalar::from_bytes(&bytes, self.dtype()).to_f64()
    }

    #[track_caller]
    pub(crate) fn evaluated(&self) -> &Buffer {
        if self.value().is_none() {
            eval([self]);
        }
        self.value().expect("evaluation stores the values of its targets")
    }
}

macro_rules! from_arrays {
    ($($type:ty),*) => {$(
        impl From<$type> for Tensor {
            #[track_caller]
            fn from(value: $type) -> Tensor {
                let bits = <$type as Element>::as_bytes(std::slice::from_ref(&value));
                Tensor::from_scalar(Scalar::from_bytes(bits, <$type as Element>::DTYPE))
            }
        }
        impl From<&[$type]> for Tensor {
            #[track_caller]
            fn from(values: &[$type]) -> Tensor {
                Tensor::from_slice(values, [values.len()])
            }
        }
        impl From<Vec<$type>> for Tensor {
            #[track_caller]
            fn from(values: Vec<$type>) -> Tensor {
                Tensor::from_slice(&values, [values.len()])
            }
        }
        impl<const A: usize> From<[$type; A]> for Tensor {
            #[track_caller]
            fn from(values: [$type; A]) -> Tensor {
                Tensor::from_slice(&values, [A])
            }
        }
        impl<const A: usize, const B: usize> From<[[$type; B]; A]> for Tensor {
            #[track_caller]
            fn from(values: [[$type; B]; A]) -> Tensor {
                Tensor::from_slice(values.as_flattened(), [A, B])
            }
        }
        impl<const A: usize, const B: usize, const C: usize> From<[[[$type; C]; B]; A]> for Tensor {
            #[track_caller]
            fn from(values: [[[$type; C]; B]; A]) -> Tensor {
                Tensor::from_slice(values.as_flattened().as_flattened(), [A, B, C])
            }
        }
    )*};
}

from_arrays!(bool, u8, i32, i64, half::f16, half::bf16, f32, f64);
