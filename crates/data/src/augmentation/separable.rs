//! Stretching along the axes, with a filter that is as wide as the new pixels.

use super::Image;
use super::border::Border;

/// Which values make each new one along an axis, and with which weights.
struct Axis {
    /// Index and weight, for all new values in turn.
    taps: Vec<(u32, f32)>,
    /// Where the taps of each new value end.
    ends: Vec<usize>,
    /// The weight of the constant border in each new value.
    outside: Vec<f32>,
}

impl Axis {
    /// For `place in the target = factor * place in the source + offset`.
    ///
    /// The filter is a triangle: linear interpolation where the axis grows, and a weighted mean over the two widths of
    /// a new pixel where it shrinks, as the bilinear filter of PIL. Without a border, values beyond the edges do
    /// not count and the other weights grow to a sum of 1.
    fn new((factor, offset): (f64, f64), source: usize, target: usize, border: Option<Border>) -> Self {
        let support = (1.0 / factor.abs()).max(1.0);
        let mut axis = Self { taps: Vec::new(), ends: Vec::new(), outside: Vec::new() };
        let mut weights: Vec<(isize, f64)> = Vec::new();
        for index in 0..target {
            let centre = ((index as f64 + 0.5 - offset) / factor).clamp(-1e9, 1e9);
            let (begin, end) =
                ((centre - support + 0.5).floor() as isize, (centre + support + 0.5).floor() as isize);
            weights.clear();
            weights.extend((begin..end.max(begin + 1)).map(|place| {
                let distance = (place as f64 + 0.5 - centre) / support;
                (place, (1.0 - distance.abs()).max(0.0))
            }));
            if border.is_none() {
                weights.retain(|&(place, _)| (0..source as isize).contains(&place));
                if weights.iter().all(|&(_, weight)| weight == 0.0) {
                    let nearest = (centre.floor() as isize).clamp(0, source as isize - 1);
                    weights.clear();
                    weights.push((nearest, 1.0));
                }
            }
            let sum: f64 = weights.iter().map(|&(_, weight)| weight).sum();
            let mut outside = 0.0;
            for &(place, weight) in &weights {
                let weight = (weight / sum) as f32;
                match border.unwrap_or(Border::Edge).resolve(place, source) {
                    Some(place) => axis.taps.push((place as u32, weight)),
                    None => outside += weight,
                }
            }
            axis.ends.push(axis.taps.len());
            axis.outside.push(outside);
        }
        axis
    }

    /// The taps of each new value and the weight of the border in it.
    fn values(&self) -> impl Iterator<Item = (&[(u32, f32)], f32)> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .zip(&self.outside)
            .map(|((begin, &end), &outside)| (&self.taps[begin..end], outside))
    }
}

/// The image under `[x, y]`, each `place in the target = factor * place in the source + offset`.
pub(super) fn stretch(
    image: &Image,
    [x, y]: [(f64, f64); 2],
    height: usize,
    width: usize,
    border: Option<Border>,
) -> Image {
    let columns = Axis::new(x, image.width(), width, border);
    let rows = Axis::new(y, image.height(), height, border);
    let mut pixels = Vec::with_capacity(image.channels() * height * width);
    let mut widened = vec![0.0f32; image.height() * width];
    let mut sums = vec![0.0f32; width];
    for (channel, plane) in image.planes().enumerate() {
        let fill = f32::from(border.map_or(0, |border| border.fill(channel)));
        for (from, to) in plane.chunks_exact(image.width()).zip(widened.chunks_exact_mut(width)) {
            for ((taps, outside), to) in columns.values().zip(to) {
                let inside: f32 =
                    taps.iter().map(|&(place, weight)| weight * f32::from(from[place as usize])).sum();
                *to = inside + outside * fill;
            }
        }
        for (taps, outside) in rows.values() {
            sums.fill(outside * fill);
            for &(place, weight) in taps {
                let from = &widened[place as usize * width..][..width];
                sums.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
            }
            pixels.extend(sums.iter().map(|sum| (sum + 0.5) as u8));
        }
    }
    Image::new(image.channels(), height, width, pixels)
}
