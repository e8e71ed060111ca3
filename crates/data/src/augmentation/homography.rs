//! Maps of the plane that keep straight lines straight.

/// A point of the plane: to the right and down, in pixels. The first pixel covers 0 to 1 on both axes.
pub type Point = (f64, f64);

/// A 3×3 matrix on homogeneous coordinates: affine and perspective maps of the plane.
///
/// Coordinates are continuous: x runs to the right and y down, and the centre of the first pixel is at (0.5, 0.5).
///
/// # Examples
/// ```
/// use bolete_data::augmentation::Homography;
/// let map = Homography::translation(2.0, 0.0).then(Homography::scaling(10.0, 1.0));
/// assert_eq!(map.apply((1.0, 5.0)), (30.0, 5.0));
/// assert_eq!(map.inverse().unwrap().apply((30.0, 5.0)), (1.0, 5.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography {
    rows: [[f64; 3]; 3],
}

impl Homography {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };

    /// The map of a matrix, row by row; it acts on columns `(x, y, 1)`.
    pub fn from_rows(rows: [[f64; 3]; 3]) -> Self {
        Self { rows }
    }

    /// The matrix, row by row.
    pub fn rows(&self) -> &[[f64; 3]; 3] {
        &self.rows
    }

    /// Moves by this many pixels to the right and down.
    pub fn translation(right: f64, down: f64) -> Self {
        Self { rows: [[1.0, 0.0, right], [0.0, 1.0, down], [0.0, 0.0, 1.0]] }
    }

    /// Stretches both axes, from the origin. A negative factor mirrors.
    pub fn scaling(x: f64, y: f64) -> Self {
        Self { rows: [[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, 1.0]] }
    }

    /// Turns counter-clockwise, as seen, about the origin.
    pub fn rotation(degrees: f64) -> Self {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        Self { rows: [[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]] }
    }

    /// Slants by these angles, first along x and then along y: what lies above the origin moves to the right, what
    /// lies to its left moves down.
    pub fn shear(x_degrees: f64, y_degrees: f64) -> Self {
        let (x, y) = (-x_degrees.to_radians().tan(), -y_degrees.to_radians().tan());
        let along_x = Self { rows: [[1.0, x, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };
        along_x.then(Self { rows: [[1.0, 0.0, 0.0], [y, 1.0, 0.0], [0.0, 0.0, 1.0]] })
    }

    /// The map that takes four corners to four others, in the same order. None where three of either lie on a line.
    ///
    /// Source: P. Heckbert, *Fundamentals of texture mapping and image warping*, 1989, section 2.2.3.
    pub fn from_corners(from: [Point; 4], to: [Point; 4]) -> Option<Self> {
        Some(Self::from_unit_square(from)?.inverse()?.then(Self::from_unit_square(to)?))
    }

    /// Takes (0, 0), (1, 0), (1, 1), (0, 1) to these corners.
    fn from_unit_square([a, b, c, d]: [Point; 4]) -> Option<Self> {
        let (first, second) = ((b.0 - c.0, b.1 - c.1), (d.0 - c.0, d.1 - c.1));
        let rest = (a.0 - b.0 + c.0 - d.0, a.1 - b.1 + c.1 - d.1);
        let determinant = first.0 * second.1 - second.0 * first.1;
        let size = (first.0.hypot(first.1)) * (second.0.hypot(second.1));
        if determinant.abs() <= 1e-12 * size {
            return None;
        }
        let g = (rest.0 * second.1 - second.0 * rest.1) / determinant;
        let h = (first.0 * rest.1 - rest.0 * first.1) / determinant;
        let rows = [
            [b.0 - a.0 + g * b.0, d.0 - a.0 + h * d.0, a.0],
            [b.1 - a.1 + g * b.1, d.1 - a.1 + h * d.1, a.1],
            [g, h, 1.0],
        ];
        Some(Self { rows })
    }

    /// This map and then the other one.
    pub fn then(self, next: Self) -> Self {
        let (first, second) = (self.rows, next.rows);
        Self {
            rows: std::array::from_fn(|row| {
                std::array::from_fn(|column| (0..3).map(|k| second[row][k] * first[k][column]).sum())
            }),
        }
    }

    /// The same map with `centre` in the place of the origin.
    pub fn around(self, centre: Point) -> Self {
        Self::translation(-centre.0, -centre.1).then(self).then(Self::translation(centre.0, centre.1))
    }

    /// The map back. None where there is none, because the map flattens the plane.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.rows;
        let cofactor = |row: usize, column: usize| {
            let (r, s) = ((row + 1) % 3, (row + 2) % 3);
            let (c, d) = ((column + 1) % 3, (column + 2) % 3);
            m[r][c] * m[s][d] - m[r][d] * m[s][c]
        };
        let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
        if determinant.abs() < 1e-12 || !determinant.is_finite() {
            return None;
        }
        Some(Self {
            rows: std::array::from_fn(|row| {
                std::array::from_fn(|column| cofactor(column, row) / determinant)
            }),
        })
    }

    /// Where a point goes.
    pub fn apply(&self, (x, y): Point) -> Point {
        let [u, v, w] = self.rows.map(|row| row[0] * x + row[1] * y + row[2]);
        if w == 1.0 { (u, v) } else { (u / w, v / w) }
    }

    /// Whether parallels stay parallel.
    pub fn is_affine(&self) -> bool {
        self.rows[2] == [0.0, 0.0, 1.0]
    }

    /// For maps that only stretch and move along the axes: the factors and offsets, `[(x, x0), (y, y0)]`.
    pub(super) fn along_axes(&self) -> Option<[(f64, f64); 2]> {
        let [[a, b, x], [c, d, y], _] = self.rows;
        let straight = self.is_affine() && b.abs() < 1e-12 && c.abs() < 1e-12 && a != 0.0 && d != 0.0;
        straight.then_some([(a, x), (d, y)])
    }

    /// How far one step along x and one along y reach at `point`, measured along either axis of the target.
    pub(super) fn stretch_at(&self, point: Point) -> (f64, f64) {
        let [[a, b, _], [c, d, _], [g, h, i]] = self.rows;
        let w = g * point.0 + h * point.1 + i;
        let (u, v) = self.apply(point);
        let along = |p: f64, q: f64, value: f64| ((p - g * value) / w).hypot((q - h * value) / w);
        (along(a, b, u), along(c, d, v))
    }
}
