//! Changes that replace each value by another one, the same everywhere in a channel.

use super::Image;

/// Replaces every value of a channel.
pub(super) fn apply(plane: &mut [u8], table: &[u8; 256]) {
    plane.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

/// Replaces every value by that of a function of the scale from 0 to 255.
pub(super) fn map(image: &mut Image, new: impl Fn(f32) -> f32) {
    // A cast saturates.
    let table = std::array::from_fn(|value| (new(value as f32) + 0.5) as u8);
    apply(image.pixels_mut(), &table);
}

pub(super) fn invert(image: &mut Image) {
    image.pixels_mut().iter_mut().for_each(|value| *value = 255 - *value);
}

/// Inverts values from the threshold on.
pub(super) fn solarise(image: &mut Image, threshold: f32) {
    image
        .pixels_mut()
        .iter_mut()
        .for_each(|value| *value = if f32::from(*value) >= threshold { 255 - *value } else { *value });
}

/// Keeps the upper bits only.
pub(super) fn posterise(image: &mut Image, bits: u32) {
    let mask = 0xff_u8.checked_shl(8 - bits.min(8)).unwrap_or(0);
    image.pixels_mut().iter_mut().for_each(|value| *value &= mask);
}

fn histogram(plane: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    plane.iter().for_each(|&value| counts[usize::from(value)] += 1);
    counts
}

/// Spreads the values of each channel so that all are about as frequent, as PIL does.
pub(super) fn equalise(image: &mut Image) {
    for plane in image.planes_mut() {
        let counts = histogram(plane);
        let last = counts.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
        let step = (plane.len() - last) / 255;
        if step == 0 {
            continue;
        }
        let mut sum = step / 2;
        let table = counts.map(|count| {
            let value = (sum / step).min(255) as u8;
            sum += count;
            value
        });
        apply(plane, &table);
    }
}

/// Stretches each channel so that its darkest value becomes 0 and its brightest 255.
pub(super) fn auto_contrast(image: &mut Image) {
    for plane in image.planes_mut() {
        let (low, high) =
            plane.iter().fold((255, 0), |(low, high): (u8, u8), &value| (low.min(value), high.max(value)));
        if low < high {
            let scale = 255.0 / f32::from(high - low);
            let table = std::array::from_fn(|value| ((value as f32 - f32::from(low)) * scale + 0.5) as u8);
            apply(plane, &table);
        }
    }
}
