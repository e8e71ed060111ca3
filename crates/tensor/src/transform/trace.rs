//! Tracing: a function's graph with its arguments as holes, to be filled again later.

use std::hash::{DefaultHasher, Hash, Hasher};

use smallvec::SmallVec;

use crate::Tensor;
use crate::graph::node::{Inputs, Meta, Node, ScopeGuard};
use crate::graph::site::OnBehalf;
use crate::graph::walk::{IdMap, key, reachable};
use crate::ops::Op;

/// An argument without a value.
pub(crate) fn placeholder(meta: Meta, guard: &ScopeGuard) -> Tensor {
    Tensor { node: Node::scoped(Op::Placeholder, guard.scope(), Inputs::new(), meta), out: 0 }
}

/// `outputs` with every tensor in `from` replaced by the one at the same place in `to`. Only nodes from id `first` on
/// are looked at; of those, the ones that depend on no replaced tensor are shared.
pub(crate) fn substitute(outputs: &[Tensor], first: u64, from: &[Tensor], to: &[Tensor]) -> Vec<Tensor> {
    let mut replaced: IdMap<(u64, u16), Tensor> =
        from.iter().zip(to).map(|(from, to)| (key(from), to.clone())).collect();
    for tensor in reachable(outputs, |tensor| tensor.node.id >= first) {
        let node = &tensor.node;
        let inputs = node.inputs();
        if replaced.contains_key(&(node.id, 0))
            || !inputs.iter().any(|input| replaced.contains_key(&key(input)))
        {
            continue;
        }
        let inputs: Inputs =
            inputs.into_iter().map(|input| replaced.get(&key(&input)).cloned().unwrap_or(input)).collect();
        let metas: SmallVec<[Meta; 1]> = node.outputs.clone();
        let _behalf = OnBehalf::of(node.origin());
        for (out, output) in Tensor::record_many(node.op.clone(), inputs, metas).into_iter().enumerate() {
            replaced.insert((node.id, out as u16), output);
        }
    }
    outputs
        .iter()
        .map(|output| replaced.get(&key(output)).cloned().unwrap_or_else(|| output.clone()))
        .collect()
}

/// A closed piece of graph: every tensor that it takes from outside is an argument.
#[derive(Debug)]
pub(crate) struct Traced {
    arguments: Vec<Tensor>,
    outputs: Vec<Tensor>,
    /// Equal for pieces that do the same.
    pub fingerprint: u64,
    /// No node of the piece has a smaller id.
    oldest: u64,
    // Keeps the placeholders' scope live, so that nothing that depends on them is ever evaluated.
    _guard: Guard,
}

struct Guard(#[allow(dead_code)] ScopeGuard);

impl std::fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Guard")
    }
}

impl Traced {
    /// Traces `function` at arguments like `inputs`. Also returns the tensors that the function took from its
    /// surroundings; they are further arguments, after its own.
    pub fn new(inputs: &[Tensor], function: impl FnOnce(&[Tensor]) -> Vec<Tensor>) -> (Traced, Vec<Tensor>) {
        Traced::trace(inputs.iter().map(|input| input.meta().clone()), u64::MAX, function)
    }

    /// The piece that `function` makes of its arguments, whose shapes and types are given, and of `pieces`.
    pub fn derived(
        pieces: &[&Traced],
        arguments: impl IntoIterator<Item = Meta>,
        function: impl FnOnce(&[Tensor]) -> Vec<Tensor>,
    ) -> Traced {
        // Constants inside of the pieces are shared with them, hence older than the new arguments.
        let oldest = pieces.iter().map(|piece| piece.oldest).min().unwrap_or(u64::MAX);
        let (traced, free) = Traced::trace(arguments, oldest, function);
        debug_assert!(free.is_empty(), "closed pieces of graph stay closed");
        traced
    }

    fn trace(
        arguments: impl IntoIterator<Item = Meta>,
        oldest: u64,
        function: impl FnOnce(&[Tensor]) -> Vec<Tensor>,
    ) -> (Traced, Vec<Tensor>) {
        let guard = ScopeGuard::new();
        let own: Vec<Tensor> = arguments.into_iter().map(|meta| placeholder(meta, &guard)).collect();
        let first = own.first().map_or_else(crate::graph::node::next_id, |tensor| tensor.node.id).min(oldest);
        let outputs = function(&own);
        let mut free: Vec<Tensor> = Vec::new();
        let mut note = |tensor: &Tensor| {
            // From outside, or a value that was made while tracing: an argument too.
            let outside = tensor.node.id < first || tensor.is_evaluated();
            if outside && !free.iter().any(|known| key(known) == key(tensor)) {
                free.push(tensor.clone());
            }
        };
        outputs.iter().for_each(&mut note);
        for tensor in reachable(&outputs, |tensor| tensor.node.id >= first && !tensor.is_evaluated()) {
            tensor.node.with_inputs(|inputs| inputs.iter().for_each(&mut note));
        }
        let holes: Vec<Tensor> =
            free.iter().map(|tensor| placeholder(tensor.meta().clone(), &guard)).collect();
        let outputs = substitute(&outputs, first, &free, &holes);
        let arguments: Vec<Tensor> = own.into_iter().chain(holes).collect();
        let fingerprint = fingerprint(&arguments, &outputs);
        (Traced { arguments, outputs, fingerprint, oldest: first, _guard: Guard(guard) }, free)
    }

    /// The outputs at other arguments.
    pub fn at(&self, arguments: &[Tensor]) -> Vec<Tensor> {
        let first = self.arguments.iter().map(|argument| argument.node.id).min().unwrap_or(u64::MAX);
        substitute(&self.outputs, first, &self.arguments, arguments)
    }

    /// The piece that does the same for `size` examples at once, at arguments like `inputs`, of which those marked are
    /// stacked along a new first axis, as the outputs are.
    pub fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Traced {
        Traced::derived(&[self], inputs.iter().map(|input| input.meta().clone()), |holes| {
            super::vmap_tensors(holes, mapped, size, |arguments| self.at(arguments))
        })
    }

    /// The arguments: placeholders.
    pub fn arguments(&self) -> &[Tensor] {
        &self.arguments
    }

    /// The outputs, in terms of the arguments.
    pub fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// Shapes and types of the outputs.
    pub fn output_metas(&self) -> impl Iterator<Item = &Meta> {
        self.outputs.iter().map(Tensor::meta)
    }
}

fn fingerprint(arguments: &[Tensor], outputs: &[Tensor]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut numbers: IdMap<u64, usize> =
        arguments.iter().enumerate().map(|(index, argument)| (argument.node.id, index)).collect();
    for tensor in reachable(outputs, |_| true) {
        let node = &tensor.node;
        node.op.hash(&mut hasher);
        node.outputs.hash(&mut hasher);
        node.with_inputs(|inputs| {
            for input in inputs {
                (numbers.get(&input.node.id), input.out).hash(&mut hasher);
            }
        });
        let next = numbers.len();
        numbers.entry(node.id).or_insert(next);
    }
    for output in outputs {
        (numbers.get(&output.node.id), output.out).hash(&mut hasher);
    }
    hasher.finish()
}
