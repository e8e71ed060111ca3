//! The reverse derivative of attention.
//!
//! With weights W, output O, its cotangent C and δ = Σ C · O of each row: the cotangent of the values is Wᵀ C, of the scores
//! S̄ = W (C Vᵀ − δ), of the queries scale · S̄ K and of the keys scale · S̄ᵀ Q. The kernels compute W again from the log-sum-exp.

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::attention::{AttentionElement, Derivative, Gradients, backward, bias_gradient};
use crate::cpu::kernels::isa::Isa;
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::{CustomOp, DType, Metadata, Tensor, custom};

use super::{Pattern, plain};

/// The inputs of attention, the log-sum-exp, δ and the cotangent of the output to the cotangents of queries, keys and values.
#[derive(Debug)]
pub(super) struct AttentionGradient(pub Pattern);

/// The same inputs to the cotangent of the bias, in its own shape.
#[derive(Debug)]
pub(super) struct AttentionBiasGradient(pub Pattern);

/// What the derivative is made of besides the scores.
fn derivative<'a, T: AttentionElement + crate::Element>(
    pattern: &Pattern,
    inputs: &'a [HostArray],
) -> Derivative<'a, T> {
    let first = pattern.inputs();
    Derivative {
        value: inputs[2].as_slice(),
        log_sum: inputs[first].as_slice(),
        delta: inputs[first + 1].as_slice(),
        cotangent: inputs[first + 2].as_slice(),
    }
}

/// Scores in plain ops, the weights and the cotangents of the scores.
#[track_caller]
fn in_plain_ops(pattern: &Pattern, inputs: &[Tensor]) -> (plain::Scores, Tensor, Tensor) {
    let first = pattern.inputs();
    let scores = plain::Scores::new(pattern, inputs);
    let (log_sum, delta, cotangent) = (&inputs[first], &inputs[first + 1], &inputs[first + 2]);
    let weights = scores.weights_at(log_sum);
    let of_scores = &weights * (cotangent.matmul(&scores.value.t()) - delta.unsqueeze(-1));
    (scores, weights, of_scores)
}

impl CustomOp for AttentionGradient {
    fn name(&self) -> &str {
        "attention_gradient"
    }
    fn parameters(&self) -> Vec<u64> {
        self.0.parameters()
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        inputs[..3].to_vec()
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, outputs),
            _ => self.run::<f32>(inputs, outputs),
        }
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (scores, weights, of_scores) = in_plain_ops(&self.0, inputs);
        let scale = Tensor::constant(self.0.scale, inputs[0].dtype());
        let cotangent = &inputs[self.0.inputs() + 2];
        let query = of_scores.matmul(&scores.key) * &scale;
        let key = scores.shared(&of_scores.t().matmul(&inputs[0])) * scale;
        let value = scores.shared(&weights.t().matmul(cotangent));
        Some(vec![query, key, value])
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        Some(custom(AttentionGradient(self.0), &self.0.stacked(inputs, mapped, size)))
    }
}

impl AttentionGradient {
    fn run<T: AttentionElement + crate::Element>(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let [query, key, value] = outputs else { unreachable!("three cotangents") };
        let given = derivative::<T>(&self.0, inputs);
        let gradients =
            Gradients { query: query.as_mut_slice(), key: key.as_mut_slice(), value: value.as_mut_slice() };
        self.0.with_scores::<T>(inputs, |scores| {
            with_pool(|pool| backward(pool, Isa::detected(), scores, &given, gradients));
        });
    }
}

impl CustomOp for AttentionBiasGradient {
    fn name(&self) -> &str {
        "attention_bias_gradient"
    }
    fn parameters(&self) -> Vec<u64> {
        self.0.parameters()
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[3].clone()]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, outputs),
            _ => self.run::<f32>(inputs, outputs),
        }
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (_, _, of_scores) = in_plain_ops(&self.0, inputs);
        let bias = inputs[3].shape();
        let stretched: Vec<isize> = (0..bias.rank())
            .filter(|axis| bias[*axis] == 1 && of_scores.shape()[*axis] != 1)
            .map(|axis| axis as isize)
            .collect();
        Some(vec![of_scores.sum_keepdim(stretched.as_slice())])
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        let mut stacked = self.0.stacked(inputs, mapped, size);
        // Each example has a cotangent of its own, also where all have the same bias.
        if !mapped[3] {
            stacked[3] = inputs[3].broadcast_to(inputs[3].shape().inserted(0, size));
        }
        Some(custom(AttentionBiasGradient(self.0), &stacked))
    }
}

impl AttentionBiasGradient {
    fn run<T: AttentionElement + crate::Element>(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let given = derivative::<T>(&self.0, inputs);
        let gradient = outputs[0].as_mut_slice::<T>();
        self.0.with_scores::<T>(inputs, |scores| {
            with_pool(|pool| bias_gradient(pool, Isa::detected(), scores, &given, gradient));
        });
    }
}
