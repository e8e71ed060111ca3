//! What one can do about a value that is not finite.

use super::{BadValue, NonFinite, Source};

pub(super) fn advice(found: &NonFinite) -> String {
    match found.source {
        Source::Leaf if found.op == "data" => {
            "look at where this tensor comes from: a file with gaps, a division before it, or an earlier step that went \
             wrong"
                .into()
        }
        Source::Leaf => format!(
            "what it was computed from is gone; look before reading the value, or call debug::check_step, to see what \
             of {} went wrong",
            found.op
        ),
        Source::OpOnInfinity => "its inputs hold infinities that were there from the start, as those of a mask: see to it \
             that no row is masked as a whole, or use a large finite number instead"
            .into(),
        Source::Op => of_op(found),
    }
}

fn of_op(found: &NonFinite) -> String {
    let derivative = found.phase != super::Phase::Forward;
    let at_zero = found.inputs.iter().any(|input| input.min <= 0.0 && input.max >= 0.0);
    let text = match found.op.as_str() {
        "log" | "log2" | "log10" | "log1p" => {
            "keep the argument of the logarithm positive: clamp it or add a small number; for \
                                               probabilities use log_softmax or log_sigmoid"
        }
        "exp" | "exp2" | "expm1" | "sinh" | "cosh" => {
            "the argument is too large for this type: subtract the largest value first, as softmax and logsumexp do, or \
             clamp it"
        }
        "div" | "reciprocal" | "rsqrt" | "sqrt" | "pow" if derivative && at_zero => {
            "the derivative does not exist at this point: keep the argument of the op away from zero, with a small number \
             under the root or in the divisor; selecting afterwards does not help, select the argument instead"
        }
        "div" | "reciprocal" | "rsqrt" | "remainder" => {
            "the divisor reaches zero: add a small number to it, or select another before dividing"
        }
        "sqrt" => "the argument is negative: clamp it at zero before the root",
        "pow" => "a negative or zero base with such an exponent has no finite power: clamp the base",
        "asin" | "acos" | "atanh" => "the argument leaves the range from −1 to 1: clamp it to slightly less",
        "cast" => {
            "the value does not fit into this type: scale it down, or use bf16, which reaches as far as f32"
        }
        _ if found.value == BadValue::Nan && found.inputs.iter().all(|input| input.min.is_finite()) => {
            "check the arguments of this op against what it is defined for"
        }
        _ => {
            "values have grown too large for this type: lower the learning rate, clip gradients, normalise the inputs, or \
              scale the loss where half precision is used"
        }
    };
    text.into()
}
