//! Predictions against truth.

use crate::numbers::{self, Numbers};
use crate::{Axes, Legend, Reference, Scatter};

/// Predictions over true values, with the line on which they would be equal; the title has R² and the mean absolute
/// error. Pairs that are not finite are left out.
///
/// # Panics
/// If there are not as many predictions as true values.
#[track_caller]
pub fn parity(truth: &(impl Numbers + ?Sized), prediction: &(impl Numbers + ?Sized)) -> Axes {
    let (truth, prediction) = (truth.numbers(), prediction.numbers());
    numbers::same_length(["predictions", "true values"], [prediction.len(), truth.len()]);
    let pairs: Vec<(f64, f64)> =
        truth.into_iter().zip(prediction).filter(|(t, p)| t.is_finite() && p.is_finite()).collect();
    let count = pairs.len().max(1) as f64;
    let mean = pairs.iter().map(|(t, _)| t).sum::<f64>() / count;
    let total: f64 = pairs.iter().map(|(t, _)| (t - mean).powi(2)).sum();
    let left: f64 = pairs.iter().map(|(t, p)| (t - p).powi(2)).sum();
    let absolute = pairs.iter().map(|(t, p)| (t - p).abs()).sum::<f64>() / count;
    let title = match total > 0.0 {
        true => format!("R² = {}, MAE = {}", crate::number(1.0 - left / total), crate::number(absolute)),
        false => format!("MAE = {}", crate::number(absolute)),
    };
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let both: Vec<f64> = x.iter().chain(&y).copied().collect();
    let (low, high) = crate::marks::scatter::value_range(&both);
    let room = (high - low) * 0.04;
    let size = if x.len() > 500 { 3.0 } else { 5.0 };
    Axes::new(title)
        .labels("true", "predicted")
        .x_range(low - room, high + room)
        .y_range(low - room, high + room)
        .area(270.0, 270.0)
        .legend(Legend::None)
        .with(Reference::diagonal())
        .with(Scatter::new(&x, &y).size(size).opacity(0.6))
}
