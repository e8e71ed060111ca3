//! Few digits with wrong labels, and a network that could learn them all by heart.

use bolete::data::Randomness;
use bolete::prelude::*;

use super::Config;
use super::forms::half_square;
use crate::networks::one_hidden_layer;
use crate::session::Session;
use crate::trial::{Course, Labelled, Laboratory, Plan, VectorDigits, mean_and_deviation, with_deviation};

/// Draws a part of the labels anew; how many are wrong now.
pub(super) fn spoil(items: &mut Labelled, part: f64, seed: u64) -> usize {
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

/// Courses of one decay, by seed, with the norms of the weights.
pub(super) struct Trained {
    pub decay: f64,
    pub courses: Vec<Course<Sequential>>,
    pub norms: Vec<Vec<f64>>,
}

impl Trained {
    /// Something at the end, by seed.
    fn ends(&self, of: impl Fn(&Course<Sequential>) -> f64) -> Vec<f64> {
        self.courses.iter().map(of).collect()
    }
}

/// Trains with each decay.
pub(super) fn train(
    config: &Config,
    session: &mut Session,
    digits: &VectorDigits,
) -> anyhow::Result<Vec<Trained>> {
    let mut all = Vec::new();
    for &decay in &config.decays {
        let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
        let (mut courses, mut norms) = (Vec::new(), Vec::new());
        for seed in config.seed..config.seed + config.seeds {
            session.progress(&format!("weight decay {decay}, seed {seed}"))?;
            let model = one_hidden_layer([784, config.hidden, 10], &Key::new(seed));
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

/// How far training and test are apart at the end.
pub(super) fn gap_table(session: &mut Session, all: &[Trained]) -> anyhow::Result<()> {
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
