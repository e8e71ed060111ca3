//! Rosenblatt's rule, what it is fed, and the bound of its convergence theorem.

use bolete::prelude::*;

/// What the learning rule came to.
pub(super) struct Learned {
    /// `[features]`; the last is the bias where the features end in a 1.
    pub weights: Tensor,
    /// Corrections in each pass; the last is 0 where it converged.
    pub mistakes: Vec<f64>,
    /// The weights after each pass.
    pub path: Vec<Vec<f64>>,
}

impl Learned {
    pub fn updates(&self) -> f64 {
        self.mistakes.iter().sum()
    }

    pub fn converged(&self) -> bool {
        self.mistakes.last() == Some(&0.0)
    }
}

/// Rosenblatt's rule from zero: each point on the wrong side, one after the other, is added to the weights, with its
/// sign. `points` is `[n, features]`, `signs` `[n]` of +1 and -1.
pub(super) fn learn(points: &Tensor, signs: &Tensor, epochs: usize) -> Learned {
    let mut epoch = Step::new(|(weights, points, signs): (Tensor, Tensor, Tensor)| {
        let correct = |weights: &Tensor, (point, sign): &(Tensor, Tensor)| {
            let wrong = (sign * (weights * point).sum(..)).less_equal(0.0).cast(DType::F64);
            (weights + sign * &wrong * point, wrong)
        };
        let (weights, wrong) = scan(correct, &weights, &(points, signs));
        (weights, wrong.sum(..))
    });
    let mut learned = Learned {
        weights: Tensor::zeros([points.shape()[1]], DType::F64),
        mistakes: Vec::new(),
        path: Vec::new(),
    };
    while learned.mistakes.len() < epochs && !learned.converged() {
        let (weights, mistakes) = epoch.call((learned.weights.clone(), points.clone(), signs.clone()));
        learned.mistakes.push(mistakes.item());
        learned.path.push(weights.to_vec::<f64>());
        learned.weights = weights;
    }
    learned
}

/// Points with a 1 after their coordinates, so that the bias is a weight like the others.
pub(super) fn with_one(points: &Tensor) -> Tensor {
    Tensor::concatenate(&[points.clone(), Tensor::ones([points.shape()[0], 1], points.dtype())], 1)
}

pub(super) fn accuracy(weights: &Tensor, points: &Tensor, signs: &Tensor) -> f64 {
    (points.matmul(weights) * signs).greater(0.0).cast(DType::F64).mean(..).item()
}

/// Points of the disc of radius 1 that keep a distance from a line, with their sides of it: `([n, 3], [n])`; and the
/// unit vector of the line in the space of points with a 1.
pub(super) fn separable(count: usize, distance: f64, seed: u64) -> (Tensor, Tensor, Tensor) {
    let normal = [0.6, 0.8];
    let offset = -0.1;
    let [first, second] = Key::new(seed).split();
    // Far more than are needed: those that lie in the disc and far enough from the line are taken.
    let drawn = first.uniform([40 * count, 2], DType::F64) * 2.0 - 1.0;
    let drawn = second.shuffle(&drawn, 0).to_vec::<f64>();
    let side = |x: &[f64]| normal[0] * x[0] + normal[1] * x[1] + offset;
    let kept = drawn.chunks(2).filter(|x| x[0].hypot(x[1]) <= 1.0 && side(x).abs() >= distance).take(count);
    let (mut points, mut signs) = (Vec::new(), Vec::new());
    for x in kept {
        points.extend([x[0], x[1], 1.0]);
        signs.push(side(x).signum());
    }
    let count = signs.len();
    let line = Tensor::from([normal[0], normal[1], offset]);
    let unit = &line / line.square().sum(..).sqrt();
    (Tensor::from_vec(points, [count, 3]), Tensor::from_vec(signs, [count]), unit)
}

/// Novikoff's bound (R/γ)² on the number of corrections, with the margin γ of a unit vector that separates.
pub(super) fn bound(points: &Tensor, signs: &Tensor, unit: &Tensor) -> f64 {
    let radius_squared = points.square().sum(1).max(..).item();
    let margin = (points.matmul(unit) * signs).min(..).item();
    radius_squared / (margin * margin)
}

/// Fixed wires from photocells to association units: `[cells, units]` of -1, 0 and +1, as many of either sign on
/// average.
pub(super) fn wiring(cells: usize, units: usize, wires: usize, key: &Key) -> Tensor {
    let [places, polarity] = key.split();
    let chosen = places.uniform([cells, units], DType::F64);
    // The `wires` smallest of each column.
    let ranks = chosen.argsort(0, false).argsort(0, false);
    polarity.rademacher([cells, units], DType::F64) * ranks.less(wires as f64).cast(DType::F64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_stay_below_the_bound_of_the_theorem() {
        for seed in 0..5 {
            let (points, signs, unit) = separable(60, 0.1, seed);
            let learned = learn(&points, &signs, 1_000);
            assert!(learned.converged() && learned.updates() <= bound(&points, &signs, &unit));
            assert_eq!(accuracy(&learned.weights, &points, &signs), 1.0);
        }
    }

    #[test]
    fn exclusive_or_never_converges() {
        let points = with_one(&Tensor::from([[0.0f64, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]));
        let learned = learn(&points, &Tensor::from([-1.0f64, 1.0, 1.0, -1.0]), 200);
        assert!(learned.mistakes.iter().all(|mistakes| *mistakes > 0.0));
    }

    #[test]
    fn each_association_unit_has_its_number_of_wires() {
        let wires = wiring(50, 7, 9, &Key::new(3));
        assert!(wires.abs().sum(0).to_vec::<f64>().iter().all(|count| *count == 9.0));
    }
}
