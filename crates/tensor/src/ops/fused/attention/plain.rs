//! Attention in plain ops, with all weights in memory: what derivatives of higher order are made of.

use crate::{DType, Tensor};

use super::Pattern;

/// Scores and what they are made of, keys and values repeated for the heads that share them.
pub(super) struct Scores {
    /// `[…, heads, queries, keys]`, −∞ where a key is not seen.
    scores: Tensor,
    pub key: Tensor,
    pub value: Tensor,
    /// How many heads share a key head.
    pub group: usize,
}

impl Scores {
    #[track_caller]
    pub fn new(pattern: &Pattern, inputs: &[Tensor]) -> Scores {
        let query = &inputs[0];
        let axes = query.rank();
        let group = query.shape()[axes - 3].checked_div(inputs[1].shape()[axes - 3]).unwrap_or(1);
        let [key, value] = [&inputs[1], &inputs[2]].map(|shared| shared.repeat_interleave(group, -3));
        let dtype = query.dtype();
        let mut scores = query.matmul(&key.t()) * Tensor::constant(pattern.scale, dtype);
        if let Some(bias) = pattern.bias() {
            scores = scores + &inputs[bias];
        }
        let mut seen = pattern.mask().map(|mask| inputs[mask].clone());
        if let Some(visible) = visible(pattern, query.shape()[axes - 2], key.shape()[axes - 2]) {
            seen = Some(seen.map_or(visible.clone(), |seen| seen.logical_and(&visible)));
        }
        if let Some(seen) = seen {
            scores = seen.select(&scores, Tensor::constant(f64::NEG_INFINITY, dtype));
        }
        Scores { scores, key, value, group }
    }

    /// The weights, and the log-sum-exp of each row; both zero for a row that sees nothing.
    #[track_caller]
    pub fn weights(&self) -> (Tensor, Tensor) {
        if self.scores.elements() == 0 {
            return (self.scores.clone(), self.scores.sum(-1));
        }
        let number = |value: f64| Tensor::constant(value, self.scores.dtype());
        let largest = self.scores.max_keepdim(-1).stop_gradient();
        let shift = largest.greater(number(f64::NEG_INFINITY)).select(&largest, number(0.0));
        let exponentials = (&self.scores - &shift).exp();
        let sum = exponentials.sum_keepdim(-1);
        let exists = sum.greater(number(0.0));
        let safe = exists.select(&sum, number(1.0));
        let log_sum = exists.select(safe.log() + shift, number(0.0));
        (exponentials / safe, log_sum.squeeze(-1))
    }

    /// The weights that belong to given log-sums.
    #[track_caller]
    pub fn weights_at(&self, log_sum: &Tensor) -> Tensor {
        (&self.scores - log_sum.unsqueeze(-1)).exp()
    }

    /// The sum over the heads that share a key head.
    #[track_caller]
    pub fn shared(&self, of_heads: &Tensor) -> Tensor {
        let axis = of_heads.rank() - 3;
        let heads = of_heads.shape()[axis];
        of_heads.unflatten(axis as isize, &[heads / self.group.max(1), self.group]).sum(axis as isize + 1)
    }
}

/// Which keys a query sees by its position, `[queries, keys]`, if not all.
#[track_caller]
fn visible(pattern: &Pattern, queries: usize, keys: usize) -> Option<Tensor> {
    if !pattern.causal && pattern.window.is_none() {
        return None;
    }
    let shift = Tensor::constant(keys as f64 - queries as f64, DType::I64);
    let position = Tensor::arange(queries, DType::I64).unsqueeze(1) + shift;
    let ahead = Tensor::arange(keys, DType::I64).unsqueeze(0) - position;
    let causal = ahead.less_equal(Tensor::constant(0.0, DType::I64));
    match pattern.window {
        None => Some(causal),
        Some(window) => {
            let near = ahead.abs().less(Tensor::constant(window as f64, DType::I64));
            Some(if pattern.causal { near.logical_and(&causal) } else { near })
        }
    }
}
