//! Ops with an inside: what of it is to blame.

use crate::Tensor;
use crate::graph::site::{OnBehalf, Origin};
use crate::ops::custom::CustomHandle;
use crate::transform::walk_loop;

use super::{NonFinite, Source, search};

/// What is to blame inside of an op whose output `out` is bad, at the values of its inputs; `None` if it has no inside or
/// nothing in there is bad, as where a kernel does what the fallback would do better.
pub(super) fn first(op: &CustomHandle, out: usize, inputs: &[Tensor], origin: Origin) -> Option<NonFinite> {
    let mut place = op.0.name().to_string();
    let mut run = |at: String, outputs: Vec<Tensor>| {
        place = at;
        search::values(&outputs)
    };
    let found = match walk_loop(&*op.0, out, inputs, &mut run) {
        Some(walked) => walked.err(),
        None => {
            let outputs = {
                let _behalf = OnBehalf::of(origin);
                op.fallback(inputs)?
            };
            search::values(&outputs[out..=out]).err()
        }
    };
    let mut found = *found?;
    if found.source == Source::Leaf {
        // The inputs of the op were judged already.
        return None;
    }
    found.within.insert(0, place);
    Some(found)
}
