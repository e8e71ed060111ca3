//! Views become strides: what is left are computations that read memory through layouts.

use smallvec::{SmallVec, smallvec};

use crate::graph::node::Meta;
use crate::graph::walk::IdMap;
use crate::ops::Op;
use crate::ops::map::MapOp;
use crate::ops::reduce::ReduceOp;
use crate::shape::AxisList;
use crate::{Scalar, Shape};

use super::layout::{Layout, Layouts, SharedLayout, collapsed};
use super::program::{Program, ProgramNode, Slot, Value, ValueMap};

/// Reading the output `root` of a computation through a layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Access {
    pub root: Value,
    pub layout: SharedLayout,
}

/// An op on single elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ElementOp {
    Map(MapOp),
    /// Conversion to the type of the output.
    Cast,
    /// The input itself, in row-major order.
    Copy,
    /// The position.
    Iota,
    Constant(Scalar),
    /// A number given at run time.
    Number(u32),
}

impl ElementOp {
    /// Whether computing the op again costs less than storing what it gives.
    pub fn is_trivial(self) -> bool {
        matches!(self, ElementOp::Iota | ElementOp::Constant(_) | ElementOp::Number(_))
    }
}

/// What a computation does.
#[derive(Clone, Debug)]
pub(crate) enum Computation {
    /// A buffer given at run time.
    Buffer(u32),
    Element(ElementOp),
    /// `[outer, length, inner] → [outer, inner]`.
    Reduce {
        op: ReduceOp,
        outer: usize,
        length: usize,
        inner: usize,
    },
    /// Everything that has a kernel of its own.
    Kernel(Op),
}

/// A computation with what it reads.
#[derive(Clone, Debug)]
pub(crate) struct Compute {
    pub what: Computation,
    pub inputs: SmallVec<[Access; 3]>,
    pub outputs: SmallVec<[Meta; 1]>,
    /// Elements of the first output.
    pub elements: usize,
    /// Computations that must come before, besides those whose outputs are read.
    pub after: SmallVec<[u32; 2]>,
}

impl Compute {
    /// Bytes of an output.
    pub fn bytes(&self, out: u16) -> usize {
        let meta = &self.outputs[usize::from(out)];
        let elements = if out == 0 { self.elements } else { meta.shape.elements() };
        elements * meta.dtype.size()
    }
}

/// Computations in order, and how the wanted values are read from them: always row by row without gaps.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    pub computes: Vec<Compute>,
    pub outputs: Vec<Value>,
}

/// Resolves the views of a program; nodes that no output needs are left out.
pub(crate) fn resolve(program: &Program) -> Resolved {
    let mut resolver = Resolver {
        resolved: Resolved::default(),
        layouts: Layouts::default(),
        accesses: ValueMap::new(program.nodes.len()),
        after: IdMap::default(),
        copies: IdMap::default(),
    };
    resolver.resolved.computes.reserve(program.nodes.len());
    let used = used_nodes(program);
    let turned = turned_products(program, &used);
    for (index, node) in program.nodes.iter().enumerate() {
        if used[index] {
            resolver.node(program, index as u32, node, turned[index]);
        }
    }
    for output in &program.outputs {
        let access = resolver.accesses[*output].clone();
        let root = resolver.contiguous(access, program.meta(*output), smallvec![]);
        resolver.resolved.outputs.push(root);
    }
    resolver.resolved
}

fn used_nodes(program: &Program) -> Vec<bool> {
    let mut used = vec![false; program.nodes.len()];
    for output in &program.outputs {
        used[output.node as usize] = true;
    }
    for index in (0..program.nodes.len()).rev() {
        if used[index] {
            for input in &program.nodes[index].inputs {
                used[input.node as usize] = true;
            }
        }
    }
    used
}

/// Which products are read as their transposes alone, like the gradient of a weight that a layer transposes: they are
/// computed that way round, so that their readers find them row by row.
fn turned_products(program: &Program, used: &[bool]) -> Vec<bool> {
    let mut turned: Vec<bool> =
        program.nodes.iter().map(|node| matches!(node.op, Op::Matmul) && node.slot.is_none()).collect();
    for output in &program.outputs {
        turned[output.node as usize] = false;
    }
    let mut read = vec![false; program.nodes.len()];
    for (node, _) in program.nodes.iter().zip(used).filter(|(_, used)| **used) {
        let turns = matches!(&node.op, Op::Permute { order } if exchanges_last_two(order));
        for input in &node.inputs {
            read[input.node as usize] = true;
            turned[input.node as usize] &= turns;
        }
    }
    turned.iter().zip(read).map(|(turned, read)| *turned && read).collect()
}

/// Whether an order of axes exchanges the last two, if there are two.
fn exchanges_last_two(order: &[usize]) -> bool {
    let first = order.len().saturating_sub(2);
    let (front, back) = order.split_at(first);
    front.iter().enumerate().all(|(place, axis)| place == *axis)
        && (back.len() < 2 || *back == [first + 1, first])
}

/// The order of axes that exchanges the last two.
fn last_two_exchanged(rank: usize) -> AxisList {
    let mut order: AxisList = (0..rank).collect();
    if rank >= 2 {
        order.swap(rank - 2, rank - 1);
    }
    order
}

fn exchanged_shape(shape: &Shape) -> Shape {
    last_two_exchanged(shape.rank()).iter().map(|axis| shape[*axis]).collect()
}

struct Resolver {
    resolved: Resolved,
    layouts: Layouts,
    /// How each value of the program is read.
    accesses: ValueMap<Access>,
    /// For values behind a barrier, what must come before they are read.
    after: IdMap<Value, SmallVec<[u32; 2]>>,
    copies: IdMap<(Access, SmallVec<[u32; 2]>), Value>,
}

impl Resolver {
    fn push(&mut self, compute: Compute) -> u32 {
        self.resolved.computes.push(compute);
        (self.resolved.computes.len() - 1) as u32
    }

    fn whole(&mut self, root: Value, meta: &Meta) -> Access {
        Access { root, layout: self.layouts.whole(&meta.shape) }
    }

    /// The access with the last two axes exchanged.
    fn exchanged(&mut self, access: &Access) -> Access {
        let shape = exchanged_shape(&access.layout.shape);
        let op = Op::Permute { order: last_two_exchanged(shape.rank()) };
        let layout = access.layout.through(&op, &shape).expect("axes can be in any order");
        Access { root: access.root, layout: self.layouts.share(layout) }
    }

    /// The root that holds exactly what `access` reads, copying it if there is none.
    fn contiguous(&mut self, access: Access, meta: &Meta, after: SmallVec<[u32; 2]>) -> Value {
        if access.layout.is_contiguous() {
            let root = &self.resolved.computes[access.root.node as usize];
            let shape = &root.outputs[usize::from(access.root.out)].shape;
            if access.layout.elements() == shape.elements() {
                return access.root;
            }
        }
        if let Some(copy) = self.copies.get(&(access.clone(), after.clone())) {
            return *copy;
        }
        let compute = Compute {
            what: Computation::Element(ElementOp::Copy),
            inputs: smallvec![access.clone()],
            outputs: smallvec![meta.clone()],
            elements: access.layout.elements(),
            after: after.clone(),
        };
        let copy = Value { node: self.push(compute), out: 0 };
        self.copies.insert((access, after), copy);
        copy
    }

    /// An input that a kernel reads whole.
    fn whole_input(&mut self, program: &Program, input: Value, after: &SmallVec<[u32; 2]>) -> Access {
        let access = self.accesses[input].clone();
        let meta = program.meta(input);
        let root = self.contiguous(access, meta, after.clone());
        self.whole(root, meta)
    }

    /// An input of a product: any matrices.
    fn matrix_input(&mut self, program: &Program, input: Value, after: &SmallVec<[u32; 2]>) -> Access {
        let access = &self.accesses[input];
        if matrix_strides(&access.layout).is_some() {
            return access.clone();
        }
        self.whole_input(program, input, after)
    }

    fn node(&mut self, program: &Program, index: u32, node: &ProgramNode, turned: bool) {
        let after = self.gather_after(&node.inputs);
        if node.op.is_view() || matches!(node.op, Op::Barrier) {
            return self.view(program, Value { node: index, out: 0 }, node, after);
        }
        let what = match (&node.op, node.slot) {
            (_, Some(Slot::Buffer(buffer))) => Computation::Buffer(buffer),
            (_, Some(Slot::Number(number))) => Computation::Element(ElementOp::Number(number)),
            (Op::Constant(scalar), _) => Computation::Element(ElementOp::Constant(*scalar)),
            (Op::Map(op), _) => Computation::Element(ElementOp::Map(*op)),
            (Op::Cast, _) => Computation::Element(ElementOp::Cast),
            (Op::Iota, _) => Computation::Element(ElementOp::Iota),
            (Op::Reduce { op, axes }, _) => {
                let shape = &program.meta(node.inputs[0]).shape;
                let (first, last) = (axes[0], axes[axes.len() - 1]);
                let product = |range: std::ops::Range<usize>| shape[range].iter().product::<usize>();
                let (outer, length) = (product(0..first), product(first..last + 1));
                let inner = product(last + 1..shape.rank());
                Computation::Reduce { op: *op, outer, length, inner }
            }
            (op, _) => Computation::Kernel(op.clone()),
        };
        let mut inputs: SmallVec<[Access; 3]> = SmallVec::new();
        for input in &node.inputs {
            inputs.push(match &what {
                Computation::Kernel(Op::Matmul) => self.matrix_input(program, *input, &after),
                // Their kernels copy, whatever the strides.
                Computation::Kernel(Op::Concatenate { .. } | Op::Pad(_)) => self.accesses[*input].clone(),
                Computation::Kernel(_) => self.whole_input(program, *input, &after),
                _ => self.accesses[*input].clone(),
            });
        }
        let mut outputs: SmallVec<[Meta; 1]> = SmallVec::new();
        node.outputs.iter().for_each(|meta| outputs.push(meta.clone()));
        if turned {
            inputs.reverse();
            inputs.iter_mut().for_each(|side| *side = self.exchanged(side));
            outputs[0].shape = exchanged_shape(&outputs[0].shape);
        }
        let compute = self.resolved.computes.len() as u32;
        let mut elements = 0;
        for (out, meta) in outputs.iter().enumerate() {
            let whole = self.whole(Value { node: compute, out: out as u16 }, meta);
            if out == 0 {
                elements = whole.layout.elements();
            }
            let access = if turned { self.exchanged(&whole) } else { whole };
            self.accesses.insert(Value { node: index, out: out as u16 }, access);
        }
        self.push(Compute { what, inputs, outputs, elements, after });
    }

    fn gather_after(&self, inputs: &[Value]) -> SmallVec<[u32; 2]> {
        let mut all: SmallVec<[u32; 2]> = SmallVec::new();
        if self.after.is_empty() {
            return all;
        }
        for input in inputs {
            for compute in self.after.get(input).into_iter().flatten() {
                if !all.contains(compute) {
                    all.push(*compute);
                }
            }
        }
        all
    }

    fn view(&mut self, program: &Program, value: Value, node: &ProgramNode, mut after: SmallVec<[u32; 2]>) {
        let below = self.accesses[node.inputs[0]].clone();
        if let Op::Barrier = node.op {
            for input in &node.inputs[1..] {
                let root = self.accesses[*input].root.node;
                if !after.contains(&root) {
                    after.push(root);
                }
            }
            self.accesses.insert(value, below);
            self.after.insert(value, after);
            return;
        }
        let shape = &node.outputs[0].shape;
        let (root, layout) = match below.layout.through(&node.op, shape) {
            Some(layout) => (below.root, layout),
            None => {
                let meta = program.meta(node.inputs[0]);
                let root = self.contiguous(below, meta, after.clone());
                let layout = Layout::contiguous(&meta.shape).through(&node.op, shape);
                (root, layout.expect("a gapless layout takes every shape"))
            }
        };
        let layout = self.layouts.share(layout);
        self.accesses.insert(value, Access { root, layout });
        if !after.is_empty() {
            self.after.insert(value, after);
        }
    }
}

/// Strides of a batch of matrices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixStrides {
    pub batch: isize,
    pub row: isize,
    pub column: isize,
}

/// The strides of a layout whose last two axes are matrices, if all axes before them collapse into one and none is
/// negative.
pub(crate) fn matrix_strides(layout: &Layout) -> Option<MatrixStrides> {
    let rank = layout.shape.rank();
    let (row, column) = (layout.strides[rank - 2], layout.strides[rank - 1]);
    let (_, batch) = collapsed(&layout.shape[..rank - 2], &layout.strides[..rank - 2]);
    let batch = match batch.as_slice() {
        [] => 0,
        [stride] => *stride,
        // Axes of length 0 do not collapse, and nothing is read along them.
        _ if layout.shape.contains(&0) => 0,
        _ => return None,
    };
    (row >= 0 && column >= 0 && batch >= 0).then_some(MatrixStrides { batch, row, column })
}
