//! The size of the gradient layer by layer.

use bolete::prelude::*;

use super::network::{KINDS, layer_gradients, network};
use super::{Config, figures};
use crate::handwriting;
use crate::session::Session;

/// The gradients of a network with one activation.
pub(super) struct Profile {
    pub name: &'static str,
    /// Of each layer's weights.
    pub gradients: Vec<Vec<f64>>,
    /// Their mean sizes.
    pub sizes: Vec<f64>,
}

pub(super) fn run(config: &Config, session: &mut Session, data: &(Tensor, Tensor)) -> anyhow::Result<()> {
    session.heading("Layer by layer")?;
    let origin = handwriting::origin(config.data.as_deref());
    session.say(&format!(
        "Networks of {} hidden layers of {} units, all with the same first weights from U(±1/√inputs), see {} digits \
         {origin}. The gradient begins at the loss and goes back to the first layer. With \
         these weights signals shrink on the way up, too, so that even ReLUs learn slowly; but tanh and ReLU let each \
         layer have about the same gradient, which sigmoids do not.",
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
