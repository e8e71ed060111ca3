//! A straight line by least squares: all examples per step against one, and the noise of the gradient.

use bolete::prelude::*;

use super::{Config, figures};
use crate::session::Session;

/// Points near a line `[n, 2]` (a 1 and x) and their heights `[n]`, and the weights of least squares.
pub(super) struct Regression {
    pub features: Tensor,
    pub targets: Tensor,
    pub best: Tensor,
}

impl Regression {
    fn new(count: usize, seed: u64) -> Regression {
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
    fn each_gradient(&self, weights: &Tensor) -> Tensor {
        let one = |(features, target): &(Tensor, Tensor)| {
            grad(|weights: &Tensor| Regression::loss(weights, &features.unsqueeze(0), &target.unsqueeze(0)))(
                weights,
            )
        };
        vmap(one)(&(self.features.clone(), self.targets.clone()))
    }

    /// The gradient of all examples.
    fn gradient(&self, weights: &Tensor) -> Tensor {
        grad(|weights: &Tensor| Regression::loss(weights, &self.features, &self.targets))(weights)
    }

    /// Weights after each step from `start`, with all examples or with one drawn at random: `[steps + 1, 2]`.
    fn trajectory(&self, start: &Tensor, config: &Config, stochastic: bool) -> Vec<[f64; 2]> {
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

fn pair(vector: &Tensor) -> [f64; 2] {
    let values = vector.to_vec::<f64>();
    [values[0], values[1]]
}

/// The variance of the mean of examples drawn with replacement, summed over both parameters, by size of the batch.
fn variances(each: &Tensor, config: &Config) -> (Vec<f64>, Vec<f64>) {
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
fn log_slope(x: &[f64], y: &[f64]) -> f64 {
    let logarithms = |values: &[f64]| Tensor::from_slice(values, [values.len()]).log();
    let x = logarithms(x);
    let x = &x - x.mean(..);
    ((&x * logarithms(y)).sum(..) / x.square().sum(..)).item()
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("All examples or one")?;
    let data = Regression::new(config.examples, config.seed);
    let start = Tensor::from([-2.0f64, 4.5]);
    let each = data.each_gradient(&start);
    let difference = (each.mean(0) - data.gradient(&start)).abs().max(..).item();
    session.say(
        "The gradient of one example, drawn evenly, is on average the gradient of all of them: the noise has no \
         direction. A batch of n examples costs n times as much and has a variance n times smaller.",
    )?;
    session.result("mean of all single gradients minus the gradient of all", difference, "0, to rounding")?;
    let (sizes, variances) = variances(&each, config);
    let slope = log_slope(&sizes, &variances);
    session.result("order of the variance in the batch size", slope, "-1")?;

    let (batch, stochastic) = (data.trajectory(&start, config, false), data.trajectory(&start, config, true));
    let best = pair(&data.best);
    let away = |path: &[[f64; 2]]| {
        let last = path[path.len() - 1];
        (last[0] - best[0]).hypot(last[1] - best[1])
    };
    session.say(&format!(
        "After {} steps from the same start the batch method is {:.1e} away from the least-squares solution and has \
         looked at {} gradients; the stochastic one is {:.2} away, for {}. With a constant rate it never settles.",
        config.trajectory,
        away(&batch),
        config.trajectory * config.examples,
        away(&stochastic),
        config.trajectory
    ))?;
    figures::trajectories(session, &data, &batch, &stochastic)?;
    figures::variance(session, &sizes, &variances, slope)
}

#[cfg(test)]
mod tests {
    use super::super::GradientDescent;
    use super::*;
    use crate::recipe::{Recipe as _, Setting};

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
