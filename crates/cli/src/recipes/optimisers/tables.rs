//! Distances to the minimum, in numbers.

use bolete::prelude::*;

use super::race::{Path, Racer};
use super::surface::Surface;
use crate::session::Session;

/// A number of very different sizes.
pub(super) fn short(value: f64) -> String {
    match value.is_finite() {
        true if (1e-3..1e4).contains(&value.abs()) || value == 0.0 => format!("{value:.4}"),
        true => format!("{value:.2e}"),
        false => "diverged".to_owned(),
    }
}

/// Where the optimisers are at a third, two thirds and the end of their updates.
pub(super) fn distances(
    session: &mut Session,
    title: &str,
    racers: &[Racer],
    paths: &[Path],
    surface: Surface,
) -> anyhow::Result<()> {
    let steps = paths[0].len() - 1;
    let moments = [steps / 3, 2 * steps / 3, steps];
    let header = moments.map(|moment| format!("after {moment}"));
    let rows = racers.iter().zip(paths).map(|(racer, path)| {
        let mut row = vec![racer.name.to_owned(), racer.rate.to_string()];
        row.extend(moments.map(|moment| short(surface.distance(path[moment]))));
        let (x, y) = path[steps].map(Tensor::from).into();
        row.push(short(surface.value(&x, &y).item()));
        row
    });
    let header = ["optimiser", "learning rate", &header[0], &header[1], &header[2], "function at the end"];
    session.table(title, &header, rows.collect())
}
