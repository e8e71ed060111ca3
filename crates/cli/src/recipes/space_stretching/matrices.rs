//! Random matrices: rotation, stretching, rotation.

use bolete::prelude::*;

use super::{Config, figures, key};
use crate::session::Session;

/// y = Wx for random W: rotation, stretching, rotation.
pub(super) fn run(config: &Config, session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
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
        let title = format!("σ = {:.2}, {:.2}", singular[0], singular[1]);
        panels.push(figures::with_basis(figures::panel(title, points, &stretched, 190.0), &w));
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

/// Standard deviations of points `[n, 2]` along their principal axes, the larger first.
fn spread(points: &Tensor) -> [f64; 2] {
    let centred = points.cast(DType::F64);
    let centred = &centred - centred.mean(0);
    let covariance = centred.t().matmul(&centred) / (points.shape()[0] as f64 - 1.0);
    let values = covariance.eigvalsh().to_vec::<f64>();
    [values[1].max(0.0).sqrt(), values[0].max(0.0).sqrt()]
}
