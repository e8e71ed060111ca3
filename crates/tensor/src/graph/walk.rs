//! Collecting the nodes a transform or the planner works on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::Tensor;

/// Hashes ids, which are distinct already, and what is made of a few numbers, by a multiplication for each.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_ne_bytes(*word));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }
    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }
}

/// A map keyed by node ids or by what programs consist of.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

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
