//! The parts of the error beside the error itself.

use super::Config;
use super::decomposition::Decomposition;
use crate::session::Session;

/// By degree.
pub(super) fn parts(config: &Config, session: &mut Session, all: &[Decomposition]) -> anyhow::Result<()> {
    let noise = config.noise;
    let rows = all.iter().enumerate().map(|(index, found)| {
        let (bias, variance) = (found.bias, found.variance);
        let noise = noise * noise;
        let numbers = [bias, variance, noise, bias + variance + noise, found.test];
        let mut row = vec![(index + 1).to_string()];
        row.extend(numbers.map(|value| format!("{value:.2}")));
        row.push(format!("{:+.2} %", found.difference(config.noise) * 100.0));
        row
    });
    session.table(
        "Integrated over the inputs",
        &["degree", "bias²", "variance", "noise", "sum", "test error", "difference"],
        rows.collect(),
    )?;
    let worst = all.iter().map(|found| found.difference(noise).abs()).fold(0.0, f64::max);
    session.result("largest difference between sum and test error", worst, "below 0.02")
}
