//! `schedules`: learning rates over time, and what they do to the same training.

mod figures;

use std::path::PathBuf;

use bolete::nn::ReduceOnPlateau;
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::{Course, Laboratory, Plan, VectorDigits, mean_and_deviation, with_deviation};

/// Steps of the drawn schedules, of their warm-up, and cycles of those with restarts, as in the lecture's figure.
const DRAWN: (u64, u64, u64) = (1000, 100, 3);

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random; the seeds of the repetitions follow it.
    seed: u64,
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 4096))]
    hidden: usize,
    /// Digits per update.
    #[schemars(range(min = 1, max = 100000))]
    batch: usize,
    /// Updates of each training; every schedule is stretched over them.
    #[schemars(range(min = 20))]
    steps: u64,
    /// The largest learning rates that are tried, with momentum 0.9.
    rates: Vec<f64>,
    /// Seeds with which each schedule is tried.
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
            hidden: 64,
            batch: 64,
            steps: 1000,
            rates: vec![0.03, 0.1, 0.3],
            seeds: 5,
            train_size: 8000,
            test_size: 2000,
        }
    }
}

/// A schedule with its name.
struct Named {
    name: &'static str,
    formula: &'static str,
    schedule: ScheduleSequence,
}

/// One schedule at one largest rate, with several seeds.
struct Tried {
    name: &'static str,
    rate: f64,
    courses: Vec<Course<Sequential>>,
}

/// The recipe.
pub struct Schedules;

impl Recipe for Schedules {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "schedules",
        about: "all schedules of the learning rate drawn, and compared in training with the same budget",
        group: Group::Lecture(4),
        expected: "test loss on MNIST at the best rate, 5 seeds: 0.230 (milestones, longer restarts), 0.234 (one \
                   cycle), 0.235 (cosine), 0.257 (constant), 0.270 (step decay), each ± 0.002 to 0.010",
        time: "40 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                hidden: 32,
                steps: 250,
                rates: vec![0.03, 0.1],
                seeds: 3,
                train_size: 2000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                hidden: 8,
                batch: 16,
                steps: 20,
                rates: vec![0.1],
                seeds: 1,
                train_size: 64,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let (steps, warm_up, cycles) = DRAWN;
        session.heading("Schedules")?;
        session.say(
            "Large steps at the beginning, small ones at the end: noise of the batches keeps a constant rate from settling. \
             Warm-up avoids large steps while momentum and scales know nothing yet; restarts leave a valley to look for \
             another one.",
        )?;
        let drawn = schedules(steps, warm_up, cycles);
        factors_table(session, &drawn, steps)?;
        let caption = "The factor by step; the plateau's reacts to the loss drawn in gray.";
        session.figure("schedules", caption, &figures::drawn(&drawn, steps))?;
        let restarts = &drawn
            .iter()
            .find(|named| named.name == "warm-up, cosine, restarts")
            .expect("it is listed")
            .schedule;
        let period = (steps - warm_up) / cycles;
        let peaks: Vec<f64> = (0..cycles).map(|cycle| restarts.factor(warm_up + cycle * period)).collect();
        session.result("factor at the beginning of each of 3 cycles, smallest", least(&peaks), "1")?;
        session.result("factor after half of the warm-up", restarts.factor(warm_up / 2 - 1), "0.5")?;

        session.heading("In training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "The same network (784, {}, 10, ReLU), SGD with momentum 0.9, {} updates with batches of {}, {} seeds that \
             decide first weights and order; {}. Each schedule is tried at the largest rates {:?}; the spread is the standard \
             deviation over seeds.",
            config.hidden, config.steps, config.batch, config.seeds, digits.source, config.rates
        ))?;
        let tried = compare(config, session, &digits)?;
        comparison_table(session, &tried)
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// All schedules over so many steps.
fn schedules(steps: u64, warm_up: u64, cycles: u64) -> Vec<Named> {
    let plain = |name, formula, schedule| Named { name, formula, schedule: ScheduleSequence::new(schedule) };
    let rise = Schedule::Polynomial { warm_up, total: warm_up, power: 1.0, last: 1.0 };
    let period = ((steps - warm_up) / cycles).max(1);
    let rate = 3.0 / steps as f64;
    vec![
        plain("constant", "1", Schedule::Constant),
        plain("linear warm-up", "t/w, then 1", rise),
        plain(
            "step decay",
            "½ every tenth of the time",
            Schedule::Step { every: (steps / 10).max(1), factor: 0.5 },
        ),
        Named {
            name: "milestones",
            formula: "⅒ after a half and after three quarters",
            schedule: ScheduleSequence::multi_step(&[steps / 2, steps * 3 / 4], 0.1),
        },
        plain("exponential", "e^(−kt)", Schedule::Exponential { factor: (-rate).exp() }),
        plain("inverse time", "1/(1 + kt)", Schedule::InverseTime { decay: 3.0 * rate }),
        plain("inverse square root", "t/w, then √(w/t)", Schedule::InverseSquareRoot { warm_up }),
        plain("linear", "warm-up, then a line to 0", Schedule::linear(warm_up, steps)),
        plain(
            "quadratic",
            "warm-up, then (1 − t)² to 0",
            Schedule::Polynomial { warm_up, total: steps, power: 2.0, last: 0.0 },
        ),
        plain("warm-up, cosine", "half a wave to 0", Schedule::Cosine { warm_up, total: steps, last: 0.0 }),
        Named {
            name: "warm-up, cosine, restarts",
            formula: "half waves, each as long",
            schedule: ScheduleSequence::new(rise)
                .then(warm_up, Schedule::CosineRestarts { period, growth: 1, last: 0.0 }),
        },
        plain(
            "longer restarts",
            "half waves, each twice as long",
            Schedule::CosineRestarts { period: steps.div_ceil(7), growth: 2, last: 0.0 },
        ),
        plain(
            "one cycle",
            "up and down by the cosine",
            Schedule::OneCycle { total: steps, rise: 0.3, first: 0.04, last: 4e-5 },
        ),
    ]
}

/// A rate that falls when the loss stalls, on a loss made for it: three slopes, each ending in a plateau.
fn plateau(steps: u64) -> (Vec<f64>, Vec<f64>) {
    let mut rule =
        ReduceOnPlateau { patience: steps / 20, factor: 0.1, threshold: 0.01, ..ReduceOnPlateau::default() };
    let stage = (steps / 3).max(1);
    let loss = |step: u64| {
        let (number, within) = (step / stage, (step % stage) as f64 / stage as f64);
        (0.3 + 0.7 * (-within * 12.0).exp()) * 0.3f64.powi(number as i32)
    };
    (0..steps).map(|step| (loss(step), rule.observe(loss(step)))).unzip()
}

fn factors_table(session: &mut Session, all: &[Named], steps: u64) -> anyhow::Result<()> {
    let moments = [0, steps / 20, steps / 4, steps / 2, steps * 3 / 4, steps - 1];
    let mut rows: Vec<Vec<String>> = all
        .iter()
        .map(|named| {
            let mut row = vec![named.name.to_owned(), named.formula.to_owned()];
            row.extend(moments.map(|moment| format!("{:.4}", named.schedule.factor(moment))));
            row
        })
        .collect();
    let (_, by_plateau) = plateau(steps);
    let mut row = vec!["plateau".to_owned(), "⅒ when the loss stalls".to_owned()];
    row.extend(moments.map(|moment| format!("{:.4}", by_plateau[moment as usize])));
    rows.push(row);
    let titles = moments.map(|moment| format!("step {moment}"));
    let mut header = vec!["schedule", "factor"];
    header.extend(titles.iter().map(String::as_str));
    session.table(&format!("Factor of the learning rate, {steps} steps"), &header, rows)
}

fn network(hidden: usize, key: &Key) -> Sequential {
    let [first, second] = key.split();
    Sequential::new([
        LinearConfig::new(784, hidden).init(&first).into(),
        Activation::Relu.into(),
        LinearConfig::new(hidden, 10).init(&second).into(),
    ])
}

fn compare(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<Vec<Tried>> {
    let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
    let steps = config.steps;
    let mut all = Vec::new();
    for Named { name, schedule, .. } in schedules(steps, steps / 10, DRAWN.2) {
        for &rate in &config.rates {
            session.progress(&format!("{name}, largest rate {rate}"))?;
            let mut courses = Vec::new();
            for seed in config.seed..config.seed + config.seeds {
                let model = network(config.hidden, &Key::new(seed));
                let sgd = SgdConfig { learning_rate: rate, momentum: 0.9, ..SgdConfig::default() };
                let every = (steps / 25).max(1);
                let plan = Plan { steps, batch: config.batch, seed, every, score_training: false };
                let optimiser = sgd.init(&model);
                courses.push(laboratory.train(
                    model,
                    optimiser,
                    plan,
                    |step| schedule.factor(step),
                    |_, _| (),
                ));
            }
            all.push(Tried { name, rate, courses });
        }
    }
    Ok(all)
}

impl Tried {
    /// Test losses at the end, by seed.
    fn losses(&self) -> Vec<f64> {
        self.courses.iter().map(|course| course.last().loss).collect()
    }

    fn accuracies(&self) -> Vec<f64> {
        self.courses.iter().map(|course| course.last().accuracy).collect()
    }

    fn mean_loss(&self) -> f64 {
        // A training that has diverged must not count as the best.
        let mean = mean_and_deviation(&self.losses()).0;
        if mean.is_nan() { f64::INFINITY } else { mean }
    }
}

/// Each schedule at the largest rate at which its test loss is least.
fn best(tried: &[Tried]) -> Vec<&Tried> {
    tried
        .chunk_by(|a, b| a.name == b.name)
        .filter_map(|same| same.iter().min_by(|a, b| a.mean_loss().total_cmp(&b.mean_loss())))
        .collect()
}

fn comparison_table(session: &mut Session, tried: &[Tried]) -> anyhow::Result<()> {
    let row = |tried: &Tried| {
        vec![
            tried.name.to_owned(),
            tried.rate.to_string(),
            with_deviation(&tried.losses()),
            with_deviation(&tried.accuracies()),
        ]
    };
    let header = ["schedule", "largest rate", "test loss", "test accuracy"];
    session.table("All trainings", &header, tried.iter().map(row).collect())?;
    let best = best(tried);
    session.table(
        "Each schedule at its best rate",
        &header,
        best.iter().map(|tried| row(tried)).collect(),
    )?;
    let caption = "Means over seeds, and one deviation around them.";
    session.figure("losses", caption, &figures::losses(&best))?;
    session.figure("ends", "Schedule and its largest rate, the best at the top.", &figures::ends(&best))?;
    for tried in best {
        session.result(&format!("test loss, {}", tried.name), tried.mean_loss(), "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_those_of_the_lecture() {
        let (steps, warm_up, cycles) = DRAWN;
        let all = schedules(steps, warm_up, cycles);
        let factor =
            |name: &str, step| all.iter().find(|named| named.name == name).unwrap().schedule.factor(step);
        for peak in [99, 100, 400, 700] {
            assert_eq!(factor("warm-up, cosine, restarts", peak), 1.0, "step {peak}");
        }
        assert!((factor("warm-up, cosine, restarts", 250) - 0.5).abs() < 1e-12);
        assert!(factor("warm-up, cosine, restarts", 399) < 1e-3);
        assert_eq!([99, 100, 200].map(|step| factor("step decay", step)), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn the_plateau_is_seen() {
        let (_, factors) = plateau(1000);
        assert_eq!((factors[0], factors[999] < 0.02), (1.0, true));
    }
}
