//! A function recorded once and replayed.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::Tensor;
use crate::buffer::Buffer;
use crate::device::{Executable, device};
use crate::graph::evaluate::eval;
use crate::graph::node::{Meta, ScopeGuard};
use crate::graph::walk::{IdMap, reachable};
use crate::ops::Op;
use crate::transform::trace::placeholder;
use crate::tree::{LeafKind, Tree, TreeExt, Visitor};

use super::Place;
use super::program::{Builder, Numbers};
use super::report::Report;

/// A function of trees that is traced at its first call and replayed at every further one: no recording, no planning,
/// and no memory but for what it returns.
///
/// Arguments go in by value. Whoever moves the only handle to a tensor into a call has said that its memory may be
/// overwritten: a training step that takes the model and returns it updates the parameters in place. A tensor that
/// somebody else still holds is left alone.
///
/// The function is traced once for each *signature*: the shapes and types of all leaves, and the structure of the
/// tree, to which plain numbers belong. So a learning rate that is a tensor may change from call to call, while one
/// that is an `f64` makes the function be traced again. What the function captures from its surroundings is fixed
/// when it is traced. Inside of the function values do not exist yet: reading one panics.
///
/// ```
/// use bolete_tensor::{Step, Tensor, value_and_grad};
///
/// let mut step = Step::new(|(w, x): (Tensor, Tensor)| {
///     let (loss, slope) = value_and_grad(|w: &Tensor| (w * &x - 1.0).square().mean(..))(&w);
///     (w - slope * 0.1, loss)
/// });
/// let mut w = Tensor::from(0.0f32);
/// for _ in 0..100 {
///     (w, _) = step.call((w, Tensor::from([1.0f32, 3.0])));
/// }
/// assert!((w.item() - 0.4).abs() < 1e-3);
/// ```
pub struct Step<'a, A, B> {
    function: Box<dyn Fn(A) -> B + 'a>,
    traces: Vec<Trace<B>>,
    last: usize,
}

/// A traced signature.
struct Trace<B> {
    structure: u64,
    arguments: Vec<Meta>,
    executable: Arc<dyn Executable>,
    /// Tensors that the function took from its surroundings, after the arguments.
    captured: Vec<Buffer>,
    /// A value of the function's kind, to be rebuilt with other leaves.
    prototype: B,
    outputs: Vec<Meta>,
}

/// Signatures kept before the oldest is dropped.
const MOST_TRACES: usize = 64;

/// Leaves and structure of an argument, in one walk.
struct Arguments {
    structure: u64,
    leaves: SmallVec<[Tensor; 16]>,
}

impl<'a> Visitor<'a> for Arguments {
    fn leaf(&mut self, kind: LeafKind, tensor: &'a Tensor) {
        Visitor::structure(self, kind as u64);
        self.leaves.push(tensor.clone());
    }
    fn structure(&mut self, value: u64) {
        let mixed = (self.structure ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.structure = (mixed ^ (mixed >> 32)).wrapping_add(1);
    }
}

impl<'a, A: Tree, B: Tree> Step<'a, A, B> {
    /// A step that does what `function` does.
    pub fn new(function: impl Fn(A) -> B + 'a) -> Step<'a, A, B> {
        Step { function: Box::new(function), traces: Vec::new(), last: 0 }
    }

    /// Calls the function: traced the first time, replayed afterwards.
    ///
    /// # Panics
    /// If the function reads a value of its argument, or an index met on the way does not exist.
    #[track_caller]
    pub fn call(&mut self, argument: A) -> B {
        let mut arguments = Arguments { structure: 0, leaves: SmallVec::new() };
        argument.visit(&mut arguments);
        let Arguments { structure, leaves } = arguments;
        let fits = |trace: &Trace<B>| {
            trace.structure == structure
                && trace.arguments.len() == leaves.len()
                && trace.arguments.iter().zip(&leaves).all(|(meta, leaf)| meta == leaf.meta())
        };
        if !self.traces.get(self.last).is_some_and(fits) {
            self.last = match self.traces.iter().position(fits) {
                Some(found) => found,
                None => {
                    let trace = self.trace(&argument, structure, &leaves);
                    if self.traces.len() == MOST_TRACES {
                        self.traces.remove(0);
                    }
                    self.traces.push(trace);
                    self.traces.len() - 1
                }
            };
        }
        let trace = &self.traces[self.last];
        let mut inputs = values(&leaves);
        // From here on the memory of the arguments is ours, unless somebody else holds them too.
        drop(leaves);
        drop(argument);
        inputs.extend(trace.captured.iter().cloned());
        let plan = trace.executable.plan();
        let mut outputs: SmallVec<[Buffer; 16]> = SmallVec::new();
        let mut donations = plan.donations.iter().peekable();
        for (index, bytes) in plan.output_bytes.iter().enumerate() {
            let donor = donations.next_if(|(output, _)| *output as usize == index);
            let input = donor.map(|(_, buffer)| *buffer as usize).filter(|input| inputs[*input].is_unique());
            outputs.push(input.map_or_else(|| device().allocate(*bytes), |input| inputs[input].clone()));
        }
        if let Err(error) = trace.executable.run(&inputs, &outputs, &[]) {
            panic!("{error}");
        }
        let mut results = plan.results.iter().zip(&trace.outputs);
        trace.prototype.rebuild(&mut |_, _| {
            let (place, meta) = results.next().expect("as many results as leaves");
            let buffer = match place {
                Place::Buffer(index) => inputs[*index as usize].clone(),
                Place::Output(index) => outputs[*index as usize].clone(),
                Place::Arena(_) => unreachable!("results do not lie in the arena"),
            };
            Tensor::from_buffer(meta.shape.clone(), meta.dtype, buffer)
        })
    }

    /// What the plan of the last call costs; `None` before the first.
    pub fn report(&self) -> Option<Report> {
        self.traces.get(self.last).map(|trace| Report::of(trace.executable.plan()))
    }

    /// How many signatures have been traced.
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    fn trace(&self, argument: &A, structure: u64, leaves: &[Tensor]) -> Trace<B> {
        let guard = ScopeGuard::new();
        let holes: Vec<Tensor> = leaves.iter().map(|leaf| placeholder(leaf.meta().clone(), &guard)).collect();
        let value = (self.function)(argument.with_leaves(holes.iter().cloned()));
        let outputs = value.leaves();
        // What is computed from captured tensors alone is computed now, once.
        let first = holes.first().map_or_else(crate::graph::node::next_id, |hole| hole.node.id);
        evaluate_captured(&outputs, first);
        let mut builder = Builder::new(Numbers::Fixed);
        let mut bound = IdMap::default();
        for hole in &holes {
            let buffer = builder.buffer(hole.meta().clone());
            bound.insert(hole.node.id, buffer);
        }
        let mut captured = Vec::new();
        builder.program.outputs = builder.import(&outputs, &bound, &mut |tensor| {
            captured.push(tensor.evaluated().clone());
        });
        let mut donatable = vec![true; holes.len()];
        donatable.resize(holes.len() + captured.len(), false);
        let executable = device().compile(super::plan(&builder.program, &donatable));
        let prototype = value.map(|leaf| Tensor::constant(0.0, leaf.dtype()));
        Trace {
            structure,
            arguments: leaves.iter().map(|leaf| leaf.meta().clone()).collect(),
            executable,
            captured,
            prototype,
            outputs: outputs.iter().map(|output| output.meta().clone()).collect(),
        }
    }
}

/// The values of leaves, computed where they are pending.
#[track_caller]
fn values(leaves: &[Tensor]) -> SmallVec<[Buffer; 16]> {
    let pending = leaves.iter().filter(|leaf| !leaf.is_evaluated() && !matches!(leaf.node.op, Op::Scalar(_)));
    eval(pending);
    leaves
        .iter()
        .map(|leaf| match (leaf.value(), &leaf.node.op) {
            (Some(buffer), _) => buffer.clone(),
            // A number needs no plan.
            (None, Op::Scalar(value)) => device().upload(&value.to_bytes()[..value.dtype().size()]),
            (None, _) => leaf.evaluated().clone(),
        })
        .collect()
}

/// Computes the pending tensors older than `first` that a traced graph reads.
fn evaluate_captured(outputs: &[Tensor], first: u64) {
    let mut older: Vec<Tensor> = outputs.iter().filter(|output| output.node.id < first).cloned().collect();
    for tensor in reachable(outputs, |tensor| tensor.node.id >= first) {
        tensor
            .node
            .with_inputs(|inputs| older.extend(inputs.iter().filter(|input| input.node.id < first).cloned()));
    }
    let is_pending = |tensor: &&Tensor| {
        let cheap = matches!(tensor.node.op, Op::Scalar(_) | Op::Constant(_) | Op::Iota);
        // What depends on an outer transform's argument has no value yet; it stays part of the graph.
        !tensor.is_evaluated() && !cheap && tensor.node.scope.is_none()
    };
    eval(older.iter().filter(is_pending));
}

impl<A, B> fmt::Debug for Step<'_, A, B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Step").field("traces", &self.traces.len()).finish_non_exhaustive()
    }
}
