//! The area between two curves.

use crate::Colour;
use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::marks::clip;
use crate::numbers::{self, Numbers};
use crate::scene::{Item, Path, Point};

/// The filled area between two curves, as for a spread around a mean.
#[derive(Clone, Debug)]
pub struct Band {
    x: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    label: String,
    colour: Option<Colour>,
    opacity: f64,
}

impl Band {
    /// The area from `low` to `high` over `x`. It takes the palette's next colour without using it up, so that a band
    /// has the colour of the line that is added after it.
    ///
    /// # Panics
    /// If `x`, `low` and `high` differ in length.
    #[track_caller]
    pub fn new(
        x: &(impl Numbers + ?Sized),
        low: &(impl Numbers + ?Sized),
        high: &(impl Numbers + ?Sized),
    ) -> Self {
        let (x, low, high) = (x.numbers(), low.numbers(), high.numbers());
        numbers::same_length(["low", "x"], [low.len(), x.len()]);
        numbers::same_length(["high", "x"], [high.len(), x.len()]);
        Self { x, low, high, label: String::new(), colour: None, opacity: 0.2 }
    }

    fn fill(&self, series: usize) -> Colour {
        self.colour.unwrap_or(Colour::series(series)).opacity(self.opacity)
    }
}

styles!(Band: label, colour, opacity);

impl Mark for Band {
    fn extent(&self, extent: &mut Extent) {
        for index in 0..self.x.len() {
            if self.x[index].is_finite() {
                extent.x.include(self.x[index]);
                extent.y.include(self.low[index]);
                extent.y.include(self.high[index]);
            }
        }
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let edges: Vec<Option<(Point, Point)>> = (0..self.x.len())
            .map(|index| {
                let x = plane.x(self.x[index]);
                let edges = (plane.y_or_low(self.low[index]), plane.y_or_low(self.high[index]));
                let finite = x.is_finite() && edges.0.is_finite() && edges.1.is_finite();
                finite.then(|| (Point::new(x, edges.0), Point::new(x, edges.1)))
            })
            .collect();
        let mut path = Path::new();
        for run in edges.split(Option::is_none) {
            let (low, high): (Vec<Point>, Vec<Point>) = run.iter().flatten().copied().unzip();
            let mut outline = clip::thin(high);
            outline.extend(clip::thin(low).into_iter().rev());
            let outline = clip::polygon(&outline, plane.rect().grown(2.0));
            path.add_polyline(&outline);
            if !outline.is_empty() {
                path.close();
            }
        }
        out.push(Item::fill(path, self.fill(series)));
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        vec![Key { label: self.label.clone(), swatch: Swatch::Patch(self.fill(series)) }]
    }
}
