//! Fused ops of networks.

use super::{Case, anywhere, case, positive};
use crate::{Key, Tensor};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("softmax", &[&[3, 4]], anywhere, |x| x[0].softmax(-1)),
        case("softmax first axis", &[&[3, 4]], anywhere, |x| x[0].softmax(0)),
        case("log_softmax", &[&[3, 4]], anywhere, |x| x[0].log_softmax(1)),
        case("cross_entropy", &[&[3, 4]], anywhere, |x| x[0].cross_entropy(&Tensor::from([0i64, 3, 1]))),
        case("layer_norm", &[&[3, 4], &[4], &[4]], anywhere, |x| x[0].layer_norm(&x[1], &x[2], 1e-5)),
        case("layer_norm axes", &[&[2, 3, 2], &[3, 2], &[3, 2]], anywhere, |x| {
            x[0].layer_norm(&x[1], &x[2], 1e-3)
        }),
        case("batch_norm", &[&[4, 3], &[3], &[3]], anywhere, |x| x[0].batch_norm(&x[1], &x[2], 1e-5).output),
        case("batch_norm images", &[&[2, 3, 2, 2], &[3], &[3]], anywhere, |x| {
            let norm = x[0].batch_norm(&x[1], &x[2], 1e-5);
            norm.output * norm.variance.reshape([3, 1, 1]) + norm.mean.reshape([3, 1, 1])
        }),
        case("batch_norm_with", &[&[4, 3], &[3], &[3]], positive, |x| {
            x[0].batch_norm_with(&x[1], &x[2], &x[2], &x[1], 1e-5)
        }),
        case("dropout", &[&[5, 4]], anywhere, |x| x[0].dropout(0.3, &Key::new(3)) * &x[0]),
    ]
}
