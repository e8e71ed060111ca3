//! The machine of 1958 on digits.

use bolete::data::ImageClassification;
use bolete::prelude::*;

use super::rule::{accuracy, learn, wiring, with_one};
use super::{Config, RETINA, figures};
use crate::handwriting;
use crate::pictures::SIDE;
use crate::session::Session;

/// The structure of the Mark I: photocells, fixed association units, one response that learns.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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
