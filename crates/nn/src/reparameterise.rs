//! Models whose weights are functions of other parameters: low-rank changes, weight and spectral normalisation.
//!
//! A reparameterisation is a tree of its own beside the model, made for the weights whose paths fit a pattern. Before the forward
//! pass it makes, of the model, a model of the same type with other weights, so that any model works unchanged and derivatives
//! reach the new parameters.

use std::collections::BTreeMap;

use bolete_tensor::tree::{TreeExt, path_fits};
use bolete_tensor::{Key, Param, Shape, State, Tensor, Tree};

use crate::{Context, Fan, Initialiser, replace_leaves};

/// The leaves of at least two axes whose paths fit one of the patterns.
#[track_caller]
fn weights<M: Tree>(name: &str, model: &M, patterns: &[&str]) -> Vec<(String, Tensor)> {
    let fits = |path: &str| patterns.iter().any(|pattern| path_fits(pattern, path));
    let leaves = model.named_leaves().into_iter().filter(|leaf| leaf.tensor.rank() >= 2 && fits(&leaf.path));
    let found: Vec<(String, Tensor)> = leaves.map(|leaf| (leaf.path, leaf.tensor.clone())).collect();
    assert!(!found.is_empty(), "{name}: no weight of the model fits {patterns:?}");
    found
}

/// A weight as a matrix: its first axis by all others.
fn as_matrix(weight: &Tensor) -> Tensor {
    let rows = weight.shape()[0];
    weight.reshape([rows, weight.elements().checked_div(rows).unwrap_or(0)])
}

/// Low-rank adaptation (Hu et al. 2022): W + (α/r) B A, with A of r rows and B of r columns learned and W left alone. Only the
/// factors are leaves of this tree: differentiate and save it instead of the model.
///
/// ```
/// use bolete_nn::{Adaptation, Context, LinearConfig, Module};
/// use bolete_tensor::{DType, Key, Tensor, grad};
/// let base = LinearConfig::new(6, 4).init(&Key::new(0));
/// let adaptation = Adaptation::new(&base, &["weight"], 2, 4.0, &Key::new(1));
/// let x = Tensor::ones([3, 6], DType::F32);
/// let loss = |adaptation: &Adaptation| {
///     adaptation.apply(&base).forward(&x, &mut Context::evaluation()).square().sum(..)
/// };
/// let slopes = grad(loss)(&adaptation);
/// assert_eq!(slopes.factors["weight"].b.shape().dims(), [4, 2]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Adaptation {
    /// The factors by the path of their weight.
    pub factors: BTreeMap<String, LowRankFactors>,
    scale: f64,
}

/// The factors of one weight `[rows, …]`, seen as a matrix `[rows, columns]`.
#[derive(Clone, Debug, Tree)]
pub struct LowRankFactors {
    /// `[rank, columns]`, at first U(±1/√columns).
    pub a: Param,
    /// `[rows, rank]`, at first zero, so that the model is what it was.
    pub b: Param,
}

impl Adaptation {
    /// For the weights whose paths fit, of rank `rank` and with the factor α = `alpha`.
    ///
    /// # Panics
    /// If no weight fits or the rank is 0.
    #[track_caller]
    pub fn new<M: Tree>(model: &M, patterns: &[&str], rank: usize, alpha: f64, key: &Key) -> Adaptation {
        assert!(rank > 0, "Adaptation: the rank must be at least 1");
        let found = weights("Adaptation", model, patterns);
        let keys = key.split_many(found.len());
        let factors = found.into_iter().enumerate().map(|(index, (path, weight))| {
            let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
            let [rows, columns] = [0, 1].map(|axis| as_matrix(&weight).shape()[axis]);
            let fan = Fan { input: columns, output: rank };
            let a = Param::new(Initialiser::FanIn.sample([rank, columns], fan, &key, weight.dtype()));
            let b = Param::new(Tensor::zeros([rows, rank], weight.dtype()));
            (path, LowRankFactors { a, b })
        });
        Adaptation { factors: factors.collect(), scale: alpha / rank as f64 }
    }

    /// The model with the changes in its weights: for a forward pass, or to keep.
    ///
    /// # Panics
    /// If the model is not of the form that this was made for.
    #[track_caller]
    pub fn apply<M: Tree>(&self, base: &M) -> M {
        let changed = |path: &str, weight: &Tensor| {
            let factors = self.factors.get(path)?;
            let change = factors.b.matmul(&factors.a) * self.scale;
            Some(weight + change.reshape(weight.shape()).cast(weight.dtype()))
        };
        replaced(base, self.factors.keys(), changed)
    }
}

/// The model with the weights at `paths` replaced by what `change` makes of them.
#[track_caller]
fn replaced<'a, M: Tree>(
    model: &M,
    paths: impl Iterator<Item = &'a String>,
    change: impl Fn(&str, &Tensor) -> Option<Tensor>,
) -> M {
    let known: BTreeMap<String, Tensor> =
        model.named_leaves().into_iter().map(|leaf| (leaf.path, leaf.tensor.clone())).collect();
    let changed = paths.map(|path| {
        let weight = known.get(path).unwrap_or_else(|| panic!("the model has no weight `{path}`"));
        let changed = change(path, weight).expect("asked for paths that it knows only");
        (path.clone(), changed)
    });
    replace_leaves(model, &changed.collect())
}

/// Weight normalisation (Salimans, Kingma 2016): each output's weights are g v/|v|, with length g and direction v learned apart.
#[derive(Clone, Debug, Tree)]
pub struct WeightNorm {
    /// Length and direction by the path of their weight. The weights of the model itself are not used any more.
    pub parts: BTreeMap<String, LengthAndDirection>,
}

/// What the weight `[rows, …]` is made of.
#[derive(Clone, Debug, Tree)]
pub struct LengthAndDirection {
    /// `[rows]`, at first the lengths of the weight's rows.
    pub length: Param,
    /// The weight's shape, at first the weight.
    pub direction: Param,
}

/// The lengths of the rows of a weight, with axes of length 1 for all others.
fn row_lengths(weight: &Tensor) -> Tensor {
    let axes: Vec<isize> = (1..weight.rank() as isize).collect();
    weight.square().sum_keepdim(axes.as_slice()).sqrt()
}

impl WeightNorm {
    /// For the weights whose paths fit, such that the model is what it was.
    ///
    /// # Panics
    /// If no weight fits.
    #[track_caller]
    pub fn new<M: Tree>(model: &M, patterns: &[&str]) -> WeightNorm {
        let part = |(path, weight): (String, Tensor)| {
            let length = row_lengths(&weight).flatten();
            (path, LengthAndDirection { length: Param::new(length), direction: Param::new(weight) })
        };
        WeightNorm { parts: weights("WeightNorm", model, patterns).into_iter().map(part).collect() }
    }

    /// The model with its weights made of lengths and directions.
    ///
    /// # Panics
    /// If the model is not of the form that this was made for.
    #[track_caller]
    pub fn apply<M: Tree>(&self, model: &M) -> M {
        replaced(model, self.parts.keys(), |path, _| {
            let LengthAndDirection { length, direction } = self.parts.get(path)?;
            let lengths = row_lengths(direction);
            Some(direction.tensor() * (length.reshape(lengths.shape()) / lengths))
        })
    }
}

/// Spectral normalisation (Miyato et al. 2018): weights are divided by their largest singular value, which a step of power iteration
/// per forward pass in training follows. For the critics of adversarial networks.
#[derive(Clone, Debug, Tree)]
pub struct SpectralNorm {
    /// The singular vectors by the path of their weight.
    pub vectors: BTreeMap<String, SingularVectors>,
    /// Added to the lengths of vectors, against division by zero.
    pub epsilon: f64,
}

/// Estimates of the first singular vectors of a weight `[rows, …]`, seen as a matrix.
#[derive(Clone, Debug, Tree)]
pub struct SingularVectors {
    /// `[rows]`.
    pub u: State,
    /// `[columns]`.
    pub v: State,
}

impl SpectralNorm {
    /// For the weights whose paths fit, with vectors from `iterations` steps, 15 in PyTorch.
    ///
    /// # Panics
    /// If no weight fits.
    #[track_caller]
    pub fn new<M: Tree>(model: &M, patterns: &[&str], iterations: usize, key: &Key) -> SpectralNorm {
        let epsilon = 1e-12;
        let found = weights("SpectralNorm", model, patterns);
        let keys = key.split_many(found.len());
        let vectors = found.into_iter().enumerate().map(|(index, (path, weight))| {
            let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
            let matrix = as_matrix(&weight);
            let [first, second] = key.split();
            let shape = |axis: usize| Shape::from([matrix.shape()[axis]]);
            let mut u = unit(&first.normal(shape(0), weight.dtype()), epsilon);
            let mut v = unit(&second.normal(shape(1), weight.dtype()), epsilon);
            for _ in 0..iterations {
                (u, v) = iterate(&matrix, &v, epsilon);
            }
            (path, SingularVectors { u: State::new(u), v: State::new(v) })
        });
        SpectralNorm { vectors: vectors.collect(), epsilon }
    }

    /// The model with its weights divided by their largest singular values. In training the vectors take a step, which
    /// [`Context::apply`] puts into this tree.
    ///
    /// # Panics
    /// If the model is not of the form that this was made for.
    #[track_caller]
    pub fn apply<M: Tree>(&self, model: &M, context: &mut Context) -> M {
        let mut now = BTreeMap::new();
        let known: BTreeMap<String, Tensor> =
            model.named_leaves().into_iter().map(|leaf| (leaf.path, leaf.tensor.clone())).collect();
        for (path, SingularVectors { u, v }) in &self.vectors {
            let (mut left, mut right) = (context.state(u), context.state(v));
            if let (true, Some(weight)) = (context.is_training(), known.get(path)) {
                (left, right) = iterate(&as_matrix(weight).stop_gradient(), &right, self.epsilon);
                context.update(u, left.clone());
                context.update(v, right.clone());
            }
            now.insert(path.clone(), (left.stop_gradient(), right.stop_gradient()));
        }
        replaced(model, self.vectors.keys(), |path, weight| {
            let (u, v) = now.get(path)?;
            let value = (u * as_matrix(weight).matmul(v)).sum(..);
            Some(weight / value)
        })
    }
}

/// A vector of length 1.
fn unit(vector: &Tensor, epsilon: f64) -> Tensor {
    vector / vector.square().sum(..).sqrt().maximum(epsilon)
}

/// A step of power iteration, as in PyTorch from the right vector to the left one and back.
fn iterate(matrix: &Tensor, v: &Tensor, epsilon: f64) -> (Tensor, Tensor) {
    let u = unit(&matrix.matmul(v), epsilon);
    let v = unit(&matrix.t().matmul(&u), epsilon);
    (u, v)
}
