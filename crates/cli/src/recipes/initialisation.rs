//! `initialisation`: what first weights do to activations and gradients by depth, and to training.

mod depth;
mod figures;
mod probe;

use std::path::PathBuf;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use crate::trial::{VectorDigits, mean_and_deviation, with_deviation};
use depth::Deep;
use figures::{Looked, Propagation};
use probe::{Health, Nonlinearity, Probe, Signals, Spread, Weights, factors};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random: weights, inputs, order.
    seed: u64,
    /// Layers of the network that is looked at.
    #[schemars(range(min = 2, max = 30))]
    depth: usize,
    /// Units of each layer.
    #[schemars(range(min = 1, max = 4096))]
    width: usize,
    /// Inputs from N(0, 1) that it sees.
    #[schemars(range(min = 2, max = 65536))]
    batch: usize,
    /// The activation whose histograms are drawn; the table has all.
    activation: Nonlinearity,
    /// Networks over which the propagation of variance is averaged.
    #[schemars(range(min = 1, max = 10000))]
    networks: u64,
    /// Layers of the networks that are trained.
    deep_layers: Vec<usize>,
    /// Units of each of their layers.
    #[schemars(range(min = 1, max = 4096))]
    deep_width: usize,
    /// Updates of their training.
    #[schemars(range(min = 1))]
    deep_steps: u64,
    /// Seeds with which each is trained.
    #[schemars(range(min = 1, max = 100))]
    deep_seeds: u64,
    /// Learning rate of their training, with momentum 0.9.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    deep_rate: f64,
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
            depth: 10,
            width: 256,
            batch: 512,
            activation: Nonlinearity::Relu,
            networks: 64,
            deep_layers: vec![22, 30],
            deep_width: 128,
            deep_steps: 2000,
            deep_seeds: 3,
            deep_rate: 0.01,
            train_size: 6000,
            test_size: 1000,
        }
    }
}

/// The recipe.
pub struct InitialisationStudy;

impl Recipe for InitialisationStudy {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "initialisation",
        about: "activations and gradients by depth for six kinds of first weights; He against Xavier in training",
        group: Group::Lecture(4),
        expected: "the mean square per layer changes within 1 % of theory (ReLU forward: 0.993 for He, 0.496 for \
                   Xavier); MNIST, 3 seeds: 22 layers 92.5 ± 0.7 % with He, 90.7 ± 0.8 % with Xavier; 30 layers 53 ± 24 \
                   % and 9 %",
        time: "1 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config {
                networks: 12,
                deep_layers: vec![22],
                deep_width: 64,
                deep_steps: 500,
                deep_seeds: 2,
                train_size: 2000,
                test_size: 500,
                ..whole
            },
            Setting::Smoke => Config {
                depth: 3,
                width: 16,
                batch: 32,
                networks: 2,
                deep_layers: vec![4],
                deep_width: 16,
                deep_steps: 4,
                deep_seeds: 1,
                train_size: 80,
                test_size: 20,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("By depth")?;
        session.say(&format!(
            "{} layers of {} units see {} inputs from N(0, 1). Weights that are too small shrink the signal by a factor in \
             every layer, weights that are too large blow it up, and the gradient on its way back suffers the same. A signal \
             whose standard deviation is below 10⁻⁶ is called dead, above 10⁶ exploded.",
            config.depth, config.width, config.batch
        ))?;
        combinations(config, session)?;
        usual_and_normalised(config, session)?;
        session.heading("Variance from layer to layer")?;
        propagation(config, session)?;
        session.heading("Deep networks in training")?;
        let digits =
            VectorDigits::load(config.data.as_deref(), config.train_size, config.test_size, config.seed)?;
        session.say(&format!(
            "Fully connected ReLU networks of width {} trained by SGD with momentum on {}. Xavier's variance is half of what \
             ReLU needs, which costs a factor of √2 per layer: little for two layers, a thousandfold for 22.",
            config.deep_width, digits.source
        ))?;
        let deep = depth::train(config, session, &digits)?;
        deep_table(session, &deep)?;
        session.figure("deep", "Means over seeds, and one deviation around them.", &figures::deep(&deep))
    }
}

/// All weights with all activations.
fn combinations(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for nonlinearity in Nonlinearity::ALL {
        let mut probe = Probe::new(config.depth, config.width, config.batch, nonlinearity.activation());
        for weights in Weights::ALL {
            session.progress(&format!("{}, {}", nonlinearity.name(), weights.name()))?;
            let signals = probe.look(weights.initialiser(), &Key::new(config.seed));
            let activations = Signals::spreads(&signals.activations);
            let gradients = Signals::spreads(&signals.gradients);
            let mut row = vec![nonlinearity.name().to_owned(), weights.name().to_owned()];
            row.extend(told(&activations[0]));
            row.extend(told(&activations[config.depth - 1]));
            row.extend(told(&gradients[0]));
            row.push(verdict(&activations, &gradients));
            rows.push(row);
            if nonlinearity == config.activation {
                let figure = figures::histograms(nonlinearity, weights, &signals);
                let caption = "Up to eight layers, 50 bins each, by density; the bar of ReLU's zeros is cut where \
                               it would hide the others.";
                session.figure(&format!("histograms-{}", file_name(weights)), caption, &figure)?;
            }
            all.push(Looked { nonlinearity, weights, activations, gradients });
        }
    }
    let header = [
        "activation",
        "weights",
        "mean |h₁|",
        "std h₁",
        "mean |hₗ|",
        "std hₗ",
        "mean |∂z₁|",
        "std ∂z₁",
        "activations, gradients",
    ];
    session.table("First and last activations h, and gradients at the first layer's input", &header, rows)?;
    for (name, gradients) in [("bars-activations", false), ("bars-gradients", true)] {
        let figure = figures::bars(config.activation, &all, gradients);
        session.figure(name, "Mean magnitude and standard deviation of each layer.", &figure)?;
    }
    let caption = "Between the gray lines a signal is alive.";
    session.figure("by-depth", caption, &figures::by_depth(&all))
}

fn file_name(weights: Weights) -> String {
    format!("{weights:?}").to_lowercase()
}

/// Glorot and Bengio's comparison: tanh with the uniform weights that were usual then and with normalised ones.
fn usual_and_normalised(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "With tanh and the weights that were usual before 2010, U(±1/√n), the variance of activations and of gradients is cut \
         to less than a third in every layer: deep layers see nearly nothing, and the first layers learn from nearly no \
         gradient. The normalised U(±√(6/(inputs + outputs))) keeps both.",
    )?;
    let mut probe = Probe::new(5.min(config.depth), config.width, config.batch, Activation::Tanh);
    let key = Key::new(config.seed);
    let usual = probe.look_from_anywhere(Initialiser::FanIn, &key);
    let normalised = probe.look_from_anywhere(Initialiser::XavierUniform { gain: 1.0 }, &key);
    for (name, seen) in [("U(±1/√n)", &usual), ("normalised", &normalised)] {
        let gradients = Signals::spreads(&seen.gradients);
        let ratio = gradients[0].deviation / gradients[gradients.len() - 1].deviation;
        session.result(&format!("tanh, {name}: std of gradients, first layer over last"), ratio, "")?;
    }
    let caption = "Densities by layer (Glorot, Bengio 2010, figures 6 and 7).";
    session.figure("glorot", caption, &figures::glorot(&usual, &normalised))
}

fn told(spread: &Spread) -> [String; 2] {
    [spread.magnitude, spread.deviation].map(|value| format!("{value:.2e}"))
}

fn verdict(activations: &[Spread], gradients: &[Spread]) -> String {
    let worst = |spreads: &[Spread]| {
        let bad = spreads.iter().map(Spread::health).find(|health| *health != Health::Alive);
        bad.unwrap_or(Health::Alive).name()
    };
    format!("{}, {}", worst(activations), worst(gradients))
}

/// Mean squares from layer to layer against theory.
fn propagation(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.say(
        "Without biases Var z = n σ² E h², where n is the number of inputs and σ² the variance of the weights. ReLU halves the \
         mean square of a symmetric signal, so that each layer multiplies it by n σ²/2: 1 for He, ½ for Xavier. The gradient is \
         multiplied by the same factor on its way back, if it comes from a direction that knows nothing of the weights: that of a \
         random sum of the outputs, not of their plain sum, whose gradient leans along the activations. Of one \
         network the factors scatter; they are means over many.",
    )?;
    let (mut rows, mut drawn) = (Vec::new(), Vec::new());
    let cases = [
        (Weights::He, Activation::Relu, "ReLU", 0.5),
        (Weights::Xavier, Activation::Relu, "ReLU", 0.5),
        (Weights::Small, Activation::Relu, "ReLU", 0.5),
        (Weights::Xavier, Activation::Identity, "none", 1.0),
    ];
    for (weights, activation, name, kept) in cases {
        let mut probe = Probe::new(config.depth, config.width, config.batch, activation);
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        let mut squares = [vec![0.0; config.depth], vec![0.0; config.depth]];
        for network in 0..config.networks {
            session.progress(&format!("{}, {name}: network {network}", weights.name()))?;
            let signals = probe.look_from_anywhere(weights.initialiser(), &Key::new(config.seed + network));
            let inputs = Signals::spreads(&signals.inputs);
            forward.extend(factors(&inputs));
            let mut gradients = Signals::spreads(&signals.gradients);
            gradients.reverse();
            backward.extend(factors(&gradients));
            for (sums, spreads) in squares.iter_mut().zip([&inputs, &gradients]) {
                for (sum, spread) in sums.iter_mut().zip(spreads) {
                    *sum += spread.square;
                }
            }
        }
        let theory = config.width as f64 * weights.variance(config.width) * kept;
        rows.push(vec![
            weights.name().to_owned(),
            name.to_owned(),
            format!("{theory:.4}"),
            with_deviation(&forward),
            with_deviation(&backward),
        ]);
        let [forward_squares, backward_squares] = squares;
        drawn.push(Propagation {
            name: format!("{}, {name}", weights.name()),
            theory,
            forward: forward_squares,
            backward: backward_squares,
        });
        for (direction, found) in [("forward", &forward), ("backward", &backward)] {
            let title = format!("{} with activation {name}: factor {direction}", weights.name());
            session.result(&title, mean_and_deviation(found).0, &format!("{theory:.4} within 3 %"))?;
        }
    }
    let header = ["weights", "activation", "theory", "forward ± std", "backward ± std"];
    session.table("Factor of the mean square per layer", &header, rows)?;
    let caption = "Means over networks; the factor per layer is the slope.";
    session.figure("propagation", caption, &figures::propagation(&drawn))
}

fn deep_table(session: &mut Session, deep: &[Deep]) -> anyhow::Result<()> {
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
