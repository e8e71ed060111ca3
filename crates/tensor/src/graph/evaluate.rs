//! Computing pending values.
//!
//! Evaluation takes everything the targets need that has no value yet as one graph, plans it (or finds the plan it
//! made for an equal graph before) and runs it. Besides the targets it keeps the values of those nodes on the way that
//! somebody holds a handle to; all others are never stored. What is evaluated lets go of its inputs.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::buffer::Buffer;
use crate::device::{Executable, device};
use crate::graph::walk::{IdMap, reachable_until};
use crate::ops::Op;
use crate::plan::program::{Builder, Numbers};
use crate::plan::{Place, Plan, cache, plan};
use crate::tree::{Tree, TreeExt};
use crate::{Scalar, Tensor};

/// Computes several tensors at once, sharing all work. Reading a tensor does this for it alone.
///
/// # Panics
/// If an index met on the way does not exist, or inside of `vmap` and [`Step`](crate::Step), where values do not exist
/// yet.
#[track_caller]
pub fn eval<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) {
    let targets: Vec<&Tensor> = tensors.into_iter().filter(|tensor| !tensor.is_evaluated()).collect();
    if targets.is_empty() {
        return;
    }
    let _flight = SingleFlight::enter();
    let targets: Vec<&Tensor> = targets.into_iter().filter(|tensor| !tensor.is_evaluated()).collect();
    let pending = Pending::collect(&targets);
    let executable =
        cache::get(cache::key(&pending.nodes, &pending.wanted), || device().compile(pending.plan()));
    let (inputs, numbers) = pending.bind();
    let outputs: Vec<Buffer> =
        executable.plan().output_bytes.iter().map(|bytes| device().allocate(*bytes)).collect();
    if let Err(error) = executable.run(&inputs, &outputs, &numbers) {
        panic!("{error}");
    }
    pending.store(executable.plan(), &inputs, &outputs);
}

/// Computes all leaves of a tree at once.
///
/// # Panics
/// As [`eval`].
#[track_caller]
pub fn eval_tree<T: Tree>(tree: &T) {
    eval(&tree.leaves());
}

/// The executable for computing `tensors`, for looking at its plan.
#[track_caller]
pub(crate) fn executable_for(tensors: &[&Tensor]) -> Arc<dyn Executable> {
    // Another thread's evaluation would change the graph meanwhile.
    let _flight = SingleFlight::enter();
    let pending = Pending::collect(tensors);
    cache::get(cache::key(&pending.nodes, &pending.wanted), || device().compile(pending.plan()))
}

/// A graph about to be evaluated.
struct Pending {
    /// Pending nodes and the evaluated ones they need, by ascending id.
    nodes: Vec<Tensor>,
    /// What is to be stored.
    wanted: Vec<Tensor>,
}

impl Pending {
    #[track_caller]
    fn collect(targets: &[&Tensor]) -> Pending {
        let nodes = reachable_until(targets.iter().copied(), |tensor| tensor.node.is_evaluated());
        for tensor in &nodes {
            refuse_placeholder(tensor);
        }
        // Handles that the graph itself holds to each node.
        let mut edges: IdMap<u64, usize> = IdMap::default();
        for tensor in nodes.iter().filter(|tensor| !tensor.node.is_evaluated()) {
            tensor.node.with_inputs(|inputs| {
                for input in inputs {
                    *edges.entry(input.node.id).or_default() += 1;
                }
            });
        }
        let mut wanted: Vec<Tensor> = Vec::new();
        let mut is_target: IdMap<(u64, u16), ()> = IdMap::default();
        for target in targets {
            if is_target.insert((target.node.id, target.out), ()).is_none() {
                wanted.push((*target).clone());
            }
        }
        let targets_of: IdMap<u64, ()> = wanted.iter().map(|target| (target.node.id, ())).collect();
        for tensor in &nodes {
            let node = &tensor.node;
            if node.is_evaluated() || targets_of.contains_key(&node.id) || !is_worth_keeping(&node.op) {
                continue;
            }
            let inside = edges.get(&node.id).copied().unwrap_or(0);
            // One more is ours, in `nodes`.
            if Arc::strong_count(node) > inside + 1 {
                wanted.extend(
                    (0..node.outputs.len()).map(|out| Tensor { node: node.clone(), out: out as u16 }),
                );
            }
        }
        // A node of several outputs lets go of its inputs only if all of them are there.
        let mut extra = Vec::new();
        for target in &wanted {
            for out in 0..target.node.outputs.len() as u16 {
                let sibling = Tensor { node: target.node.clone(), out };
                if is_target.insert((sibling.node.id, out), ()).is_none() {
                    extra.push(sibling);
                }
            }
        }
        let known: IdMap<(u64, u16), ()> =
            wanted.iter().map(|tensor| ((tensor.node.id, tensor.out), ())).collect();
        wanted.extend(extra.into_iter().filter(|tensor| !known.contains_key(&(tensor.node.id, tensor.out))));
        wanted.sort_unstable_by_key(|tensor| (tensor.node.id, tensor.out));
        Pending { nodes, wanted }
    }

    fn plan(&self) -> Plan {
        let mut builder = Builder::new(Numbers::Slots);
        let mut bound = IdMap::default();
        // Inputs in the order of `bind`: that of the nodes.
        builder.program.outputs = builder.import(&self.wanted, &mut bound, &mut |_| {});
        plan(&builder.program, &[])
    }

    /// Buffers and numbers in the order in which importing meets them.
    fn bind(&self) -> (Vec<Buffer>, Vec<Scalar>) {
        let (mut inputs, mut numbers) = (Vec::new(), Vec::new());
        for tensor in &self.nodes {
            let node = &tensor.node;
            if node.is_evaluated() {
                inputs.extend((0..node.outputs.len()).filter_map(|out| node.value(out).cloned()));
            } else if let Op::Scalar(value) = node.op {
                numbers.push(value);
            }
        }
        (inputs, numbers)
    }

    fn store(&self, plan: &Plan, inputs: &[Buffer], outputs: &[Buffer]) {
        for (tensor, place) in self.wanted.iter().zip(&plan.results) {
            let buffer = match place {
                Place::Buffer(index) => &inputs[*index as usize],
                Place::Output(index) => &outputs[*index as usize],
                Place::Arena(_) => unreachable!("wanted values do not lie in the arena"),
            };
            tensor.node.store(usize::from(tensor.out), buffer.clone());
        }
        for tensor in &self.wanted {
            if tensor.node.is_evaluated() {
                tensor.node.detach();
            }
        }
    }
}

/// # Panics
/// If the tensor is an argument of a function being traced.
#[track_caller]
pub(crate) fn refuse_placeholder(tensor: &Tensor) {
    assert!(
        !matches!(tensor.node.op, Op::Placeholder),
        "a value was read that does not exist yet: inside of vmap, Step, checkpoint and custom_vjp the arguments \
         stand for values to come (this one for {} {})",
        tensor.dtype(),
        tensor.shape()
    );
}

/// Numbers and constants are cheaper to make again than to store.
fn is_worth_keeping(op: &Op) -> bool {
    !matches!(op, Op::Scalar(_) | Op::Constant(_) | Op::Iota | Op::Identity | Op::Placeholder)
}

/// One evaluation at a time: evaluating changes the graph, and its kernels use all threads anyway.
struct SingleFlight(Option<MutexGuard<'static, ()>>);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

impl SingleFlight {
    fn enter() -> SingleFlight {
        static RUNNING: Mutex<()> = Mutex::new(());
        // The fallback of a user's op that reads a value is called within an evaluation of this very thread.
        if INSIDE.replace(true) {
            return SingleFlight(None);
        }
        SingleFlight(Some(RUNNING.lock().unwrap_or_else(|poisoned| poisoned.into_inner())))
    }
}

impl Drop for SingleFlight {
    fn drop(&mut self) {
        if self.0.is_some() {
            INSIDE.set(false);
        }
    }
}
