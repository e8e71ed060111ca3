//! Activation functions.

use super::{Case, anywhere, apart, case, within_one};
use crate::Tensor;

/// Inside (0, 1).
fn fraction(x: &Tensor) -> Tensor {
    within_one(x) * 0.5 + 0.5
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! unary {
        ($($name:ident $domain:ident),* $(,)?) => {$(
            for shape in [&[3usize, 2][..], &[], &[0, 2]] {
                cases.push(case(stringify!($name), &[shape], $domain, |x| x[0].$name()));
            }
        )*};
    }
    unary!(
        silu anywhere, gelu anywhere, gelu_tanh anywhere, selu apart, log_sigmoid anywhere, logit fraction,
        softsign apart, mish anywhere,
    );
    cases.extend([
        case("leaky_relu", &[&[5]], apart, |x| (&x[0] - 0.6).leaky_relu(0.1)),
        case("prelu", &[&[2, 5], &[5]], apart, |x| (&x[0] - 0.6).prelu(&x[1])),
        case("celu", &[&[5]], apart, |x| (&x[0] - 0.6).celu(1.5)),
        case("elu", &[&[5]], apart, |x| (&x[0] - 0.6).elu(0.7)),
        case("relu6", &[&[5]], apart, |x| (&x[0] * 10.0 - 2.0).relu6().square()),
        case("threshold", &[&[5]], apart, |x| x[0].threshold(0.6, -1.0).square()),
        case("hard_sigmoid", &[&[5]], apart, |x| (&x[0] * 10.0 - 5.0).hard_sigmoid().square()),
        case("hard_swish", &[&[5]], apart, |x| (&x[0] * 10.0 - 5.0).hard_swish()),
        case("hard_tanh", &[&[5]], apart, |x| (&x[0] * 3.0 - 1.5).hard_tanh().square()),
    ]);
    cases
}
