//! From computations and groups to kernels whose reads and writes are still values.

use smallvec::{SmallVec, smallvec};

use crate::cpu::kernels::indexing::Geometry;
use crate::graph::node::Meta;
use crate::ops::Op;
use crate::ops::pooling::PoolRole;

use super::emit::{Emitted, emit};
use super::fuse::{Fusion, Group, Level, is_trivial};
use super::layout::Layout;
use super::program::Value;
use super::resolve::{Access, Computation, Compute, ElementOp, Resolved, matrix_strides};
use super::{Action, MatrixOperand, Part};

/// A kernel before places are known.
pub(crate) struct Unplaced {
    pub action: Action,
    pub reads: SmallVec<[Value; 3]>,
    pub writes: SmallVec<[Value; 1]>,
    pub tail: Option<Emitted>,
    pub name: String,
    pub operations: usize,
    /// The computations that this kernel does.
    pub computes: SmallVec<[u32; 4]>,
}

/// All kernels, in no particular order.
pub(crate) fn lower(resolved: &Resolved, fusion: &Fusion) -> Vec<Unplaced> {
    let stored = stored(resolved, fusion);
    let is_kernel = |compute: &&Compute| matches!(compute.what, Computation::Kernel(_));
    let own = resolved.computes.iter().filter(is_kernel).count();
    let mut kernels = Vec::with_capacity(fusion.groups.len() + own);
    let mut taken = vec![false; resolved.computes.len()];
    for (index, group) in fusion.groups.iter().enumerate() {
        let Some(group) = group else { continue };
        if let Some(copy) = copy_of_runs(resolved, group) {
            kernels.push(copy);
            continue;
        }
        let tail = emit(resolved, fusion, index, &stored);
        let mut kernel = match group.producer {
            Some(producer) => {
                taken[producer as usize] = true;
                kernel(resolved, producer)
            }
            None => Unplaced {
                action: Action::Loop,
                reads: SmallVec::new(),
                writes: SmallVec::new(),
                tail: None,
                name: String::new(),
                operations: 0,
                computes: SmallVec::new(),
            },
        };
        add_loop_name(&mut kernel.name, resolved, group);
        kernel.operations += tail.program.operations();
        kernel.computes.extend_from_slice(&group.members);
        kernel.tail = Some(tail);
        kernels.push(kernel);
    }
    for (index, compute) in resolved.computes.iter().enumerate() {
        let own = matches!(compute.what, Computation::Kernel(_));
        if own && !taken[index] {
            kernels.push(kernel(resolved, index as u32));
        }
    }
    kernels
}

/// The shortest run of contiguous elements that is copied as such.
const SHORTEST_RUN: usize = 8;

/// A group that only copies runs of contiguous elements needs no loop.
fn copy_of_runs(resolved: &Resolved, group: &Group) -> Option<Unplaced> {
    let ([index], None) = (group.members.as_slice(), group.producer) else { return None };
    let compute = &resolved.computes[*index as usize];
    let Computation::Element(ElementOp::Copy) = compute.what else { return None };
    let (access, output) = (&compute.inputs[0], &compute.outputs[0]);
    let (lengths, strides) = access.layout.collapsed();
    if is_trivial(&resolved.computes[access.root.node as usize])
        || *strides.last()? != 1
        || *lengths.last()? < SHORTEST_RUN
    {
        return None;
    }
    let shape: crate::Shape = lengths.iter().copied().collect();
    let to = shape.strides();
    let part =
        Part { source: Layout { shape, strides, offset: access.layout.offset }, strides: to, offset: 0 };
    let elements = output.shape.elements();
    let action = Action::Assemble { dtype: output.dtype, parts: vec![part], fill: None, elements };
    Some(Unplaced {
        action,
        reads: smallvec![access.root],
        writes: smallvec![Value { node: *index, out: 0 }],
        tail: None,
        name: "copy".to_string(),
        operations: 0,
        computes: smallvec![*index],
    })
}

/// Which computations' values are needed outside of their group.
fn stored(resolved: &Resolved, fusion: &Fusion) -> Vec<bool> {
    let mut stored = vec![false; resolved.computes.len()];
    for output in &resolved.outputs {
        stored[output.node as usize] = true;
    }
    for (index, compute) in resolved.computes.iter().enumerate() {
        for access in &compute.inputs {
            let root = access.root.node as usize;
            let inside = fusion.group_of[root].is_some() && fusion.group_of[root] == fusion.group_of[index];
            let inlined = fusion.group_of[root].is_none() && is_trivial(&resolved.computes[root]);
            if !inside && !inlined {
                stored[root] = true;
            }
        }
    }
    stored
}

/// The name of what a member of a loop does.
fn member_name(what: &Computation) -> Option<&str> {
    match what {
        Computation::Element(ElementOp::Map(op)) => Some(op.name()),
        Computation::Element(ElementOp::Copy) => Some("copy"),
        Computation::Element(ElementOp::Cast) => Some("cast"),
        Computation::Element(_) => Some("fill"),
        Computation::Reduce { op, .. } => Some(op.name()),
        _ => None,
    }
}

/// Adds the ops of a loop in order to the name of a kernel, the longest lists abbreviated.
fn add_loop_name(name: &mut String, resolved: &Resolved, group: &Group) {
    let members = group.members.iter().rev();
    let names = members.filter_map(|member| member_name(&resolved.computes[*member as usize].what));
    let count = names.clone().count();
    for own in names.take(if count > 8 { 7 } else { 8 }) {
        if !name.is_empty() {
            name.push('+');
        }
        name.push_str(own);
    }
    if count > 8 {
        name.push_str(&format!("+{}", count - 7));
    }
}

fn meta_of<'a>(resolved: &'a Resolved, access: &Access) -> &'a Meta {
    &resolved.computes[access.root.node as usize].outputs[usize::from(access.root.out)]
}

fn product(lengths: &[usize]) -> usize {
    lengths.iter().product()
}

/// The kernel of a computation that is not fused.
fn kernel(resolved: &Resolved, index: u32) -> Unplaced {
    let compute: &Compute = &resolved.computes[index as usize];
    let Computation::Kernel(op) = &compute.what else { unreachable!("fused computations have no kernel") };
    let output = &compute.outputs[0];
    let dtype = output.dtype;
    let roots = || compute.inputs.iter().map(|access| access.root).collect();
    let shape_of = |input: usize| &compute.inputs[input].layout.shape;
    let mut operations = 0;
    let (action, name) = match op {
        Op::Matmul => {
            let (a, b) = (&compute.inputs[0], &compute.inputs[1]);
            let rank = output.shape.rank();
            let (m, n) = (output.shape[rank - 2], output.shape[rank - 1]);
            let k = a.layout.shape[rank - 1];
            let batch = product(&output.shape[..rank - 2]);
            operations = 2 * batch * m * n * k;
            let operand = |access: &Access| MatrixOperand {
                strides: matrix_strides(&access.layout).expect("resolved to matrices"),
                offset: access.layout.offset,
            };
            let action = Action::Matmul { dtype, batch, m, n, k, a: operand(a), b: operand(b) };
            (action, "matmul".to_string())
        }
        Op::Convolution(convolution) => {
            operations = 2 * convolution.multiply_adds();
            let name = match convolution.role {
                crate::ops::convolution::Role::Output => "conv2d",
                crate::ops::convolution::Role::Image => "conv2d_image",
                crate::ops::convolution::Role::Kernel => "conv2d_kernel",
            };
            (Action::Convolution { dtype, op: convolution.clone() }, name.to_string())
        }
        Op::Pool(pool) => {
            let shape = shape_of(compute.inputs.len() - 1);
            let planes = product(&shape[..shape.rank() - 2]);
            let name = match pool.role {
                PoolRole::SelectMax => "max_pool2d",
                PoolRole::ScatterMax => "max_pool2d_scatter",
                PoolRole::Sum => "sum_pool2d",
                PoolRole::Spread => "sum_pool2d_spread",
            };
            (Action::Pool { dtype, op: pool.clone(), planes }, name.to_string())
        }
        Op::Concatenate { axis } => {
            let strides = output.shape.strides();
            let mut before = 0;
            let parts = compute
                .inputs
                .iter()
                .map(|access| {
                    let offset = before as isize * strides[*axis];
                    before += access.layout.shape[*axis];
                    Part { source: Layout::clone(&access.layout), strides: strides.clone(), offset }
                })
                .collect();
            let elements = output.shape.elements();
            (Action::Assemble { dtype, parts, fill: None, elements }, "concatenate".to_string())
        }
        Op::Pad(spec) => {
            let strides = output.shape.strides();
            let source = Layout::clone(&compute.inputs[0].layout);
            let offset = spec.low.iter().zip(&strides).map(|(low, stride)| *low as isize * stride).sum();
            let spread = spec
                .interior
                .iter()
                .zip(&strides)
                .map(|(interior, stride)| (*interior as isize + 1) * stride);
            let parts = vec![Part { source, strides: spread.collect(), offset }];
            let fill = Some(compute.inputs[1].layout.offset);
            let elements = output.shape.elements();
            (Action::Assemble { dtype, parts, fill, elements }, "pad".to_string())
        }
        Op::Take { batch, axis } => {
            let (x, indices) = (shape_of(0), shape_of(1));
            let geometry = Geometry {
                batch: product(&x[..*batch]),
                pre: product(&x[*batch..*axis]),
                n: x[*axis],
                m: product(&indices[*batch..]),
                post: product(&x[axis + 1..]),
            };
            (Action::Take { dtype, geometry }, "take".to_string())
        }
        Op::ScatterAdd { batch, axis, size } => {
            let (updates, indices) = (shape_of(0), shape_of(1));
            let geometry = Geometry {
                batch: product(&updates[..*batch]),
                pre: product(&updates[*batch..*axis]),
                n: *size,
                m: product(&indices[*batch..]),
                post: product(&output.shape[axis + 1..]),
            };
            (Action::ScatterAdd { dtype, geometry }, "scatter_add".to_string())
        }
        Op::ArgMax { axis } => {
            let x = shape_of(0);
            let dtype = meta_of(resolved, &compute.inputs[0]).dtype;
            let (outer, inner) = (product(&x[..*axis]), product(&x[axis + 1..]));
            (Action::ArgMax { dtype, outer, length: x[*axis], inner }, "argmax".to_string())
        }
        Op::Random(random) => {
            let keys = compute.inputs[0].layout.elements();
            let count = output.shape.elements().checked_div(keys).unwrap_or(0);
            (
                Action::Random { dtype, op: random.clone(), keys, count },
                format!("random_{random:?}").to_lowercase(),
            )
        }
        Op::Custom(custom) => {
            let inputs = compute.inputs.iter().map(|access| meta_of(resolved, access));
            let inputs = inputs
                .zip(&compute.inputs)
                .map(|(meta, access)| Meta { shape: access.layout.shape.clone(), dtype: meta.dtype })
                .collect();
            let action = Action::Custom { op: custom.clone(), inputs, outputs: compute.outputs.to_vec() };
            (action, custom.0.name().to_string())
        }
        op => unreachable!("{op:?} has no kernel of its own"),
    };
    let writes = (0..compute.outputs.len()).map(|out| Value { node: index, out: out as u16 }).collect();
    Unplaced { action, reads: roots(), writes, tail: None, name, operations, computes: smallvec![index] }
}

/// Bytes that a kernel moves.
pub(crate) fn bytes_moved(resolved: &Resolved, kernel: &Unplaced) -> usize {
    let size = |value: &Value| resolved.computes[value.node as usize].bytes(value.out);
    let tail = kernel.tail.iter().flat_map(|tail| tail.reads.iter().chain(&tail.writes));
    // What a loop reads of its own producer is in cache.
    let own = |value: &&Value| !kernel.writes.contains(value);
    let moved: usize = kernel.reads.iter().chain(tail.filter(own)).map(size).sum();
    let level = |tail: &Emitted| tail.write_levels.contains(&Some(Level::Position));
    let producer_stays = kernel.tail.as_ref().is_none_or(level);
    moved + if producer_stays { kernel.writes.iter().map(size).sum() } else { 0 }
}
