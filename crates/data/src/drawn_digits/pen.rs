//! From the key points of a glyph to the curves that a hand would write.

use std::f32::consts::TAU;

use super::DrawOptions;
use super::glyphs::{Glyph, Key};
use crate::Randomness;

/// A point of the plane, to the right and down; one unit is the height of a digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl Point {
    fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The point at `part` of the way to `other`.
    fn towards(self, other: Self, part: f32) -> Self {
        Self { x: self.x + part * (other.x - self.x), y: self.y + part * (other.y - self.y) }
    }
}

/// Straight pieces between consecutive key points.
const PIECES: usize = 7;

/// How often a corner is written as a curve.
const ROUNDED: f32 = 0.3;

/// Writes a glyph: each stroke as a polyline fine enough to look smooth.
pub(super) fn write(glyph: &Glyph, options: &DrawOptions, randomness: &mut Randomness) -> Vec<Vec<Point>> {
    // Some hands are steadier than others.
    let wobble = options.wobble * randomness.between(0.4, 1.6);
    let hand = Hand::choose(glyph, options, randomness);
    glyph
        .strokes
        .iter()
        .map(|keys| {
            let mut points = Vec::with_capacity(keys.len() * PIECES);
            let mut run = Vec::with_capacity(keys.len());
            for (index, &key) in keys.iter().enumerate() {
                let (x, y, corner) = match key {
                    Key::Smooth(x, y) => (x, y, false),
                    Key::Corner(x, y) => (x, y, !randomness.chance(ROUNDED)),
                };
                let moved = Point {
                    x: x * glyph.aspect + wobble * randomness.normal(),
                    y: y + wobble * randomness.normal(),
                };
                run.push(moved);
                if corner && index > 0 && index + 1 < keys.len() {
                    append_curve(&run, &mut points);
                    run = vec![moved];
                }
            }
            append_curve(&run, &mut points);
            points.iter_mut().for_each(|point| *point = hand.bend(*point));
            points
        })
        .collect()
}

/// Appends a smooth curve through `keys`, as a polyline.
///
/// The curve is a centripetal Catmull-Rom spline, which makes neither cusps nor loops between its points.
/// Source: P. Barry, R. Goldman, *A recursive evaluation algorithm for a class of Catmull-Rom splines*, 1988.
fn append_curve(keys: &[Point], to: &mut Vec<Point>) {
    let Some((&first, &last)) = keys.first().zip(keys.last()) else { return };
    if keys.len() < 2 {
        to.push(first);
        return;
    }
    // A point beyond each end, so that the curve begins and ends in the direction of its first and last chord.
    let mut around = Vec::with_capacity(keys.len() + 2);
    around.push(keys[1].towards(first, 2.0));
    around.extend_from_slice(keys);
    around.push(keys[keys.len() - 2].towards(last, 2.0));

    for window in around.windows(4) {
        let [a, b, c, d] = [window[0], window[1], window[2], window[3]];
        // Never 0, so that two keys in one place divide nothing by 0.
        let knot = |from: Point, to: Point| from.distance(to).sqrt().max(1e-3);
        let (ta, tb) = (0.0, knot(a, b));
        let tc = tb + knot(b, c);
        let td = tc + knot(c, d);
        for piece in 0..PIECES {
            let t = tb + (tc - tb) * piece as f32 / PIECES as f32;
            let mixed = |p: Point, q: Point, tp: f32, tq: f32| p.towards(q, (t - tp) / (tq - tp));
            let (ab, bc, cd) = (mixed(a, b, ta, tb), mixed(b, c, tb, tc), mixed(c, d, tc, td));
            let (abc, bcd) = (mixed(ab, bc, ta, tc), mixed(bc, cd, tb, td));
            to.push(mixed(abc, bcd, tb, tc));
        }
    }
    to.push(last);
}

/// The manner of one drawing: how it distorts the plane.
struct Hand {
    /// The matrix of slant, squeeze and rotation, row by row.
    matrix: [f32; 4],
    middle: Point,
    /// Exponents that move the weight of the digit to the top or the left.
    weight: [f32; 2],
    waves: [Wave; 4],
}

/// A smooth displacement along one direction that changes along another.
struct Wave {
    reach: [f32; 2],
    frequency: [f32; 2],
    phase: f32,
}

impl Hand {
    fn choose(glyph: &Glyph, options: &DrawOptions, randomness: &mut Randomness) -> Self {
        let width = (options.squeeze * randomness.normal()).exp();
        let slant = options.mean_slant + options.slant * randomness.normal();
        let (sine, cosine) = (options.rotation * randomness.normal()).to_radians().sin_cos();
        // First width and slant, (width, -slant; 0, 1), then the rotation.
        let matrix = [cosine * width, -cosine * slant - sine, sine * width, cosine - sine * slant];
        let middle = Point { x: glyph.aspect / 2.0, y: 0.5 };
        let weight = [0, 1].map(|_| (2.0 * options.bend * randomness.normal()).exp());
        let waves = [0, 1, 2, 3].map(|_| Wave {
            reach: [0, 1].map(|_| options.bend * randomness.between(-0.5, 0.5)),
            frequency: [0, 1].map(|_| randomness.between(-1.0, 1.0) * TAU),
            phase: randomness.between(0.0, TAU),
        });
        Self { matrix, middle, weight, waves }
    }

    fn bend(&self, point: Point) -> Point {
        let width = 2.0 * self.middle.x;
        let uneven = |value: f32, exponent: f32| if value > 0.0 { value.powf(exponent) } else { value };
        let mut bent = Point {
            x: width * uneven(point.x / width, self.weight[0]) - self.middle.x,
            y: uneven(point.y, self.weight[1]) - self.middle.y,
        };
        for wave in &self.waves {
            let height = (wave.frequency[0] * point.x + wave.frequency[1] * point.y + wave.phase).sin();
            bent.x += wave.reach[0] * height;
            bent.y += wave.reach[1] * height;
        }
        let [xx, xy, yx, yy] = self.matrix;
        Point { x: xx * bent.x + xy * bent.y, y: yx * bent.x + yy * bent.y }
    }
}
