//! Losses and their gradients.

use bolete_nn::{
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, cross_entropy_smoothed,
    mean_squared_error,
};
use bolete_tensor::{DType, Tensor, value_and_grad};

use crate::read::{assert_close, assert_numbers_close, file, tensor};

fn check(dtype: DType, tolerance: f64) {
    for case in file("losses").as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let (loss, target): (fn(&Tensor, &Tensor) -> Tensor, DType) = match name {
            "cross_entropy" => (cross_entropy, DType::I64),
            "cross_entropy_smoothed" => {
                (|logits, labels| cross_entropy_smoothed(logits, labels, 0.1), DType::I64)
            }
            "mean_squared_error" => (mean_squared_error, dtype),
            "binary_cross_entropy" => (binary_cross_entropy, dtype),
            "binary_cross_entropy_with_logits" => (binary_cross_entropy_with_logits, dtype),
            unknown => panic!("make.py has a loss `{unknown}` that is not tested"),
        };
        let target = tensor(&case["target"], target);
        let prediction = tensor(&case["prediction"], dtype);
        let (value, gradient) = value_and_grad(|prediction: &Tensor| loss(prediction, &target))(&prediction);
        let expected = case["loss"].as_f64().expect("a number");
        assert_eq!(value.dtype(), dtype, "{name}");
        assert_numbers_close(name, &[value.item()], &[expected], tolerance);
        assert_close(&format!("{name}: gradient"), &gradient, &case["gradient"], tolerance);
    }
}

#[test]
fn losses_in_f64() {
    check(DType::F64, 1e-10);
}

#[test]
fn losses_in_f32() {
    check(DType::F32, 1e-5);
}

#[test]
fn extremes_have_finite_losses_and_gradients() {
    for dtype in [DType::F32, DType::F64] {
        let certain = Tensor::from([0.0f64, 1.0, 0.0, 1.0]).cast(dtype);
        let target = Tensor::from([1.0f64, 0.0, 0.0, 1.0]).cast(dtype);
        let (loss, gradient) = value_and_grad(|p: &Tensor| binary_cross_entropy(p, &target))(&certain);
        assert_eq!(loss.item(), 50.0);
        assert!(gradient.is_finite().all(..).item() == 1.0, "{gradient}");
        let logits = Tensor::from([-200.0f64, 200.0, -200.0, 200.0]).cast(dtype);
        let (loss, gradient) =
            value_and_grad(|x: &Tensor| binary_cross_entropy_with_logits(x, &target))(&logits);
        assert_eq!(loss.item(), 100.0);
        let expected = Tensor::from([-0.25f64, 0.25, 0.0, 0.0]);
        assert!((gradient.cast(DType::F64) - expected).abs().max(..).item() < 1e-12, "{gradient}");
    }
}

#[test]
#[should_panic(expected = "prediction [3, 1] and target [3] must have the same shape")]
fn errors_are_not_broadcast() {
    mean_squared_error(&Tensor::zeros([3, 1], DType::F32), &Tensor::zeros([3], DType::F32));
}
