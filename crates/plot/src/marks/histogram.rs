//! How often values occur.

use crate::Colour;
use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::numbers::Numbers;
use crate::scene::{Item, Path, Point, Rect, Stroke};

/// The most bars that are chosen automatically.
const MOST: usize = 100;

/// A histogram with bars of equal width.
#[derive(Clone, Debug)]
pub struct Histogram {
    values: Vec<f64>,
    bins: Option<usize>,
    range: Option<(f64, f64)>,
    density: bool,
    label: String,
    colour: Option<Colour>,
    opacity: f64,
}

impl Histogram {
    /// The histogram of `values`; those that are not finite are left out.
    pub fn new(values: &(impl Numbers + ?Sized)) -> Self {
        let mut values = values.numbers();
        values.retain(|value| value.is_finite());
        let label = String::new();
        Self { values, bins: None, range: None, density: false, label, colour: None, opacity: 0.75 }
    }

    /// Sets the number of bars, at least one. Without it the bars are 2 · IQR / ∛n wide (Freedman and Diaconis 1981),
    /// 5 to 100 of them.
    #[must_use]
    pub fn bins(mut self, bins: usize) -> Self {
        self.bins = Some(bins.max(1));
        self
    }

    /// Sets where the first bar begins and the last one ends; values outside are not counted.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Divides the counts so that the area of all bars is 1.
    #[must_use]
    pub fn density(mut self) -> Self {
        self.density = true;
        self
    }

    /// The edges of the bars and the height of each: `edges.len() == heights.len() + 1`. Both are empty without
    /// values.
    pub fn counts(&self) -> (Vec<f64>, Vec<f64>) {
        let (low, high) = match self.range {
            Some((low, high)) if low < high && (high - low).is_finite() => (low, high),
            _ if self.values.is_empty() => return (Vec::new(), Vec::new()),
            _ => super::scatter::value_range(&self.values),
        };
        let bins = self.bins.unwrap_or_else(|| self.usual_bins(high - low));
        let width = (high - low) / bins as f64;
        let mut heights = vec![0.0; bins];
        for &value in self.values.iter().filter(|&&value| value >= low && value <= high) {
            let bin = ((value - low) / width) as usize;
            heights[bin.min(bins - 1)] += 1.0;
        }
        if self.density {
            let total: f64 = heights.iter().sum::<f64>() * width;
            heights.iter_mut().for_each(|height| *height /= total.max(f64::MIN_POSITIVE));
        }
        let edges = (0..=bins).map(|edge| low + (high - low) * (edge as f64 / bins as f64)).collect();
        (edges, heights)
    }

    fn usual_bins(&self, span: f64) -> usize {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let quantile = |part: f64| sorted.get((part * (sorted.len().max(1) - 1) as f64) as usize).copied();
        let (Some(lower), Some(upper)) = (quantile(0.25), quantile(0.75)) else { return 10 };
        let width = 2.0 * (upper - lower) / (sorted.len() as f64).cbrt();
        let bins = span / width;
        if bins.is_finite() { (bins.ceil() as usize).clamp(5, MOST) } else { 30 }
    }

    fn fill(&self, series: usize) -> Colour {
        self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity)
    }
}

styles!(Histogram: label, colour, opacity);

impl Mark for Histogram {
    fn extent(&self, extent: &mut Extent) {
        let (edges, heights) = self.counts();
        extent.x.include_all(&edges);
        extent.y.include_all(&heights);
        if extent.y.log {
            // A bar of one must be seen.
            heights.iter().filter(|&&height| height > 0.0).for_each(|height| extent.y.include(height / 2.0));
        } else {
            extent.y.base(0.0);
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let (edges, heights) = self.counts();
        let fill = self.fill(series);
        let mut path = Path::new();
        for (index, &height) in heights.iter().enumerate().filter(|(_, height)| **height > 0.0) {
            let from = Point::new(plane.x_or_low(edges[index]), plane.y_or_low(0.0));
            let to = Point::new(plane.x_or_low(edges[index + 1]), plane.y_or_low(height));
            path.segments.extend(Path::rect(Rect::between(from, to)).segments);
        }
        let stroke = Some(Stroke::new(Colour::WHITE, 0.6)).filter(|_| heights.len() <= 60);
        out.push(Item::Path { path, fill: Some(fill), stroke });
    }

    fn series(&self) -> usize {
        usize::from(self.colour.is_none())
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        vec![Key { label: self.label.clone(), swatch: Swatch::Patch(self.fill(series)) }]
    }
}
