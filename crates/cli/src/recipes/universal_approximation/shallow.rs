//! Networks of one hidden layer that are put together by hand.

use bolete::prelude::*;

use crate::recipes::gradient_descent::curve;

/// The curve at points that lie close together.
pub(super) struct Sampled {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
}

impl Sampled {
    pub fn new(low: f64, high: f64, count: usize) -> Sampled {
        let x = Tensor::linspace(low, high, count, DType::F64);
        Sampled { y: curve(&x).to_vec(), x: x.to_vec() }
    }

    pub fn tensor(&self) -> Tensor {
        Tensor::from_slice(&self.x, [self.x.len()])
    }

    /// The largest distance of another curve, and the point of it.
    pub fn largest_error(&self, other: &[f64]) -> (usize, f64) {
        let errors = self.y.iter().zip(other).map(|(a, b)| (a - b).abs()).enumerate();
        errors.fold((0, 0.0), |best, error| if error.1 > best.1 { error } else { best })
    }
}

/// What is added up: a step, 1 from 0 on, or max(x, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    Step,
    Relu,
}

/// c + Σ wᵢ φ(x + bᵢ), all `f64`.
pub(super) struct Shallow {
    pub unit: Unit,
    pub constant: f64,
    /// `[units]`.
    pub biases: Tensor,
    /// `[units]`.
    pub weights: Tensor,
}

impl Shallow {
    /// `[n] → [n]`.
    pub fn at(&self, x: &Tensor) -> Tensor {
        let inner = x.unsqueeze(1) + &self.biases;
        let units = match self.unit {
            Unit::Step => inner.greater_equal(0.0).cast(DType::F64),
            Unit::Relu => inner.relu(),
        };
        units.matmul(&self.weights) + self.constant
    }

    /// `count` steps of equal width, each as high as the curve changes from one middle to the next.
    pub fn of_steps(low: f64, high: f64, count: usize) -> Shallow {
        let width = (high - low) / count as f64;
        let middles = (Tensor::arange(count, DType::F64) + 0.5) * width + low;
        let values = curve(&middles).to_vec::<f64>();
        let rises: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let places: Vec<f64> = (1..count).map(|index| -(low + width * index as f64)).collect();
        Shallow {
            unit: Unit::Step,
            constant: values[0],
            biases: Tensor::from_vec(places, [count - 1]),
            weights: Tensor::from_vec(rises, [count - 1]),
        }
    }

    /// Straight pieces between the curve's values at these knots, in ascending order: one ReLU at each but the last,
    /// weighed by the change of the slope there.
    pub fn of_knots(knots: &[f64]) -> Shallow {
        let values = curve(&Tensor::from_slice(knots, [knots.len()])).to_vec::<f64>();
        let pieces = knots.windows(2).zip(values.windows(2));
        let slopes: Vec<f64> = pieces.map(|(x, y)| (y[1] - y[0]) / (x[1] - x[0])).collect();
        let bends =
            (0..slopes.len()).map(|index| slopes[index] - if index == 0 { 0.0 } else { slopes[index - 1] });
        let places = knots[..slopes.len()].iter().map(|knot| -knot);
        Shallow {
            unit: Unit::Relu,
            constant: values[0],
            biases: Tensor::from_vec(places.collect(), [slopes.len()]),
            weights: Tensor::from_vec(bends.collect(), [slopes.len()]),
        }
    }
}

/// Knots one after the other where the error is largest, from the two ends on: the knots and the error with each
/// number of them.
pub(super) fn greedy(truth: &Sampled, count: usize) -> (Vec<f64>, Vec<f64>) {
    let mut knots = vec![truth.x[0], truth.x[truth.x.len() - 1]];
    let mut errors = Vec::new();
    loop {
        let pieces = Shallow::of_knots(&knots).at(&truth.tensor()).to_vec::<f64>();
        let (place, error) = truth.largest_error(&pieces);
        errors.push(error);
        if knots.len() >= count || error == 0.0 {
            return (knots, errors);
        }
        knots.push(truth.x[place]);
        knots.sort_by(f64::total_cmp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_meet_the_curve_at_their_knots() {
        let knots = [-5.0, -2.0, 0.5, 6.0];
        let x = Tensor::from_slice(&knots, [4]);
        let difference = Shallow::of_knots(&knots).at(&x) - curve(&x);
        assert!(difference.abs().max(..).item() < 1e-10);
    }

    #[test]
    fn steps_meet_the_curve_in_their_middles() {
        let middles = Tensor::from([-4.5f64, -3.5, 5.5]);
        let difference = Shallow::of_steps(-5.0, 6.0, 11).at(&middles) - curve(&middles);
        assert!(difference.abs().max(..).item() < 1e-10);
    }

    #[test]
    fn more_knots_leave_less_error() {
        let truth = Sampled::new(-5.0, 6.0, 1_101);
        let (knots, errors) = greedy(&truth, 13);
        assert!(knots.len() == 13 && errors[11] < 0.2 * errors[3]);
    }
}
