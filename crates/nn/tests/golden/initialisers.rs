//! Bounds and spread of initial values. The numbers themselves are another generator's, so that only their
//! distribution is compared.

use bolete_nn::{Activation, Fan, Initialiser};
use bolete_tensor::{DType, Key};

use crate::read::{file, shape};

#[test]
fn initialisers() {
    let (relu, tanh) = (Activation::Relu.gain(), Activation::Tanh.gain());
    for case in file("initialisers")["cases"].as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let number = |field: &str| case[field].as_f64().expect("a number");
        let (initialiser, bounded) = match name {
            "fan_in" => (Initialiser::FanIn, true),
            "xavier_uniform" => (Initialiser::XavierUniform { gain: tanh }, true),
            "xavier_normal" => (Initialiser::XavierNormal { gain: tanh }, false),
            "kaiming_uniform" => (Initialiser::KaimingUniform { gain: relu }, true),
            "kaiming_normal" => (Initialiser::KaimingNormal { gain: relu }, false),
            "lecun_uniform" => (Initialiser::LecunUniform, true),
            "lecun_normal" => (Initialiser::LecunNormal, false),
            "truncated_normal" => {
                (Initialiser::TruncatedNormal { mean: 0.5, deviation: 2.0, low: -1.0, high: 1.5 }, true)
            }
            unknown => panic!("make.py has an initialiser `{unknown}` that is not tested"),
        };
        let dims = shape(&case["shape"]);
        let fans = shape(&case["fans"]);
        assert_eq!(Fan::of(&dims.clone().into()), Fan { input: fans[0], output: fans[1] }, "{name}");
        for dtype in [DType::F32, DType::F64] {
            let weight = initialiser.weight(dims.clone(), &Key::new(7), dtype);
            assert_eq!((weight.shape().dims(), weight.dtype()), (dims.as_slice(), dtype));
            let weight = weight.cast(DType::F64);
            let (mean, deviation) = (weight.mean(..).item(), weight.std(.., 1).item());
            let largest = weight.abs().max(..).item();
            // Thousands of numbers: their mean and deviation have a relative error of about a hundredth at most.
            let expected = number("deviation");
            assert!((mean - number("mean")).abs() < 0.03 * expected, "{name}: mean {mean}");
            assert!(
                (deviation / expected - 1.0).abs() < 0.02,
                "{name}: deviation {deviation}, expected {expected}"
            );
            if bounded {
                let ratio = largest / number("largest");
                assert!(
                    (ratio - 1.0).abs() < 1e-3,
                    "{name}: largest {largest}, expected {}",
                    number("largest")
                );
            }
        }
    }
}

#[test]
fn gains() {
    let expected = &file("initialisers")["gains"];
    for (name, activation) in [
        ("relu", Activation::Relu),
        ("tanh", Activation::Tanh),
        ("sigmoid", Activation::Sigmoid),
        ("selu", Activation::Selu),
        ("leaky_relu", Activation::LeakyRelu { slope: 0.1 }),
    ] {
        let expected = expected[name].as_f64().expect("a number");
        assert!((activation.gain() - expected).abs() < 1e-15, "{name}");
    }
}
