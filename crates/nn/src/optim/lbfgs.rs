//! L-BFGS and line search, for smooth functions without noise.

use std::collections::VecDeque;

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tensor, Tree, eval, value_and_grad};

use super::is_trainable;
use super::line_search::{LinePoint, WolfeSearch};

/// A minimiser by the method of Broyden, Fletcher, Goldfarb and Shanno with limited memory (Nocedal, Wright 2006, algorithm 7.5),
/// with a line search that satisfies the strong conditions of Wolfe (algorithms 3.5 and 3.6). Values are read after each
/// evaluation, so that it cannot be part of a `Step`.
///
/// ```
/// use bolete_nn::Lbfgs;
/// use bolete_tensor::Tensor;
/// // Rosenbrock's valley.
/// let valley = |x: &Tensor| {
///     let (a, b) = (x.narrow(0, 0, 1), x.narrow(0, 1, 1));
///     ((1.0 - &a).square() + (b - a.square()).square() * 100.0).sum(..)
/// };
/// let found = Lbfgs::default().minimise(&Tensor::from([-1.2f64, 1.0]), valley);
/// assert!(found.model.to_vec::<f64>().iter().all(|x| (x - 1.0).abs() < 1e-8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    /// Largest number of iterations.
    pub iterations: usize,
    /// Pairs of steps and changes of the gradient that are remembered.
    pub history: usize,
    /// The largest element of the gradient at which to stop.
    pub tolerance: f64,
    /// The line search.
    pub search: WolfeSearch,
}

impl Default for Lbfgs {
    /// 200 iterations, 10 pairs, tolerance 10⁻¹⁰.
    fn default() -> Lbfgs {
        Lbfgs { iterations: 200, history: 10, tolerance: 1e-10, search: WolfeSearch::default() }
    }
}

/// Where a minimiser came to.
#[derive(Clone, Debug)]
pub struct Minimum<M> {
    /// The point.
    pub model: M,
    /// The function's value there.
    pub value: f64,
    /// The largest element of its gradient there.
    pub slope: f64,
    /// Iterations made.
    pub iterations: usize,
    /// Evaluations of the function with its gradient.
    pub evaluations: usize,
}

/// The trainable leaves of a tree as one vector in `f64`.
fn flat<M: Tree>(tree: &M) -> Tensor {
    let leaves = tree.leaves_with_kinds();
    let parts: Vec<Tensor> = leaves
        .into_iter()
        .filter(|(kind, tensor)| is_trainable(*kind, tensor.dtype()))
        .map(|(_, tensor)| tensor.cast(DType::F64).flatten())
        .collect();
    if parts.is_empty() { Tensor::zeros([0], DType::F64) } else { Tensor::concatenate(&parts, 0) }
}

/// The tree with its trainable leaves from one vector.
fn unflat<M: Tree>(tree: &M, vector: &Tensor) -> M {
    let mut start = 0;
    tree.rebuild(&mut |kind: LeafKind, tensor| {
        if !is_trainable(kind, tensor.dtype()) {
            return tensor.clone();
        }
        let part = vector.narrow(0, start, tensor.elements());
        start += tensor.elements();
        part.reshape(tensor.shape()).cast(tensor.dtype())
    })
}

fn dot(a: &Tensor, b: &Tensor) -> f64 {
    (a * b).sum(..).item()
}

impl Lbfgs {
    /// A minimum of `function`, which gives a single number, near `start`.
    pub fn minimise<M: Tree>(&self, start: &M, function: impl Fn(&M) -> Tensor) -> Minimum<M> {
        self.minimise_watched(start, function, |_| ())
    }

    /// As [`minimise`](Lbfgs::minimise), with an observer that is shown the start and the point after each iteration.
    pub fn minimise_watched<M: Tree>(
        &self,
        start: &M,
        function: impl Fn(&M) -> Tensor,
        mut observer: impl FnMut(&Minimum<M>),
    ) -> Minimum<M> {
        let evaluate = |x: &Tensor| -> (f64, Tensor) {
            let (value, gradient) = value_and_grad(|model: &M| function(model))(&unflat(start, x));
            let (value, gradient) = (value.cast(DType::F64), flat(&gradient));
            eval([&value, &gradient]);
            (value.item(), gradient)
        };
        let mut x = flat(start);
        eval([&x]);
        let (mut value, mut gradient) = evaluate(&x);
        let (mut iterations, mut evaluations) = (0, 1);
        let mut pairs: VecDeque<(Tensor, Tensor, f64)> = VecDeque::new();
        let steepest = |gradient: &Tensor| {
            if gradient.elements() == 0 { 0.0 } else { gradient.abs().max(..).item() }
        };
        let here = |x: &Tensor, value: f64, gradient: &Tensor, iterations: usize, evaluations: usize| {
            Minimum { model: unflat(start, x), value, slope: steepest(gradient), iterations, evaluations }
        };
        observer(&here(&x, value, &gradient, 0, evaluations));
        while iterations < self.iterations && steepest(&gradient) > self.tolerance && value.is_finite() {
            let direction = direction(&gradient, &pairs);
            eval([&direction]);
            let slope = dot(&gradient, &direction);
            if slope >= 0.0 {
                // Rounding has spoilt what is remembered.
                if pairs.is_empty() {
                    break;
                }
                pairs.clear();
                continue;
            }
            let size = gradient.abs().sum(..).item();
            let first = if pairs.is_empty() { (1.0 / size).min(1.0) } else { 1.0 };
            let mut last = None;
            let begin = LinePoint { step: 0.0, value, slope };
            let (found, count) = self.search.search(begin, first, |step| {
                let at = &x + &direction * step;
                eval([&at]);
                let (value, gradient) = evaluate(&at);
                let point = LinePoint { step, value, slope: dot(&gradient, &direction) };
                last = Some((step, at, gradient));
                point
            });
            evaluations += count;
            iterations += 1;
            if found.step == 0.0 {
                break;
            }
            let (at, slopes) = match last {
                Some((step, at, gradient)) if step == found.step => (at, gradient),
                _ => {
                    let at = &x + &direction * found.step;
                    eval([&at]);
                    evaluations += 1;
                    let slopes = evaluate(&at).1;
                    (at, slopes)
                }
            };
            let (moved, turned) = (&at - &x, &slopes - &gradient);
            eval([&moved, &turned]);
            let curvature = dot(&moved, &turned);
            if curvature > 1e-10 * dot(&turned, &turned).max(f64::MIN_POSITIVE) {
                if pairs.len() == self.history {
                    pairs.pop_front();
                }
                pairs.push_back((moved, turned, 1.0 / curvature));
            }
            let still = value == found.value && iterations > 1 && steepest(&slopes) >= steepest(&gradient);
            (x, value, gradient) = (at, found.value, slopes);
            observer(&here(&x, value, &gradient, iterations, evaluations));
            if still {
                break;
            }
        }
        here(&x, value, &gradient, iterations, evaluations)
    }
}

/// −H g with the inverse Hessian that the pairs describe (algorithm 7.4, the recursion with two loops).
fn direction(gradient: &Tensor, pairs: &VecDeque<(Tensor, Tensor, f64)>) -> Tensor {
    let mut q = gradient.clone();
    let mut weights = Vec::new();
    for (moved, turned, inverse) in pairs.iter().rev() {
        let weight = dot(moved, &q) * inverse;
        q = q - turned * weight;
        weights.push(weight);
    }
    if let Some((_, turned, inverse)) = pairs.back() {
        q = q * (1.0 / (inverse * dot(turned, turned)));
    }
    for ((moved, turned, inverse), weight) in pairs.iter().zip(weights.into_iter().rev()) {
        let other = dot(turned, &q) * inverse;
        q = q + moved * (weight - other);
    }
    -q
}
