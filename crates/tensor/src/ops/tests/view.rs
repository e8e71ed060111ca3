//! Views, joining and padding.

use super::{Case, anywhere, case};
use crate::Tensor;
use crate::ops::view::index;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("reshape", &[&[3, 4]], anywhere, |x| x[0].t().reshape([2, 6]).square()),
        case("permute", &[&[2, 3, 2]], anywhere, |x| x[0].permute(&[2, 0, 1]).exp()),
        case("transpose", &[&[2, 3]], anywhere, |x| x[0].transpose(0, 1).move_axis(0, 1) * &x[0]),
        case("t+flatten+flatten_from", &[&[2, 3]], anywhere, |x| {
            x[0].t().unsqueeze(0).flatten_from(1).exp().flatten()
        }),
        case("move_axis", &[&[2, 3, 2]], anywhere, |x| x[0].move_axis(0, -1).exp()),
        case("squeeze+unsqueeze", &[&[3, 1]], anywhere, |x| x[0].squeeze(1) * x[0].unsqueeze(-1)),
        case("broadcast_to", &[&[3, 1]], anywhere, |x| x[0].broadcast_to([2, 3, 4]).square()),
        case("flip", &[&[3, 2]], anywhere, |x| x[0].flip([0, 1]) * &x[0]),
        case("slice", &[&[5, 4]], anywhere, |x| x[0].slice([index(1..), index(..).step(-2)]).square()),
        case("slice step", &[&[7]], anywhere, |x| x[0].slice([index(1..6).step(3)]).exp()),
        case("slice one", &[&[3, 2]], anywhere, |x| x[0].slice([-1]).exp()),
        case("narrow+chunk", &[&[4, 2]], anywhere, |x| {
            let parts = x[0].chunk(2, 0);
            &parts[0] * &parts[1] + x[0].narrow(0, 1, 2)
        }),
        case("pad", &[&[2, 3]], anywhere, |x| x[0].pad(&[(1, 0), (0, 2)], 0.5).square()),
        case("pad value", &[&[2, 3], &[]], anywhere, |x| {
            x[0].pad_with_tensor(&[(1, 0), (0, 2)], &x[1]).square()
        }),
        case("concatenate", &[&[2, 3], &[2, 1], &[2, 3]], anywhere, |x| Tensor::concatenate(x, 1).square()),
        case("stack", &[&[2], &[2]], anywhere, |x| Tensor::stack(x, 0).exp()),
    ]
}
