//! Ops with their own inside: the fused ops of this crate and the ops of users.
//!
//! A custom op says what its outputs look like and gives at least one of two bodies: a *fallback* of plain ops, from
//! which every transform and every device follows, and a *kernel* on host memory. It may bring a hand-written reverse
//! derivative, which should be made of plain ops too, so that it can be differentiated again.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::graph::node::{Inputs, Meta, ScopeGuard};
use crate::transform::{forward, reverse, vmap_tensors};
use crate::{DType, Element, Shape, Tensor};

use super::Op;
use super::rule::{Batch, Batched, Call, Derivatives, Rule};

/// Shape and element type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

/// Values on the host, row-major: what a kernel reads.
pub struct HostArray<'a> {
    /// The shape.
    pub shape: &'a Shape,
    /// The element type.
    pub dtype: DType,
    pub(crate) bytes: &'a [u8],
}

impl HostArray<'_> {
    /// The values.
    ///
    /// # Panics
    /// If `T` is not the element type.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert!(T::DTYPE == self.dtype, "a kernel read {} as {}", self.dtype, T::DTYPE);
        if self.bytes.is_empty() { &[] } else { T::view(self.bytes) }
    }

    /// A copy of the values.
    ///
    /// # Panics
    /// If `T` is not the element type.
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.as_slice().to_vec()
    }
}

/// A place on the host for values, row-major: what a kernel writes.
pub struct HostArrayMut<'a> {
    /// The shape.
    pub shape: &'a Shape,
    /// The element type.
    pub dtype: DType,
    pub(crate) bytes: &'a mut [u8],
}

impl HostArrayMut<'_> {
    /// The values, zeros at first.
    ///
    /// # Panics
    /// If `T` is not the element type.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert!(T::DTYPE == self.dtype, "a kernel wrote {} as {}", self.dtype, T::DTYPE);
        if self.bytes.is_empty() { &mut [] } else { T::view_mut(self.bytes) }
    }

    /// Sets all values.
    ///
    /// # Panics
    /// If `T` is not the element type or the number of values is wrong.
    pub fn copy_from<T: Element>(&mut self, values: &[T]) {
        self.as_mut_slice().copy_from_slice(values);
    }
}

/// Only the engine can name this type.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

/// An op that is defined outside of the engine's own list.
///
/// ```
/// use bolete_tensor::{CustomOp, Metadata, Tensor, custom, grad};
///
/// /// x³, with a derivative of its own.
/// #[derive(Debug)]
/// struct Cube;
///
/// impl CustomOp for Cube {
///     fn name(&self) -> &str {
///         "cube"
///     }
///     fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
///         vec![inputs[0].clone()]
///     }
///     fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
///         Some(vec![&inputs[0] * &inputs[0] * &inputs[0]])
///     }
///     fn vjp(&self, inputs: &[Tensor], _: &[Tensor], cotangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
///         let cotangent = cotangents[0].as_ref()?;
///         Some(vec![Some(cotangent * inputs[0].square() * 3.0)])
///     }
/// }
///
/// let cube = |x: &Tensor| custom(Cube, &[x.clone()]).remove(0);
/// assert_eq!(cube(&Tensor::from(2.0f64)).item(), 8.0);
/// assert_eq!(grad(cube)(&Tensor::from(2.0f64)).item(), 12.0);
/// assert_eq!(grad(grad(cube))(&Tensor::from(2.0f64)).item(), 12.0);
/// ```
pub trait CustomOp: Any + fmt::Debug + Send + Sync {
    /// The name in messages, reports and traces.
    fn name(&self) -> &str;

    /// What distinguishes two ops of the same Rust type (an axis, the bits of a constant). Two ops of one type with
    /// equal parameters must do the same.
    fn parameters(&self) -> Vec<u64> {
        Vec::new()
    }

    /// What the outputs look like.
    ///
    /// # Panics
    /// If the inputs do not fit, with a message that names the op and their shapes.
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata>;

    /// The outputs by plain ops.
    fn fallback(&self, _inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        None
    }

    /// Whether [`compute`](CustomOp::compute) exists. Without, the fallback is planned and fused like all else.
    fn has_kernel(&self) -> bool {
        false
    }

    /// Whether [`compute`](CustomOp::compute) writes every value of its outputs without reading them. Then they are not
    /// set to zero first and hold anything; so this is for ops of the engine alone, which the argument sees to.
    #[doc(hidden)]
    fn overwrites(&self, _: Engine) -> bool {
        false
    }

    /// The outputs on host memory.
    fn compute(&self, _inputs: &[HostArray], _outputs: &mut [HostArrayMut]) {
        unreachable!("{}: the kernel is missing although has_kernel says there is one", self.name())
    }

    /// Cotangents of the inputs from those of the outputs, `None` standing for zero. Returning `None` for all means
    /// there is no hand-written derivative; that of the fallback is taken.
    fn vjp(
        &self,
        _inputs: &[Tensor],
        _outputs: &[Tensor],
        _cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        None
    }

    /// Like [`vjp`](CustomOp::vjp), told which inputs' cotangents are wanted, for ops that can save work by leaving out
    /// the others.
    fn vjp_wanted(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
        _wanted: &[bool],
    ) -> Option<Vec<Option<Tensor>>> {
        self.vjp(inputs, outputs, cotangents)
    }

    /// Tangents of the outputs from those of the inputs, `None` standing for zero. Few ops need it: without it the
    /// forward derivative is that of the fallback, or, where there is none, follows from [`vjp`](CustomOp::vjp), which
    /// is linear in the cotangents, so that its own transpose is the forward derivative.
    fn jvp(
        &self,
        _inputs: &[Tensor],
        _outputs: &[Tensor],
        _tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        None
    }

    /// Whether any number of further axes in front of all inputs, of the same lengths, are a batch: the op on stacked
    /// inputs is the stack of its outputs. Under `vmap` the same op then does the whole batch.
    fn takes_leading_axes(&self) -> bool {
        false
    }

    /// The outputs for `size` examples at once, whose inputs are stacked along a new first axis where `mapped` says so
    /// and shared by all elsewhere; the outputs are stacked likewise. Without it the fallback is batched, and with it
    /// goes the hand-written derivative: bring one if the two differ.
    fn batched(&self, _inputs: &[Tensor], _mapped: &[bool], _size: usize) -> Option<Vec<Tensor>> {
        None
    }
}

/// The outputs of a custom op.
///
/// # Panics
/// If the op refuses the inputs.
#[track_caller]
pub fn custom(op: impl CustomOp, inputs: &[Tensor]) -> Vec<Tensor> {
    record(CustomHandle(Arc::new(op)), inputs)
}

#[track_caller]
fn record(op: CustomHandle, inputs: &[Tensor]) -> Vec<Tensor> {
    let metadata: Vec<Metadata> =
        inputs.iter().map(|input| Metadata { shape: input.shape().clone(), dtype: input.dtype() }).collect();
    let outputs: SmallVec<[Meta; 1]> =
        op.0.infer(&metadata)
            .into_iter()
            .map(|output| Meta { shape: output.shape, dtype: output.dtype })
            .collect();
    assert!(!outputs.is_empty(), "{}: an op needs an output", op.0.name());
    Tensor::record_many(Op::Custom(op), inputs.iter().cloned().collect::<Inputs>(), outputs)
}

/// A shared custom op, equal to another of the same type with the same parameters.
#[derive(Clone)]
pub(crate) struct CustomHandle(pub Arc<dyn CustomOp>);

impl CustomHandle {
    fn type_id(&self) -> std::any::TypeId {
        let any: &dyn Any = &*self.0;
        any.type_id()
    }

    /// The fallback on the given inputs.
    #[track_caller]
    pub fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let outputs = self.0.fallback(inputs)?;
        let metadata: Vec<Metadata> = inputs
            .iter()
            .map(|input| Metadata { shape: input.shape().clone(), dtype: input.dtype() })
            .collect();
        let promised = self.0.infer(&metadata);
        for (output, promised) in outputs.iter().zip(&promised) {
            assert!(
                output.shape() == &promised.shape && output.dtype() == promised.dtype,
                "{}: the fallback gives {} {}, but infer promised {} {}",
                self.0.name(),
                output.dtype(),
                output.shape(),
                promised.dtype,
                promised.shape
            );
        }
        assert!(
            outputs.len() == promised.len(),
            "{}: the fallback has the wrong number of outputs",
            self.0.name()
        );
        Some(outputs)
    }

    /// The forward derivative as the transpose of the reverse one: cotangents ↦ vjp is a linear map, and pulling the
    /// tangents back through it, at any cotangents, gives the tangents of the outputs (Townsend 2017, "A new trick for
    /// calculating Jacobian vector products").
    #[track_caller]
    fn transposed_vjp(&self, call: &Call, tangents: &[Option<Tensor>]) -> Option<Derivatives> {
        let guard = ScopeGuard::new();
        let leaves: Vec<Option<Tensor>> = call
            .outputs
            .iter()
            .map(|output| output.dtype().is_float().then(|| reverse::leaf(&output.zeros_like(), &guard)))
            .collect();
        let wanted: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        let pulled = self.0.vjp_wanted(call.inputs, call.outputs, &leaves, &wanted)?;
        let (mut ends, mut along) = (Vec::new(), Vec::new());
        for (end, tangent) in pulled.into_iter().zip(tangents) {
            if let (Some(end), Some(tangent)) = (end, tangent) {
                ends.push(end);
                along.push(Some(tangent.clone()));
            }
        }
        let known: Vec<Tensor> = leaves.iter().flatten().cloned().collect();
        let mut transposed = reverse::pull(&ends, &along, &known).into_iter();
        Some(leaves.iter().map(|leaf| leaf.as_ref().and_then(|_| transposed.next().flatten())).collect())
    }

    #[track_caller]
    fn fallback_for(&self, what: &str, inputs: &[Tensor]) -> Vec<Tensor> {
        self.fallback(inputs).unwrap_or_else(|| {
            panic!("{}: {what} needs a fallback, which this op does not have", self.0.name())
        })
    }
}

impl fmt::Debug for CustomHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl PartialEq for CustomHandle {
    fn eq(&self, other: &CustomHandle) -> bool {
        self.type_id() == other.type_id() && self.0.parameters() == other.0.parameters()
    }
}

impl Eq for CustomHandle {}

impl Hash for CustomHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.type_id().hash(state);
        self.0.parameters().hash(state);
    }
}

impl Rule for CustomHandle {
    fn vjp(&self, call: &Call, cotangents: &[Option<Tensor>]) -> Derivatives {
        if let Some(own) = self.0.vjp_wanted(call.inputs, call.outputs, cotangents, call.wanted) {
            assert!(
                own.len() == call.inputs.len(),
                "{}: vjp returned {} cotangents for {} inputs",
                self.0.name(),
                own.len(),
                call.inputs.len()
            );
            return own.into_iter().collect();
        }
        reverse::through(call.inputs, call.wanted, cotangents, |inputs| {
            self.fallback_for("its derivative", inputs)
        })
    }

    fn jvp(&self, call: &Call, tangents: &[Option<Tensor>]) -> Derivatives {
        if let Some(own) = self.0.jvp(call.inputs, call.outputs, tangents) {
            return own.into_iter().collect();
        }
        if self.0.fallback(call.inputs).is_none()
            && let Some(transposed) = self.transposed_vjp(call, tangents)
        {
            return transposed;
        }
        forward::through(call.inputs, tangents, |inputs| self.fallback_for("its forward derivative", inputs))
    }
}

impl Batch for CustomHandle {
    fn batch(&self, call: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        let mapped: Vec<bool> = inputs.iter().map(Batched::is_mapped).collect();
        let tensors: Vec<Tensor> = inputs
            .iter()
            .map(|input| match input {
                Batched::Mapped(tensor) | Batched::Shared(tensor) => tensor.clone(),
            })
            .collect();
        if let Some(outputs) = self.0.batched(&tensors, &mapped, size) {
            return outputs;
        }
        if self.0.takes_leading_axes() {
            let all: Vec<Tensor> = inputs.iter().map(|input| input.mapped(size)).collect();
            return record(self.clone(), &all);
        }
        if self.fallback(call.inputs).is_some() {
            return vmap_tensors(&tensors, &mapped, size, |inputs| self.fallback_for("vmap", inputs));
        }
        // A kernel alone is called for each in turn.
        let columns: Vec<Vec<Tensor>> = (0..size)
            .map(|index| {
                let one = |tensor: &Tensor, mapped: &bool| {
                    if *mapped { tensor.narrow(0, index, 1).squeeze(0) } else { tensor.clone() }
                };
                let inputs: Vec<Tensor> =
                    tensors.iter().zip(&mapped).map(|(tensor, mapped)| one(tensor, mapped)).collect();
                record(self.clone(), &inputs)
            })
            .collect();
        (0..call.outputs.len())
            .map(|out| {
                let column: Vec<Tensor> = columns.iter().map(|outputs| outputs[out].clone()).collect();
                if column.is_empty() {
                    let output = &call.outputs[out];
                    Tensor::zeros(output.shape().inserted(0, 0), output.dtype())
                } else {
                    Tensor::stack(&column, 0)
                }
            })
            .collect()
    }
}
