//! Minimisers that search along a line in every iteration: steepest descent, Newton, and L-BFGS of the library.

use std::cell::Cell;

use bolete::nn::{BacktrackingSearch, LinePoint, WolfeSearch};
use bolete::prelude::*;

use crate::recipes::optimisers::surface::Surface;

/// Where the next step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    /// Against the gradient.
    Steepest,
    /// −|H|⁻¹ g, with the eigenvalues of the Hessian made positive, so that it leads down on saddles too (Nocedal, Wright 2006,
    /// section 3.4).
    Newton,
}

/// How far the step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// Shorter until the decrease suffices.
    Backtracking(BacktrackingSearch),
    /// Until the strong conditions of Wolfe hold.
    Wolfe(WolfeSearch),
}

/// What a minimiser did: its points, the start first, and the evaluations of the function until each.
#[derive(Clone, Debug, Default)]
pub struct Descent {
    /// Points by iteration.
    pub path: Vec<[f64; 2]>,
    /// Evaluations of the function, with or without its gradient, until each point.
    pub evaluations: Vec<usize>,
}

impl Descent {
    /// Distances to the minimum, by iteration.
    pub fn errors(&self, surface: Surface) -> Vec<f64> {
        self.path.iter().map(|point| surface.distance(*point)).collect()
    }

    fn visit(&mut self, point: [f64; 2], evaluations: usize) {
        self.path.push(point);
        self.evaluations.push(evaluations);
    }
}

/// The convergence order p of eₖ₊₁ ≈ C eₖᵖ: the slope of log eₖ₊₁ over log eₖ by least squares, over the errors below a tenth and
/// above rounding, of which long sequences give the last 50. `None` where there are too few.
pub fn order(errors: &[f64]) -> Option<f64> {
    let usable: Vec<f64> = errors.iter().copied().take_while(|error| *error > 1e-12).collect();
    let near = usable.iter().rposition(|error| *error > 0.1).map_or(0, |last| last + 1);
    let last = &usable[near.max(usable.len().saturating_sub(50))..];
    let points: Vec<(f64, f64)> = last.windows(2).map(|pair| (pair[0].ln(), pair[1].ln())).collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (product, square) = points.iter().fold((0.0, 0.0), |(product, square), point| {
        (product + (point.0 - x) * (point.1 - y), square + (point.0 - x).powi(2))
    });
    (points.len() > 1 && square > 0.0).then(|| product / square)
}

/// The library's L-BFGS, watched.
pub fn lbfgs(surface: Surface, iterations: usize, search: WolfeSearch) -> Descent {
    let mut descent = Descent::default();
    let method = Lbfgs { iterations, tolerance: 1e-13, search, ..Lbfgs::default() };
    method.minimise_watched(
        &Tensor::from(surface.start()),
        |point| surface.at(point),
        |reached| {
            let point = reached.model.to_vec::<f64>();
            descent.visit([point[0], point[1]], reached.evaluations);
        },
    );
    descent
}

/// Minimises until the gradient is of the size of rounding, or for so many iterations.
pub fn minimise(surface: Surface, iterations: usize, direction: Direction, search: Search) -> Descent {
    let (evaluations, last) = (Cell::new(0), Cell::new(None));
    let mut oracle = Step::new(|point: Tensor| value_and_grad(|point: &Tensor| surface.at(point))(&point));
    let mut evaluate = |[x, y]: [f64; 2]| {
        evaluations.set(evaluations.get() + 1);
        let (value, slope) = oracle.call(Tensor::from([x, y]));
        let (value, slope) = (value.item(), slope.to_vec::<f64>());
        last.set(Some(([x, y], value, [slope[0], slope[1]])));
        (value, [slope[0], slope[1]])
    };
    let mut newton = Step::new(|(point, slope): (Tensor, Tensor)| {
        let spectrum = hessian(|point: &Tensor| surface.at(point))(&point).eigh();
        let along = spectrum.vectors.t().matmul(&slope) / spectrum.values.abs().maximum(1e-8);
        -spectrum.vectors.matmul(&along)
    });
    let mut descent = Descent::default();
    let mut point = surface.start();
    let (mut value, mut slope) = evaluate(point);
    descent.visit(point, evaluations.get());
    let mut first = 1.0;
    for _ in 0..iterations {
        let heading = match direction {
            Direction::Steepest => slope.map(|element| -element),
            Direction::Newton => {
                let heading = newton.call((Tensor::from(point), Tensor::from(slope))).to_vec::<f64>();
                [heading[0], heading[1]]
            }
        };
        let along = |other: [f64; 2]| other[0] * heading[0] + other[1] * heading[1];
        let at = |step: f64| [point[0] + step * heading[0], point[1] + step * heading[1]];
        let start = LinePoint { step: 0.0, value, slope: along(slope) };
        let found = match search {
            Search::Backtracking(search) => {
                let (found, _) = search.search(start.value, start.slope, first, |step| evaluate(at(step)).0);
                found.map(|(step, _)| step)
            }
            Search::Wolfe(search) => {
                let (found, _) = search.search(start, first, |step| {
                    let (value, slope) = evaluate(at(step));
                    LinePoint { step, value, slope: along(slope) }
                });
                Some(found.step).filter(|step| *step > 0.0)
            }
        };
        let Some(step) = found else { break };
        point = at(step);
        // As a rule that was the last evaluation of the search.
        (value, slope) = match last.get() {
            Some((place, value, slope)) if place == point => (value, slope),
            _ => evaluate(point),
        };
        descent.visit(point, evaluations.get());
        // Newton's own length is the right one; steepest descent knows none and begins with twice the last.
        first = if direction == Direction::Newton { 1.0 } else { 2.0 * step };
        if slope.iter().all(|element| element.abs() < 1e-13) {
            break;
        }
    }
    descent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newton_is_of_second_order_and_steepest_descent_of_first() {
        let wolfe = Search::Wolfe(WolfeSearch::default());
        let newton = minimise(Surface::Rosenbrock, 100, Direction::Newton, wolfe).errors(Surface::Rosenbrock);
        assert!(newton.last().is_some_and(|error| *error < 1e-12), "{newton:?}");
        assert!(order(&newton).is_some_and(|order| (1.6..2.6).contains(&order)), "{newton:?}");
        let wolfe = Search::Wolfe(WolfeSearch::default());
        let steepest = minimise(Surface::Beale, 300, Direction::Steepest, wolfe).errors(Surface::Beale);
        assert!(order(&steepest).is_some_and(|order| (0.8..1.2).contains(&order)), "{steepest:?}");
        // On a bowl, halving steps may hit the minimum exactly; it is found in any case.
        let backtracking = Search::Backtracking(BacktrackingSearch::default());
        let bowl = minimise(Surface::BOWL, 60, Direction::Steepest, backtracking).errors(Surface::BOWL);
        assert!(bowl.last().is_some_and(|error| *error < 1e-3), "{bowl:?}");
    }

    #[test]
    fn the_order_of_a_known_sequence() {
        let squares: Vec<f64> = (2..6).map(|k| 0.5f64.powi(1 << k)).collect();
        assert!((order(&squares).unwrap() - 2.0).abs() < 1e-12);
        let halves: Vec<f64> = (4..24).map(|k| 0.5f64.powi(k)).collect();
        assert!((order(&halves).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(order(&[0.1, 0.05]), None);
    }
}
