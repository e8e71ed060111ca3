//! `weight_decay`: the L2 penalty against decoupled weight decay, and what either does to a network that could learn by heart.

mod figures;
mod forms;

use std::path::PathBuf;

use bolete::data::Randomness;
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::{Course, Labelled, Laboratory, Plan, VectorDigits, mean_and_deviation, with_deviation};
use forms::{Comparison, compare, half_square};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random; the seeds of the repetitions follow it.
    seed: u64,
    /// λ of the comparison of the forms.
    #[schemars(range(min = 0.0))]
    decay: f64,
    /// Updates of that comparison.
    #[schemars(range(min = 1))]
    compared: u64,
    /// Digits to learn from, few.
    #[schemars(range(min = 50, max = 1000000))]
    train_size: usize,
    /// The part of them whose labels are drawn anew.
    #[schemars(range(min = 0.0, max = 1.0))]
    wrong: f64,
    /// Digits to test on.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: usize,
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 8192))]
    hidden: usize,
    /// Updates of AdamW with batches of 50 at the learning rate 0.001.
    #[schemars(range(min = 1))]
    steps: u64,
    /// Decoupled decays that are tried, none first.
    decays: Vec<f64>,
    /// Seeds with which each is tried.
    #[schemars(range(min = 1, max = 100))]
    seeds: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            decay: 0.01,
            compared: 500,
            train_size: 500,
            wrong: 0.2,
            test_size: 2000,
            hidden: 256,
            steps: 2000,
            decays: vec![0.0, 1.0, 3.0, 10.0],
            seeds: 3,
        }
    }
}

/// Courses of one decay, by seed, with the norms of the weights.
struct Trained {
    decay: f64,
    courses: Vec<Course<Sequential>>,
    norms: Vec<Vec<f64>>,
}

/// The recipe.
pub struct WeightDecayStudy;

impl Recipe for WeightDecayStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "weight_decay",
        about: "L2 penalty against decoupled decay; the gap between training and test on few digits with wrong labels",
        group: Group::Lecture(4),
        expected: "SGD: penalty and decoupled decay are one up to rounding; momentum and Adam: 26 and 27 % apart; gap \
                   on MNIST with wrong labels 29.1 % without decay, 19.1 % with 10, test loss 1.25 and 0.89",
        time: "35 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => {
                Config { compared: 200, hidden: 128, steps: 500, test_size: 1000, seeds: 2, ..whole }
            }
            Setting::Smoke => Config {
                compared: 3,
                train_size: 60,
                test_size: 20,
                hidden: 8,
                steps: 4,
                decays: vec![0.0, 1.0],
                seeds: 1,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let mut digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.heading("The penalty and the decay")?;
        session.say(&format!(
            "A linear classifier of digits is trained three times from the same weights in the same order, in 64-bit numbers: \
             with λ/2 ‖θ‖² in the loss, with λθ added to the gradient, and with θ ← θ − γλθ beside the update; λ = {}, {} \
             updates. For SGD without momentum all three are the same equation. Momentum remembers the pull of the penalty \
             from earlier weights, and Adam divides it by the size of the gradients: parameters with large gradients are \
             hardly decayed at all. AdamW keeps the pull out of that.",
            config.decay, config.compared
        ))?;
        forms_table(config, session, &digits)?;

        session.heading("Learning by heart")?;
        let wrong = spoil(&mut digits.train, config.wrong, config.seed);
        session.say(&format!(
            "{}; of {} labels to learn from {wrong} are now wrong. A network with {} hidden units can learn them all by heart; \
             doing so takes large weights, and what it costs is seen on the test set, whose labels are right.",
            digits.source, config.train_size, config.hidden
        ))?;
        let trained = train(config, session, &digits)?;
        gap_table(session, &trained)?;
        let caption = "Means over seeds, and one deviation around them.";
        session.figure("over-time", caption, &figures::over_time(&trained))
    }
}

/// Draws a part of the labels anew; how many are wrong now.
fn spoil(items: &mut Labelled, part: f64, seed: u64) -> usize {
    let before = items.labels.to_vec::<i64>();
    let mut randomness = Randomness::keyed(&[seed, 0x5901]);
    let after: Vec<i64> = before
        .iter()
        .map(|label| if randomness.uniform_double() < part { randomness.below(10) as i64 } else { *label })
        .collect();
    let wrong = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    items.labels = Tensor::from_vec(after, [before.len()]);
    wrong
}

fn forms_table(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<()> {
    let Config { decay, compared: steps, .. } = *config;
    let sgd = SgdConfig { learning_rate: 0.01, ..SgdConfig::default() };
    let adam = AdamConfig { learning_rate: 1e-3, ..AdamConfig::default() };
    let all: [(&str, &str, Comparison); 3] = [
        ("SGD", "0 up to rounding", compare(sgd, decay, steps, digits)),
        ("SGD with momentum 0.9", "not 0", compare(SgdConfig { momentum: 0.9, ..sgd }, decay, steps, digits)),
        ("Adam", "not 0", compare(adam, decay, steps, digits)),
    ];
    let row = |(name, _, found): &(&str, &str, Comparison)| {
        vec![
            (*name).to_owned(),
            format!("{:.1e}", found.penalty_and_gradient),
            format!("{:.1e}", found.penalty_and_decoupled),
        ]
    };
    let header = ["optimiser", "penalty and λθ in the gradient", "penalty and decoupled"];
    let rows = all.iter().map(row).collect();
    session.table("Relative distance of the weights after training", &header, rows)?;
    session.figure("forms", "Bars at 10⁻¹⁶ are rounding.", &figures::forms(&all))?;
    for (name, expected, found) in all {
        let title = format!("{name}: penalty against decoupled decay, relative distance");
        session.result(&title, found.penalty_and_decoupled, expected)?;
    }
    Ok(())
}

fn network(hidden: usize, key: &Key) -> Sequential {
    let [first, second] = key.split();
    Sequential::new([
        LinearConfig::new(784, hidden).init(&first).into(),
        Activation::Relu.into(),
        LinearConfig::new(hidden, 10).init(&second).into(),
    ])
}

fn train(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<Vec<Trained>> {
    let mut all = Vec::new();
    for &decay in &config.decays {
        let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
        let (mut courses, mut norms) = (Vec::new(), Vec::new());
        for seed in config.seed..config.seed + config.seeds {
            session.progress(&format!("weight decay {decay}, seed {seed}"))?;
            let model = network(config.hidden, &Key::new(seed));
            let rule = AdamWConfig { weight_decay: decay, ..AdamWConfig::default() };
            let every = (config.steps / 40).max(1);
            let plan = Plan { steps: config.steps, batch: 50, seed, every, score_training: true };
            let mut sizes = Vec::new();
            let optimiser = rule.init(&model);
            courses.push(laboratory.train(
                model,
                optimiser,
                plan,
                |_| 1.0,
                |_, model| {
                    sizes.push((2.0 * half_square(model).item()).sqrt());
                },
            ));
            norms.push(sizes);
        }
        all.push(Trained { decay, courses, norms });
    }
    Ok(all)
}

impl Trained {
    /// Something at the end, by seed.
    fn ends(&self, of: impl Fn(&Course<Sequential>) -> f64) -> Vec<f64> {
        self.courses.iter().map(of).collect()
    }
}

fn gap_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
    let trained =
        |course: &Course<Sequential>| course.trained.last().map_or(f64::NAN, |(_, score)| score.accuracy);
    let mut rows = Vec::new();
    for one in all {
        let norms: Vec<f64> = one.norms.iter().filter_map(|sizes| sizes.last().copied()).collect();
        let gap = one.ends(|course| trained(course) - course.last().accuracy);
        rows.push(vec![
            one.decay.to_string(),
            with_deviation(&one.ends(trained)),
            with_deviation(&one.ends(|course| course.last().accuracy)),
            with_deviation(&gap),
            with_deviation(&one.ends(|course| course.last().loss)),
            format!("{:.2}", mean_and_deviation(&norms).0),
        ]);
        let name = format!("gap between training and test accuracy, decay {}", one.decay);
        session.result(&name, mean_and_deviation(&gap).0, "")?;
    }
    let header = ["decay", "training accuracy", "test accuracy", "gap", "test loss", "‖θ‖"];
    session.table(&format!("AdamW after training, {} seeds", all[0].courses.len()), &header, rows)
}
