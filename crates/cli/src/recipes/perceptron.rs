//! `perceptron`: Rosenblatt's learning rule on points and on small pictures, with the bound of its convergence theorem
//! and with what it cannot learn.
//!
//! Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in the brain* (1958);
//! the bound is Novikoff's, *On convergence proofs on perceptrons* (1962); Minsky and Papert, *Perceptrons* (1969).

mod figures;
mod rule;

use std::path::PathBuf;

use bolete::data::ImageClassification;
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use rule::{accuracy, bound, learn, separable, wiring, with_one};

use crate::handwriting;
use crate::pictures::SIDE;
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// Rows and columns of the photocells of the Mark I.
const RETINA: usize = 20;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    pub data: Option<PathBuf>,
    /// Decides the points, the wiring of the association units and the drawn digits.
    pub seed: u64,
    /// The two digits that are to be told apart.
    pub digits: [u8; 2],
    /// Pictures to learn from, of both digits together.
    #[schemars(range(min = 10, max = 100000))]
    pub train_size: usize,
    /// Pictures to test on.
    #[schemars(range(min = 10, max = 100000))]
    pub test_size: usize,
    /// Association units; the Mark I had 512.
    #[schemars(range(min = 1, max = 65536))]
    pub association_units: usize,
    /// Photocells that each association unit is wired to, with weights +1 or -1; the Mark I had up to 40.
    #[schemars(range(min = 1, max = 400))]
    pub wires: usize,
    /// Points of the plane to learn from.
    #[schemars(range(min = 10, max = 100000))]
    pub points: usize,
    /// Most passes over the data.
    #[schemars(range(min = 1, max = 100000))]
    pub epochs: usize,
}

impl Default for Config {
    fn default() -> Config {
        Perceptron::config(Setting::Full)
    }
}

/// The recipe.
pub struct Perceptron;

impl Recipe for Perceptron {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "perceptron",
        about: "Rosenblatt's learning rule: the convergence bound measured, digits told apart, exclusive or not",
        group: Group::Lecture(2),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let (train_size, test_size, points, epochs) = match setting {
            Setting::Full => (4_000, 2_000, 300, 2_000),
            Setting::Quick => (1_000, 500, 200, 1_000),
            Setting::Smoke => (60, 40, 40, 50),
        };
        let association_units = if setting == Setting::Smoke { 64 } else { 512 };
        let (data, seed, digits, wires) = (None, 0, [3, 5], 40);
        Config { data, seed, digits, train_size, test_size, association_units, wires, points, epochs }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: {} points of the plane; pictures of the digits {} and {} on {RETINA}×{RETINA} photocells, {}\n\
             Model: sign(w·φ(x) + b), with φ the identity or {} association units with fixed random wires",
            config.points,
            config.digits[0],
            config.digits[1],
            handwriting::origin(config.data.as_deref()),
            config.association_units
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        plane(config, session)?;
        exclusive_or(config, session)?;
        mark_one(config, session)
    }
}

/// Separable points of the plane: corrections against the theorem's bound as the margin shrinks.
fn plane(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Points that a line separates")?;
    session.say(
        "Each point on the wrong side is added to the weights with its sign, and nothing else happens. If a line \
         separates the classes with margin γ and no point is farther out than R, at most (R/γ)² such corrections are \
         ever made (Novikoff 1962), in whatever order the points come and however many there are.",
    )?;
    let mut rows = Vec::new();
    let (mut bounds, mut updates) = (Vec::new(), Vec::new());
    for distance in [0.3, 0.1, 0.03, 0.01] {
        session.check()?;
        let (points, signs, unit) = separable(config.points, distance, config.seed);
        let learned = learn(&points, &signs, config.epochs);
        let bound = bound(&points, &signs, &unit);
        bounds.push(bound);
        updates.push(learned.updates());
        if distance == 0.03 {
            figures::learning(session, &points, &signs, &learned)?;
        }
        rows.push(vec![
            format!("{distance}"),
            format!("{bound:.0}"),
            format!("{}", learned.updates()),
            format!("{}", learned.mistakes.len()),
            if learned.converged() { "yes" } else { "not yet" }.to_owned(),
        ]);
    }
    let header = ["gap on each side", "bound (R/γ)²", "corrections", "passes", "converged"];
    session.table("Corrections and the bound", &header, rows)?;
    let largest = bounds.iter().zip(&updates).map(|(bound, updates)| updates / bound).fold(0.0, f64::max);
    session.result("most corrections, as part of the bound", largest, "at most 1, by the theorem")?;
    figures::bound(session, &bounds, &updates)
}

/// The four points of exclusive or, on the plane and behind random association units.
fn exclusive_or(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Exclusive or")?;
    let points = Tensor::from([[0.0f64, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let signs = Tensor::from([-1.0f64, 1.0, 1.0, -1.0]);
    let plain = learn(&with_one(&points), &signs, config.epochs.min(1_000));
    session.say(&format!(
        "No line has (0,1) and (1,0) on one side and (0,0) and (1,1) on the other. The rule goes on forever: after {} \
         passes it still makes {} mistakes in each, and the weights go round in a circle.",
        plain.mistakes.len(),
        plain.mistakes.last().copied().unwrap_or_default()
    ))?;
    let best = plain
        .path
        .iter()
        .map(|weights| accuracy(&Tensor::from_slice(weights, [3]), &with_one(&points), &signs))
        .fold(0.0, f64::max);
    session.result("exclusive or, best part right on the plane", best, "at most 0.75")?;
    figures::exclusive_or(session, &with_one(&points), &signs, &plain)?;
    let [wires, thresholds] = Key::new(config.seed).split();
    let wires = wires.normal([2, 16], DType::F64);
    let hidden =
        with_one(&points.matmul(&wires).greater(thresholds.normal([16], DType::F64)).cast(DType::F64));
    let behind = learn(&hidden, &signs, config.epochs.min(1_000));
    session.say(&format!(
        "Behind 16 association units with random wires, which never change, the same rule needs {} corrections: a \
         fixed layer of steps has moved the points to where a plane separates them. Learning that layer too took \
         another 28 years.",
        behind.updates()
    ))?;
    session.result(
        "exclusive or, part right behind 16 random units",
        accuracy(&behind.weights, &hidden, &signs),
        "1",
    )
}

/// The structure of the Mark I: photocells, fixed association units, one response that learns.
fn mark_one(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("The Mark I perceptron on digits")?;
    // A tenth of all digits are of each kind, in any order.
    let (learned, tested) = (Some(6 * config.train_size), Some(6 * config.test_size));
    let all = handwriting::load(config.data.as_deref(), learned, tested, config.seed)?;
    let (train, signs) = retina(&all.train, config, config.train_size)?;
    let (test, test_signs) = retina(&all.test, config, config.test_size)?;
    session.say(&format!(
        "{} pictures of {} and {} ({}), reduced to {RETINA}×{RETINA} photocells that are on or off, as in the machine \
         of 1958. Each of {} association units fires when a random sum of {} cells exceeds 0; only the weights from \
         there to the response are learned.",
        train.shape()[0],
        config.digits[0],
        config.digits[1],
        handwriting::origin(config.data.as_deref()),
        config.association_units,
        config.wires
    ))?;
    let wires = wiring(
        RETINA * RETINA,
        config.association_units,
        config.wires.min(RETINA * RETINA),
        &Key::new(config.seed),
    );
    let fires = |cells: &Tensor| with_one(&cells.matmul(&wires).greater(0.0).cast(DType::F64));
    let epochs = config.epochs.min(60);
    let kinds = [
        ("photocells alone", with_one(&train), with_one(&test)),
        ("behind association units", fires(&train), fires(&test)),
    ];
    let mut all = Vec::new();
    for (name, train, test) in kinds {
        session.progress(&format!("learning from {name}"))?;
        let learned = learn(&train, &signs, epochs);
        let first = learned.mistakes[0];
        session.say(&format!(
            "{name}: {first} mistakes in the first pass, {} in pass {}{}.",
            learned.mistakes.last().copied().unwrap_or_default(),
            learned.mistakes.len(),
            if learned.converged() { ", so that it has converged" } else { ", the last one allowed" }
        ))?;
        session.result(
            &format!("test accuracy, {name}"),
            accuracy(&learned.weights, &test, &test_signs),
            "",
        )?;
        all.push((name, learned));
    }
    figures::retina(session, &train, &all[0].1.weights)?;
    figures::mistakes(session, &all)
}

/// Pictures of the two digits as cells that are on (1) or off (0) `[n, 400]`, and their signs.
fn retina(all: &ImageClassification, config: &Config, count: usize) -> anyhow::Result<(Tensor, Tensor)> {
    let class = |label: i64| config.digits.iter().position(|digit| i64::from(*digit) == label);
    let chosen: Vec<usize> =
        (0..all.labels().len()).filter(|index| class(all.labels()[*index]).is_some()).take(count).collect();
    anyhow::ensure!(
        !chosen.is_empty(),
        "there are no pictures of {} and {}",
        config.digits[0],
        config.digits[1]
    );
    let (pixels, labels) = handwriting::tensors(&all.select(&chosen));
    // The border of four pixels is empty in MNIST, where the ink lies in a box of 20×20.
    let cells = pixels.reshape([chosen.len(), SIDE, SIDE]).narrow(1, 4, RETINA).narrow(2, 4, RETINA);
    let signs = labels.equal(i64::from(config.digits[1])).select(1.0, -1.0);
    Ok((cells.greater(0.5).cast(DType::F64).flatten_from(1), signs.cast(DType::F64)))
}
