//! Computing pending values.
//!
//! Evaluation takes everything the targets need that has no value yet as one graph, plans it (or finds the plan it
//! made for an equal graph before) and runs it. Besides the targets it keeps the values of those nodes on the way that
//! somebody holds a handle to; all others are never stored. What is evaluated lets go of its inputs.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::buffer::Buffer;
use crate::device::{Executable, device};
use crate::graph::walk::{IdMap, Reached, reachable_until};
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
        cache::get(cache::key(&pending.reached, &pending.wanted), || device().compile(pending.plan()));
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
    cache::get(cache::key(&pending.reached, &pending.wanted), || device().compile(pending.plan()))
}

/// A graph about to be evaluated.
struct Pending {
    /// Pending nodes and the evaluated ones they need, by ascending id.
    reached: Reached,
    /// What is to be stored.
    wanted: Vec<Tensor>,
}

impl Pending {
    #[track_caller]
    fn collect(targets: &[&Tensor]) -> Pending {
        let reached = reachable_until(targets.iter().copied(), |tensor| tensor.node.is_evaluated());
        // Handles that the graph itself holds to each node.
        let mut edges = vec![0usize; reached.nodes.len()];
        for (place, tensor) in reached.nodes.iter().enumerate() {
            refuse_placeholder(tensor);
            reached.inputs(place).iter().for_each(|input| edges[input.place as usize] += 1);
        }
        // A node of several outputs lets go of its inputs only if all of them are there.
        let mut wanted: Vec<Tensor> = Vec::new();
        let mut want = |tensor: &Tensor| {
            let outputs = 0..tensor.node.outputs.len() as u16;
            wanted.extend(outputs.map(|out| Tensor { node: tensor.node.clone(), out }));
        };
        let mut is_target = vec![false; reached.nodes.len()];
        for target in targets {
            if !std::mem::replace(&mut is_target[reached.input(target).place as usize], true) {
                want(target);
            }
        }
        for ((tensor, is_target), edges) in reached.nodes.iter().zip(&is_target).zip(&edges) {
            let node = &tensor.node;
            if *is_target || node.is_evaluated() || !is_worth_keeping(&node.op) {
                continue;
            }
            // One handle more is ours, in `reached`.
            if Arc::strong_count(node) > edges + 1 {
                want(tensor);
            }
        }
        wanted.sort_unstable_by_key(|tensor| (tensor.node.id, tensor.out));
        Pending { reached, wanted }
    }

    fn plan(&self) -> Plan {
        let mut builder = Builder::new(Numbers::Slots);
        // Inputs in the order of `bind`: that of the nodes.
        builder.program.outputs =
            builder.import_reached(&self.reached, &self.wanted, &IdMap::default(), &mut |_| {});
        plan(&builder.program, &[])
    }

    /// Buffers and numbers in the order in which importing meets them.
    fn bind(&self) -> (Vec<Buffer>, Vec<Scalar>) {
        let (mut inputs, mut numbers) = (Vec::new(), Vec::new());
        for tensor in &self.reached.nodes {
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
