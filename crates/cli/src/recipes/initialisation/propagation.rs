//! Mean squares from layer to layer, beside theory.

use bolete::prelude::*;

use super::probe::{Probe, Signals, factors};
use super::weights::Weights;
use super::{Config, figures};
use crate::session::Session;
use crate::trial::{mean_and_deviation, with_deviation};

/// Mean squares by layer of one case, summed over networks, with what theory says.
pub struct Propagation {
    /// Weights and activation.
    pub name: String,
    /// Factor per layer by theory.
    pub theory: f64,
    /// Mean squares of the inputs of activations, by layer from the first.
    pub forward: Vec<f64>,
    /// Mean squares of gradients, by layer from the last.
    pub backward: Vec<f64>,
}

/// Mean squares from layer to layer against theory.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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
        let Measured { forward, backward, squares } = measure(config, session, weights, activation, name)?;
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

/// What was seen of many networks.
struct Measured {
    /// Factors of the mean square from each layer to the next, of all networks.
    forward: Vec<f64>,
    /// Those of the gradient on its way back.
    backward: Vec<f64>,
    /// Mean squares by layer of either, summed over the networks.
    squares: [Vec<f64>; 2],
}

fn measure(
    config: &Config,
    session: &mut Session,
    weights: Weights,
    activation: Activation,
    name: &str,
) -> anyhow::Result<Measured> {
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
    Ok(Measured { forward, backward, squares })
}
