//! Casts and reductions.

use super::{Case, anywhere, apart, case, flat};
use crate::DType;

pub(super) fn cases() -> Vec<Case> {
    vec![
        flat("cast+stop_gradient", &[&[3]], |x| {
            x[0].cast(DType::F32).stop_gradient().cast(DType::F64) * &x[0]
        }),
        case("sum", &[&[3, 2, 2]], anywhere, |x| x[0].sum([0, -1]).square()),
        case("sum all", &[&[3, 2]], anywhere, |x| x[0].sum(..).square()),
        case("sum empty", &[&[0, 2]], anywhere, |x| x[0].sum(0)),
        case("mean", &[&[3, 2]], anywhere, |x| x[0].mean_keepdim(0).square() * &x[0]),
        case("prod", &[&[3, 4]], anywhere, |x| x[0].prod(1)),
        case("prod axes", &[&[2, 3, 2]], anywhere, |x| x[0].prod([0, 2])),
        case("max", &[&[3, 4]], apart, |x| x[0].max(1).square()),
        case("min", &[&[3, 4]], apart, |x| x[0].min([0, 1]).square()),
        case("var", &[&[3, 4]], anywhere, |x| x[0].var(0, 1)),
        case("std", &[&[3, 4]], anywhere, |x| x[0].std(1, 0)),
        case("logsumexp", &[&[3, 4]], anywhere, |x| x[0].logsumexp(-1)),
        flat("argmax+argmin", &[&[3, 4]], |x| x[0].argmax(1) + x[0].argmin(-1)),
        flat("any+all", &[&[3, 4]], |x| x[0].greater(0.5).any(1).logical_and(&x[0].less(0.7).all(1))),
    ]
}
