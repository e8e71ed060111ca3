//! Which experts a token goes to, and where it sits there.
//!
//! Choices are numbered with the first choices of all tokens before the second ones: choice `rank · tokens + token`.

use bolete_tensor::{DType, Tensor};

/// The choices of all tokens.
pub(super) struct Routing {
    /// `[tokens, experts]`.
    pub probabilities: Tensor,
    /// The weight of each choice, `[choices]`.
    pub weights: Tensor,
    /// How many choices each expert got, `i64` `[experts]`.
    pub assigned: Tensor,
    /// The expert of each choice, `i64` `[choices]`.
    experts: Tensor,
    /// How many earlier choices its expert got, `i64` `[choices]`.
    position: Tensor,
}

impl Routing {
    /// From scores `[tokens, experts]`; of equal ones the expert with the smaller number is chosen.
    #[track_caller]
    pub fn new(scores: &Tensor, chosen: usize, renormalise: bool) -> Routing {
        let probabilities = scores.softmax(-1);
        let best = scores.topk(chosen, -1);
        // The probabilities of a few, divided by their sum, are the softmax of the scores of the few.
        let weights =
            if renormalise { best.values.softmax(-1) } else { probabilities.gather(-1, &best.indices) };
        let experts = best.indices.t().flatten();
        let taken = experts.one_hot(scores.shape()[1], DType::I64);
        Routing {
            probabilities,
            weights: weights.t().flatten(),
            assigned: taken.sum(0),
            position: (taken.cumsum(0) * &taken).sum(-1) - 1,
            experts,
        }
    }

    /// Places at the experts, each of which has `capacity`.
    #[track_caller]
    pub fn slots(&self, capacity: usize) -> Slots {
        let experts = self.assigned.elements();
        let kept = self.position.less(Tensor::scalar(capacity as f64, DType::I64));
        let place = &self.experts * Tensor::scalar(capacity as f64, DType::I64) + &self.position;
        let nowhere = Tensor::scalar((experts * capacity) as f64, DType::I64);
        let tokens = self.probabilities.shape()[0];
        Slots { place: kept.select(place, nowhere), kept, tokens, experts, capacity }
    }
}

/// Where each choice sits.
pub(super) struct Slots {
    /// Whether its expert had room, `[choices]`.
    pub kept: Tensor,
    /// `expert · capacity + position`, and one place after the last for what was dropped, `i64` `[choices]`.
    place: Tensor,
    tokens: usize,
    experts: usize,
    capacity: usize,
}

impl Slots {
    /// Tokens `[tokens, width]` at their places, `[experts, capacity, width]`; free places are zero.
    #[track_caller]
    pub fn dispatch(&self, tokens: &Tensor) -> Tensor {
        let width = tokens.shape()[1];
        let places = self.experts * self.capacity;
        let repeated = tokens.tile(&[self.place.elements() / self.tokens, 1]);
        // No two choices share a place, except that of the dropped.
        let filled = repeated.segment_sum(&self.place, places + 1);
        filled.narrow(0, 0, places).reshape([self.experts, self.capacity, width])
    }

    /// For each token the sum of the outputs `[experts, capacity, width]` at its places, weighted; `[tokens, width]`.
    #[track_caller]
    pub fn combine(&self, outputs: &Tensor, weights: &Tensor) -> Tensor {
        let (places, width) = (self.experts * self.capacity, outputs.shape()[2]);
        let last = Tensor::scalar((places - 1) as f64, DType::I64);
        let read = outputs.reshape([places, width]).take(&self.place.minimum(last), 0);
        let weighted = read * weights.unsqueeze(-1);
        let none = Tensor::scalar(0.0, weighted.dtype());
        let kept = self.kept.unsqueeze(-1).select(weighted, none);
        kept.reshape([self.place.elements() / self.tokens, self.tokens, width]).sum(0)
    }
}
