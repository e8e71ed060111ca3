//! Convolution and pooling of images.

use super::{Case, anywhere, apart, case};
use crate::{Convolution1d, Convolution2d, Convolution3d, PadMode, Pool1d, Pool2d, Pool3d};

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
        case("conv1d", &[&[2, 4, 6], &[2, 2, 3]], anywhere, |x| {
            let options = Convolution1d { stride: [2], padding: [(1, 2)], dilation: [1], groups: 2 };
            x[0].conv1d(&x[1], &options)
        }),
        case("conv3d", &[&[1, 2, 4, 3, 3], &[4, 1, 2, 2, 2]], anywhere, |x| {
            let options =
                Convolution3d { stride: [2, 1, 1], padding: [(1, 0), (0, 1), (1, 1)], dilation: [1, 1, 2], groups: 2 };
            x[0].conv3d(&x[1], &options)
        }),
        case("conv_transpose1d", &[&[1, 2, 3], &[2, 2, 3]], anywhere, |x| {
            x[0].conv_transpose1d(&x[1], &Convolution1d { stride: [2], ..Convolution1d::padded(1) }, [1])
        }),
        case("conv_transpose2d", &[&[1, 2, 2, 3], &[2, 1, 2, 2]], anywhere, |x| {
            let options = Convolution2d { stride: [2, 1], dilation: [1, 2], groups: 2, ..Convolution2d::default() };
            x[0].conv_transpose2d(&x[1], &options, [1, 1])
        }),
        case("conv_transpose3d", &[&[1, 2, 2, 2, 2], &[2, 1, 2, 2, 2]], anywhere, |x| {
            let options = Convolution3d { stride: [2, 1, 1], groups: 2, ..Convolution3d::padded(1) };
            x[0].conv_transpose3d(&x[1], &options, [1, 0, 0])
        }),
        case("unfold", &[&[1, 2, 4, 3]], anywhere, |x| {
            x[0].unfold([2, 2], &Convolution2d { stride: [2, 1], ..Convolution2d::padded(1) }).square()
        }),
        case("fold", &[&[1, 8, 6]], anywhere, |x| {
            x[0].fold([4, 3], [2, 2], &Convolution2d { dilation: [1, 1], ..Convolution2d::default() }).square()
        }),
        case("pad_with_mode", &[&[3, 4]], anywhere, |x| {
            let padded = |mode| x[0].pad_with_mode(&[(1, 2), (-1, 2)], mode).square().sum(..);
            padded(PadMode::Reflect) * padded(PadMode::Replicate)
                + padded(PadMode::Circular)
                + padded(PadMode::Constant(0.5))
        }),
        case("max_pool1d+avg_pool1d", &[&[2, 6]], apart, |x| {
            let options = Pool1d { stride: [2], padding: [(1, 1)], ..Pool1d::window([3]) };
            x[0].max_pool1d(&options).square() * x[0].avg_pool1d(&options)
        }),
        case("max_pool3d+avg_pool3d", &[&[2, 4, 4, 2]], apart, |x| {
            x[0].max_pool3d(&Pool3d::window([2, 2, 1])).square() * x[0].avg_pool3d(&Pool3d::window([2, 2, 1]))
        }),
        case("max_pool2d_with_indices+max_unpool2d", &[&[2, 4, 4]], apart, |x| {
            let pooled = x[0].max_pool2d_with_indices(&Pool2d::window([2, 2]));
            pooled.values.square().max_unpool2d(&pooled.indices, [4, 4])
        }),
        case("avg_pool2d_without_padding", &[&[4, 5]], anywhere, |x| {
            let options = Pool2d { stride: [2, 2], padding: [(1, 1); 2], ..Pool2d::window([3, 3]) };
            x[0].avg_pool2d_without_padding(&options).square()
        }),
        case("lp_pool2d", &[&[4, 4]], apart, |x| x[0].lp_pool2d(3.0, &Pool2d::window([2, 2]))),
        case("adaptive_avg_pool", &[&[2, 5, 4]], anywhere, |x| x[0].adaptive_avg_pool(&[3, 2]).square()),
        case("adaptive_max_pool", &[&[2, 5, 4]], apart, |x| x[0].adaptive_max_pool(&[3, 2]).square()),
    ]
}

