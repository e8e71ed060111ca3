//! Losses and their gradients.

use bolete_nn::{
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, cross_entropy_smoothed, mean_squared_error,
};
use bolete_tensor::{DType, Tensor, value_and_grad};

use crate::read::{assert_close, assert_numbers_close, file, tensor};

fn check(dtype: DType, tolerance: f64) {
    for case in file("losses").as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let (loss, target): (fn(&Tensor, &Tensor) -> Tensor, DType) = match name {
            "cross_entropy" => (cross_entropy, DType::I64),
            "cross_entropy_smoothed" => (|logits, labels| cross_entropy_smoothed(logits, labels, 0.1), DType::I64),
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
