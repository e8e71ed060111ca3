//! Reading golden files, and comparing tensors with what they say. Also used by the tests of other crates.
#![allow(dead_code)]

use bolete_tensor::{DType, Tensor};
use serde_json::Value;

pub fn file(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

pub fn shape(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|length| length as usize).collect()
}

pub fn tensor(value: &Value, dtype: DType) -> Tensor {
    Tensor::from_vec(numbers(&value["values"]), shape(&value["shape"])).cast(dtype)
}

#[track_caller]
pub fn assert_close(what: &str, found: &Tensor, expected: &Value, tolerance: f64) {
    assert_eq!(found.shape().dims(), shape(&expected["shape"]), "{what}");
    assert_numbers_close(
        what,
        &found.cast(DType::F64).to_vec::<f64>(),
        &numbers(&expected["values"]),
        tolerance,
    );
}

/// Absolute where numbers are below 1, relative above.
#[track_caller]
pub fn assert_numbers_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance * expected.abs().max(1.0),
            "{what}: element {index} is {found}, expected {expected}, off by {difference:e}"
        );
    }
}
