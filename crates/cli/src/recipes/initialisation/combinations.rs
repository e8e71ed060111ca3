//! Activations and gradients by depth, for all weights with all activations.

use bolete::prelude::*;

use super::probe::{Health, Probe, Signals, Spread};
use super::weights::{Nonlinearity, Weights};
use super::{Config, figures};
use crate::session::Session;

/// What was seen of one combination.
pub struct Looked {
    /// The activation.
    pub nonlinearity: Nonlinearity,
    /// The weights.
    pub weights: Weights,
    /// Of the activations, by layer.
    pub activations: Vec<Spread>,
    /// Of the gradients.
    pub gradients: Vec<Spread>,
}

/// All weights with all activations.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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
