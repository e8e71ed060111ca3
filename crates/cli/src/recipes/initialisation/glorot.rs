//! The comparison of Glorot and Bengio 2010.

use bolete::prelude::*;

use super::probe::{Probe, Signals};
use super::{Config, figures};
use crate::session::Session;

/// tanh with the uniform weights that were usual then and with normalised ones.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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
