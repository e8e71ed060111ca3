//! Models out of golden files, and comparing models with what they say.

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tensor, Tree, value_and_grad};
use serde_json::Value;

#[path = "../../../tensor/tests/golden/read.rs"]
mod base;
pub use base::*;

/// The path PyTorch has for a leaf of ours: its `Sequential` has no field for the list.
fn foreign(path: &str) -> &str {
    path.strip_prefix("layers.").unwrap_or(path)
}

/// `model` with the leaves of an object of tensors by path, all of which must be used.
pub fn with_leaves<M: Tree>(model: &M, leaves: &Value, dtype: DType) -> M {
    let paths: Vec<String> =
        model.named_leaves().into_iter().map(|leaf| foreign(&leaf.path).to_owned()).collect();
    assert_eq!(paths.len(), leaves.as_object().map_or(0, |object| object.len()), "{paths:?}");
    model.with_leaves(paths.iter().map(|path| tensor(&leaves[path], dtype)))
}

/// Compares the leaves of one kind with an object of tensors by path.
#[track_caller]
pub fn assert_leaves_close<M: Tree>(what: &str, model: &M, kind: LeafKind, expected: &Value, tolerance: f64) {
    for leaf in model.named_leaves() {
        if leaf.kind == kind {
            let path = foreign(&leaf.path);
            assert_close(&format!("{what}: {path}"), leaf.tensor, &expected[path], tolerance);
        }
    }
}

/// Follows one case of inputs, a model by path, its output and all gradients, in both precisions.
pub fn check_model<M: Tree>(case: &Value, model: M, forward: impl Fn(&M, &[Tensor]) -> Tensor) {
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let what = format!("{} in {dtype}", case["name"].as_str().expect("a name"));
        let model = with_leaves(&model, &case["leaves"], dtype);
        let inputs: Vec<Tensor> =
            case["inputs"].as_array().expect("a list").iter().map(|input| tensor(input, dtype)).collect();
        let cotangent = tensor(&case["cotangent"], dtype);
        let ((_, output), (gradients, input_gradients)) =
            value_and_grad(|(model, inputs): &(M, Vec<Tensor>)| {
                let output = forward(model, inputs);
                ((&output * &cotangent).sum(..), output)
            })(&(model, inputs));
        assert_close(&what, &output, &case["output"], tolerance);
        for (gradient, expected) in
            input_gradients.iter().zip(case["input_gradients"].as_array().expect("a list"))
        {
            assert_close(&format!("{what}: input gradient"), gradient, expected, tolerance);
        }
        assert_leaves_close(&what, &gradients, LeafKind::Param, &case["gradients"], tolerance);
    }
}
