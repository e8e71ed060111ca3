//! Parameters that are treated differently from others, by the pattern of their paths; freezing.

use std::collections::BTreeMap;

use bolete_tensor::tree::{TreeExt, path_fits};
use bolete_tensor::{Tensor, Tree};

/// Parameters by path, and what is different about them.
///
/// ```
/// use bolete_nn::{AdamWConfig, LinearConfig, Optimiser, ParameterGroup, UpdateRule};
/// use bolete_tensor::Key;
/// let layer = LinearConfig::new(3, 2).init(&Key::new(0));
/// // Biases are not pulled toward zero.
/// let groups = vec![ParameterGroup { decay_factor: 0.0, ..ParameterGroup::new("**.bias") }];
/// let optimiser = AdamWConfig::default().init_groups(&layer, groups);
/// # let _ = optimiser.updates();
/// ```
#[derive(Clone, Debug, PartialEq, Tree)]
pub struct ParameterGroup {
    /// The pattern of the paths, in which `*` stands for one step and `**` for any number.
    pub pattern: String,
    /// What the learning rate is multiplied with.
    pub rate_factor: f64,
    /// What the weight decay is multiplied with.
    pub decay_factor: f64,
    /// Whether the parameters stay as they are. Their gradients are computed all the same; see [`select_leaves`] for parameters
    /// that have none.
    pub frozen: bool,
}

impl ParameterGroup {
    /// Parameters treated like all others.
    pub fn new(pattern: impl Into<String>) -> ParameterGroup {
        ParameterGroup { pattern: pattern.into(), rate_factor: 1.0, decay_factor: 1.0, frozen: false }
    }

    /// Parameters that stay as they are.
    pub fn frozen(pattern: impl Into<String>) -> ParameterGroup {
        ParameterGroup { frozen: true, ..ParameterGroup::new(pattern) }
    }

    /// Whether a path is one of this group's.
    pub fn fits(&self, path: &str) -> bool {
        path_fits(&self.pattern, path)
    }
}

/// The leaves whose paths fit one of the patterns, by path: what is to be trained of a model. Differentiate a function of
/// these, and nothing is computed for the others:
///
/// ```
/// use bolete_nn::{LinearConfig, replace_leaves, select_leaves};
/// use bolete_tensor::{DType, Key, Tensor, grad};
/// let model = LinearConfig::new(3, 2).init(&Key::new(0));
/// let head = select_leaves(&model, &["bias"]);
/// let loss = |head: &_| {
///     let model = replace_leaves(&model, head);
///     (Tensor::ones([1, 3], DType::F32).matmul(&model.weight.t()) + model.bias.unwrap().tensor()).sum(..)
/// };
/// let slopes = grad(loss)(&head);
/// assert_eq!(slopes["bias"].to_vec::<f32>(), [1.0, 1.0]);
/// ```
pub fn select_leaves<M: Tree>(model: &M, patterns: &[&str]) -> BTreeMap<String, Tensor> {
    let chosen = |path: &str| patterns.iter().any(|pattern| path_fits(pattern, path));
    let leaves = model.named_leaves().into_iter().filter(|leaf| chosen(&leaf.path));
    leaves.map(|leaf| (leaf.path, leaf.tensor.clone())).collect()
}

/// The model with the leaves that `leaves` has by path.
///
/// # Panics
/// If a path is none of the model's, or a shape is another.
#[track_caller]
pub fn replace_leaves<M: Tree>(model: &M, leaves: &BTreeMap<String, Tensor>) -> M {
    let paths: Vec<String> = model.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    for path in leaves.keys() {
        assert!(paths.contains(path), "replace_leaves: the model has no leaf `{path}`");
    }
    let mut paths = paths.iter();
    model.rebuild(&mut |_, tensor| {
        let path = paths.next().expect("a tree has as many leaves when rebuilt as when visited");
        let Some(leaf) = leaves.get(path) else { return tensor.clone() };
        assert!(
            leaf.shape() == tensor.shape(),
            "replace_leaves: `{path}` has shape {}, not {}",
            tensor.shape(),
            leaf.shape()
        );
        leaf.clone()
    })
}
