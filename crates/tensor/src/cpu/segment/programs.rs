//! The programs of elementwise ops in compiled segments. An op without one is interpreted, so that a new op needs none.

use crate::DType;
use crate::cpu::kernels::compiled::{Binary, Builder, Comparison, Logic, Rounding};
use crate::ops::map::{MapKind, MapOp};

use super::Known;

/// Whether an op has a program.
pub(super) fn is_known(op: MapOp, dtype: DType) -> bool {
    match op.kind() {
        MapKind::Logic | MapKind::Not => true,
        _ => dtype == DType::F32,
    }
}

/// The program of an elementwise op; an op without one is interpreted.
pub(super) fn map(builder: &mut Builder, op: MapOp, operands: &[Known]) -> Option<Known> {
    let number = |index: usize| match operands[index] {
        Known::Number(vector) => Some(vector),
        Known::Truth(_) => None,
    };
    let truth = |index: usize| match operands[index] {
        Known::Truth(truth) => Some(truth),
        Known::Number(_) => None,
    };
    match op.kind() {
        MapKind::FloatUnary | MapKind::NumberUnary => {
            let x = number(0)?;
            let value = match op {
                MapOp::Exp => builder.exp(x),
                MapOp::Expm1 => builder.exp_m1(x),
                MapOp::Log => builder.ln(x),
                MapOp::Log1p => builder.ln_1p(x),
                MapOp::Sqrt => builder.square_root(x),
                MapOp::Rsqrt => {
                    let (one, root) = (builder.constant(1.0), builder.square_root(x));
                    builder.divide(one, root)
                }
                MapOp::Reciprocal => {
                    let one = builder.constant(1.0);
                    builder.divide(one, x)
                }
                MapOp::Tanh => builder.tanh(x),
                MapOp::Sigmoid => builder.sigmoid(x),
                MapOp::Softplus => builder.softplus(x),
                MapOp::Erf => builder.erf(x),
                MapOp::Floor => builder.round(Rounding::Floor, x),
                MapOp::Ceil => builder.round(Rounding::Ceil, x),
                MapOp::Round => builder.round(Rounding::Nearest, x),
                MapOp::Trunc => builder.round(Rounding::Truncate, x),
                MapOp::Neg => builder.negate(x),
                MapOp::Abs => builder.magnitude(x),
                MapOp::Sign => builder.sign(x),
                MapOp::Square => builder.multiply(x, x),
                MapOp::Relu => builder.relu(x),
                _ => return None,
            };
            Some(Known::Number(value))
        }
        MapKind::FloatBinary | MapKind::NumberBinary => {
            let (a, b) = (number(0)?, number(1)?);
            let value = match op {
                MapOp::Add => builder.binary(Binary::Add, a, b),
                MapOp::Sub => builder.binary(Binary::Subtract, a, b),
                MapOp::Mul => builder.binary(Binary::Multiply, a, b),
                MapOp::Div => builder.binary(Binary::Divide, a, b),
                MapOp::Maximum => builder.maximum(a, b),
                MapOp::Minimum => builder.minimum(a, b),
                _ => return None,
            };
            Some(Known::Number(value))
        }
        MapKind::Comparison => {
            let comparison = match op {
                MapOp::Equal => Comparison::Equal,
                MapOp::NotEqual => Comparison::NotEqual,
                MapOp::Less => Comparison::Less,
                MapOp::LessEqual => Comparison::LessEqual,
                MapOp::Greater => Comparison::Greater,
                MapOp::GreaterEqual => Comparison::GreaterEqual,
                _ => return None,
            };
            Some(Known::Truth(builder.compare(comparison, number(0)?, number(1)?)))
        }
        MapKind::Predicate => {
            let x = number(0)?;
            let truth = match op {
                MapOp::IsNan => builder.compare(Comparison::Unordered, x, x),
                MapOp::IsFinite => {
                    let difference = builder.subtract(x, x);
                    builder.compare(Comparison::Equal, difference, difference)
                }
                _ => return None,
            };
            Some(Known::Truth(truth))
        }
        MapKind::Logic => {
            let logic = match op {
                MapOp::And => Logic::And,
                MapOp::Or => Logic::Or,
                MapOp::Xor => Logic::Xor,
                _ => return None,
            };
            Some(Known::Truth(builder.logic(logic, truth(0)?, truth(1)?)))
        }
        MapKind::Not => Some(Known::Truth(builder.not(truth(0)?))),
        MapKind::Select => Some(Known::Number(builder.select(truth(0)?, number(1)?, number(2)?))),
    }
}
