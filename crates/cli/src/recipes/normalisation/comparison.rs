//! Networks with and without normalisation at several learning rates and batch sizes.

use bolete::prelude::*;

use super::Config;
use super::layers::{self, Norm, Setup};
use crate::session::Session;
use crate::trial::{Course, Plan, VectorDigits, mean_and_deviation, with_deviation};

/// Courses of several seeds in one setting.
pub(super) struct Trained {
    pub norm: Norm,
    pub rate: f64,
    pub batch: usize,
    pub courses: Vec<Course<Sequential>>,
}

impl Trained {
    /// Test accuracies at the end, by seed.
    pub fn accuracies(&self) -> Vec<f64> {
        self.courses.iter().map(|course| course.last().accuracy).collect()
    }
}

/// Each normalisation at each learning rate.
pub(super) fn by_rate(
    config: &Config,
    session: &mut Session,
    digits: &VectorDigits,
) -> anyhow::Result<Vec<Trained>> {
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

/// Both normalisations at each batch size.
pub(super) fn by_batch(
    config: &Config,
    session: &mut Session,
    digits: &VectorDigits,
) -> anyhow::Result<Vec<Trained>> {
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

/// By learning rate, and the best of each normalisation.
pub(super) fn rate_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
    let row = |trained: &Trained| {
        vec![trained.norm.name().to_owned(), trained.rate.to_string(), with_deviation(&trained.accuracies())]
    };
    let header = ["normalisation", "learning rate", "test accuracy"];
    session.table("Test accuracy by learning rate", &header, all.iter().map(row).collect())?;
    for norm in Norm::ALL {
        let of_norm = all.iter().filter(|trained| trained.norm == norm);
        let best = of_norm.map(|trained| mean_and_deviation(&trained.accuracies()).0).fold(0.0, f64::max);
        session.result(&format!("normalisation {}: best test accuracy", norm.name()), best, "")?;
    }
    Ok(())
}

/// By batch size.
pub(super) fn batch_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
    let row = |trained: &Trained| {
        vec![
            trained.norm.name().to_owned(),
            trained.batch.to_string(),
            format!("{:.4}", trained.rate),
            with_deviation(&trained.accuracies()),
        ]
    };
    let header = ["normalisation", "batch", "learning rate", "test accuracy"];
    session.table("Test accuracy by batch size", &header, all.iter().map(row).collect())
}
