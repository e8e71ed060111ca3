//! Layers without memory and the bilinear layer: outputs and gradients.

use bolete_nn::{Activation, BilinearConfig, Context, Module, PreluConfig};
use bolete_tensor::{DType, Key, Tensor};

use crate::read::{check_model, file};

#[test]
fn activations_and_bilinear_layers() {
    let key = Key::new(0);
    for case in file("activations").as_array().expect("a list") {
        let activation = match case["name"].as_str().expect("a name") {
            "relu6" => Activation::Relu6,
            "celu" => Activation::Celu { alpha: 0.5 },
            "mish" => Activation::Mish,
            "softsign" => Activation::Softsign,
            "log_sigmoid" => Activation::LogSigmoid,
            "hard_sigmoid" => Activation::HardSigmoid,
            "hard_swish" => Activation::HardSwish,
            "hard_tanh" => Activation::HardTanh,
            "threshold" => Activation::Threshold { threshold: 0.5, value: -2.0 },
            "glu" => Activation::Glu { axis: 1 },
            prelu @ ("prelu" | "prelu_channels") => {
                let slopes = if prelu == "prelu" { 1 } else { 4 };
                let layer = PreluConfig { slopes, ..PreluConfig::default() }.init();
                check_model(case, layer, |layer, inputs| {
                    layer.forward(&inputs[0], &mut Context::evaluation())
                });
                continue;
            }
            bilinear @ ("bilinear" | "bilinear_without_bias") => {
                let config = match bilinear {
                    "bilinear" => BilinearConfig::new(3, 4, 2),
                    _ => BilinearConfig { bias: false, ..BilinearConfig::new(3, 2, 4) },
                };
                check_model(case, config.init(&key), |layer, inputs| layer.forward(&inputs[0], &inputs[1]));
                continue;
            }
            unknown => panic!("activations.py has a case `{unknown}` that is not tested"),
        };
        check_model(case, activation, |activation, inputs| {
            activation.forward(&inputs[0], &mut Context::evaluation())
        });
    }
}

#[test]
#[should_panic(expected = "Glu: axis -1 of [2, 3] does not divide into halves")]
fn gated_units_need_an_even_axis() {
    Activation::Glu { axis: -1 }.apply(&Tensor::zeros([2, 3], DType::F32));
}

#[test]
#[should_panic(expected = "expected inputs […, 3] and […, 4], found [5, 3] and [6, 4]")]
fn bilinear_inputs_must_go_together() {
    let layer = BilinearConfig::new(3, 4, 2).init(&Key::new(0));
    layer.forward(&Tensor::zeros([5, 3], DType::F32), &Tensor::zeros([6, 4], DType::F32));
}
