//! Mixed precision (Micikevicius et al. 2018): computing in half precision with parameters in single.

use bolete_tensor::tree::{TreeExt, path_fits};
use bolete_tensor::{DType, Tensor, Tree};

use super::is_trainable;

/// In which types a model is computed whose own leaves stay in `f32`.
///
/// The cast is part of the function that is differentiated, so that gradients arrive in `f32` where the parameters are:
///
/// ```
/// use bolete_nn::{Context, Linear, LinearConfig, Module, Precision};
/// use bolete_tensor::{DType, Key, Tensor, value_and_grad};
/// let model = LinearConfig::new(3, 2).init(&Key::new(0));
/// let precision = Precision::bf16();
/// let x = Tensor::ones([4, 3], DType::BF16);
/// let (loss, slopes) = value_and_grad(|model: &Linear| {
///     let output = precision.cast(model).forward(&x, &mut Context::evaluation());
///     output.cast(DType::F32).square().mean(..)
/// })(&model);
/// assert_eq!((loss.dtype(), slopes.weight.dtype()), (DType::F32, DType::F32));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The type that is computed in.
    pub compute: DType,
    /// Patterns of the paths of leaves that stay as they are, such as `**.norm1.**`.
    pub keep: Vec<String>,
}

impl Precision {
    /// All in `bf16`, whose range is that of `f32`: no scaling of the loss is needed.
    pub fn bf16() -> Precision {
        Precision { compute: DType::BF16, keep: Vec::new() }
    }

    /// All in `f16`; scale the loss with a [`LossScale`].
    pub fn f16() -> Precision {
        Precision { compute: DType::F16, keep: Vec::new() }
    }

    /// The model in the type that is computed in. State, such as running statistics, stays as it is.
    pub fn cast<M: Tree>(&self, model: &M) -> M {
        let paths: Vec<String> = model.named_leaves().into_iter().map(|leaf| leaf.path).collect();
        let mut paths = paths.iter();
        model.rebuild(&mut |kind, tensor| {
            let path = paths.next().expect("a tree has as many leaves when rebuilt as when visited");
            let kept = self.keep.iter().any(|pattern| path_fits(pattern, path));
            if kept || !is_trainable(kind, tensor.dtype()) {
                tensor.clone()
            } else {
                tensor.cast(self.compute)
            }
        })
    }
}

/// The largest factor: one more doubling or two and the loss itself would overflow.
const LARGEST: f64 = 16_777_216.0;

/// A factor of the loss that keeps small gradients from vanishing in `f16`, found while training: it halves when gradients overflow
/// and doubles when they have not for a while. Everything stays in the graph, so that it works inside of a `Step`.
///
/// ```text
/// let (loss, gradients) = value_and_grad(|model| scale.scale(&loss_of(&precision.cast(model))))(&model);
/// let (gradients, finite) = scale.unscale(gradients);
/// let (next, next_optimiser) = optimiser.clone().update(model.clone(), &gradients);
/// let (model, optimiser) = choose(&finite, (next, next_optimiser), (model, optimiser));
/// let scale = scale.next(&finite);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct LossScale {
    scale: Tensor,
    good: Tensor,
    /// Updates without overflow after which the factor grows.
    pub interval: usize,
}

impl Default for LossScale {
    /// 65,536, growing after 2,000 updates without overflow.
    fn default() -> LossScale {
        LossScale::new(65_536.0, 2000)
    }
}

impl LossScale {
    /// A first factor, which grows after `interval` updates without overflow.
    pub fn new(first: f64, interval: usize) -> LossScale {
        LossScale {
            scale: Tensor::scalar(first, DType::F32),
            good: Tensor::scalar(0.0, DType::I64),
            interval,
        }
    }

    /// The factor: a single `f32`.
    pub fn value(&self) -> &Tensor {
        &self.scale
    }

    /// The loss in `f32` times the factor.
    pub fn scale(&self, loss: &Tensor) -> Tensor {
        loss.cast(DType::F32) * &self.scale
    }

    /// Gradients of a scaled loss divided by the factor, and whether all of them are finite: a single boolean.
    pub fn unscale<M: Tree>(&self, gradients: M) -> (M, Tensor) {
        let inverse = self.scale.reciprocal();
        let mut finite = Tensor::scalar(1.0, DType::Bool);
        let gradients = gradients.rebuild(&mut |kind, tensor| {
            if !is_trainable(kind, tensor.dtype()) {
                return tensor.clone();
            }
            finite = finite.logical_and(&tensor.is_finite().all(..));
            tensor * inverse.cast(tensor.dtype())
        });
        (gradients, finite)
    }

    /// The factor for the next update.
    pub fn next(self, finite: &Tensor) -> LossScale {
        let good = finite.select(&self.good + 1, self.good.zeros_like());
        let grown = good.greater_equal(self.interval);
        let scale = finite.select(
            grown.select((&self.scale * 2.0).minimum(LARGEST), &self.scale),
            (&self.scale * 0.5).maximum(1.0),
        );
        let good = grown.select(good.zeros_like(), &good);
        LossScale { scale, good, interval: self.interval }
    }
}

/// The leaves of one tree where `condition`, a single boolean, is true, else those of the other.
///
/// # Panics
/// If the trees differ in form.
#[track_caller]
pub fn choose<T: Tree>(condition: &Tensor, one: T, other: T) -> T {
    let mut others = other.leaves().into_iter();
    one.map(|leaf| condition.select(leaf, others.next().expect("both trees have one form")))
}
