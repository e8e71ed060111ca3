//! Models out of golden files, and comparing models with what they say.

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tree};
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
