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
        case("tile", &[&[2, 1]], anywhere, |x| x[0].tile(&[2, 3]).exp()),
        case("repeat_interleave", &[&[2, 3]], anywhere, |x| x[0].repeat_interleave(2, 1).exp()),
        case("roll", &[&[4]], anywhere, |x| x[0].roll(-1, 0) * &x[0]),
        case("split", &[&[3, 2]], anywhere, |x| {
            let parts = x[0].split(&[1, 2], 0);
            &parts[0] * &parts[1]
        }),
        case("unbind", &[&[2, 3]], anywhere, |x| {
            let parts = x[0].unbind(1);
            &parts[0] * &parts[2]
        }),
        case("flatten_range+unflatten", &[&[2, 3, 2]], anywhere, |x| {
            x[0].flatten_range(0, 1).exp().unflatten(0, &[3, 2])
        }),
        case("meshgrid+cartesian_product", &[&[2], &[3]], anywhere, |x| {
            let grid = Tensor::meshgrid(x);
            (&grid[0] * &grid[1]).flatten().unsqueeze(1) * Tensor::cartesian_product(x)
        }),
        case("stack", &[&[2], &[2]], anywhere, |x| Tensor::stack(x, 0).exp()),
    ]
}

#[test]
fn known_rearrangements() {
    let x = Tensor::from([[1i64, 2], [3, 4]]);
    assert_eq!(x.tile(&[1, 2]).to_vec::<i64>(), [1, 2, 1, 2, 3, 4, 3, 4]);
    assert_eq!(x.repeat_interleave(2, 1).to_vec::<i64>(), [1, 1, 2, 2, 3, 3, 4, 4]);
    assert_eq!(Tensor::from([1i64, 2, 3]).roll(1, 0).to_vec::<i64>(), [3, 1, 2]);
    assert_eq!(Tensor::from([1i64, 2, 3]).roll(-4, 0).to_vec::<i64>(), [2, 3, 1]);
    assert_eq!(x.unbind(1)[1].to_vec::<i64>(), [2, 4]);
    let pairs = Tensor::cartesian_product(&[Tensor::from([1i64, 2]), Tensor::from([5i64, 6])]);
    assert_eq!(pairs.to_vec::<i64>(), [1, 5, 1, 6, 2, 5, 2, 6]);
    let decades = Tensor::logspace(0.0, 2.0, 3, 10.0, crate::DType::F64).to_vec::<f64>();
    assert!(decades.iter().zip([1.0, 10.0, 100.0]).all(|(found, expected)| (found - expected).abs() < 1e-12));
}
