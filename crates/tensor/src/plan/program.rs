//! A graph as a list: what the planner works on.
//!
//! Importing lowers what no device needs to know (custom ops become their fallback, half precision computes in `f32`,
//! reductions of several axes become reductions of one run of axes) and simplifies as it goes: equal nodes are made
//! once, constants are folded, views of views are joined.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Index;
use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use crate::graph::node::{Meta, ScopeGuard};
use crate::graph::walk::{IdHasher, IdMap, Input, Reached, reachable_until};
use crate::ops::Op;
use crate::ops::custom::CustomHandle;
use crate::ops::map::MapOp;
use crate::ops::reduce::ReduceOp;
use crate::shape::AxisList;
use crate::transform::trace::placeholder;
use crate::{DType, Scalar, Shape, Tensor};

use super::simplify;

/// One output of a node of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub node: u32,
    pub out: u16,
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.node) << 16 | u64::from(self.out));
    }
}

/// Something about each value of a program. Nearly all nodes have one output.
pub(crate) struct ValueMap<T> {
    first: Vec<Option<T>>,
    others: IdMap<Value, T>,
}

impl<T> ValueMap<T> {
    /// Nothing about the values of so many nodes.
    pub fn new(nodes: usize) -> ValueMap<T> {
        ValueMap { first: std::iter::repeat_with(|| None).take(nodes).collect(), others: IdMap::default() }
    }

    pub fn get(&self, value: Value) -> Option<&T> {
        if value.out == 0 { self.first[value.node as usize].as_ref() } else { self.others.get(&value) }
    }

    pub fn insert(&mut self, value: Value, about: T) {
        if value.out == 0 {
            self.first[value.node as usize] = Some(about);
        } else {
            self.others.insert(value, about);
        }
    }
}

impl<T> Index<Value> for ValueMap<T> {
    type Output = T;
    fn index(&self, value: Value) -> &T {
        self.get(value).expect("something is known about each value that is asked for")
    }
}

/// Where the value of a leaf comes from when the plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// The `i`-th buffer.
    Buffer(u32),
    /// The `i`-th number.
    Number(u32),
}

/// A node of the program.
#[derive(Clone, Debug)]
pub(crate) struct ProgramNode {
    pub op: Op,
    /// For leaves (`Data`, `Placeholder`, `Scalar`).
    pub slot: Option<Slot>,
    pub inputs: SmallVec<[Value; 3]>,
    pub outputs: SmallVec<[Meta; 1]>,
}

/// A program: nodes in order, and the values that are wanted.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub nodes: Vec<ProgramNode>,
    pub outputs: Vec<Value>,
    pub buffers: u32,
    pub numbers: u32,
}

impl Program {
    pub fn meta(&self, value: Value) -> &Meta {
        &self.nodes[value.node as usize].outputs[usize::from(value.out)]
    }
}

/// What the numbers recorded as `Scalar` become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Inputs of the plan: their values may differ the next time.
    Slots,
    /// Constants of the plan.
    Fixed,
}

/// Builds a program node by node.
pub(crate) struct Builder {
    pub program: Program,
    numbers: Numbers,
    /// Fallbacks of ops met so far, on inputs of these shapes and types.
    fallbacks: HashMap<(CustomHandle, Vec<Meta>), Rc<Fallback>>,
    /// Nodes by the hash of what two nodes that are one have in common: op, inputs and outputs.
    known: IdMap<u64, SmallVec<[u32; 2]>>,
}

/// What a custom op computes, as a graph of plain ops.
struct Fallback {
    holes: Vec<Tensor>,
    outputs: Vec<Tensor>,
    reached: Reached,
    /// The holes belong to its scope.
    _guard: ScopeGuard,
}

impl Fallback {
    fn of(op: &CustomHandle, inputs: &[Meta]) -> Fallback {
        let guard = ScopeGuard::new();
        let holes: Vec<Tensor> = inputs.iter().map(|meta| placeholder(meta.clone(), &guard)).collect();
        let outputs = op.fallback(&holes).unwrap_or_else(|| {
            panic!("{op:?}: this op has neither a fallback nor a kernel, so that it cannot be computed")
        });
        let reached = reachable_until(&outputs, |tensor| tensor.node.is_evaluated());
        Fallback { holes, outputs, reached, _guard: guard }
    }
}

impl Builder {
    pub fn new(numbers: Numbers) -> Builder {
        Builder { program: Program::default(), numbers, fallbacks: HashMap::new(), known: IdMap::default() }
    }

    /// A leaf that is a buffer given at run time.
    pub fn buffer(&mut self, meta: Meta) -> Value {
        let slot = Slot::Buffer(self.program.buffers);
        self.program.buffers += 1;
        self.leaf(Op::Data, slot, meta)
    }

    fn leaf(&mut self, op: Op, slot: Slot, meta: Meta) -> Value {
        let node = self.program.nodes.len() as u32;
        self.program.nodes.push(ProgramNode {
            op,
            slot: Some(slot),
            inputs: smallvec![],
            outputs: smallvec![meta],
        });
        Value { node, out: 0 }
    }

    /// Imports `targets`; `bound` says which values placeholders stand for. Buffers and numbers that are met on the way
    /// become inputs of the program and are handed to `met`.
    pub fn import(
        &mut self,
        targets: &[Tensor],
        bound: &IdMap<u64, Value>,
        met: &mut dyn FnMut(&Tensor),
    ) -> Vec<Value> {
        let reached = reachable_until(targets, |tensor| tensor.node.is_evaluated());
        self.import_reached(&reached, targets, bound, met)
    }

    /// [`import`](Builder::import) of `targets` from what they have been found to depend on.
    pub fn import_reached(
        &mut self,
        reached: &Reached,
        targets: &[Tensor],
        bound: &IdMap<u64, Value>,
        met: &mut dyn FnMut(&Tensor),
    ) -> Vec<Value> {
        let count = reached.nodes.len();
        self.program.nodes.reserve(count);
        self.known.reserve(count);
        // The values of each node, and where they begin.
        let mut values: Vec<Value> = Vec::with_capacity(count);
        let mut begin: Vec<u32> = Vec::with_capacity(count);
        let value_of = |input: Input, values: &[Value], begin: &[u32]| {
            values[begin[input.place as usize] as usize + usize::from(input.out)]
        };
        for (place, tensor) in reached.nodes.iter().enumerate() {
            let node = &tensor.node;
            begin.push(values.len() as u32);
            if node.is_evaluated() {
                for (out, meta) in node.outputs.iter().enumerate() {
                    values.push(self.buffer(meta.clone()));
                    met(&Tensor { node: node.clone(), out: out as u16 });
                }
                continue;
            }
            let mut inputs: SmallVec<[Value; 3]> = SmallVec::new();
            for input in reached.inputs(place) {
                inputs.push(value_of(*input, &values, &begin));
            }
            match &node.op {
                Op::Placeholder => values.push(*bound.get(&node.id).unwrap_or_else(|| {
                    panic!(
                        "a value was read that does not exist yet: inside of vmap, Step, checkpoint and custom_vjp \
                         the arguments stand for values to come (recorded at {})",
                        node.site
                    )
                })),
                Op::Scalar(value) if self.numbers == Numbers::Slots => {
                    let slot = Slot::Number(self.program.numbers);
                    self.program.numbers += 1;
                    met(tensor);
                    // The value is not part of the plan, so neither is it of the op.
                    let op = Op::Scalar(Scalar::new(0.0, value.dtype()));
                    values.push(self.leaf(op, slot, node.outputs[0].clone()));
                }
                Op::Custom(op) if !op.0.has_kernel() => values.extend(self.expand(op, &inputs)),
                op if node.outputs.len() == 1 => {
                    values.push(self.add_one(op.clone(), inputs, node.outputs[0].clone()));
                }
                op => {
                    let index = self.intern(op.clone(), inputs, node.outputs.clone());
                    values.extend((0..node.outputs.len() as u16).map(|out| Value { node: index, out }));
                }
            }
        }
        targets.iter().map(|target| value_of(reached.input(target), &values, &begin)).collect()
    }

    /// The fallback of a custom op, imported in its place. The numbers in it are constants: they follow from the op's
    /// parameters.
    fn expand(&mut self, op: &CustomHandle, inputs: &[Value]) -> Vec<Value> {
        let key = (op.clone(), inputs.iter().map(|value| self.program.meta(*value).clone()).collect());
        let fallback = match self.fallbacks.get(&key) {
            Some(known) => known.clone(),
            None => {
                let fallback = Rc::new(Fallback::of(op, &key.1));
                self.fallbacks.insert(key, fallback.clone());
                fallback
            }
        };
        let bound: IdMap<u64, Value> =
            fallback.holes.iter().zip(inputs).map(|(hole, value)| (hole.node.id, *value)).collect();
        let numbers = std::mem::replace(&mut self.numbers, Numbers::Fixed);
        let values = self.import_reached(&fallback.reached, &fallback.outputs, &bound, &mut |tensor| {
            panic!(
                "{op:?}: the fallback holds a tensor of shape {}, which must be an input of the op instead",
                tensor.shape()
            )
        });
        self.numbers = numbers;
        values
    }

    /// Adds a node with one output, lowered and simplified.
    pub fn add_one(&mut self, op: Op, inputs: SmallVec<[Value; 3]>, meta: Meta) -> Value {
        match op {
            Op::Identity | Op::StopGradient => return inputs[0],
            Op::Scalar(value) => return self.constant(value),
            Op::Reduce { op, axes } => return self.reduce(op, &axes, inputs[0]),
            Op::ArgMax { .. } if self.is_half(&inputs) => {
                let wide = self.cast(inputs[0], DType::F32);
                return self.add_one(op, smallvec![wide], meta);
            }
            Op::Map(map) if self.is_half(&inputs) => return self.map_in_f32(map, &inputs, meta),
            Op::Convolution(_) | Op::Pool(_) if meta.dtype.is_half() => {
                let wide = inputs.iter().map(|input| self.cast(*input, DType::F32)).collect();
                let computed = self.add_one(op, wide, Meta { dtype: DType::F32, ..meta.clone() });
                return self.cast(computed, meta.dtype);
            }
            _ => {}
        }
        if let Some(value) = simplify::simplify(self, &op, &inputs, &meta) {
            return value;
        }
        Value { node: self.intern(op, inputs, smallvec![meta]), out: 0 }
    }

    fn intern(&mut self, op: Op, inputs: SmallVec<[Value; 3]>, outputs: SmallVec<[Meta; 1]>) -> u32 {
        let next = self.program.nodes.len() as u32;
        if !matches!(op, Op::Barrier) {
            let mut hasher = IdHasher::default();
            (&op, &inputs, &outputs).hash(&mut hasher);
            let alike = self.known.entry(hasher.finish()).or_default();
            let same = alike.iter().copied().find(|node| {
                let node = &self.program.nodes[*node as usize];
                node.op == op && node.inputs == inputs && node.outputs == outputs
            });
            if let Some(node) = same {
                return node;
            }
            alike.push(next);
        }
        self.program.nodes.push(ProgramNode { op, slot: None, inputs, outputs });
        next
    }

    /// A number known to the plan.
    pub fn constant(&mut self, value: Scalar) -> Value {
        let meta = Meta { shape: Shape::scalar(), dtype: value.dtype() };
        Value { node: self.intern(Op::Constant(value), smallvec![], smallvec![meta]), out: 0 }
    }

    /// A shape filled with a number known to the plan.
    pub fn filled(&mut self, value: Scalar, shape: &Shape) -> Value {
        let number = self.constant(value);
        if shape.rank() == 0 {
            return number;
        }
        let meta = Meta { shape: shape.clone(), dtype: value.dtype() };
        Value { node: self.intern(Op::Broadcast, smallvec![number], smallvec![meta]), out: 0 }
    }

    pub fn cast(&mut self, value: Value, dtype: DType) -> Value {
        let meta = self.program.meta(value);
        if meta.dtype == dtype {
            return value;
        }
        let meta = Meta { shape: meta.shape.clone(), dtype };
        self.add_one(Op::Cast, smallvec![value], meta)
    }

    fn is_half(&self, inputs: &[Value]) -> bool {
        inputs.iter().any(|input| self.program.meta(*input).dtype.is_half())
    }

    fn map_in_f32(&mut self, op: MapOp, inputs: &[Value], meta: Meta) -> Value {
        let wide = inputs
            .iter()
            .map(|input| {
                let half = self.program.meta(*input).dtype.is_half();
                if half { self.cast(*input, DType::F32) } else { *input }
            })
            .collect();
        let dtype = if meta.dtype.is_half() { DType::F32 } else { meta.dtype };
        let computed = self.add_one(Op::Map(op), wide, Meta { dtype, shape: meta.shape });
        self.cast(computed, meta.dtype)
    }

    /// A reduction as a chain of reductions of one run of neighbouring axes each, last axes first.
    fn reduce(&mut self, op: ReduceOp, axes: &[usize], input: Value) -> Value {
        let Meta { shape, dtype } = self.program.meta(input).clone();
        if axes.iter().any(|axis| shape[*axis] == 0) {
            let identity = match op {
                ReduceOp::Sum => 0.0,
                ReduceOp::Product => 1.0,
                // Refused at the call unless the result is empty too.
                ReduceOp::Max | ReduceOp::Min => 0.0,
            };
            return self.filled(Scalar::new(identity, dtype), &shape.without(axes));
        }
        if dtype.is_half() {
            let wide = self.cast(input, DType::F32);
            let reduced = self.reduce(op, axes, wide);
            return self.cast(reduced, dtype);
        }
        let mut value = input;
        let mut rest = AxisList::new();
        axes.iter().filter(|axis| shape[**axis] != 1).for_each(|axis| rest.push(*axis));
        // Axes behind the ones left have been reduced, so that the others count as in the input.
        let mut left = shape.clone();
        while let Some(last) = rest.pop() {
            let mut first = last;
            while rest.last() == Some(&(first.wrapping_sub(1))) {
                rest.pop();
                first -= 1;
            }
            let run: AxisList = (first..=last).collect();
            left = left.without(&run);
            let meta = Meta { shape: left.clone(), dtype };
            let op = Op::Reduce { op, axes: run };
            value = Value { node: self.intern(op, smallvec![value], smallvec![meta]), out: 0 };
        }
        self.reshape(value, &shape.without(axes))
    }

    pub fn reshape(&mut self, value: Value, shape: &Shape) -> Value {
        let meta = Meta { shape: shape.clone(), dtype: self.program.meta(value).dtype };
        self.add_one(Op::Reshape, smallvec![value], meta)
    }
}
