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
        MapOp::Add => {
            if let Some(joined) = join_pieces(builder, [inputs[0], inputs[1]], meta) {
                return Some(joined);
            }
        }
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

/// What lies along an axis of a value that is zero elsewhere: start, length and the piece itself.
type Pieces = SmallVec<[(usize, usize, Value); 4]>;

/// The axis and the pieces of a value that was put together from others and zeros.
fn pieces(builder: &Builder, value: Value) -> Option<(usize, Pieces)> {
    let node = &builder.program.nodes[value.node as usize];
    match &node.op {
        Op::Pad(spec) => {
            let is_zero = filling(builder, node.inputs[1]).is_some_and(|fill| fill.to_f64() == 0.0);
            let padded = |axis: &usize| spec.low[*axis] + spec.high[*axis] > 0;
            let mut axes = (0..spec.low.len()).filter(padded);
            let axis = axes.next()?;
            if !is_zero || axes.next().is_some() || spec.interior.iter().any(|interior| *interior != 0) {
                return None;
            }
            let length = builder.program.meta(node.inputs[0]).shape[axis];
            Some((axis, smallvec![(spec.low[axis], length, node.inputs[0])]))
        }
        Op::Concatenate { axis } => {
            let mut start = 0;
            let mut pieces = Pieces::new();
            for input in &node.inputs {
                let length = builder.program.meta(*input).shape[*axis];
                if filling(builder, *input).is_none_or(|fill| fill.to_f64() != 0.0) {
                    pieces.push((start, length, *input));
                }
                start += length;
            }
            // Without a gap there is no room for more.
            (pieces.len() < node.inputs.len()).then_some((*axis, pieces))
        }
        _ => None,
    }
}

/// The sum of two values whose pieces lie beside each other: the gradient of what was cut in parts. The parts are put
/// in their places, and nothing is added.
fn join_pieces(builder: &mut Builder, values: [Value; 2], meta: &Meta) -> Option<Value> {
    let (axis, mut joined) = pieces(builder, values[0])?;
    let (other_axis, other) = pieces(builder, values[1])?;
    joined.extend(other);
    joined.sort_unstable_by_key(|(start, _, _)| *start);
    let apart = joined.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0);
    if axis != other_axis || !apart {
        return None;
    }
    let mut parts: SmallVec<[Value; 3]> = SmallVec::new();
    let mut end = 0;
    let gap = |builder: &mut Builder, length: usize| {
        let shape =
            (0..meta.shape.rank()).map(|own| if own == axis { length } else { meta.shape[own] }).collect();
        builder.filled(Scalar::new(0.0, meta.dtype), &shape)
    };
    for (start, length, piece) in joined {
        if start > end {
            parts.push(gap(builder, start - end));
        }
        parts.push(piece);
        end = start + length;
    }
    if end < meta.shape[axis] {
        parts.push(gap(builder, meta.shape[axis] - end));
    }
    Some(builder.add_one(Op::Concatenate { axis }, parts, meta.clone()))
}
