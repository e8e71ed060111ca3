//! Very deep networks trained from two kinds of first weights (He et al. 2015, figures 2 and 3, with fully connected layers).

use bolete::prelude::*;

use crate::session::Session;
use crate::trial::{Course, Laboratory, Plan, VectorDigits, mean_and_deviation, with_deviation};

use super::Config;
use super::weights::Weights;

/// Courses of several seeds from one kind of weights.
pub struct Deep {
    /// Layers with weights.
    pub layers: usize,
    /// First weights.
    pub weights: Weights,
    /// One for each seed.
    pub courses: Vec<Course<Sequential>>,
}

/// A ReLU network of so many layers.
fn network(layers: usize, width: usize, weights: Weights, key: &Key) -> Sequential {
    let keys = key.split_many(layers);
    let mut parts: Vec<Layer> = Vec::new();
    for layer in 0..layers {
        let key = Key::from_tensor(keys.narrow(0, layer, 1).reshape([0usize; 0]));
        let input = if layer == 0 { 784 } else { width };
        let output = if layer + 1 == layers { 10 } else { width };
        let config = LinearConfig {
            weight_initialiser: weights.initialiser(),
            bias_initialiser: Initialiser::Zeros,
            ..LinearConfig::new(input, output)
        };
        parts.push(config.init(&key).into());
        if layer + 1 < layers {
            parts.push(Activation::Relu.into());
        }
    }
    Sequential::new(parts)
}

/// Trains networks of each depth from each kind of weights.
pub fn train(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<Vec<Deep>> {
    let mut all = Vec::new();
    for &layers in &config.deep_layers {
        for weights in [Weights::He, Weights::Xavier] {
            let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
            let mut courses = Vec::new();
            for seed in 0..config.deep_seeds {
                session.progress(&format!("{layers} layers, {}, seed {seed}", weights.name()))?;
                let key = Key::new(config.seed + seed);
                let model = network(layers, config.deep_width, weights, &key);
                let sgd =
                    SgdConfig { learning_rate: config.deep_rate, momentum: 0.9, ..SgdConfig::default() };
                let steps = config.deep_steps;
                let plan = Plan {
                    steps,
                    batch: 64,
                    seed: config.seed + seed,
                    every: (steps / 25).max(1),
                    score_training: false,
                };
                let optimiser = sgd.init(&model);
                courses.push(laboratory.train(model, optimiser, plan, |_| 1.0, |_, _| ()));
            }
            all.push(Deep { layers, weights, courses });
        }
    }
    Ok(all)
}

/// How each does after training.
pub fn table(session: &mut Session, deep: &[Deep]) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for Deep { layers, weights, courses } in deep {
        let last: Vec<f64> = courses.iter().map(|course| course.last().accuracy).collect();
        let loss: Vec<f64> = courses.iter().map(|course| course.last().loss).collect();
        rows.push(vec![
            layers.to_string(),
            weights.name().to_owned(),
            with_deviation(&loss),
            with_deviation(&last),
        ]);
        let name = format!("{layers} layers, {}: test accuracy", weights.name());
        session.result(&name, mean_and_deviation(&last).0, "")?;
    }
    let header = ["layers", "weights", "test loss", "test accuracy"];
    session.table(&format!("After training, {} seeds", deep[0].courses.len()), &header, rows)
}
