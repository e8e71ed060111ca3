//! Convolution layers of sequences and volumes, pooling, padding and attention to channels: outputs and gradients.

use bolete_nn::{
    AdaptivePool, AvgPool3d, Context, Conv1dConfig, Conv3dConfig, ConvTranspose1dConfig,
    ConvTranspose2dConfig, ConvTranspose3dConfig, Fold, Layer, MaxPool1d, Module, Pad, SqueezeExciteConfig,
    Unfold,
};
use bolete_tensor::{Convolution, Convolution2d, Key, PadMode};

use crate::read::{check_model, file};

fn layer(name: &str) -> Layer {
    let key = Key::new(0);
    match name {
        "conv1d" => {
            let options = Convolution { stride: [2], dilation: [2], groups: 2, ..Convolution::padded(1) };
            Conv1dConfig { options, ..Conv1dConfig::new(4, 6, [3]) }.init(&key).into()
        }
        "conv3d" => {
            let options = Convolution { stride: [1, 2, 1], ..Convolution::padded(1) };
            Conv3dConfig { options, bias: false, ..Conv3dConfig::new(2, 3, [2, 3, 2]) }.init(&key).into()
        }
        "conv_transpose1d" => {
            let options = Convolution { stride: [2], groups: 2, ..Convolution::padded(1) };
            ConvTranspose1dConfig { options, further: [1], ..ConvTranspose1dConfig::new(4, 6, [4]) }
                .init(&key)
                .into()
        }
        "conv_transpose2d" => {
            let options = Convolution { stride: [2, 2], ..Convolution::padded(1) };
            ConvTranspose2dConfig { options, ..ConvTranspose2dConfig::new(3, 2, [4, 4]) }.init(&key).into()
        }
        "conv_transpose3d" => {
            let options = Convolution { stride: [2; 3], ..Convolution::padded(1) };
            ConvTranspose3dConfig { options, ..ConvTranspose3dConfig::new(2, 3, [2; 3]) }.init(&key).into()
        }
        "max_pool1d" => MaxPool1d::new([2]).into(),
        "avg_pool3d" => AvgPool3d::new([2; 3]).into(),
        "adaptive_avg" => AdaptivePool::average([3, 1]).into(),
        "adaptive_max" => AdaptivePool::max([3]).into(),
        "reflect" => Pad { amounts: vec![(0, 1), (1, 2)], mode: PadMode::Reflect }.into(),
        "unfold" => Unfold { window: [2, 2], options: Convolution2d::padded(1) }.into(),
        "fold" => Fold { size: [3, 3], window: [2, 2], options: Convolution2d::default() }.into(),
        "squeeze_excite" => {
            SqueezeExciteConfig { hidden: 2, ..SqueezeExciteConfig::new(6) }.init(&key).into()
        }
        unknown => panic!("convolutions.py has a case `{unknown}` that is not tested"),
    }
}

#[test]
fn convolution_and_pooling_layers() {
    for case in file("convolutions").as_array().expect("a list") {
        let layer = layer(case["name"].as_str().expect("a name"));
        check_model(case, layer, |layer, inputs| layer.forward(&inputs[0], &mut Context::evaluation()));
    }
}
