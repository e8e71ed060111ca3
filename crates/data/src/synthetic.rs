//! Small data sets made by equations, for lectures and tests. All are drawn in double precision from a seed.

mod classes;
mod regression;

pub use classes::{blobs, circles, gaussian_classes, moons, spiral};
pub use regression::{PolynomialData, course_polynomial, polynomial};

/// Points in the plane, or of more coordinates, with a class each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledPoints {
    /// `[n, dimensions]`, row-major.
    pub points: Vec<f64>,
    /// The class of each point, from 0; `[n]`.
    pub labels: Vec<i64>,
    /// Coordinates per point.
    pub dimensions: usize,
}

impl LabelledPoints {
    fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The coordinates of a point.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[track_caller]
    pub fn point(&self, index: usize) -> &[f64] {
        &self.points[index * self.dimensions..(index + 1) * self.dimensions]
    }

    fn push(&mut self, point: &[f64], label: usize) {
        self.points.extend_from_slice(point);
        self.labels.push(label as i64);
    }
}
