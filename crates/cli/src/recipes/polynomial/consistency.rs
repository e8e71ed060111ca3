//! Fits to more and more points.

use super::regression::{design, draw, fit, grid, truth};
use super::{Config, figures};
use crate::session::Session;

/// Decides the training sets.
pub(super) fn seed(config: &Config) -> u64 {
    config.seed.wrapping_add(2)
}

/// Root mean square distances of fits to the truth, one for each of `repetitions` training sets of `size` points.
fn distances(config: &Config, seed: u64, size: usize) -> Vec<f64> {
    let degree = config.consistency_degree;
    let (x, y) = draw(seed, &[config.repetitions, size], config.noise);
    let grid = grid(500);
    let curves = fit(&x, &y, degree).matmul(&design(&grid, degree).t());
    let mut distances = (curves - truth(&grid)).square().mean(-1).sqrt().to_vec::<f64>();
    distances.sort_by(f64::total_cmp);
    distances
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Consistency")?;
    let mut rows = Vec::new();
    let mut medians = Vec::new();
    for size in &config.sizes {
        let distances = distances(config, seed(config), *size);
        let part = |quantile: f64| distances[((distances.len() - 1) as f64 * quantile) as usize];
        medians.push(part(0.5));
        rows.push(vec![size.to_string(), format!("{:.3}", part(0.5)), format!("{:.3}", part(0.9))]);
    }
    let title = format!(
        "Root mean square distance of fits of degree {} to the truth, {} training sets per size",
        config.consistency_degree, config.repetitions
    );
    session.table(&title, &["points", "median", "90 % are below"], rows)?;
    if let ([.., before, last], [.., fewer, more]) = (&medians[..], &config.sizes[..]) {
        let expected = format!("{:.3}, the root of {fewer}/{more}", (*fewer as f64 / *more as f64).sqrt());
        session.result("distance by the last step in size", last / before, &expected)?;
    }
    session.figure(
        "consistency",
        "Fits to more and more points, and how far such fits are from the truth.",
        &figures::consistency(config, &medians),
    )?;
    session.say(
        "The model can represent the truth. So with more points the fit approaches it, at the rate of one over the root of \
         their number.",
    )
}
