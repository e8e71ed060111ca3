//! A map of the plane given pixel by pixel.

use super::homography::Point;

/// For every pixel of a picture, how far away from it the new picture looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Displacement {
    height: usize,
    width: usize,
    /// `[height, width]`.
    right: Vec<f32>,
    /// `[height, width]`.
    down: Vec<f32>,
}

/// More steps change nothing for the displacements that are of use.
const MOST_STEPS: usize = 50;

impl Displacement {
    /// Offsets to the right and down in pixels, each `[height, width]` row-major.
    ///
    /// # Panics
    /// If the number of either is not `height * width`, or that is 0.
    #[track_caller]
    pub fn new(height: usize, width: usize, right: Vec<f32>, down: Vec<f32>) -> Self {
        let area = height * width;
        assert!(
            area > 0 && right.len() == area && down.len() == area,
            "a displacement of {height}x{width} pixels cannot be made of {} and {} values",
            right.len(),
            down.len()
        );
        Self { height, width, right, down }
    }

    /// Rows and pixels per row.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    pub(super) fn of_pixel(&self, row: usize, column: usize) -> (f64, f64) {
        let at = row * self.width + column;
        (f64::from(self.right[at]), f64::from(self.down[at]))
    }

    /// The offset at any place: interpolated linearly, and that of the nearest pixel beyond the edges.
    fn at(&self, (x, y): Point) -> (f64, f64) {
        let axis = |place: f64, len: usize| {
            let place = (place - 0.5).clamp(0.0, (len - 1) as f64);
            let first = place as usize;
            (first, (first + 1).min(len - 1), place - first as f64)
        };
        let ((left, right, across), (upper, lower, along)) = (axis(x, self.width), axis(y, self.height));
        let mix = |from: (f64, f64), to: (f64, f64), part: f64| {
            (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part)
        };
        let row = |row| mix(self.of_pixel(row, left), self.of_pixel(row, right), across);
        mix(row(upper), row(lower), along)
    }

    /// The place that looks at `seen`: where something that is there goes. Found by repeated substitution, which
    /// converges where neighbouring offsets differ by less than their distance; beyond, the map folds and there is no
    /// one answer.
    pub(super) fn find(&self, seen: Point) -> Point {
        let mut place = seen;
        for _ in 0..MOST_STEPS {
            let (right, down) = self.at(place);
            let next = (seen.0 - right, seen.1 - down);
            let step = (next.0 - place.0).abs() + (next.1 - place.1).abs();
            place = next;
            if step < 1e-4 {
                break;
            }
        }
        place
    }
}
