//! Who uses what each computation gives.

use super::lists::Lists;
use super::resolve::Resolved;

/// For each computation, who reads it, and through which input.
pub(crate) fn consumers(resolved: &Resolved) -> Lists<(u32, u32)> {
    Lists::new(resolved.computes.len(), |hand_out| {
        for (index, compute) in resolved.computes.iter().enumerate() {
            for (input, access) in compute.inputs.iter().enumerate() {
                hand_out(access.root.node, (index as u32, input as u32));
            }
        }
    })
}

/// For each computation, who must come after it without reading it.
pub(crate) fn waiting(resolved: &Resolved) -> Lists<u32> {
    Lists::new(resolved.computes.len(), |hand_out| {
        for (index, compute) in resolved.computes.iter().enumerate() {
            for awaited in &compute.after {
                hand_out(*awaited, index as u32);
            }
        }
    })
}
