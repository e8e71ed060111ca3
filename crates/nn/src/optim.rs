//! Optimisers: from gradients to the next model.
//!
//! An optimiser is a tree like the model: its moments, its learning rate and its count of updates are leaves, so that
//! it can be saved by path and passed to a [`Step`](bolete_tensor::Step), where a changed learning rate is a changed
//! argument and not a new plan. [`update`](Optimiser::update) takes model and optimiser by value and returns the next
//! ones: whoever moves the last handle has allowed the old memory to be overwritten.
//!
//! ```
//! use bolete_nn::{Optimiser, Schedule, SgdConfig};
//! use bolete_tensor::{Tensor, value_and_grad};
//!
//! let schedule = Schedule::Cosine { warm_up: 5, total: 50, last: 0.0 };
//! let mut x = Tensor::from(10.0f64);
//! let mut optimiser = SgdConfig { momentum: 0.5, ..SgdConfig::default() }.init(&x);
//! for step in 0..50 {
//!     let (_, gradient) = value_and_grad(|x: &Tensor| (x - 3.0).square())(&x);
//!     optimiser = optimiser.with_learning_rate(0.2 * schedule.factor(step));
//!     (x, optimiser) = optimiser.update(x, &gradient);
//! }
//! assert!((x.item() - 3.0).abs() < 1e-3);
//! ```

pub mod adam;
pub mod clip;
pub mod schedule;
pub mod sgd;

use std::collections::BTreeMap;

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tensor, Tree};

/// A rule for the next model, with what it remembers from update to update.
pub trait Optimiser: Tree {
    /// The model after one update along its gradients, and the optimiser for the next. [`Param`](bolete_tensor::Param)
    /// leaves and plain floating-point leaves change; [`State`](bolete_tensor::State) and integers stay.
    ///
    /// Half-precision leaves are updated in `f32`, in which their moments are kept, and rounded.
    ///
    /// # Panics
    /// If the gradients are not of the model's form, or the optimiser was made for another model.
    fn update<M: Tree>(self, model: M, gradients: &M) -> (M, Self);

    /// The learning rate: a single `f64`.
    fn learning_rate(&self) -> &Tensor;

    /// The same optimiser with another learning rate.
    fn with_learning_rate(self, rate: f64) -> Self;

    /// Number of updates so far: a single `i64`.
    fn updates(&self) -> &Tensor;
}

/// A tensor for each trainable leaf of a model, under the path of that leaf.
#[derive(Clone, Debug, Default, Tree)]
pub struct PerLeaf(BTreeMap<String, Tensor>);

impl PerLeaf {
    /// Zeros in the shapes of the trainable leaves.
    fn zeros<M: Tree>(model: &M) -> PerLeaf {
        let trainable =
            model.named_leaves().into_iter().filter(|leaf| is_trainable(leaf.kind, leaf.tensor.dtype()));
        PerLeaf(
            trainable
                .map(|leaf| {
                    (leaf.path, Tensor::zeros(leaf.tensor.shape(), working_type(leaf.tensor.dtype())))
                })
                .collect(),
        )
    }

    /// The tensor of the leaf at `path`.
    pub fn get(&self, path: &str) -> Option<&Tensor> {
        self.0.get(path)
    }

    /// Replaces the tensor of the leaf at `path` by what `change` makes of it, and returns that.
    #[track_caller]
    fn change(&mut self, path: &str, change: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let tensor = self.0.get_mut(path).unwrap_or_else(|| {
            panic!("the optimiser was made for another model: it knows no trainable leaf `{path}`")
        });
        *tensor = change(tensor);
        tensor.clone()
    }
}

/// Whether optimisers change a leaf: those in which derivatives are taken.
fn is_trainable(kind: LeafKind, dtype: DType) -> bool {
    kind != LeafKind::State && dtype.is_float()
}

/// The type in which a leaf is updated: eight bits of precision cannot hold the small differences that add up.
fn working_type(dtype: DType) -> DType {
    if dtype.is_half() { DType::F32 } else { dtype }
}

/// The model with each trainable leaf replaced by what `change` makes of its path, value and gradient, all in the
/// [`working_type`].
#[track_caller]
fn update_leaves<M: Tree>(
    model: M,
    gradients: &M,
    mut change: impl FnMut(&str, &Tensor, &Tensor) -> Tensor,
) -> M {
    let paths: Vec<String> = model.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    let gradients = gradients.leaves();
    assert!(
        paths.len() == gradients.len(),
        "update: the model has {} leaves, the gradients have {}",
        paths.len(),
        gradients.len()
    );
    let mut pairs = paths.iter().zip(&gradients);
    model.rebuild(&mut |kind, tensor| {
        let (path, gradient) = pairs.next().expect("a tree has as many leaves when rebuilt as when visited");
        if !is_trainable(kind, tensor.dtype()) {
            return tensor.clone();
        }
        assert!(
            gradient.shape() == tensor.shape(),
            "update: `{path}` has shape {}, its gradient {}",
            tensor.shape(),
            gradient.shape()
        );
        let working = working_type(tensor.dtype());
        change(path, &tensor.cast(working), &gradient.cast(working)).cast(tensor.dtype())
    })
}
