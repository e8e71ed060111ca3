//! Functions with a reverse derivative of the user's own.

use std::fmt;
use std::sync::Arc;

use crate::tree::{Tree, TreeExt};
use crate::{CustomOp, Metadata, Tensor, custom};

use super::trace::Traced;
use super::vmap_tensors;

type Backward = dyn Fn(&[Tensor], &[Tensor], &[Tensor]) -> Vec<Tensor> + Send + Sync;

/// A traced function and the rule for its cotangents.
struct CustomVjp {
    traced: Arc<Traced>,
    backward: Arc<Backward>,
    /// Leaves of the argument; inputs beyond are what the function captured.
    own: usize,
}

impl fmt::Debug for CustomVjp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CustomVjp")
    }
}

impl CustomOp for CustomVjp {
    fn name(&self) -> &str {
        "custom_vjp"
    }
    fn parameters(&self) -> Vec<u64> {
        // Two of them are the same computation only if both the graph and the rule are the same.
        vec![self.traced.fingerprint, Arc::as_ptr(&self.backward).cast::<u8>() as u64, self.own as u64]
    }
    fn infer(&self, _: &[Metadata]) -> Vec<Metadata> {
        self.traced
            .output_metas()
            .map(|meta| Metadata { shape: meta.shape.clone(), dtype: meta.dtype })
            .collect()
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(self.traced.at(inputs))
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let cotangents: Vec<Tensor> = cotangents
            .iter()
            .zip(outputs)
            .map(|(cotangent, output)| cotangent.clone().unwrap_or_else(|| output.zeros_like()))
            .collect();
        let own = (self.backward)(&inputs[..self.own], outputs, &cotangents);
        for (input, cotangent) in inputs.iter().zip(&own) {
            assert!(
                input.shape() == cotangent.shape(),
                "custom_vjp: the rule gave a cotangent of shape {} for an argument of shape {}",
                cotangent.shape(),
                input.shape()
            );
        }
        let captured = inputs.len() - self.own;
        let cast = own
            .into_iter()
            .zip(inputs)
            .map(|(cotangent, input)| input.dtype().is_float().then(|| cotangent.cast(input.dtype())));
        Some(cast.chain((0..captured).map(|_| None)).collect())
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        let (rule, own) = (self.backward.clone(), mapped[..self.own].to_vec());
        let backward = move |inputs: &[Tensor], outputs: &[Tensor], cotangents: &[Tensor]| {
            let all: Vec<Tensor> = inputs.iter().chain(outputs).chain(cotangents).cloned().collect();
            let marks: Vec<bool> =
                (0..all.len()).map(|index| own.get(index).copied().unwrap_or(true)).collect();
            let pulled = vmap_tensors(&all, &marks, size, |one| {
                let (inputs, rest) = one.split_at(own.len());
                let (outputs, cotangents) = rest.split_at(rest.len() / 2);
                rule(inputs, outputs, cotangents)
            });
            // What all examples share gets the sum of what they send.
            let sum = |(cotangent, own): (Tensor, &bool)| if *own { cotangent } else { cotangent.sum(0) };
            pulled.into_iter().zip(&own).map(sum).collect()
        };
        let traced = Arc::new(self.traced.batched(inputs, mapped, size));
        Some(custom(CustomVjp { traced, backward: Arc::new(backward), own: self.own }, inputs))
    }
}

/// A function with the values of `forward` and the reverse derivative `backward(argument, value, cotangent of the
/// value)`, which returns the cotangent of the argument. Forward derivatives are those of `forward` itself. Tensors
/// that `forward` captures have no derivative: pass them as arguments if they need one.
///
/// ```
/// use bolete_tensor::{Tensor, custom_vjp, grad};
/// // The identity with a clipped gradient.
/// let clipped = custom_vjp(
///     |x: &Tensor| x.clone(),
///     |_x: &Tensor, _y: &Tensor, cotangent: &Tensor| cotangent.clamp(-1.0, 1.0),
/// );
/// let slope = grad(|x: &Tensor| clipped(x) * 5.0)(&Tensor::from(2.0f32));
/// assert_eq!(slope.item(), 1.0);
/// ```
pub fn custom_vjp<T, Y>(
    forward: impl Fn(&T) -> Y,
    backward: impl Fn(&T, &Y, &Y) -> T + Send + Sync + 'static,
) -> impl Fn(&T) -> Y
where
    T: Tree + Clone + Send + Sync + 'static,
    Y: Tree + Clone + Send + Sync + 'static,
{
    let backward = Arc::new(backward);
    move |argument| {
        let inputs = argument.leaves();
        let mut value = None;
        let (traced, free) = Traced::new(&inputs, |leaves| {
            let result = forward(&argument.with_leaves(leaves.iter().cloned()));
            let outputs = result.leaves();
            value = Some(result);
            outputs
        });
        let value = value.expect("the function has been called");
        let (like_argument, like_value, rule) = (argument.clone(), value.clone(), backward.clone());
        let flat = move |inputs: &[Tensor], outputs: &[Tensor], cotangents: &[Tensor]| {
            let argument = like_argument.with_leaves(inputs.iter().cloned());
            let value = like_value.with_leaves(outputs.iter().cloned());
            let cotangent = like_value.with_leaves(cotangents.iter().cloned());
            rule(&argument, &value, &cotangent).leaves()
        };
        let own = inputs.len();
        let all: Vec<Tensor> = inputs.into_iter().chain(free).collect();
        let op = CustomVjp { traced: Arc::new(traced), backward: Arc::new(flat), own };
        value.with_leaves(custom(op, &all))
    }
}
