//! `gradient_descent`: steps down a curve, one at a time; all data against one example; and when to stop computing.
//!
//! Bottou and Bousquet, *The tradeoffs of large scale learning* (2008).

mod descent;
mod figures;
mod trade_off;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use descent::curve;
use descent::{Regression, Walk, log_slope, minimum, pair, variances};

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
