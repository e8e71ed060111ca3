//! Attention and its pattern options.

use super::{Case, anywhere, case};
use crate::{AttentionOptions, Tensor};

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
    ]
}
