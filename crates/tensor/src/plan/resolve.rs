//! Views become strides: what is left are computations that read memory through layouts.

use smallvec::{SmallVec, smallvec};

use crate::graph::node::Meta;
use crate::graph::walk::IdMap;
use crate::ops::Op;
use crate::ops::map::MapOp;
use crate::ops::reduce::ReduceOp;
use crate::shape::AxisList;
use crate::{Scalar, Shape};

use super::layout::Layout;
use super::program::{Program, Slot, Value};

/// Reading the output `root` of a computation through a layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Access {
    pub root: Value,
    pub layout: Layout,
}

impl Access {
    fn whole(root: Value, meta: &Meta) -> Access {
        Access { root, layout: Layout::contiguous(&meta.shape) }
    }
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
    /// Computations that must come before, besides those whose outputs are read.
    pub after: SmallVec<[u32; 2]>,
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
        accesses: IdMap::default(),
        after: IdMap::default(),
        copies: IdMap::default(),
    };
    resolver.resolved.computes.reserve(program.nodes.len());
    resolver.accesses.reserve(program.nodes.len());
    let used = used_nodes(program);
    let turned = turned_products(program, &used);
    for (index, node) in program.nodes.iter().enumerate() {
        if used[index] {
            resolver.node(program, index as u32, node, turned[index]);
        }
    }
    for output in &program.outputs {
        let access = resolver.accesses[output].clone();
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
        let turns = matches!(&node.op, Op::Permute { order } if *order == last_two_exchanged(order.len()));
        for input in &node.inputs {
            read[input.node as usize] = true;
            turned[input.node as usize] &= turns;
        }
    }
    turned.iter().zip(read).map(|(turned, read)| *turned && read).collect()
}

/// The order of axes that exchanges the last two.
fn last_two_exchanged(rank: usize) -> AxisList {
    let mut order: AxisList = (0..rank).collect();
    if rank >= 2 {
        order.swap(rank - 2, rank - 1);
    }
    order
}

/// The access with the last two axes exchanged.
fn exchanged(access: &Access) -> Access {
    let shape = exchanged_shape(&access.layout.shape);
    let op = Op::Permute { order: last_two_exchanged(shape.rank()) };
    let layout = access.layout.through(&op, &shape).expect("axes can be in any order");
    Access { root: access.root, layout }
}

fn exchanged_shape(shape: &Shape) -> Shape {
    last_two_exchanged(shape.rank()).iter().map(|axis| shape[*axis]).collect()
}

struct Resolver {
    resolved: Resolved,
    /// How each value of the program is read.
    accesses: IdMap<Value, Access>,
    /// For values behind a barrier, what must come before they are read.
    after: IdMap<Value, SmallVec<[u32; 2]>>,
    copies: IdMap<(Access, SmallVec<[u32; 2]>), Value>,
}

impl Resolver {
    fn push(&mut self, compute: Compute) -> u32 {
        self.resolved.computes.push(compute);
        (self.resolved.computes.len() - 1) as u32
    }

    /// The root that holds exactly what `access` reads, copying it if there is none.
    fn contiguous(&mut self, access: Access, meta: &Meta, after: SmallVec<[u32; 2]>) -> Value {
        let root = &self.resolved.computes[access.root.node as usize].outputs[usize::from(access.root.out)];
        if access.layout.is_contiguous() && access.layout.elements() == root.shape.elements() {
            return access.root;
        }
        if let Some(copy) = self.copies.get(&(access.clone(), after.clone())) {
            return *copy;
        }
        let compute = Compute {
            what: Computation::Element(ElementOp::Copy),
            inputs: smallvec![access.clone()],
            outputs: smallvec![meta.clone()],
            after: after.clone(),
        };
        let copy = Value { node: self.push(compute), out: 0 };
        self.copies.insert((access, after), copy);
        copy
    }

    fn node(&mut self, program: &Program, index: u32, node: &super::program::ProgramNode, turned: bool) {
        let value = Value { node: index, out: 0 };
        let after = self.gather_after(&node.inputs);
        if node.op.is_view() || matches!(node.op, Op::Barrier) {
            return self.view(program, value, node, after);
        }
        let accesses: SmallVec<[Access; 3]> =
            node.inputs.iter().map(|input| self.accesses[input].clone()).collect();
        let (what, inputs) = match (&node.op, node.slot) {
            (_, Some(Slot::Buffer(buffer))) => (Computation::Buffer(buffer), accesses),
            (_, Some(Slot::Number(number))) => (Computation::Element(ElementOp::Number(number)), accesses),
            (Op::Constant(scalar), _) => (Computation::Element(ElementOp::Constant(*scalar)), accesses),
            (Op::Map(op), _) => (Computation::Element(ElementOp::Map(*op)), accesses),
            (Op::Cast, _) => (Computation::Element(ElementOp::Cast), accesses),
            (Op::Iota, _) => (Computation::Element(ElementOp::Iota), accesses),
            (Op::Reduce { op, axes }, _) => {
                let shape = &program.meta(node.inputs[0]).shape;
                let (first, last) = (axes[0], axes[axes.len() - 1]);
                let product = |range: std::ops::Range<usize>| shape[range].iter().product::<usize>();
                let (outer, length) = (product(0..first), product(first..last + 1));
                let inner = product(last + 1..shape.rank());
                (Computation::Reduce { op: *op, outer, length, inner }, accesses)
            }
            (Op::Matmul, _) => {
                let sides = node.inputs.iter().zip(accesses).map(|(input, access)| {
                    if matrix_strides(&access.layout).is_some() {
                        return access;
                    }
                    let meta = program.meta(*input);
                    Access::whole(self.contiguous(access, meta, after.clone()), meta)
                });
                let mut sides: SmallVec<[Access; 3]> = sides.collect();
                if turned {
                    sides.reverse();
                    sides.iter_mut().for_each(|side| *side = exchanged(side));
                }
                (Computation::Kernel(Op::Matmul), sides)
            }
            // Their kernels copy, whatever the strides.
            (Op::Concatenate { .. } | Op::Pad(_), _) => (Computation::Kernel(node.op.clone()), accesses),
            (op, _) => {
                let whole = node.inputs.iter().zip(accesses).map(|(input, access)| {
                    let meta = program.meta(*input);
                    Access::whole(self.contiguous(access, meta, after.clone()), meta)
                });
                let whole = whole.collect();
                (Computation::Kernel(op.clone()), whole)
            }
        };
        let mut outputs = node.outputs.clone();
        if turned {
            outputs[0].shape = exchanged_shape(&outputs[0].shape);
        }
        let compute = self.push(Compute { what, inputs, outputs: outputs.clone(), after });
        for (out, meta) in outputs.iter().enumerate() {
            let root = Value { node: compute, out: out as u16 };
            let whole = Access::whole(root, meta);
            let access = if turned { exchanged(&whole) } else { whole };
            self.accesses.insert(Value { node: index, out: out as u16 }, access);
        }
    }

    fn gather_after(&self, inputs: &[Value]) -> SmallVec<[u32; 2]> {
        let mut all: SmallVec<[u32; 2]> = SmallVec::new();
        for input in inputs {
            for compute in self.after.get(input).into_iter().flatten() {
                if !all.contains(compute) {
                    all.push(*compute);
                }
            }
        }
        all
    }

    fn view(
        &mut self,
        program: &Program,
        value: Value,
        node: &super::program::ProgramNode,
        mut after: SmallVec<[u32; 2]>,
    ) {
        let below = self.accesses[&node.inputs[0]].clone();
        if let Op::Barrier = node.op {
            for input in &node.inputs[1..] {
                let root = self.accesses[input].root.node;
                if !after.contains(&root) {
                    after.push(root);
                }
            }
            self.accesses.insert(value, below);
            self.after.insert(value, after);
            return;
        }
        let shape = &node.outputs[0].shape;
        let access = match below.layout.through(&node.op, shape) {
            Some(layout) => Access { root: below.root, layout },
            None => {
                let meta = program.meta(node.inputs[0]);
                let root = self.contiguous(below, meta, after.clone());
                let layout = Layout::contiguous(&meta.shape).through(&node.op, shape);
                Access { root, layout: layout.expect("a gapless layout takes every shape") }
            }
        };
        self.accesses.insert(value, access);
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
    let leading = Layout {
        shape: (&layout.shape[..rank - 2]).into(),
        strides: layout.strides[..rank - 2].iter().copied().collect(),
        offset: 0,
    };
    let (_, batch) = leading.collapsed();
    let batch = match batch.as_slice() {
        [] => 0,
        [stride] => *stride,
        // Axes of length 0 do not collapse, and nothing is read along them.
        _ if layout.elements() == 0 => 0,
        _ => return None,
    };
    (row >= 0 && column >= 0 && batch >= 0).then_some(MatrixStrides { batch, row, column })
}
