//! `vanishing_gradients`: how large the gradient of each layer is in deep networks with different activations.
//!
//! Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010); Glorot, Bordes,
//! Bengio, *Deep sparse rectifier neural networks* (2011); Maas et al., *Rectifier nonlinearities improve neural network
//! acoustic models* (2013).

mod figures;

use std::path::PathBuf;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handwriting;
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    pub data: Option<PathBuf>,
    /// Decides first weights and drawn digits.
    pub seed: u64,
    /// Hidden layers.
    #[schemars(range(min = 1, max = 100))]
    pub depth: usize,
    /// Units of each hidden layer.
    #[schemars(range(min = 1, max = 4096))]
    pub width: usize,
    /// Pictures whose mean gradient is taken.
    #[schemars(range(min = 1, max = 100000))]
    pub pictures: usize,
    /// Steps of gradient descent after which dead units are counted.
    #[schemars(range(min = 0, max = 100000))]
    pub updates: usize,
    /// The learning rate of those steps; a large one kills units.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub rate: f64,
}

impl Default for Config {
    fn default() -> Config {
        VanishingGradients::config(Setting::Full)
    }
}

/// The recipe.
pub struct VanishingGradients;

/// The slope of leaky units for negative inputs.
const LEAK: f64 = 0.1;

/// The activations that are compared.
const KINDS: [(&str, Activation); 4] = [
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("ReLU", Activation::Relu),
    ("leaky ReLU", Activation::LeakyRelu { slope: LEAK }),
];

impl Recipe for VanishingGradients {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "vanishing_gradients",
        about: "the gradient layer by layer in deep networks of sigmoid, tanh, ReLU and leaky ReLU; dead units",
        group: Group::Lecture(2),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let (depth, width, pictures, updates) = match setting {
            Setting::Full => (10, 100, 2_000, 200),
            Setting::Quick => (10, 100, 500, 100),
            Setting::Smoke => (3, 10, 20, 2),
        };
        Config { data: None, seed: 0, depth, width, pictures, updates, rate: 0.5 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: {} digits {}\n\n{}",
            config.pictures,
            handwriting::origin(config.data.as_deref()),
            summarise(&network(config, Activation::Sigmoid), [1, 784])
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        slopes(session)?;
        let digits = handwriting::load(config.data.as_deref(), Some(config.pictures), Some(1), config.seed)?;
        let (x, labels) = handwriting::tensors(&digits.train);
        // Each pixel has mean 0 and the whole has variance 1, as networks are fed.
        let data = (((&x - x.mean(..)) / x.std(.., 0)), labels);
        layer_by_layer(config, session, &data)?;
        dead_units(config, session, &data)
    }
}

/// The value and derivative of sigmoid(w₂ sigmoid(w₁ x)) in w₁.
fn two_sigmoids(x: f64, first: f64, second: f64) -> (f64, f64) {
    let function = |w: &Tensor| ((w * x).sigmoid() * second).sigmoid();
    let (value, slope) = value_and_grad(function)(&Tensor::from(first));
    (value.item(), slope.item())
}

fn slopes(session: &mut Session) -> anyhow::Result<()> {
    session.heading("Slopes of activations")?;
    let x = Tensor::linspace(-8.0, 8.0, 1_601, DType::F64);
    let steepest = grad(|x: &Tensor| x.sigmoid().sum(..))(&x).max(..).item();
    session.say(
        "The chain rule multiplies, layer by layer, the weights with the slope of the activation. That of the sigmoid is \
         s(1 - s), at most 1/4, so that even two of them leave next to nothing.",
    )?;
    session.result("largest slope of the sigmoid", steepest, "0.25")?;
    let (value, slope) = two_sigmoids(-0.5, 0.25, -0.1);
    session.result("sigmoid(w₂ sigmoid(w₁ x)) at (-0.5, 0.25, -0.1)", value, "0.4882823801879445")?;
    session.result("its derivative in w₁", slope, "0.003111115091803311")?;
    figures::gallery(session)
}

/// 784-width-…-width-10, the same weights for every activation: U(±1/√inputs), the usual choice before 2010.
fn network(config: &Config, activation: Activation) -> Sequential {
    let keys = Key::new(config.seed).split_many(config.depth + 1);
    let mut layers: Vec<Layer> = Vec::new();
    for index in 0..=config.depth {
        let input = if index == 0 { 784 } else { config.width };
        let output = if index == config.depth { 10 } else { config.width };
        let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        let plain = LinearConfig { bias_initialiser: Initialiser::Zeros, ..LinearConfig::new(input, output) };
        layers.push(plain.init(&key).into());
        layers.push(activation.into());
    }
    layers.pop();
    Sequential::new(layers)
}

fn loss(model: &Sequential, (x, labels): &(Tensor, Tensor)) -> Tensor {
    cross_entropy(&model.forward(x, &mut Context::evaluation()), labels)
}

/// The gradient of each layer's weights, from the first on.
fn layer_gradients(model: &Sequential, data: &(Tensor, Tensor)) -> Vec<Vec<f64>> {
    let gradients = grad(|model: &Sequential| loss(model, data))(model);
    let weights = gradients.leaves().into_iter().filter(|leaf| leaf.rank() == 2).collect::<Vec<_>>();
    weights.iter().map(|weight| weight.cast(DType::F64).to_vec::<f64>()).collect()
}

/// The gradients of a network with one activation.
struct Profile {
    name: &'static str,
    /// Of each layer's weights.
    gradients: Vec<Vec<f64>>,
    /// Their mean sizes.
    sizes: Vec<f64>,
}

fn layer_by_layer(config: &Config, session: &mut Session, data: &(Tensor, Tensor)) -> anyhow::Result<()> {
    session.heading("Layer by layer")?;
    let origin = handwriting::origin(config.data.as_deref());
    session.say(&format!(
        "Networks of {} hidden layers of {} units, all with the same first weights from U(±1/√inputs), see {} digits \
         {origin}. The gradient begins at the loss and goes back to the first layer.",
        config.depth, config.width, config.pictures
    ))?;
    let mut profiles = Vec::new();
    for (name, activation) in KINDS {
        session.check()?;
        let gradients = layer_gradients(&network(config, activation), data);
        let mean =
            |values: &Vec<f64>| values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64;
        profiles.push(Profile { name, sizes: gradients.iter().map(mean).collect(), gradients });
    }
    let mut header = vec!["layer"];
    header.extend(profiles.iter().map(|profile| profile.name));
    let rows = (0..=config.depth).map(|layer| {
        let mut row = vec![if layer == config.depth { "output".to_owned() } else { (layer + 1).to_string() }];
        row.extend(profiles.iter().map(|profile| format!("{:.1e}", profile.sizes[layer])));
        row
    });
    session.table("Mean size of the gradient of a weight", &header, rows.collect())?;
    for profile in &profiles {
        // From the second layer on, all hidden layers have the same size.
        let (first, last) = (profile.sizes[1.min(config.depth)], profile.sizes[config.depth]);
        let layers = config.depth.saturating_sub(1).max(1) as f64;
        let factor = (first / last).powf(1.0 / layers);
        let expected = if profile.name == "sigmoid" { "below 0.25 with these weights" } else { "" };
        session.result(&format!("factor per layer, {}", profile.name), factor, expected)?;
    }
    figures::profiles(session, &profiles)
}

/// The part of hidden units that are 0, or as good as, for every picture, so that no gradient reaches their weights.
fn dead(model: &Sequential, x: &Tensor) -> f64 {
    let mut hidden = x.clone();
    let mut alive = Vec::new();
    for layer in &model.layers {
        hidden = layer.forward(&hidden, &mut Context::evaluation());
        if matches!(layer, Layer::Activation(_)) {
            alive.push(hidden.not_equal(0.0).any(0).cast(DType::F64).mean(..));
        }
    }
    1.0 - Tensor::stack(&alive, 0).mean(..).item()
}

fn dead_units(config: &Config, session: &mut Session, data: &(Tensor, Tensor)) -> anyhow::Result<()> {
    session.heading("Dead units")?;
    session.say(&format!(
        "A ReLU that is 0 for every picture gets no gradient and can never come back. Large steps (rate {}) push units \
         there; a leaky ReLU of slope {LEAK} always lets some gradient through.",
        config.rate
    ))?;
    // Three hidden layers, so that the steps do something.
    let shallow = Config { depth: config.depth.min(3), ..config.clone() };
    let mut rows = Vec::new();
    for (name, activation) in [KINDS[2], KINDS[3]] {
        session.progress(&format!("training with {name}"))?;
        let mut model = network(&shallow, activation);
        let before = dead(&model, &data.0);
        let rate = config.rate;
        let mut step = Step::new(|(model, data): (Sequential, (Tensor, Tensor))| {
            let slopes = grad(|model: &Sequential| loss(model, &data))(&model);
            SgdConfig { learning_rate: rate, ..SgdConfig::default() }.init(&model).update(model, &slopes).0
        });
        for _ in 0..config.updates {
            model = step.call((model, data.clone()));
        }
        let after = dead(&model, &data.0);
        let end = loss(&model, data).item();
        rows.push(vec![
            name.to_owned(),
            format!("{:.1} %", 100.0 * before),
            format!("{:.1} %", 100.0 * after),
            format!("{end:.3}"),
        ]);
        if matches!(activation, Activation::LeakyRelu { .. }) {
            session.result("dead units, leaky ReLU", after, "0")?;
        } else {
            session.result("dead units, ReLU", after, "")?;
        }
    }
    let header = ["activation", "dead at first", &format!("after {} steps", config.updates), "loss"];
    session.table("Units that are 0 for all pictures", &header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sigmoids_have_the_value_and_slope_of_the_course() {
        let (value, slope) = two_sigmoids(-0.5, 0.25, -0.1);
        assert!((value - 0.488_282_380_187_944_5).abs() < 1e-15);
        assert!((slope - 0.003_111_115_091_803_311).abs() < 1e-16);
    }

    #[test]
    fn sigmoids_lose_the_gradient_and_leaky_units_never_die() {
        let config = Config { depth: 5, width: 30, ..VanishingGradients::config(Setting::Smoke) };
        let data = (Key::new(1).normal([20, 784], DType::F32), Tensor::arange(20, DType::I64).modulo(10));
        let size =
            |values: &Vec<f64>| values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64;
        let sizes: Vec<f64> =
            layer_gradients(&network(&config, Activation::Sigmoid), &data).iter().map(size).collect();
        assert!(sizes[1] < 0.01 * sizes[5]);
        assert_eq!(dead(&network(&config, KINDS[3].1), &data.0), 0.0);
    }
}
