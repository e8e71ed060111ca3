//! Convolution and pooling of images.

use super::{Case, anywhere, apart, case};
use crate::{Convolution2d, Pool2d};

pub(super) fn cases() -> Vec<Case> {
    let convolution =
        Convolution2d { stride: [2, 1], padding: [(1, 0), (1, 2)], dilation: [1, 2], groups: 2 };
    vec![
        case("conv2d", &[&[2, 2, 5, 4], &[3, 2, 3, 2]], anywhere, |x| {
            x[0].conv2d(&x[1], &Convolution2d::padded(1))
        }),
        case("conv2d options", &[&[2, 4, 5, 4], &[2, 2, 2, 2]], anywhere, move |x| {
            x[0].conv2d(&x[1], &convolution)
        }),
        case("conv2d_transposed", &[&[2, 2, 3, 2], &[2, 3, 2, 2]], anywhere, |x| {
            let options = Convolution2d { stride: [2, 2], ..Convolution2d::default() };
            x[0].conv2d_transposed(&x[1], [7, 4], &options)
        }),
        case("max_pool2d", &[&[2, 2, 4, 4]], apart, |x| x[0].max_pool2d(&Pool2d::window([2, 2])).square()),
        case("max_pool2d options", &[&[2, 5, 4]], apart, |x| {
            let options = Pool2d { stride: [2, 1], padding: [(1, 1), (0, 1)], ..Pool2d::window([3, 2]) };
            x[0].max_pool2d(&options).square()
        }),
        case("avg_pool2d", &[&[2, 2, 5, 4]], anywhere, |x| {
            let options = Pool2d { stride: [2, 1], padding: [(1, 1), (0, 1)], ..Pool2d::window([3, 2]) };
            x[0].avg_pool2d(&options).square()
        }),
    ]
}

