//! Elementwise ops.

use super::{Case, anywhere, apart, case, flat, positive, within_one};
use crate::{DType, Tensor};

fn above_one(x: &Tensor) -> Tensor {
    x.square() + 1.5
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! unary {
        ($($name:ident $domain:ident),* $(,)?) => {$(
            for shape in [&[3usize, 2][..], &[], &[0, 2], &[1]] {
                cases.push(case(stringify!($name), &[shape], $domain, |x| x[0].$name()));
            }
        )*};
    }
    unary!(
        exp anywhere, expm1 anywhere, log positive, log1p positive, sqrt positive, rsqrt positive,
        reciprocal positive, sin anywhere, cos anywhere, tanh anywhere, sigmoid anywhere, softplus anywhere,
        exp2 anywhere, log2 positive, log10 positive, tan within_one, asin within_one, acos within_one, atan anywhere,
        sinh anywhere, cosh anywhere, asinh anywhere, acosh above_one, atanh within_one, cbrt positive, sinc anywhere,
        entr positive, erf anywhere, erf_inv within_one, neg anywhere, abs apart, square anywhere, relu apart,
        floor apart, ceil apart, round apart, trunc apart, sign apart,
    );
    macro_rules! binary {
        ($($name:ident $domain:ident),* $(,)?) => {$(
            for shapes in [[&[3usize, 2][..], &[3, 2]], [&[3, 1], &[2]], [&[], &[2]], [&[0, 2], &[1]], [&[1], &[]]] {
                cases.push(case(stringify!($name), &shapes, $domain, |x| x[0].$name(&x[1])));
            }
        )*};
    }
    binary!(
        add anywhere, sub anywhere, mul anywhere, div positive, pow positive, atan2 positive, maximum apart,
        minimum apart, logaddexp anywhere, hypot positive, xlogy positive, xlog1py positive, copysign apart
    );
    cases.push(case("nan_to_num", &[&[4]], apart, |x| {
        x[0].greater(0.5).select(f64::NAN, &x[0]).nan_to_num(0.5, 1.0, -1.0) * &x[0]
    }));
    cases.push(case("modulo", &[&[4], &[]], positive, |x| (&x[0] * 0.01 + 0.3).modulo(&x[1])));
    cases.push(case("select", &[&[3, 2], &[2], &[3, 1]], apart, |x| x[0].greater(0.5).select(&x[1], &x[2])));
    cases.push(case("masked_fill", &[&[3, 2]], apart, |x| x[0].masked_fill(&x[0].greater(0.5), 2.0).square()));
    cases.push(flat("is_infinite", &[&[4]], |x| x[0].greater(0.5).select(f64::INFINITY, &x[0]).is_infinite()));
    cases.push(case("clamp+lerp", &[&[5], &[5]], apart, |x| x[0].clamp(0.3, 0.8).lerp(&x[1], 0.3)));
    macro_rules! comparison {
        ($($name:ident)*) => {$(
            cases.push(flat(stringify!($name), &[&[3, 1], &[2]], |x| x[0].$name(&x[1])));
        )*};
    }
    comparison!(equal not_equal less less_equal greater greater_equal);
    cases.push(flat("logical_and+logical_or+logical_xor+logical_not", &[&[4], &[4]], |x| {
        let (a, b) = (x[0].greater(0.4), x[1].less(0.7));
        a.logical_and(&b).logical_or(&a.logical_xor(&b).logical_not())
    }));
    cases.push(flat("is_nan+is_finite", &[&[4]], |x| {
        let bad = x[0].greater(0.5).select(f64::NAN, &x[0]);
        bad.is_nan().logical_and(&bad.is_finite().logical_not())
    }));
    cases.push(flat("modulo integers", &[&[4]], |x| {
        let whole = (&x[0] * 100.0).cast(DType::I64);
        (whole.modulo(7).abs() - 3).cast(DType::I32).cast(DType::F64)
    }));
    cases
}
