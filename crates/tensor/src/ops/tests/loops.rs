//! Cases of loops and branches.

use super::*;
use crate::{
    associative_scan, checkpoint, cond, fori_loop, scan, scan_reversed, scan_steps, while_loop_bounded,
};

pub(super) fn cases() -> Vec<Case> {
    // An Elman network of two units, which captures its weight.
    let network = |weight: &Tensor, init: &Tensor, x: &Tensor| {
        scan(|h: &Tensor, x: &Tensor| {
            let next = (weight.matmul(&h.unsqueeze(1)).squeeze(1) + x).tanh();
            (next.clone(), next.square() * 1.5)
        }, init, x)
    };
    vec![
        case("scan", &[&[2, 2], &[2], &[3, 2]], anywhere, move |x| {
            let (last, all) = network(&x[0], &x[1], &x[2]);
            Tensor::concatenate(&[last, all.flatten()], 0)
        }),
        case("scan sum", &[&[], &[2]], anywhere, |x| {
            scan(|sum: &Tensor, x: &Tensor| (sum + x.sin() * 2.0, ()), &x[0], &x[1]).0
        }),
        case("scan without carry", &[&[3], &[]], anywhere, |x| {
            let factor = &x[1];
            scan(|_: &(), x: &Tensor| ((), (x * factor).exp()), &(), &x[0]).1
        }),
        case("scan checkpoint", &[&[], &[3]], anywhere, |x| {
            let step = checkpoint(|(h, x): &(Tensor, Tensor)| ((h * x).sin(), h * 2.0));
            let (last, all) = scan(|h: &Tensor, x: &Tensor| step(&(h.clone(), x.clone())), &x[0], &x[1]);
            all + last
        }),
        case("scan nested", &[&[], &[2, 2]], anywhere, |x| {
            let row = |h: &Tensor, row: &Tensor| {
                scan(|h: &Tensor, x: &Tensor| ((h * x).sin() + h, h * x), h, row)
            };
            let (last, all) = scan(row, &x[0], &x[1]);
            all + last
        }),
        case("scan_reversed", &[&[], &[3], &[]], anywhere, |x| {
            let gain = &x[2];
            let (last, all) = scan_reversed(|h: &Tensor, x: &Tensor| ((h * gain + x).tanh(), h * x), &x[0], &x[1]);
            all + last
        }),
        case("scan_steps", &[&[2], &[]], anywhere, |x| {
            let rate = &x[1];
            scan_steps(3, |x: &Tensor| ((x * rate).sin() + x, x.flip([0])), &x[0]).1
        }),
        case("fori_loop", &[&[2]], anywhere, |x| {
            fori_loop(3, |i, x: &Tensor| x.sin() * (i.cast(x.dtype()) + 0.5), &x[0])
        }),
        case("while_loop_bounded", &[&[], &[]], positive, |x| {
            let gain = &x[1];
            while_loop_bounded(4, |x: &Tensor| x.less(3.0), |x: &Tensor| x * (gain + 1.0) + x.sin().square(), &x[0])
        }),
        case("cond", &[&[], &[2]], anywhere, |x| {
            let scale = x[0].clone();
            let positive = x[0].greater(0.0);
            cond(&positive, |x: &Tensor| x.sin() * &scale, |x: &Tensor| x.square(), &x[1])
        }),
        case("associative_scan", &[&[5], &[5]], anywhere, |x| {
            let after = |(a, b): &(Tensor, Tensor), (c, d): &(Tensor, Tensor)| (a * c, c * b + d);
            associative_scan(after, &(x[0].clone(), x[1].clone())).1
        }),
    ]
}
