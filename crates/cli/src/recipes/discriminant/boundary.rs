//! Straight boundaries between two classes, and the ways to them.

use bolete::prelude::*;

use super::MEANS;

/// Points `[n, 2]` and their classes `[n]`, 0 or 1, all `f64`.
pub(super) struct Labelled {
    pub x: Tensor,
    pub y: Tensor,
}

/// A boundary w·x + b = 0.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// `[3]`: w and b.
    pub parameters: Tensor,
}

impl Line {
    pub fn new(w: &Tensor, b: &Tensor) -> Line {
        Line { parameters: Tensor::concatenate(&[w.clone(), b.reshape([1])], 0) }
    }

    pub fn values(&self) -> [f64; 3] {
        let values = self.parameters.to_vec::<f64>();
        [values[0], values[1], values[2]]
    }

    /// w·x + b for points `[n, 2]`: `[n]`.
    pub fn score(&self, x: &Tensor) -> Tensor {
        score(&self.parameters, x)
    }

    pub fn errors(&self, points: &Labelled) -> f64 {
        self.score(&points.x)
            .greater(0.0)
            .cast(DType::F64)
            .not_equal(&points.y)
            .cast(DType::F64)
            .mean(..)
            .item()
    }

    /// The cosine of the angle between two normals.
    pub fn cosine(&self, other: &Line) -> f64 {
        let ([a, b, _], [c, d, _]) = (self.values(), other.values());
        (a * c + b * d) / (a.hypot(b) * c.hypot(d))
    }
}

pub(super) fn score(parameters: &Tensor, x: &Tensor) -> Tensor {
    x.matmul(&parameters.narrow(0, 0, 2)) + parameters.narrow(0, 2, 1)
}

/// A logistic regression and how it was found.
pub(super) struct Fitted {
    pub line: Line,
    /// Mean cross-entropy in nats, before each iteration and at the end.
    pub losses: Vec<f64>,
    /// Length of w at the same moments.
    pub lengths: Vec<f64>,
    pub converged: bool,
}

/// Linear discriminant analysis: class means, the pooled covariance, equal or estimated priors.
pub(super) fn discriminant(points: &Labelled) -> Line {
    let Labelled { x, y } = points;
    let count = x.shape()[0] as f64;
    let weights = [1.0 - y, y.clone()];
    let sizes = weights.each_ref().map(|weight| weight.sum(..));
    let means: [Tensor; 2] = std::array::from_fn(|class| weights[class].matmul(x) / &sizes[class]);
    let centred = x - weights[0].outer(&means[0]) - weights[1].outer(&means[1]);
    let pooled = centred.t().matmul(&centred) / (count - 2.0);
    let [from_zero, from_one] = means.each_ref().map(|mean| pooled.solve(mean));
    let b = ((&means[0] * &from_zero).sum(..) - (&means[1] * &from_one).sum(..)) / 2.0
        + (&sizes[1] / &sizes[0]).log();
    Line::new(&(from_one - from_zero), &b)
}

/// The line of the true densities, where both classes have the same covariance.
pub(super) fn exact(covariances: &[Tensor; 2]) -> Option<Line> {
    let [first, second] = covariances.each_ref().map(Tensor::to_vec::<f64>);
    let [zero, one] = MEANS.map(Tensor::from);
    let w = covariances[0].solve(&(&one - &zero));
    let b = -(&w * (one + zero)).sum(..) / 2.0;
    (first == second).then(|| Line::new(&w, &b))
}

/// The mean cross-entropy of labels, in nats.
pub(super) fn cross_entropy_of(parameters: &Tensor, points: &Labelled) -> Tensor {
    binary_cross_entropy_with_logits(&score(parameters, &points.x), &points.y)
}

/// Maximum likelihood by Newton's method from zero, with steps halved until the loss falls.
pub(super) fn logistic(points: &Labelled, iterations: usize) -> Fitted {
    let mut parameters = Tensor::zeros([3], DType::F64);
    let mut loss = cross_entropy_of(&parameters, points).item();
    let (mut losses, mut lengths, mut converged) = (vec![loss], vec![0.0], false);
    for _ in 0..iterations {
        let objective = |parameters: &Tensor| cross_entropy_of(parameters, points);
        let gradient = grad(objective)(&parameters);
        // Where all is certain the curvature is as good as none, and no step can be computed from it.
        if loss < 1e-10 {
            break;
        }
        if gradient.abs().max(..).item() < 1e-12 {
            converged = true;
            break;
        }
        let direction = hessian(objective)(&parameters).solve(&gradient);
        let shorter = std::iter::successors(Some(1.0), |rate| Some(rate / 2.0)).take(20);
        let tried = shorter.map(|rate| {
            let next = &parameters - &direction * rate;
            let value = cross_entropy_of(&next, points).item();
            (next, value)
        });
        // Nothing lower is found where the curvature is lost to rounding.
        let Some((next, value)) = tried.into_iter().find(|(_, value)| *value <= loss) else { break };
        (parameters, loss) = (next, value);
        losses.push(loss);
        lengths.push(parameters.narrow(0, 0, 2).square().sum(..).sqrt().item());
    }
    Fitted { line: Line { parameters }, losses, lengths, converged }
}

/// The same by L-BFGS.
pub(super) fn by_lbfgs(points: &Labelled, iterations: usize) -> Line {
    let minimiser = Lbfgs { iterations: 20 * iterations, ..Lbfgs::default() };
    let found = minimiser.minimise(&Tensor::zeros([3], DType::F64), |parameters: &Tensor| {
        cross_entropy_of(parameters, points)
    });
    Line { parameters: found.model }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::{ROUND, THIN};
    use super::*;

    #[test]
    fn both_minimisers_find_the_maximum_of_the_likelihood() {
        let case = Case::new([ROUND, ROUND], 300, 10, 1);
        let newton = logistic(&case.train, 25);
        assert!(newton.converged && newton.losses.windows(2).all(|pair| pair[1] <= pair[0]));
        let quasi = by_lbfgs(&case.train, 25).values();
        assert!(newton.line.values().iter().zip(quasi).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_discriminant_comes_to_the_line_of_the_true_densities() {
        let case = Case::new([THIN, THIN], 100_000, 10, 2);
        let [found, exact] = [discriminant(&case.train), exact(&case.covariances).unwrap()];
        let expected = exact.values();
        assert!((expected[0] - 500.0).abs() < 1e-6 && (expected[1] + 20.0).abs() < 1e-6);
        assert!(found.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.03 * b.abs()));
    }

    #[test]
    fn points_that_a_line_separates_have_no_maximum() {
        let fitted = logistic(&Case::new([THIN, THIN], 300, 10, 3).train, 25);
        assert!(!fitted.converged && fitted.lengths.windows(2).all(|pair| pair[1] > pair[0]));
    }
}
