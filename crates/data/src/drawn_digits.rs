//! Handwritten digits that Bolete draws itself, so that a first network needs no download.
//!
//! A digit begins as one of several ways to write it: key points that a pen passes. The points are moved
//! a little, joined by smooth curves, slanted, turned, squeezed and bent, and drawn with a soft nib into
//! 28x28 pixels, white on black. Like in MNIST, the drawing fills a box of 20x20 pixels, whose centre of
//! mass lies in the middle of the picture.
//!
//! Item `i` depends on the seed and `i` only: not on the number of items, nor on the number of threads.

mod glyphs;
mod nib;
mod pen;

use std::num::NonZeroUsize;
use std::thread;

use crate::{ImageClassification, ImageShape, Normalisation, Randomness};

/// Rows, and pixels per row, of a drawn digit.
pub const SIDE: usize = 28;

/// Sets the streams of drawings apart from all others of the same seed.
const DRAWING: u64 = u64::from_be_bytes(*b"DRAWING\0");

/// How much the drawings differ from each other. The default is tuned for networks that shall read real handwriting.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawOptions {
    /// How far key points are moved: standard deviation, as a part of the height of the digit.
    pub wobble: f32,
    /// How far the whole drawing is bent by smooth waves: largest displacement, as a part of the height.
    pub bend: f32,
    /// Standard deviation of the rotation, in degrees.
    pub rotation: f32,
    /// Standard deviation of the slant, in pixels to the right per pixel up.
    pub slant: f32,
    /// Mean of the slant; handwriting leans to the right.
    pub mean_slant: f32,
    /// Standard deviation of the logarithm of width to height.
    pub squeeze: f32,
    /// Mean width of the pen, in pixels.
    pub thickness: f32,
    /// Standard deviation of the logarithm of the width of the pen.
    pub thickness_spread: f32,
    /// Standard deviation of the logarithm of the size; the mean size fills the box of 20x20 pixels.
    pub scale: f32,
    /// Standard deviation of the place, in pixels along each axis.
    pub shift: f32,
    /// Standard deviation of the noise in each inked pixel, on the scale of 0 to 1.
    pub noise: f32,
    /// Threads that draw; `None` takes as many as the machine has cores.
    pub threads: Option<NonZeroUsize>,
}

impl Default for DrawOptions {
    fn default() -> Self {
        Self {
            wobble: 0.05,
            bend: 0.06,
            rotation: 7.0,
            slant: 0.22,
            mean_slant: 0.12,
            squeeze: 0.25,
            thickness: 2.5,
            thickness_spread: 0.32,
            scale: 0.03,
            shift: 0.8,
            noise: 0.04,
            threads: None,
        }
    }
}

/// Draws `count` digits: item `i` is the digit `i % 10`. Pictures are `[count, 1, 28, 28]`, normalised with
/// [`Normalisation::mnist`]; the classes are the digits "0" to "9".
///
/// Digits with different seeds are different drawings in the same manner: use two seeds for training and testing.
///
/// # Examples
/// ```
/// use bolete_data::{Dataset, drawn_digits};
/// let digits = drawn_digits::draw(20, 1, &drawn_digits::DrawOptions::default());
/// assert_eq!((digits.len(), digits.labels()[13]), (20, 3));
/// ```
pub fn draw(count: usize, seed: u64, options: &DrawOptions) -> ImageClassification {
    let mut pixels = vec![0; count * SIDE * SIDE];
    let threads =
        options.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let per_thread = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (part, pixels) in pixels.chunks_mut(per_thread * SIDE * SIDE).enumerate() {
            scope.spawn(move || {
                for (index, picture) in pixels.chunks_exact_mut(SIDE * SIDE).enumerate() {
                    draw_one(part * per_thread + index, seed, options, picture);
                }
            });
        }
    });
    let labels = (0..count).map(|index| (index % 10) as i64).collect();
    let names = (0..10).map(|digit| digit.to_string()).collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    match ImageClassification::new(pixels, shape, labels, names) {
        Ok(digits) => digits.with_normalisation(Normalisation::mnist()),
        Err(error) => unreachable!("drawn digits fit each other: {error}"),
    }
}

fn draw_one(index: usize, seed: u64, options: &DrawOptions, picture: &mut [u8]) {
    let mut randomness = Randomness::keyed(&[DRAWING, seed, index as u64]);
    let glyph = glyphs::choose(index % 10, &mut randomness);
    let strokes = pen::write(glyph, options, &mut randomness);
    nib::draw(&strokes, options, &mut randomness, picture);
}
