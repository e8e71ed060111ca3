//! Networks with and without normalisation in training.

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::trial::{Course, Laboratory, Plan, VectorDigits};

/// What stands between a layer and its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Nothing.
    None,
    /// Batch normalisation.
    Batch,
    /// Layer normalisation.
    Layer,
}

impl Norm {
    /// All.
    pub const ALL: [Norm; 3] = [Norm::None, Norm::Batch, Norm::Layer];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Norm::None => "none",
            Norm::Batch => "batch",
            Norm::Layer => "layer",
        }
    }
}

/// The network of Ioffe and Szegedy 2015, section 4.1: three hidden layers of sigmoids.
pub fn network(norm: Norm, hidden: usize, key: &Key) -> Sequential {
    let keys: [Key; 4] = key.split();
    let mut layers: Vec<Layer> = Vec::new();
    let mut input = 784;
    for key in &keys[..3] {
        layers.push(linear(input, hidden).init(key).into());
        match norm {
            Norm::None => {}
            Norm::Batch => layers.push(BatchNormConfig::new(hidden).init().into()),
            Norm::Layer => layers.push(LayerNormConfig::new([hidden]).init().into()),
        }
        layers.push(Activation::Sigmoid.into());
        input = hidden;
    }
    layers.push(linear(input, 10).init(&keys[3]).into());
    Sequential::new(layers)
}

fn linear(input: usize, output: usize) -> LinearConfig {
    LinearConfig {
        weight_initialiser: Initialiser::XavierNormal { gain: 1.0 },
        bias_initialiser: Initialiser::Zeros,
        ..LinearConfig::new(input, output)
    }
}

/// What is trained how.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Normalisation.
    pub norm: Norm,
    /// Units of each hidden layer.
    pub hidden: usize,
    /// Learning rate of plain SGD.
    pub rate: f64,
    /// Updates, batches, tests; the seed is added to.
    pub plan: Plan,
}

/// Trains with several seeds.
pub fn train(
    setup: Setup,
    seeds: u64,
    digits: &VectorDigits,
    mut progress: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Course<Sequential>>> {
    let mut laboratory = Laboratory::new(&digits.train, &digits.test, |_: &Sequential| None);
    let mut courses = Vec::new();
    for number in 0..seeds {
        progress(number)?;
        let seed = setup.plan.seed + number;
        let model = network(setup.norm, setup.hidden, &Key::new(seed));
        let optimiser = SgdConfig { learning_rate: setup.rate, ..SgdConfig::default() }.init(&model);
        let plan = Plan { seed, ..setup.plan };
        courses.push(laboratory.train(model, optimiser, plan, |_| 1.0, |_, _| ()));
    }
    Ok(courses)
}
