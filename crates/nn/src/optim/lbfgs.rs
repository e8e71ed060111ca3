//! L-BFGS and line search, for smooth functions without noise.

use std::collections::VecDeque;

use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Tensor, Tree, eval, value_and_grad};

use super::is_trainable;

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

/// A search along a line for a point that satisfies the strong conditions of Wolfe: f(t) ≤ f(0) + c₁ t f′(0) and
/// |f′(t)| ≤ c₂ |f′(0)|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WolfeSearch {
    /// c₁, how much of the promised descent must be there.
    pub decrease: f64,
    /// c₂, how much flatter it must be.
    pub curvature: f64,
    /// Largest number of evaluations.
    pub evaluations: usize,
}

impl Default for WolfeSearch {
    /// c₁ = 10⁻⁴, c₂ = 0.9, 25 evaluations.
    fn default() -> WolfeSearch {
        WolfeSearch { decrease: 1e-4, curvature: 0.9, evaluations: 25 }
    }
}

/// A point of a line: how far, the value and the slope there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePoint {
    /// How far along.
    pub step: f64,
    /// The function's value.
    pub value: f64,
    /// Its derivative along the line.
    pub slope: f64,
}

/// The minimum of the cubic through two points with their slopes, kept inside of the bracket.
fn cubic(a: LinePoint, b: LinePoint) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    let (low, high) = (a.step.min(b.step), a.step.max(b.step));
    let margin = 0.1 * (high - low);
    let inside = |step: f64| {
        if step.is_finite() { step.clamp(low + margin, high - margin) } else { (low + high) / 2.0 }
    };
    if square < 0.0 {
        return (low + high) / 2.0;
    }
    let d2 = square.sqrt() * (b.step - a.step).signum();
    inside(b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)))
}

impl WolfeSearch {
    /// A point that satisfies the conditions, or the lowest one met if the evaluations do not suffice; `line` gives value and slope
    /// at a step, `start` those at 0, `first` is the first step to try. Also the evaluations made.
    pub fn search(
        &self,
        start: LinePoint,
        first: f64,
        mut line: impl FnMut(f64) -> LinePoint,
    ) -> (LinePoint, usize) {
        let enough =
            |point: &LinePoint| point.value <= start.value + self.decrease * point.step * start.slope;
        let flat = |point: &LinePoint| point.slope.abs() <= -self.curvature * start.slope;
        let (mut before, mut step) = (start, first);
        let mut count = 0;
        let mut bracket = None;
        // Algorithm 3.5: wider until a minimum is enclosed.
        while count < self.evaluations {
            let point = line(step);
            count += 1;
            if !point.value.is_finite() || !enough(&point) || (count > 1 && point.value >= before.value) {
                bracket = Some((before, point));
                break;
            }
            if flat(&point) {
                return (point, count);
            }
            if point.slope >= 0.0 {
                bracket = Some((point, before));
                break;
            }
            before = point;
            step *= 2.0;
        }
        let Some((mut low, mut high)) = bracket else { return (before, count) };
        // Algorithm 3.6: narrower around the lowest point that satisfies the first condition.
        while count < self.evaluations && (high.step - low.step).abs() > 1e-14 * low.step.abs().max(1e-14) {
            let usable = high.value.is_finite() && high.slope.is_finite();
            let step = if usable { cubic(low, high) } else { (low.step + high.step) / 2.0 };
            let point = line(step);
            count += 1;
            if !point.value.is_finite() || !enough(&point) || point.value >= low.value {
                high = point;
                continue;
            }
            if flat(&point) {
                return (point, count);
            }
            if point.slope * (high.step - low.step) >= 0.0 {
                high = low;
            }
            low = point;
        }
        (low, count)
    }
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
            if still {
                break;
            }
        }
        Minimum { model: unflat(start, &x), value, slope: steepest(&gradient), iterations, evaluations }
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
