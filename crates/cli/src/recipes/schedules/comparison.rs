//! The same training with each schedule.

use bolete::prelude::*;

use super::Config;
use super::catalogue::{self, DRAWN, Named};
use crate::networks::one_hidden_layer;
use crate::session::Session;
use crate::trial::{Course, Laboratory, Plan, VectorDigits, mean_and_deviation};

/// One schedule at one largest rate, with several seeds.
pub(super) struct Tried {
    pub name: &'static str,
    pub rate: f64,
    pub courses: Vec<Course<Sequential>>,
}

impl Tried {
    /// Test losses at the end, by seed.
    pub fn losses(&self) -> Vec<f64> {
        self.courses.iter().map(|course| course.last().loss).collect()
    }

    /// Test accuracies at the end, by seed.
    pub fn accuracies(&self) -> Vec<f64> {
        self.courses.iter().map(|course| course.last().accuracy).collect()
    }

    /// The mean of the losses.
    pub fn mean_loss(&self) -> f64 {
        // A training that has diverged must not count as the best.
        let mean = mean_and_deviation(&self.losses()).0;
        if mean.is_nan() { f64::INFINITY } else { mean }
    }
}

/// Trains with each schedule at each largest rate.
pub(super) fn compare(
    config: &Config,
    session: &mut Session,
    digits: &VectorDigits,
) -> anyhow::Result<Vec<Tried>> {
    let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
    let steps = config.steps;
    let mut all = Vec::new();
    for Named { name, schedule, .. } in catalogue::all(steps, steps / 10, DRAWN.2) {
        for &rate in &config.rates {
            session.progress(&format!("{name}, largest rate {rate}"))?;
            let mut courses = Vec::new();
            for seed in config.seed..config.seed + config.seeds {
                let model = one_hidden_layer([784, config.hidden, 10], &Key::new(seed));
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

/// Each schedule at the largest rate at which its test loss is least.
pub(super) fn best(tried: &[Tried]) -> Vec<&Tried> {
    tried
        .chunk_by(|a, b| a.name == b.name)
        .filter_map(|same| same.iter().min_by(|a, b| a.mean_loss().total_cmp(&b.mean_loss())))
        .collect()
}
