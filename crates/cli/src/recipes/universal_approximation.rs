//! `universal_approximation`: a curve as a sum of steps and of ReLUs, put together by hand and learned.
//!
//! Cybenko, *Approximation by superpositions of a sigmoidal function* (1989); Hornik, *Approximation capabilities of
//! multilayer feedforward networks* (1991); Leshno et al., *Multilayer feedforward networks with a nonpolynomial
//! activation function can approximate any function* (1993).

mod figures;
mod shallow;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use shallow::{Sampled, Shallow, greedy};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::recipes::gradient_descent::curve;
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the first weights of networks that are trained.
    pub seed: u64,
    /// Ends of the interval.
    pub interval: [f64; 2],
    /// Numbers of steps, one for each picture of the animation.
    pub steps: Vec<usize>,
    /// Knots of the greedy approximation by ReLUs, both ends among them.
    #[schemars(range(min = 2, max = 1000))]
    pub knots: usize,
    /// Numbers of hidden units of networks that are trained.
    pub hidden: Vec<usize>,
    /// Steps of Adam for each of them.
    #[schemars(range(min = 1, max = 1000000))]
    pub updates: usize,
    /// The learning rate at the start; it falls to a hundredth along half a cosine.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub rate: f64,
}

impl Default for Config {
    fn default() -> Config {
        UniversalApproximation::config(Setting::Full)
    }
}

/// The recipe.
pub struct UniversalApproximation;

impl Recipe for UniversalApproximation {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "universal_approximation",
        about: "a curve as a sum of steps and of ReLUs: constructed, greedy and trained, error against units",
        group: Group::Lecture(2),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let (hidden, updates) = match setting {
            Setting::Full => (vec![2, 4, 8, 16, 32, 64, 128, 256], 10_000),
            Setting::Quick => (vec![4, 16, 64], 4_000),
            Setting::Smoke => (vec![4], 20),
        };
        let steps = vec![1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128];
        Config { seed: 0, interval: [-5.0, 6.0], steps, knots: 13, hidden, updates, rate: 0.02 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: the curve 0.02 ((x - 0.333)⁴ - 30 x²) on [{}, {}]\n\
             Model: c + Σ wᵢ φ(x + bᵢ) with φ a step or a ReLU",
            config.interval[0], config.interval[1]
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let [low, high] = config.interval;
        anyhow::ensure!(
            low < high,
            "`interval` must be two numbers, the smaller one first, found [{low}, {high}]"
        );
        let truth = Sampled::new(low, high, 2_201);
        let curves = [
            ("steps", by_steps(config, session, &truth)?),
            ("ReLU, greedy", greedily(config, session, &truth)?),
            ("ReLU, trained", by_training(config, session, &truth)?),
        ];
        figures::errors(session, &curves)
    }
}

/// Slope of the straight line through the logarithms of both.
fn order(counts: &[f64], errors: &[f64]) -> f64 {
    let logarithms = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let (x, y) = (logarithms(counts), logarithms(errors));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x_mean, y_mean) = (mean(&x), mean(&y));
    let covariance: f64 = x.iter().zip(&y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    covariance / x.iter().map(|x| (x - x_mean).powi(2)).sum::<f64>()
}

/// Numbers of units with the largest error of each.
type Errors = Vec<(f64, f64)>;

fn by_steps(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("Steps")?;
    session.say(
        "A unit step(x + b) is 0 up to -b and 1 from there on. Weighed by how much the curve changes, one after the \
         other builds the curve as a staircase: one hidden layer comes as close to a continuous function as anybody \
         wants. The error falls as 1/n, like the width of a step.",
    )?;
    let (mut rows, mut errors, mut frames) = (Vec::new(), Errors::new(), Vec::new());
    for count in &config.steps {
        anyhow::ensure!(*count > 0, "`steps` must be numbers from 1 on, found 0");
        let staircase = Shallow::of_steps(config.interval[0], config.interval[1], *count);
        let values = staircase.at(&truth.tensor()).to_vec::<f64>();
        let (_, error) = truth.largest_error(&values);
        rows.push(vec![count.to_string(), format!("{error:.3}")]);
        errors.push((*count as f64, error));
        frames.push((*count, values));
    }
    session.table("Largest error of a staircase", &["steps", "largest error"], rows)?;
    // The first few staircases are too coarse for a law.
    let (counts, fine): (Vec<f64>, Vec<f64>) = errors.iter().copied().filter(|pair| pair.0 >= 8.0).unzip();
    if fine.len() > 1 {
        session.result("order of the error in the number of steps", order(&counts, &fine), "-1")?;
    }
    figures::staircases(session, truth, &frames)?;
    Ok(errors)
}

fn greedily(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("ReLUs, greedily")?;
    session.say(
        "A sum of ReLUs is a chain of straight pieces that bends at each -b. Each new knot goes to where the chain is \
         farthest from the curve. Straight pieces follow a smooth curve with an error of 1/n², so that a dozen do what \
         takes hundreds of steps.",
    )?;
    let (knots, errors) = greedy(truth, config.knots);
    let rows =
        errors.iter().enumerate().map(|(index, error)| vec![(index + 2).to_string(), format!("{error:.3}")]);
    session.table("Largest error of straight pieces", &["knots", "largest error"], rows.collect())?;
    let places: Vec<String> = knots.iter().map(|knot| format!("{knot:.2}")).collect();
    session.say(&format!("Knots: {}.", places.join(", ")))?;
    session.result(&format!("largest error with {} knots", knots.len()), errors[errors.len() - 1], "")?;
    let (_, many) = greedy(truth, 129);
    let counts = [17.0, 33.0, 65.0, 129.0];
    let at: Vec<f64> = counts.iter().map(|count| many[*count as usize - 2]).collect();
    session.result("order of the error in the number of knots", order(&counts, &at), "-2")?;
    let frames: Vec<_> = (2..=config.knots)
        .map(|count| {
            let knots = greedy(truth, count).0;
            let values = Shallow::of_knots(&knots).at(&truth.tensor()).to_vec::<f64>();
            (knots, values)
        })
        .collect();
    figures::greedy(session, truth, &frames)?;
    // One unit less than there are knots.
    Ok(many.into_iter().enumerate().map(|(index, error)| ((index + 1) as f64, error)).collect())
}

/// 1-n-1 with ReLU, inputs and outputs brought to about [-1, 1].
fn network(hidden: usize, seed: u64) -> Sequential {
    let [first, second] = Key::new(seed).split();
    Sequential::new([
        LinearConfig::new(1, hidden).init(&first).into(),
        Activation::Relu.into(),
        LinearConfig::new(hidden, 1).init(&second).into(),
    ])
}

/// Trains a network on the curve by Adam; gives its curve.
fn trained(config: &Config, hidden: usize, truth: &Sampled) -> Vec<f64> {
    let [low, high] = config.interval;
    let inputs = |x: &Tensor| ((x - (low + high) / 2.0) / ((high - low) / 2.0)).cast(DType::F32).unsqueeze(1);
    let (middle, spread) = (truth.y.iter().sum::<f64>() / truth.y.len() as f64, 3.0);
    let x = Tensor::linspace(low, high, 551, DType::F64);
    let targets = ((curve(&x) - middle) / spread).cast(DType::F32);
    let (x, everywhere) = (inputs(&x), inputs(&truth.tensor()));
    let model = network(hidden, config.seed);
    let optimiser = AdamConfig { learning_rate: config.rate, ..AdamConfig::default() }.init(&model);
    let schedule = Schedule::Cosine { warm_up: 0, total: config.updates as u64, last: 0.01 };
    let mut step = Step::new(|(model, optimiser, rate): (Sequential, Adam, Tensor)| {
        let (_, slopes) = value_and_grad(|model: &Sequential| {
            mean_squared_error(&model.forward(&x, &mut Context::evaluation()).squeeze(1), &targets)
        })(&model);
        optimiser.with_learning_rate(rate).update(model, &slopes)
    });
    let mut state = (model, optimiser);
    for update in 0..config.updates {
        let rate = config.rate * schedule.factor(update as u64);
        state = step.call((state.0, state.1, Tensor::from(rate)));
    }
    let output = state.0.forward(&everywhere, &mut Context::evaluation());
    (output.cast(DType::F64) * spread + middle).to_vec()
}

fn by_training(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("ReLUs, trained")?;
    let (mut rows, mut errors) = (Vec::new(), Errors::new());
    for hidden in &config.hidden {
        anyhow::ensure!(*hidden > 0, "`hidden` must be numbers from 1 on, found 0");
        session.progress(&format!("training {hidden} hidden units"))?;
        let output = trained(config, *hidden, truth);
        let (_, error) = truth.largest_error(&output);
        let square =
            truth.y.iter().zip(&output).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / truth.y.len() as f64;
        errors.push((*hidden as f64, error));
        let by_knots = greedy(truth, hidden + 1).1.last().copied().unwrap_or_default();
        rows.push(vec![
            hidden.to_string(),
            format!("{error:.3}"),
            format!("{:.3}", square.sqrt()),
            format!("{by_knots:.3}"),
        ]);
    }
    session.say(
        "The theorem says that good weights exist, not that gradient descent finds them. Trained networks follow the \
         curve better the more units they have, but with the same number of units they stay behind the construction.",
    )?;
    let header =
        ["hidden units", "largest error, trained", "root mean square error", "largest error, greedy"];
    session.table("Trained networks", &header, rows)?;
    Ok(errors)
}
