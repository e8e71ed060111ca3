//! Calibration.

use crate::mark::{Extent, Mark, Plane};
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point, Rect, Stroke};
use crate::{Axes, Colour, Legend, Line, Marker, Reference};

/// The reliability diagram of a classifier: the part that was right over the confidence, in `bins` of equal width,
/// behind it how many examples each bin has. The title has the expected calibration error (Naeini et al. 2015).
///
/// # Panics
/// If `bins` is 0, or there are not as many confidences as outcomes.
#[track_caller]
pub fn reliability(confidence: &(impl Numbers + ?Sized), right: &[bool], bins: usize) -> Axes {
    assert!(bins > 0, "expected at least one bin, found 0");
    let confidence = confidence.numbers();
    numbers::same_length(["confidences", "outcomes"], [confidence.len(), right.len()]);
    let mut sums = vec![(0.0, 0.0, 0.0); bins];
    for (&confidence, &right) in confidence.iter().zip(right).filter(|(confidence, _)| !confidence.is_nan()) {
        let bin = ((confidence * bins as f64) as usize).min(bins - 1);
        let (count, sum, hits) = sums[bin];
        sums[bin] = (count + 1.0, sum + confidence, hits + f64::from(u8::from(right)));
    }
    let total: f64 = sums.iter().map(|(count, _, _)| count).sum();
    let gap: f64 = sums.iter().map(|(_, sum, hits)| (sum - hits).abs()).sum();
    let used: Vec<_> = sums.iter().filter(|(count, _, _)| *count > 0.0).collect();
    let x: Vec<f64> = used.iter().map(|(count, sum, _)| sum / count).collect();
    let y: Vec<f64> = used.iter().map(|(count, _, hits)| hits / count).collect();
    let parts: Vec<f64> = sums.iter().map(|(count, _, _)| count / f64::max(total, 1.0)).collect();
    let error = 100.0 * gap / total.max(1.0);
    Axes::new(format!("Calibration: ECE = {} %", crate::number((error * 100.0).round() / 100.0)))
        .labels("confidence", "accuracy")
        .x_range(0.0, 1.0)
        .y_range(0.0, 1.0)
        .area(270.0, 270.0)
        .legend(Legend::UpperLeft)
        .with(Shares { parts })
        .with(Reference::diagonal().label("perfect"))
        .with(Line::new(&x, &y).marker(Marker::Circle).label("model"))
}

/// Faint bars that say how the confidences are spread, the highest one a third of the panel high.
struct Shares {
    parts: Vec<f64>,
}

impl Mark for Shares {
    fn extent(&self, _extent: &mut Extent) {}

    fn draw(&self, plane: &Plane, _series: usize, out: &mut Vec<Item>) {
        let most = self.parts.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut path = Path::new();
        for (index, part) in self.parts.iter().enumerate().filter(|(_, part)| **part > 0.0) {
            let at = |edge: usize| plane.x(edge as f64 / self.parts.len() as f64);
            let (low, high) = (plane.y(0.0), plane.y(part / most / 3.0));
            let bar = Rect::between(Point::new(at(index), low), Point::new(at(index + 1), high));
            path.segments.extend(Path::rect(bar).segments);
        }
        let stroke = Some(Stroke::new(Colour::WHITE, 0.8));
        out.push(Item::Path { path, fill: Some(Colour::hex(0xdddddd)), stroke });
    }
}
