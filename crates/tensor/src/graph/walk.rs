//! Collecting the nodes a transform or the planner works on.

use crate::Tensor;
pub(crate) use crate::cpu::kernels::hashing::{IdHasher, IdMap};

/// The key of one output of a node.
pub(crate) fn key(tensor: &Tensor) -> (u64, u16) {
    (tensor.node.id, tensor.out)
}

/// Every node that `targets` depend on for which `enter` says yes, by ascending id: inputs before their users. Nodes
/// for which it says no are left out, and so is what only they reach.
pub(crate) fn reachable<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    enter: impl Fn(&Tensor) -> bool,
) -> Vec<Tensor> {
    walk(targets, enter, |_| true)
}

/// Every node that `targets` depend on, by ascending id, looking no further than those for which `stop` says yes,
/// which are included.
pub(crate) fn reachable_until<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    stop: impl Fn(&Tensor) -> bool,
) -> Vec<Tensor> {
    walk(targets, |_| true, |tensor| !stop(tensor))
}

fn walk<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    enter: impl Fn(&Tensor) -> bool,
    descend: impl Fn(&Tensor) -> bool,
) -> Vec<Tensor> {
    let mut seen: IdMap<u64, ()> = IdMap::default();
    let mut stack: Vec<Tensor> = Vec::new();
    let mut found: Vec<Tensor> = Vec::new();
    let push = |tensor: &Tensor, seen: &mut IdMap<u64, ()>, stack: &mut Vec<Tensor>| {
        if enter(tensor) && seen.insert(tensor.node.id, ()).is_none() {
            stack.push(tensor.clone());
        }
    };
    for target in targets {
        push(target, &mut seen, &mut stack);
    }
    while let Some(tensor) = stack.pop() {
        if descend(&tensor) {
            tensor.node.with_inputs(|inputs| {
                for input in inputs {
                    push(input, &mut seen, &mut stack);
                }
            });
        }
        found.push(tensor);
    }
    found.sort_unstable_by_key(|tensor| tensor.node.id);
    found
}
