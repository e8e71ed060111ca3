//! `space_stretching`: what matrices and networks that nobody has trained do to the plane.

mod figures;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the points and all weights.
    pub seed: u64,
    /// Points of the plane, from N(0, I).
    #[schemars(range(min = 10, max = 1000000))]
    pub points: usize,
    /// Random matrices.
    #[schemars(range(min = 1, max = 100))]
    pub matrices: usize,
    /// Random networks with one hidden layer of sigmoids.
    #[schemars(range(min = 1, max = 100))]
    pub sigmoid_networks: usize,
    /// Random networks with four hidden layers of ReLU.
    #[schemars(range(min = 1, max = 100))]
    pub relu_networks: usize,
    /// Units of each hidden layer.
    #[schemars(range(min = 1, max = 1000))]
    pub hidden: usize,
}

impl Default for Config {
    fn default() -> Config {
        SpaceStretching::config(Setting::Full)
    }
}

/// The recipe.
pub struct SpaceStretching;

impl Recipe for SpaceStretching {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "space_stretching",
        about: "how random matrices, sigmoids and networks rotate, stretch, bend and fold the plane",
        group: Group::Lecture(2),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let points = if setting == Setting::Smoke { 200 } else { 3_000 };
        Config { seed: 0, points, matrices: 5, sigmoid_networks: 10, relu_networks: 5, hidden: 10 }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        let (sigmoid, relu) = (sigmoid_network(config, 0), relu_network(config, 0));
        Ok(format!(
            "Data: {} points from N(0, I)\n\n{}\n{}",
            config.points,
            summarise(&sigmoid, [1, 2]),
            summarise(&relu, [1, 2])
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let points = Key::new(config.seed).normal([config.points, 2], DType::F32);
        matrices(config, session, &points)?;
        squashing(session, &points)?;
        networks(config, session, &points)
    }
}

/// A key of its own for each thing that is drawn.
fn key(config: &Config, purpose: u64, number: usize) -> Key {
    Key::new(config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (purpose << 32) ^ number as u64)
}

/// Standard deviations of points `[n, 2]` along their principal axes, the larger first.
fn spread(points: &Tensor) -> [f64; 2] {
    let centred = points.cast(DType::F64);
    let centred = &centred - centred.mean(0);
    let covariance = centred.t().matmul(&centred) / (points.shape()[0] as f64 - 1.0);
    let values = covariance.eigvalsh().to_vec::<f64>();
    [values[1].max(0.0).sqrt(), values[0].max(0.0).sqrt()]
}

/// y = Wx for random W: rotation, stretching, rotation.
fn matrices(config: &Config, session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
    session.heading("Matrices")?;
    session.say(
        "A matrix W = U S V' rotates the plane (V'), stretches it along the axes by its singular values (S) and rotates \
         it again (U). A round cloud becomes an ellipse, whose half axes are the singular values.",
    )?;
    let mut rows = Vec::new();
    let mut largest: f64 = 0.0;
    let identity = Tensor::eye(2, DType::F32);
    let mut panels = vec![figures::with_basis(figures::panel("before", points, points, 190.0), &identity)];
    for number in 0..config.matrices {
        let w = key(config, 1, number).normal([2, 2], DType::F32);
        let singular = w.singular_values().cast(DType::F64).to_vec::<f64>();
        let stretched = points.matmul(&w.t());
        let ratios = spread(&stretched);
        let title = format!("singular values {:.2}, {:.2}", singular[0], singular[1]);
        panels.push(figures::with_basis(figures::panel(title, points, &stretched, 190.0).equal_aspect(), &w));
        for (measured, exact) in ratios.iter().zip(&singular) {
            largest = largest.max((measured / exact - 1.0).abs());
        }
        rows.push(vec![
            format!("{}", number + 1),
            format!("{:.2}, {:.2}", singular[0], singular[1]),
            format!("{:.2}, {:.2}", ratios[0], ratios[1]),
            format!("{:.2}", w.det().item()),
        ]);
    }
    session.table(
        "Random matrices",
        &["W", "singular values", "spread of the points", "determinant"],
        rows,
    )?;
    session.result(
        "largest difference of spread and singular value",
        largest,
        "a few per cent, for 3,000 points",
    )?;
    figures::matrices(session, panels)?;
    let layer = LinearConfig { bias: false, ..LinearConfig::new(2, 2) }.init(&key(config, 2, 0));
    let output = layer.forward(points, &mut Context::evaluation());
    let singular = layer.weight.singular_values().cast(DType::F64).to_vec::<f64>();
    let spread = spread(&output);
    session.say(&format!(
        "A fully connected layer without a bias is such a matrix. With its first weights it shrinks: singular values \
         {:.2} and {:.2}, and points that spread by {:.2} and {:.2}.",
        singular[0], singular[1], spread[0], spread[1]
    ))
}

/// sigmoid(10 s x) for s = 1 to 5: the plane is pressed into the corners of a square.
fn squashing(session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
    session.heading("Sigmoids")?;
    session.say(
        "The sigmoid bends the plane into a square. The more the points are stretched before, the more of them lie in \
         its corners, where the sigmoid is flat and nothing can be learned any more.",
    )?;
    let (mut rows, mut panels) = (Vec::new(), Vec::new());
    let eye = Tensor::eye(2, DType::F32) * 10.0;
    for s in 1..=5 {
        let output = points.matmul(&(&eye * f64::from(s))).sigmoid();
        let corners = (&output - 0.5).abs().greater(0.49).all(1).cast(DType::F64).mean(..).item();
        let slope = (&output * (1.0 - &output)).mean(..).item();
        panels.push(figures::panel(format!("s = {s}"), points, &output, 190.0));
        rows.push(vec![format!("{s}"), format!("{:.1} %", 100.0 * corners), format!("{slope:.4}")]);
    }
    session.table("sigmoid(10 s x)", &["s", "points in a corner", "mean slope of the sigmoid"], rows)?;
    figures::squashing(session, panels)
}

/// 2-10-2, sigmoid.
fn sigmoid_network(config: &Config, number: usize) -> Sequential {
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
fn relu_network(config: &Config, number: usize) -> Sequential {
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

fn networks(config: &Config, session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
