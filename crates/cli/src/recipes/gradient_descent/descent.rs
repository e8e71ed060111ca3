//! Gradient descent on a curve and on the squares of a straight line.

use bolete::prelude::*;

use super::Config;

/// L(x) = 0.02 ((x - 0.333)⁴ - 30 x²), element by element.
pub fn curve(x: &Tensor) -> Tensor {
    ((x - 0.333).square().square() - x.square() * 30.0) * 0.02
}

/// A walk along the curve: positions, heights and slopes, each one more than there are steps.
pub(super) struct Walk {
    pub rate: f64,
    pub x: Vec<f64>,
    pub height: Vec<f64>,
    pub slope: Vec<f64>,
}

impl Walk {
    /// Steps of -γ L′(x): each goes to the minimum of the parabola L(x₀) + (x - x₀) L′(x₀) + (x - x₀)² / 2γ.
    pub fn new(start: f64, rate: f64, steps: usize) -> Walk {
        let mut walk = Walk { rate, x: Vec::new(), height: Vec::new(), slope: Vec::new() };
        let mut x = Tensor::from(start);
        for _ in 0..=steps {
            let (height, slope) = value_and_grad(curve)(&x);
            walk.x.push(x.item());
            walk.height.push(height.item());
            walk.slope.push(slope.item());
            x = x - slope * rate;
        }
        walk
    }

    pub fn end(&self) -> f64 {
        self.x[self.x.len() - 1]
    }

    /// The parabola of a step at some place.
    pub fn surrogate(&self, step: usize, x: f64) -> f64 {
        let away = x - self.x[step];
        self.height[step] + away * self.slope[step] + away * away / (2.0 * self.rate)
    }
}

/// The minimum that Newton's method finds from a start near it.
pub(super) fn minimum(start: f64) -> f64 {
    let slope = |x: &Tensor| grad(curve)(x);
    let mut x = Tensor::from(start);
    for _ in 0..30 {
        let (value, curvature) = jvp(slope, &x, &Tensor::from(1.0f64));
        x = Tensor::from((&x - value / curvature).item());
    }
    x.item()
}

/// Points near a line `[n, 2]` (a 1 and x) and their heights `[n]`, and the weights of least squares.
pub(super) struct Regression {
    pub features: Tensor,
    pub targets: Tensor,
    pub best: Tensor,
}

impl Regression {
    pub fn new(count: usize, seed: u64) -> Regression {
        let [position, noise] = Key::new(seed).split();
        let x = position.normal([count], DType::F64);
        let features = Tensor::stack(&[x.ones_like(), x.clone()], 1);
        let targets = x * 2.0 + 1.0 + noise.normal([count], DType::F64);
        let best = features.lstsq(&targets.unsqueeze(1), None).squeeze(1);
        Regression { features, targets, best }
    }

    /// Half the mean square of the residuals of some examples.
    pub fn loss(weights: &Tensor, features: &Tensor, targets: &Tensor) -> Tensor {
        (features.matmul(weights) - targets).square().mean(..) / 2.0
    }

    /// The gradient of each example at some weights, `[n, 2]`.
    pub fn each_gradient(&self, weights: &Tensor) -> Tensor {
        let one = |(features, target): &(Tensor, Tensor)| {
            grad(|weights: &Tensor| Regression::loss(weights, &features.unsqueeze(0), &target.unsqueeze(0)))(
                weights,
            )
        };
        vmap(one)(&(self.features.clone(), self.targets.clone()))
    }

    /// The gradient of all examples.
    pub fn gradient(&self, weights: &Tensor) -> Tensor {
        grad(|weights: &Tensor| Regression::loss(weights, &self.features, &self.targets))(weights)
    }

    /// Weights after each step from `start`, with all examples or with one drawn at random: `[steps + 1, 2]`.
    pub fn trajectory(&self, start: &Tensor, config: &Config, stochastic: bool) -> Vec<[f64; 2]> {
        let count = self.targets.elements();
        let order = Key::new(config.seed + 1).randint(0, count as i64, [config.trajectory]).to_vec::<i64>();
        let mut step = Step::new(|(weights, features, targets): (Tensor, Tensor, Tensor)| {
            let slope = grad(|weights: &Tensor| Regression::loss(weights, &features, &targets))(&weights);
            weights - slope * config.rate
        });
        let mut weights = start.clone();
        let mut path = vec![pair(&weights)];
        let (rows, heights) = (self.features.to_vec::<f64>(), self.targets.to_vec::<f64>());
        for index in order {
            let index = index as usize;
            let (features, targets) = if stochastic {
                let row = Tensor::from_slice(&rows[2 * index..2 * index + 2], [1, 2]);
                (row, Tensor::from_slice(&heights[index..=index], [1]))
            } else {
                (self.features.clone(), self.targets.clone())
            };
            weights = step.call((weights, features, targets));
            path.push(pair(&weights));
        }
        path
    }
}

pub(super) fn pair(vector: &Tensor) -> [f64; 2] {
    let values = vector.to_vec::<f64>();
    [values[0], values[1]]
}

/// The variance of the mean of examples drawn with replacement, summed over both parameters, by size of the batch.
pub(super) fn variances(each: &Tensor, config: &Config) -> (Vec<f64>, Vec<f64>) {
    let count = each.shape()[0];
    let mean = each.mean(0);
    let sizes = [1usize, 2, 4, 8, 16, 32, 64];
    let keys: [Key; 7] = Key::new(config.seed + 2).split();
    let measured = sizes.iter().zip(&keys).map(|(size, key)| {
        let drawn = key.randint(0, count as i64, [config.batches * size]);
        let batches = each.take(&drawn, 0).reshape([config.batches, *size, 2]).mean(1);
        (batches - &mean).square().sum(1).mean(..).item()
    });
    (sizes.iter().map(|size| *size as f64).collect(), measured.collect())
}

/// Slope of the straight line through the logarithms.
pub(super) fn log_slope(x: &[f64], y: &[f64]) -> f64 {
    let logarithms = |values: &[f64]| Tensor::from_slice(values, [values.len()]).log();
    let x = logarithms(x);
    let x = &x - x.mean(..);
    ((&x * logarithms(y)).sum(..) / x.square().sum(..)).item()
}

#[cfg(test)]
mod tests {
    use super::super::GradientDescent;
    use super::*;
    use crate::recipe::{Recipe as _, Setting};

    #[test]
    fn walks_end_where_the_course_says() {
        let (left, right) = (Walk::new(-0.5, 0.5, 40), Walk::new(0.25, 0.5, 40));
        assert!((left.end() - minimum(-3.5)).abs() < 1e-6 && (right.end() - minimum(4.0)).abs() < 1e-6);
        let heights = curve(&Tensor::from([left.end(), right.end()])).to_vec::<f64>();
        assert!(heights[1] < heights[0]);
        let jumping = Walk::new(-2.0, 1.3, 40);
        assert!((jumping.end() - jumping.x[39]).abs() > 0.5 && jumping.end().abs() < 10.0);
    }

    #[test]
    fn a_step_goes_to_the_minimum_of_its_parabola() {
        let walk = Walk::new(-0.5, 0.5, 1);
        let [before, at, after] = [-1e-3, 0.0, 1e-3].map(|away| walk.surrogate(0, walk.x[1] + away));
        assert!(at < before && at < after && (walk.surrogate(0, walk.x[0]) - walk.height[0]).abs() < 1e-15);
    }

    #[test]
    fn one_example_gives_the_gradient_on_average_and_its_variance_falls_with_the_batch() {
        let data = Regression::new(50, 3);
        let weights = Tensor::from([0.3f64, -1.0]);
        let each = data.each_gradient(&weights);
        assert!((each.mean(0) - data.gradient(&weights)).abs().max(..).item() < 1e-14);
        let config = Config { batches: 4_000, ..GradientDescent::config(Setting::Smoke) };
        let (sizes, variances) = variances(&each, &config);
        assert!((log_slope(&sizes, &variances) + 1.0).abs() < 0.03);
    }
}
