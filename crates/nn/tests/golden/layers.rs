//! Forward passes, gradients for inputs and parameters, and state after training passes.

use bolete_nn::{
    Activation, AvgPool2d, BatchNormConfig, Context, Conv2dConfig, Dropout, Flatten, Layer, LayerNormConfig,
    LinearConfig, MaxPool2d, Module, Padding, Sequential,
};
use bolete_tensor::tree::LeafKind;
use bolete_tensor::{DType, Key, Pool2d, Tensor, value_and_grad};
use serde_json::Value;

use crate::read::{assert_close, assert_leaves_close, file, tensor, with_leaves};

/// Our layer for a case, and whether it is run in training mode.
fn layer(name: &str) -> (Layer, bool) {
    let key = Key::new(0);
    let overlapping = Pool2d { stride: [2, 2], padding: [(1, 1); 2], ..Pool2d::window([3, 3]) };
    let conv = |config: Conv2dConfig| config.init(&key).into();
    let layer: Layer = match name {
        "linear" => LinearConfig::new(5, 3).init(&key).into(),
        "linear_without_bias" => LinearConfig { bias: false, ..LinearConfig::new(4, 2) }.init(&key).into(),
        "conv2d" => conv(Conv2dConfig::new(2, 3, [3, 2])),
        "conv2d_everything" => conv(Conv2dConfig {
            stride: [2, 1],
            padding: Padding::Both([2, 1]),
            dilation: [1, 2],
            groups: 2,
            bias: false,
            ..Conv2dConfig::new(4, 6, [3, 2])
        }),
        "conv2d_depthwise" => conv(Conv2dConfig {
            padding: Padding::Explicit([(1, 1); 2]),
            groups: 3,
            ..Conv2dConfig::new(3, 3, [3, 3])
        }),
        "conv2d_same" => {
            conv(Conv2dConfig { padding: Padding::Same, dilation: [2, 1], ..Conv2dConfig::new(2, 2, [3, 4]) })
        }
        "conv2d_same_strided" => conv(Conv2dConfig {
            padding: Padding::Same,
            stride: [2, 3],
            bias: false,
            ..Conv2dConfig::new(3, 4, [3, 4])
        }),
        "max_pool2d" => MaxPool2d::new([2, 2]).into(),
        "max_pool2d_overlapping" => MaxPool2d { options: overlapping }.into(),
        "avg_pool2d" => AvgPool2d::new([2, 3]).into(),
        "avg_pool2d_overlapping" => AvgPool2d { options: overlapping }.into(),
        "batch_norm_vectors" => BatchNormConfig::new(3).init().into(),
        "batch_norm_images" => BatchNormConfig { momentum: 0.3, ..BatchNormConfig::new(3) }.init().into(),
        "batch_norm_evaluation" => BatchNormConfig { epsilon: 1e-3, ..BatchNormConfig::new(3) }.init().into(),
        "layer_norm" => LayerNormConfig::new([6]).init().into(),
        "layer_norm_two_axes" => {
            LayerNormConfig { epsilon: 1e-6, ..LayerNormConfig::new([3, 4]) }.init().into()
        }
        "dropout_evaluation" => Dropout { probability: 0.4 }.into(),
        "flatten" => Flatten::default().into(),
        "identity" => Activation::Identity.into(),
        "relu" => Activation::Relu.into(),
        "leaky_relu" => Activation::LeakyRelu { slope: 0.1 }.into(),
        "elu" => Activation::Elu { alpha: 0.7 }.into(),
        "selu" => Activation::Selu.into(),
        "gelu" => Activation::Gelu.into(),
        "gelu_tanh" => Activation::GeluTanh.into(),
        "silu" => Activation::Silu.into(),
        "sigmoid" => Activation::Sigmoid.into(),
        "tanh" => Activation::Tanh.into(),
        "softplus" => Activation::Softplus.into(),
        "softmax" => Activation::Softmax { axis: -1 }.into(),
        "log_softmax" => Activation::LogSoftmax { axis: 0 }.into(),
        "sequential" => Sequential::new([
            Conv2dConfig::new(1, 2, [3, 3]).init(&key).into(),
            BatchNormConfig::new(2).init().into(),
            Activation::Relu.into(),
            MaxPool2d::new([2, 2]).into(),
            Flatten::default().into(),
            LinearConfig::new(8, 3).init(&key).into(),
        ])
        .into(),
        unknown => panic!("make.py has a case `{unknown}` that is not tested"),
    };
    (layer, ["batch_norm_vectors", "batch_norm_images", "sequential"].contains(&name))
}

fn check(case: &Value, dtype: DType, tolerance: f64) {
    let name = case["name"].as_str().expect("a name");
    let (layer, training) = layer(name);
    let layer = with_leaves(&layer, &case["leaves"], dtype);
    let (input, cotangent) = (tensor(&case["input"], dtype), tensor(&case["cotangent"], dtype));
    let mut context = if training { Context::training(Key::new(0)) } else { Context::evaluation() };
    let ((_, output), (layer_gradient, input_gradient)) =
        value_and_grad(|(layer, input): &(Layer, Tensor)| {
            let output = layer.forward(input, &mut context);
            ((&output * &cotangent).sum(..), output)
        })(&(layer.clone(), input));
    let what = format!("{name} in {dtype}");
    assert_eq!(output.dtype(), dtype, "{what}");
    assert_close(&format!("{what}: output"), &output, &case["output"], tolerance);
    assert_close(&format!("{what}: input gradient"), &input_gradient, &case["input_gradient"], tolerance);
    assert_leaves_close(&what, &layer_gradient, LeafKind::Param, &case["gradients"], tolerance);
    assert_leaves_close(&what, &context.apply(layer), LeafKind::State, &case["state"], tolerance);
    assert_eq!(context.pending_updates(), 0, "{what}");
}

#[test]
fn layers_in_f64() {
    for case in file("layers").as_array().expect("a list") {
        check(case, DType::F64, 1e-10);
    }
}

#[test]
fn layers_in_f32() {
    for case in file("layers").as_array().expect("a list") {
        check(case, DType::F32, 1e-5);
    }
}
