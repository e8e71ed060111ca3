//! Attention and its pattern options.

use super::{Case, anywhere, case, flat};
use crate::{AttentionOptions, DType, Rotary, Tensor};

pub(super) fn cases() -> Vec<Case> {
    let plain: &[&[usize]] = &[&[2, 2, 3], &[2, 4, 3], &[2, 4, 2]];
    let mask = || Tensor::from([[true, false, true, true], [false, false, false, false]]);
    vec![
        case("attention", plain, anywhere, |x| x[0].attention(&x[1], &x[2], &AttentionOptions::default())),
        case("attention causal", plain, anywhere, |x| x[0].attention(&x[1], &x[2], &AttentionOptions::causal())),
        case("attention grouped window", &[&[4, 3, 2], &[2, 3, 2], &[2, 3, 2]], anywhere, |x| {
            let options = AttentionOptions { window: Some(2), scale: Some(0.7), ..AttentionOptions::default() };
            x[0].attention(&x[1], &x[2], &options)
        }),
        case("attention bias mask", &[&[2, 2, 3], &[2, 4, 3], &[2, 4, 2], &[2, 4]], anywhere, move |x| {
            let options =
                AttentionOptions { bias: Some(x[3].clone()), mask: Some(mask()), ..AttentionOptions::default() };
            x[0].attention(&x[1], &x[2], &options)
        }),
        case("attention bias", &[&[2, 2, 3, 2], &[2, 1, 3, 2], &[2, 1, 3, 2], &[2, 1, 3]], anywhere, |x| {
            let options = AttentionOptions { bias: Some(x[3].clone()), ..AttentionOptions::causal() };
            x[0].attention(&x[1], &x[2], &options)
        }),
        case("rotary", &[&[2, 3, 4]], anywhere, |x| {
            x[0].rotary(&Tensor::from([0i64, 5, 2]), &Rotary::default()).square()
        }),
        case("rotary interleaved", &[&[2, 3, 5]], anywhere, |x| {
            let options = Rotary { base: 100.0, width: Some(4), interleaved: true };
            x[0].rotary(&Tensor::from([3i64, 5, 2]), &options).square()
        }),
        flat("sinusoidal_encoding", &[&[3]], |x| (&x[0] * 10.0).sinusoidal_encoding(4, 1e4, DType::F64)),
        flat("relative_buckets", &[&[3], &[4]], |x| {
            let [a, b] = [&x[0], &x[1]].map(|x| (x * 200.0).cast(DType::I64));
            a.relative_buckets(&b, 8, 50, false) + a.relative_buckets(&b, 8, 50, true)
        }),
    ]
}
