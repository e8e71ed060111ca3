//! `gradient_descent`: steps down a curve, one at a time; all data against one example; and when to stop computing.
//!
//! Bottou and Bousquet, *The tradeoffs of large scale learning* (2008).

mod figures;
mod trade_off;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides data and the order in which examples are drawn.
    pub seed: u64,
    /// Steps on the curve.
    #[schemars(range(min = 1, max = 1000))]
    pub steps: usize,
    /// Examples of the straight line that is fitted.
    #[schemars(range(min = 2, max = 1000000))]
    pub examples: usize,
    /// Steps of the two trajectories.
    #[schemars(range(min = 1, max = 1000000))]
    pub trajectory: usize,
    /// The learning rate of both trajectories.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rate: f64,
    /// Batches of each size from which the variance of the gradient is measured.
    #[schemars(range(min = 2, max = 10000000))]
    pub batches: usize,
    /// Training examples of the trade-off between methods.
    #[schemars(range(min = 10, max = 10000000))]
    pub train_size: usize,
    /// Passes over the training examples that each method may compute.
    #[schemars(range(min = 1, max = 10000))]
    pub passes: usize,
}

impl Default for Config {
    fn default() -> Config {
        GradientDescent::config(Setting::Full)
    }
}

/// The recipe.
pub struct GradientDescent;

impl Recipe for GradientDescent {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "gradient_descent",
        about: "gradient descent on a curve; batch against stochastic; the noise of the gradient; error against compute",
        group: Group::Lecture(2),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let (batches, train_size, passes) = match setting {
            Setting::Full => (20_000, 100_000, 100),
            Setting::Quick => (2_000, 20_000, 50),
            Setting::Smoke => (200, 500, 2),
        };
        Config { seed: 0, steps: 14, examples: 100, trajectory: 300, rate: 0.05, batches, train_size, passes }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: the curve L(x) = 0.02 ((x - 0.333)⁴ - 30 x²); {} points near a line; {} examples in 20 dimensions\n\
             Model: x itself; a line; logistic regression",
            config.examples, config.train_size
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        on_the_curve(config, session)?;
        line(config, session)?;
        trade_off::run(config, session)
    }
}

/// L(x) = 0.02 ((x - 0.333)⁴ - 30 x²), element by element.
pub fn curve(x: &Tensor) -> Tensor {
    ((x - 0.333).square().square() - x.square() * 30.0) * 0.02
}

/// A walk along the curve: positions, heights and slopes, each one more than there are steps.
struct Walk {
    rate: f64,
    x: Vec<f64>,
    height: Vec<f64>,
    slope: Vec<f64>,
}

impl Walk {
    /// Steps of -γ L′(x): each goes to the minimum of the parabola L(x₀) + (x - x₀) L′(x₀) + (x - x₀)² / 2γ.
    fn new(start: f64, rate: f64, steps: usize) -> Walk {
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

    fn end(&self) -> f64 {
        self.x[self.x.len() - 1]
    }

    /// The parabola of a step at some place.
    fn surrogate(&self, step: usize, x: f64) -> f64 {
        let away = x - self.x[step];
        self.height[step] + away * self.slope[step] + away * away / (2.0 * self.rate)
    }
}

/// The minimum that Newton's method finds from a start near it.
fn minimum(start: f64) -> f64 {
    let slope = |x: &Tensor| grad(curve)(x);
    let mut x = Tensor::from(start);
    for _ in 0..30 {
        let (value, curvature) = jvp(slope, &x, &Tensor::from(1.0f64));
        x = Tensor::from((&x - value / curvature).item());
    }
    x.item()
}

fn on_the_curve(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("One step after the other")?;
    session.say(
        "Around where it stands, gradient descent replaces the loss by a parabola with the same value and slope and \
         curvature 1/γ, and goes to its minimum: a step of -γ L′(x). Where it ends depends on where it begins; how it \
         goes depends on whether the parabola lies above the loss.",
    )?;
    let walks = [
        ("γ = 0.5 from -0.5", Walk::new(-0.5, 0.5, config.steps)),
        ("γ = 0.5 from 0.25", Walk::new(0.25, 0.5, config.steps)),
        ("γ = 1.3 from -2", Walk::new(-2.0, 1.3, config.steps)),
    ];
    let (local, global) = (minimum(-3.5), minimum(4.0));
    let heights = curve(&Tensor::from([local, global])).to_vec::<f64>();
    let curvature = jvp(|x: &Tensor| grad(curve)(x), &Tensor::from(local), &Tensor::from(1.0f64)).1.item();
    session.say(&format!(
        "The curve has a local minimum at {local:.3} (L = {:.3}) and its global one at {global:.3} (L = {:.3}). Steps \
         near the local minimum shrink only for γ below 2/L″ = {:.3}; with 1.3 they jump from side to side.",
        heights[0],
        heights[1],
        2.0 / curvature
    ))?;
    let rows = walks.iter().map(|(name, walk)| {
        let last = &walk.x[walk.x.len().saturating_sub(3)..];
        let last: Vec<String> = last.iter().map(|x| format!("{x:.3}")).collect();
        vec![(*name).to_owned(), last.join(", "), format!("{:.3}", walk.height[walk.height.len() - 1])]
    });
    session.table("Walks", &["walk", "last positions", "L at the end"], rows.collect())?;
    let [left, right, jumping] = [0, 1, 2].map(|index| &walks[index].1);
    session.result("distance from the local minimum, γ = 0.5 from -0.5", (left.end() - local).abs(), "0")?;
    session.result(
        "distance from the global minimum, γ = 0.5 from 0.25",
        (right.end() - global).abs(),
        "0",
    )?;
    let jump = (jumping.end() - jumping.x[jumping.x.len() - 2]).abs();
    session.result("last jump, γ = 1.3 from -2", jump, "does not shrink")?;
    figures::walks(session, &walks)
}

/// Points near a line `[n, 2]` (a 1 and x) and their heights `[n]`, and the weights of least squares.
struct Regression {
    features: Tensor,
    targets: Tensor,
    best: Tensor,
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
    fn loss(weights: &Tensor, features: &Tensor, targets: &Tensor) -> Tensor {
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
        for index in order {
            let (features, targets) = if stochastic {
                (self.features.narrow(0, index as usize, 1), self.targets.narrow(0, index as usize, 1))
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

fn line(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
