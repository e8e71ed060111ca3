//! Rewrites of single nodes as they are added to a program.

use smallvec::{SmallVec, smallvec};

use crate::graph::node::Meta;
use crate::ops::Op;
use crate::ops::map::MapOp;
use crate::{DType, Scalar};

use super::program::{Builder, Value};

/// The number that fills a value, if the plan knows it.
fn filling(builder: &Builder, value: Value) -> Option<Scalar> {
    let mut node = &builder.program.nodes[value.node as usize];
    loop {
        match &node.op {
            Op::Constant(scalar) => return Some(*scalar),
            op if op.is_view() => node = &builder.program.nodes[node.inputs[0].node as usize],
            _ => return None,
        }
    }
}

/// A value that the node equals, if there is one; rewrites that change results, other than the sign of a zero, are
/// not made.
pub(crate) fn simplify(
    builder: &mut Builder,
    op: &Op,
    inputs: &SmallVec<[Value; 3]>,
    meta: &Meta,
) -> Option<Value> {
    match op {
        Op::Map(map) => map_op(builder, *map, inputs, meta),
        Op::Cast => {
            let input = builder.program.meta(inputs[0]);
            if input.dtype == meta.dtype {
                return Some(inputs[0]);
            }
            let value = filling(builder, inputs[0])?.cast(meta.dtype);
            Some(builder.filled(value, &meta.shape))
        }
        Op::Reshape | Op::Broadcast | Op::Permute { .. } | Op::Slice(_) | Op::Flip { .. } => {
            if let Some(value) = filling(builder, inputs[0])
                && !(matches!(op, Op::Broadcast) && builder.program.meta(inputs[0]).shape.rank() == 0)
            {
                return Some(builder.filled(value, &meta.shape));
            }
            if matches!(op, Op::Reshape | Op::Broadcast)
                && builder.program.meta(inputs[0]).shape == meta.shape
            {
                return Some(inputs[0]);
            }
            let below = &builder.program.nodes[inputs[0].node as usize];
            match (op, &below.op) {
                (Op::Reshape, Op::Reshape) => {
                    let origin = below.inputs[0];
                    Some(builder.add_one(Op::Reshape, smallvec![origin], meta.clone()))
                }
                (Op::Permute { order }, Op::Permute { order: first }) => {
                    let origin = below.inputs[0];
                    let both: crate::shape::AxisList = order.iter().map(|axis| first[*axis]).collect();
                    if both.iter().enumerate().all(|(to, from)| to == *from) {
                        return Some(origin);
                    }
                    Some(builder.add_one(Op::Permute { order: both }, smallvec![origin], meta.clone()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn map_op(builder: &mut Builder, op: MapOp, inputs: &SmallVec<[Value; 3]>, meta: &Meta) -> Option<Value> {
    let known: SmallVec<[Option<Scalar>; 3]> = inputs.iter().map(|input| filling(builder, *input)).collect();
    let is = |index: usize, value: f64| known[index].is_some_and(|known| known.to_f64() == value);
    match op {
        MapOp::Mul | MapOp::Div if is(1, 1.0) => return Some(inputs[0]),
        MapOp::Mul if is(0, 1.0) => return Some(inputs[1]),
        MapOp::Add | MapOp::Sub if is(1, 0.0) => return Some(inputs[0]),
        MapOp::Add if is(0, 0.0) => return Some(inputs[1]),
        MapOp::Select => match known[0] {
            Some(condition) if condition.to_f64() != 0.0 => return Some(inputs[1]),
            Some(_) => return Some(inputs[2]),
            None => {}
        },
        MapOp::Neg => {
            let below = &builder.program.nodes[inputs[0].node as usize];
            if matches!(below.op, Op::Map(MapOp::Neg)) {
                return Some(below.inputs[0]);
            }
        }
        _ => {}
    }
    // Arithmetic in f64 rounded to f32 is what f32 arithmetic gives, for these ops.
    if !matches!(meta.dtype, DType::F32 | DType::F64) {
        return None;
    }
    let x = known.first().copied().flatten()?.to_f64();
    let y = known.get(1).copied().flatten().map(Scalar::to_f64);
    let value = match (op, y) {
        (MapOp::Neg, _) => -x,
        (MapOp::Square, _) => x * x,
        (MapOp::Reciprocal, _) => 1.0 / x,
        (MapOp::Sqrt, _) => x.sqrt(),
        (MapOp::Add, Some(y)) => x + y,
        (MapOp::Sub, Some(y)) => x - y,
        (MapOp::Mul, Some(y)) => x * y,
        (MapOp::Div, Some(y)) => x / y,
        _ => return None,
    };
    Some(builder.filled(Scalar::new(value, meta.dtype), &meta.shape))
}
