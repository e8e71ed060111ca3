//! From curves to pixels: a soft round nib, whose width changes along the way.

use std::f32::consts::TAU;

use super::pen::Point;
use super::{DrawOptions, SIDE};
use crate::Randomness;

/// The side of the box that a drawing fills, in pixels, as in MNIST.
const BOX: f32 = 20.0;

/// The nib of one drawing.
struct Nib {
    /// Mean radius, in pixels.
    radius: f32,
    /// Width of the edge in which the ink fades, in pixels.
    softness: f32,
    /// How much, how often per pixel and from where the radius changes.
    pressure: [f32; 3],
}

impl Nib {
    fn choose(options: &DrawOptions, randomness: &mut Randomness) -> Self {
        let thickness = options.thickness * (options.thickness_spread * randomness.normal()).exp();
        Self {
            radius: thickness.clamp(1.2, 6.0) / 2.0,
            softness: randomness.between(0.8, 1.5),
            pressure: [
                randomness.between(0.0, 0.25),
                randomness.between(0.05, 0.25),
                randomness.between(0.0, TAU),
            ],
        }
    }

    /// The radius after a way of `way` pixels.
    fn radius_at(&self, way: f32) -> f32 {
        let [reach, frequency, phase] = self.pressure;
        self.radius * (1.0 + reach * (frequency * way + phase).sin())
    }

    /// The ink at `distance` from a curve drawn with this radius, from 0 to 1.
    fn ink(&self, distance: f32, radius: f32) -> f32 {
        let part = ((radius - distance) / self.softness + 0.5).clamp(0.0, 1.0);
        part * part * (3.0 - 2.0 * part)
    }
}

/// Draws strokes into a picture of [`SIDE`] rows, white on black.
pub(super) fn draw(
    strokes: &[Vec<Point>],
    options: &DrawOptions,
    randomness: &mut Randomness,
    picture: &mut [u8],
) {
    let nib = Nib::choose(options, randomness);
    let place = Placement::choose(strokes, &nib, options, randomness);
    let mut ink = [0.0f32; SIDE * SIDE];
    for stroke in strokes {
        let mut way = 0.0;
        let mut from = stroke.first().map(|&point| place.to_pixels(point));
        for &point in stroke {
            let to = place.to_pixels(point);
            let radius = nib.radius_at(way);
            if let Some(from) = from {
                draw_piece(&nib, from, to, radius, &mut ink);
                way += (to.x - from.x).hypot(to.y - from.y);
            }
            from = Some(to);
        }
    }
    for (pixel, ink) in picture.iter_mut().zip(ink) {
        // Noise in the ink and not in the paper, which is black in scans too.
        let noisy = if ink > 0.0 && options.noise > 0.0 {
            ink * (1.0 + options.noise * randomness.normal())
        } else {
            ink
        };
        // A cast from float to u8 saturates.
        *pixel = (noisy * 255.0 + 0.5) as u8;
    }
}

/// Inks the pixels around a straight piece. Pieces overlap, so a pixel takes the most that any of them gives.
fn draw_piece(nib: &Nib, from: Point, to: Point, radius: f32, ink: &mut [f32; SIDE * SIDE]) {
    let reach = radius + nib.softness / 2.0;
    let span = |a: f32, b: f32| {
        let low = (a.min(b) - reach).ceil().max(0.0) as usize;
        let high = (a.max(b) + reach + 1.0).floor().clamp(0.0, SIDE as f32) as usize;
        low..high
    };
    let (along_x, along_y) = (to.x - from.x, to.y - from.y);
    let square = (along_x * along_x + along_y * along_y).max(1e-12);
    for row in span(from.y, to.y) {
        for column in span(from.x, to.x) {
            let (x, y) = (column as f32 - from.x, row as f32 - from.y);
            let part = ((x * along_x + y * along_y) / square).clamp(0.0, 1.0);
            let (off_x, off_y) = (x - part * along_x, y - part * along_y);
            let distance = off_x * off_x + off_y * off_y;
            if distance < reach * reach {
                let pixel = &mut ink[row * SIDE + column];
                *pixel = pixel.max(nib.ink(distance.sqrt(), radius));
            }
        }
    }
}

/// Where the drawing lies in the picture.
struct Placement {
    scale: f32,
    /// What becomes the middle of the picture.
    middle: Point,
    shift: Point,
}

impl Placement {
    /// The longer side of the inked box becomes [`BOX`] pixels, its centre of mass the middle of the picture.
    fn choose(strokes: &[Vec<Point>], nib: &Nib, options: &DrawOptions, randomness: &mut Randomness) -> Self {
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        let (mut mass, mut moment) = (1e-6, [0.0; 2]);
        for stroke in strokes {
            for point in stroke {
                low = [low[0].min(point.x), low[1].min(point.y)];
                high = [high[0].max(point.x), high[1].max(point.y)];
            }
            for pair in stroke.windows(2) {
                let length = (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y);
                mass += length;
                moment[0] += length * (pair[0].x + pair[1].x) / 2.0;
                moment[1] += length * (pair[0].y + pair[1].y) / 2.0;
            }
        }
        let longer = (high[0] - low[0]).max(high[1] - low[1]).max(1e-3);
        let size = (options.scale * randomness.normal()).exp();
        Self {
            scale: size * (BOX - 2.0 * nib.radius).max(1.0) / longer,
            middle: Point { x: moment[0] / mass, y: moment[1] / mass },
            shift: Point { x: options.shift * randomness.normal(), y: options.shift * randomness.normal() },
        }
    }

    /// Pixel `(0, 0)` has its centre at the origin.
    fn to_pixels(&self, point: Point) -> Point {
        let centre = (SIDE as f32 - 1.0) / 2.0;
        Point {
            x: centre + self.shift.x + self.scale * (point.x - self.middle.x),
            y: centre + self.shift.y + self.scale * (point.y - self.middle.y),
        }
    }
}
