//! What the rule cannot learn, and what it can behind units that never change.

use bolete::prelude::*;

use super::rule::{accuracy, learn, with_one, within_pass};
use super::{Config, figures};
use crate::session::Session;

/// The four points of exclusive or, on the plane and behind random association units.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Exclusive or")?;
    let points = Tensor::from([[0.0f64, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let signs = Tensor::from([-1.0f64, 1.0, 1.0, -1.0]);
    let plain = learn(&with_one(&points), &signs, config.epochs.min(1_000));
    session.say(&format!(
        "No line has (0,1) and (1,0) on one side and (0,0) and (1,1) on the other. The rule goes on forever: after {} \
         passes it still makes {} mistakes in each, and the weights go round in a circle.",
        plain.mistakes.len(),
        plain.mistakes.last().copied().unwrap_or_default()
    ))?;
    let circle = within_pass(&plain.weights, &with_one(&points), &signs);
    let best = circle
        .iter()
        .map(|weights| accuracy(&Tensor::from_slice(weights, [3]), &with_one(&points), &signs))
        .fold(0.0, f64::max);
    session.result("exclusive or, best part right on the plane", best, "at most 0.75")?;
    figures::exclusive_or(session, &with_one(&points), &signs, &circle)?;
    let [wires, thresholds] = Key::new(config.seed).split();
    let wires = wires.normal([2, 16], DType::F64);
    let hidden =
        with_one(&points.matmul(&wires).greater(thresholds.normal([16], DType::F64)).cast(DType::F64));
    let behind = learn(&hidden, &signs, config.epochs.min(1_000));
    session.say(&format!(
        "Behind 16 association units with random wires, which never change, the same rule needs {} corrections: a \
         fixed layer of steps has moved the points to where a plane separates them. Learning that layer too took \
         another 28 years.",
        behind.updates()
    ))?;
    session.result(
        "exclusive or, part right behind 16 random units",
        accuracy(&behind.weights, &hidden, &signs),
        "1",
    )
}
