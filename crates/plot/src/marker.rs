//! The shapes of points.

use std::f64::consts::PI;

use crate::scene::{Path, Point};

/// The shape of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    #[default]
    Circle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
    /// A triangle that points upwards.
    Triangle,
    /// A star of five points.
    Star,
    /// Two crossed lines, upright.
    Plus,
    /// Two crossed lines, aslant.
    Cross,
}

impl Marker {
    /// The marker of class number `index`, repeated after seven.
    pub const fn class(index: usize) -> Self {
        const ALL: [Marker; 7] = [
            Marker::Circle,
            Marker::Square,
            Marker::Triangle,
            Marker::Diamond,
            Marker::Star,
            Marker::Cross,
            Marker::Plus,
        ];
        ALL[index % ALL.len()]
    }

    /// The outline around the origin. Shapes of the same `size` have about the same area.
    pub(crate) fn path(self, size: f64) -> Path {
        let r = size / 2.0;
        let point = Point::new;
        match self {
            Self::Circle => Path::circle(point(0.0, 0.0), r),
            Self::Square => {
                let s = r * 0.886;
                Path::polygon(&[point(-s, -s), point(s, -s), point(s, s), point(-s, s)])
            }
            Self::Diamond => {
                let s = r * 1.2;
                Path::polygon(&[point(0.0, -s), point(s, 0.0), point(0.0, s), point(-s, 0.0)])
            }
            Self::Triangle => {
                let s = r * 1.3;
                Path::polygon(&[point(0.0, -s), point(s * 0.866, s * 0.5), point(-s * 0.866, s * 0.5)])
            }
            Self::Star => {
                let corner = |index: usize| {
                    let radius = if index.is_multiple_of(2) { r * 1.5 } else { r * 0.62 };
                    let angle = index as f64 * PI / 5.0;
                    point(radius * angle.sin(), -radius * angle.cos())
                };
                Path::polygon(&(0..10).map(corner).collect::<Vec<_>>())
            }
            Self::Plus => cross(r * 1.1, r * 0.3),
            Self::Cross => {
                let turn = std::f64::consts::FRAC_1_SQRT_2;
                cross(r * 1.2, r * 0.3).map(|p| point((p.x - p.y) * turn, (p.x + p.y) * turn))
            }
        }
    }
}

/// An upright cross as an area: arms of a length and half a thickness.
fn cross(arm: f64, half: f64) -> Path {
    let corners = [
        (-half, -arm),
        (half, -arm),
        (half, -half),
        (arm, -half),
        (arm, half),
        (half, half),
        (half, arm),
        (-half, arm),
        (-half, half),
        (-arm, half),
        (-arm, -half),
        (-half, -half),
    ];
    Path::polygon(&corners.map(|(x, y)| Point::new(x, y)))
}
