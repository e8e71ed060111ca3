//! `normalisation`: of batches, of layers, and of the inputs.

mod figures;
mod inputs;
mod layers;

use std::path::PathBuf;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::{Course, Plan, VectorDigits, mean_and_deviation, with_deviation};
use inputs::{LeastSquares, Outlier, Regression, descend};
use layers::{Norm, Setup, backward_by_hand};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random.
    seed: u64,
    /// Units of each of the three hidden layers.
    #[schemars(range(min = 1, max = 4096))]
    hidden: usize,
    /// Digits per update.
    #[schemars(range(min = 2, max = 100000))]
    batch: usize,
    /// Updates at each learning rate.
    #[schemars(range(min = 1))]
    steps: u64,
    /// Learning rates that are tried.
    rates: Vec<f64>,
    /// Batch sizes that are tried.
    batches: Vec<usize>,
    /// Digits that are seen at each batch size.
    #[schemars(range(min = 1))]
    seen: u64,
    /// Seeds with which each network is trained.
    #[schemars(range(min = 1, max = 100))]
    seeds: u64,
    /// Digits to learn from.
    #[schemars(range(min = 64, max = 1000000))]
    train_size: usize,
    /// Digits to test on.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            hidden: 100,
            batch: 60,
            steps: 2000,
            rates: vec![0.01, 0.1, 1.0, 10.0],
            batches: vec![2, 4, 8, 16, 64, 256],
            seen: 60_000,
            seeds: 3,
            train_size: 12_000,
            test_size: 2000,
        }
    }
}

/// Courses of several seeds in one setting.
struct Trained {
    norm: Norm,
    rate: f64,
    batch: usize,
    courses: Vec<Course<Sequential>>,
}

/// What a layer of batch normalisation did by update, on inputs of a known mean and deviation.
#[derive(Default)]
struct Running {
    mean: f64,
    deviation: f64,
    running_means: Vec<f64>,
    running_deviations: Vec<f64>,
    trained_means: Vec<f64>,
    trained_deviations: Vec<f64>,
    used_means: Vec<f64>,
    used_deviations: Vec<f64>,
}

/// The recipe.
pub struct NormalisationStudy;

impl Recipe for NormalisationStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "normalisation",
        about: "batch and layer normalisation by learning rate and batch size; standardised inputs and an outlier",
        group: Group::Lecture(4),
        expected: "MNIST, 3 seeds: at the rate 0.01 46 % without, 86 % with batch and 87 % with layer normalisation; at \
                   10 50 ± 35, 93 and 91 %; batches of 2: 58 % with batch, 90 % with layer normalisation",
        time: "2 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                hidden: 50,
                steps: 400,
                rates: vec![0.1, 1.0, 10.0],
                batches: vec![2, 8, 64],
                seen: 8000,
                seeds: 2,
                train_size: 4000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                hidden: 8,
                batch: 8,
                steps: 4,
                rates: vec![0.1],
                batches: vec![4],
                seen: 16,
                seeds: 1,
                train_size: 64,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("Batch normalisation by itself")?;
        by_itself(session)?;
        session.heading("Batch normalisation in training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "784 inputs, three hidden layers of {} sigmoids, plain SGD with batches of {}; {}. Normalised, each unit works where \
             its sigmoid is steep whatever the layers before it do, so that larger learning rates are possible. Means and \
             deviations over {} seeds.",
            config.hidden, config.batch, digits.source, config.seeds
        ))?;
        let by_rate = by_rate(config, session, &digits)?;
        rate_table(session, &by_rate)?;
        let caption = "Means over seeds, and one deviation around them.";
        session.figure("by-step", caption, &figures::by_step(&config.rates, &by_rate))?;
        session.heading("Small batches")?;
        session.say(&format!(
            "{} digits are seen at each batch size, at a rate proportional to it. The statistics of a small batch are noise that \
             every item of it suffers from; layer normalisation looks at one item alone and does not care.",
            config.seen
        ))?;
        let by_batch = by_batch(config, session, &digits)?;
        batch_table(session, &by_batch)?;
        session.figure("at-the-end", caption, &figures::at_the_end(&by_rate, &by_batch))?;
        session.heading("Standardised inputs")?;
        standardisation(config, session)
    }
}

/// Statistics in training and in use, and the derivative.
fn by_itself(session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "In training each channel is brought to mean 0 and variance 1 by the statistics of the batch, √(variance + ε) in the \
         denominator, and running statistics move a tenth of the way toward them. In use the running statistics take their \
         place, so that an item no longer depends on those beside it.",
    )?;
    let (mean, deviation, batch) = (5.0, 3.0, 64);
    let draw = |key: &Key| key.normal([batch, 1], DType::F32) * deviation + mean;
    let mut layer = BatchNormConfig::new(1).init();
    let mut rows = Vec::new();
    let mut seen = Running { mean, deviation, ..Running::default() };
    let mut expected = 0.0;
    for update in 1..=50u64 {
        let inputs = draw(&Key::new(update));
        let mut context = Context::training(Key::new(0));
        let trained = layer.forward(&inputs, &mut context);
        // The running mean by hand: a mean of the means of batches, the newest with weight 0.1.
        expected += 0.1 * (inputs.mean(..).item() - expected);
        layer = context.apply(layer);
        let used = layer.forward(&inputs, &mut Context::evaluation());
        let of = |tensor: &Tensor| (tensor.mean(..).item(), tensor.std(.., 0).item());
        let moved = f64::from(layer.running_mean.to_vec::<f32>()[0]);
        let spread = f64::from(layer.running_var.to_vec::<f32>()[0]).sqrt();
        let pairs = [(moved, spread), of(&trained), of(&used)];
        if [1, 5, 10, 20, 50].contains(&update) {
            let mut row = vec![update.to_string()];
            row.extend(pairs.map(|(mean, deviation)| format!("{mean:.3}, {deviation:.3}")));
            rows.push(row);
        }
        let means = [&mut seen.running_means, &mut seen.trained_means, &mut seen.used_means];
        for (list, (mean, _)) in means.into_iter().zip(pairs) {
            list.push(mean);
        }
        let deviations =
            [&mut seen.running_deviations, &mut seen.trained_deviations, &mut seen.used_deviations];
        for (list, (_, deviation)) in deviations.into_iter().zip(pairs) {
            list.push(deviation);
        }
    }
    let header = ["updates", "running mean, std", "output in training", "output in use"];
    session.table("Inputs with mean 5 and deviation 3: mean and deviation", &header, rows)?;
    let caption = "At first the running statistics are those that the layer was made with, 0 and 1.";
    session.figure("running-statistics", caption, &figures::running(&seen))?;
    let difference = (seen.running_means[seen.running_means.len() - 1] - expected).abs();
    session.result(
        "running mean against the recursion by hand, difference",
        difference,
        "0 up to rounding",
    )?;
    let [inputs, slope] = Key::new(7).split();
    let (inputs, slope) = (inputs.normal([32, 8], DType::F32), slope.normal([32, 8], DType::F32));
    let layer = BatchNormConfig::new(8).init();
    let of_engine = grad(|inputs: &Tensor| {
        (layer.forward(inputs, &mut Context::training(Key::new(0))) * &slope).sum(..)
    })(&inputs);
    let difference = (of_engine - backward_by_hand(&layer, &inputs, &slope)).abs().max(..).item();
    session.result("gradient against the formula by hand, largest difference", difference, "0 up to rounding")
}

fn by_rate(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<Vec<Trained>> {
    let mut all = Vec::new();
    for norm in Norm::ALL {
        for &rate in &config.rates {
            let every = (config.steps / 25).max(1);
            let plan = Plan {
                steps: config.steps,
                batch: config.batch,
                seed: config.seed,
                every,
                score_training: false,
            };
            let setup = Setup { norm, hidden: config.hidden, rate, plan };
            let courses = layers::train(setup, config.seeds, digits, |seed| {
                session.progress(&format!("normalisation {}, rate {rate}, seed {seed}", norm.name()))
            })?;
            all.push(Trained { norm, rate, batch: config.batch, courses });
        }
    }
    Ok(all)
}

fn by_batch(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<Vec<Trained>> {
    let mut all = Vec::new();
    for norm in [Norm::Batch, Norm::Layer] {
        for &batch in &config.batches {
            let steps = (config.seen / batch as u64).max(1);
            let plan = Plan { steps, batch, seed: config.seed, every: steps, score_training: false };
            let rate = batch as f64 / 64.0;
            let setup = Setup { norm, hidden: config.hidden, rate, plan };
            let courses = layers::train(setup, config.seeds, digits, |seed| {
                session.progress(&format!("normalisation {}, batches of {batch}, seed {seed}", norm.name()))
            })?;
            all.push(Trained { norm, rate, batch, courses });
        }
    }
    Ok(all)
}

fn accuracies(trained: &Trained) -> Vec<f64> {
    trained.courses.iter().map(|course| course.last().accuracy).collect()
}

fn rate_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
    let row = |trained: &Trained| {
        vec![trained.norm.name().to_owned(), trained.rate.to_string(), with_deviation(&accuracies(trained))]
    };
    let header = ["normalisation", "learning rate", "test accuracy"];
    session.table("Test accuracy by learning rate", &header, all.iter().map(row).collect())?;
    for norm in Norm::ALL {
        let of_norm = all.iter().filter(|trained| trained.norm == norm);
        let best = of_norm.map(|trained| mean_and_deviation(&accuracies(trained)).0).fold(0.0, f64::max);
        session.result(&format!("normalisation {}: best test accuracy", norm.name()), best, "")?;
    }
    Ok(())
}

fn batch_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
    let row = |trained: &Trained| {
        vec![
            trained.norm.name().to_owned(),
            trained.batch.to_string(),
            format!("{:.4}", trained.rate),
            with_deviation(&accuracies(trained)),
        ]
    };
    let header = ["normalisation", "batch", "learning rate", "test accuracy"];
    session.table("Test accuracy by batch size", &header, all.iter().map(row).collect())
}

/// Least squares on raw and on standardised features, and an outlier.
fn standardisation(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "The curvature of a squared error is the second moment of the inputs: features in metres beside features in \
         millimetres make a bowl a million times as curved one way as the other. Each feature by its mean and deviation on \
         the training set makes it round.",
    )?;
    let regression = Regression::new(500, &[1.0, 30.0, 1000.0], &Key::new(config.seed));
    let (mut rows, mut courses) = (Vec::new(), Vec::new());
    for (name, features) in [("as measured", &regression.raw), ("standardised", &regression.standardised)] {
        let course = descend(features, &regression.targets, 200);
        let LeastSquares { condition, excess } = &course;
        let reached = excess.iter().position(|error| *error < 1e-3);
        rows.push(vec![
            name.to_owned(),
            format!("{condition:.3e}"),
            reached.map_or("not in 200".to_owned(), |step| step.to_string()),
            format!("{:.2e}", excess[excess.len() - 1]),
        ]);
        session.result(&format!("{name}: largest over smallest curvature"), *condition, "")?;
        courses.push(course);
    }
    let header = ["features", "condition", "updates to 0.001", "excess error after 200"];
    session.table("Gradient descent on least squares, at the best rate", &header, rows)?;
    let caption = "The error above the least that a line with offset can reach.";
    session.figure("standardised", caption, &figures::least_squares(&courses[0], &courses[1]))?;
    let outlier = Outlier::new(1000, 100.0, &Key::new(config.seed));
    let spread = |values: &[f64]| mean_and_deviation(&values[..values.len() - 1]).1;
    session.say(
        "A single outlier takes the deviation over: 999 numbers from N(0, 1) and one that is 100, by mean and deviation, and by \
         median and quartiles, which do not see it.",
    )?;
    session.result(
        "deviation of the 999 others, by mean and deviation",
        spread(&outlier.standardised),
        "about 0.3",
    )?;
    session.result(
        "deviation of the 999 others, by median and quartiles",
        spread(&outlier.robust),
        "about 1",
    )?;
    session.figure(
        "outlier",
        "The outlier itself lies outside of both pictures.",
        &figures::outlier(&outlier),
    )
}
