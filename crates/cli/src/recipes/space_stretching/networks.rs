//! Networks that nobody has trained, and their derivatives.

use bolete::plot::Axes;
use bolete::prelude::*;

use super::{Config, figures, key};
use crate::session::Session;

/// 2-10-2, sigmoid.
pub(super) fn sigmoid_network(config: &Config, number: usize) -> Sequential {
    let [first, second] = key(config, 3, number).split();
    let normal = Initialiser::Normal { mean: 0.0, deviation: 1.0 };
    let layer = |input, output, key: &Key| -> Layer {
        LinearConfig {
            weight_initialiser: normal,
            bias_initialiser: normal,
            ..LinearConfig::new(input, output)
        }
        .init(key)
        .into()
    };
    Sequential::new([
        layer(2, config.hidden, &first),
        Activation::Sigmoid.into(),
        layer(config.hidden, 2, &second),
    ])
}

/// 2-10-10-10-10-2, ReLU.
pub(super) fn relu_network(config: &Config, number: usize) -> Sequential {
    let keys: [Key; 5] = key(config, 4, number).split();
    let sizes = [2, config.hidden, config.hidden, config.hidden, config.hidden, 2];
    let mut layers = Vec::new();
    for (key, pair) in keys.iter().zip(sizes.windows(2)) {
        let weight_initialiser = Initialiser::KaimingNormal { gain: std::f64::consts::SQRT_2 };
        layers.push(
            LinearConfig { weight_initialiser, ..LinearConfig::new(pair[0], pair[1]) }.init(key).into(),
        );
        layers.push(Activation::Relu.into());
    }
    layers.pop();
    Sequential::new(layers)
}

/// Derivatives of a network at each point: `[n, 2, 2]`.
fn jacobians(network: &Sequential, points: &Tensor) -> Tensor {
    let at = |point: &Tensor| {
        jacobian_reverse(|point: &Tensor| {
            network.forward(&point.unsqueeze(0), &mut Context::evaluation()).squeeze(0)
        })(point)
    };
    vmap(at)(points)
}

pub(super) fn run(config: &Config, session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
    session.heading("Networks that nobody has trained")?;
    session.say(
        "A layer of sigmoids bends the plane smoothly; a deep ReLU network folds it along straight lines, like paper. \
         The determinant of the derivative at a point says how the area around it changes: below 0 it is turned over, \
         and 0 means that all of it is pressed into a line.",
    )?;
    let kinds = [
        ("2-10-2 sigmoid", config.sigmoid_networks, true),
        ("2-10-10-10-10-2 ReLU", config.relu_networks, false),
    ];
    let mut rows = Vec::new();
    for (name, count, smooth) in kinds {
        let (sums, panels) = look(config, session, points, count, smooth)?;
        let (file, caption) = if smooth {
            ("sigmoid_networks", "The same cloud after random networks with 10 sigmoids: bent like rubber.")
        } else {
            (
                "relu_networks",
                "After random networks with four layers of 10 ReLUs: folded along straight lines.",
            )
        };
        figures::networks(session, file, caption, panels)?;
        rows.push(vec![
            name.to_owned(),
            format!("{:.2}, {:.2}", sums[0], sums[1]),
            format!("{:.1} %", 100.0 * sums[2]),
            format!("{:.1} %", 100.0 * sums[3]),
        ]);
    }
    let header =
        ["network", "mean singular values", "points on the rarer side of the fold", "points pressed flat"];
    session.table(&format!("Derivatives at {} points", config.points), &header, rows)
}

/// Panels of so many networks, with means over them: both singular values, the part of the points on the rarer side of
/// the fold, and the part that is pressed flat.
fn look(
    config: &Config,
    session: &Session,
    points: &Tensor,
    count: usize,
    smooth: bool,
) -> anyhow::Result<([f64; 4], Vec<Axes>)> {
    let mut sums = [0.0; 4];
    let mut panels = Vec::new();
    for number in 0..count {
        session.check()?;
        let network = if smooth { sigmoid_network(config, number) } else { relu_network(config, number) };
        let output = network.forward(points, &mut Context::evaluation());
        panels.push(figures::panel(format!("network {}", number + 1), points, &output, 150.0));
        let jacobians = jacobians(&network, points);
        let determinants = jacobians.det();
        let values = jacobians.singular_values();
        let singular = values.mean(0).to_vec::<f32>();
        let (largest, smallest) = (values.narrow(1, 0, 1), values.narrow(1, 1, 1));
        let part = |mask: Tensor| mask.cast(DType::F64).mean(..).item();
        let both_ways = part(determinants.greater(0.0)).min(part(determinants.less(0.0)));
        let pressed = part(smallest.less_equal(largest * 1e-5));
        for (sum, value) in
            sums.iter_mut().zip([f64::from(singular[0]), f64::from(singular[1]), both_ways, pressed])
        {
            *sum += value / count as f64;
        }
    }
    Ok((sums, panels))
}

#[cfg(test)]
mod tests {
    use super::super::SpaceStretching;
    use super::*;
    use crate::recipe::{Recipe as _, Setting};

    #[test]
    fn derivatives_are_those_of_a_matrix_where_the_network_is_one() {
        let config = SpaceStretching::config(Setting::Smoke);
        let layer = LinearConfig::new(2, 2).init(&Key::new(5));
        let network = Sequential::new([layer.clone().into()]);
        let points = Key::new(config.seed).normal([7, 2], DType::F32);
        let difference = jacobians(&network, &points) - layer.weight.tensor();
        assert!(difference.abs().max(..).item() < 1e-6);
    }
}
