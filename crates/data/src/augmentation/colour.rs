//! Brightness, contrast, saturation and hue. Results are rounded, not cut off, so that many changes do not darken.

use super::{Image, levels};

/// The luma of a pixel: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 0x8000) >> 16) as u8
}

/// A value from 0 to 255 as a byte. By way of a 32-bit number, which compilers vectorise.
fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as i32 as u8
}

/// Multiplies all values.
pub(super) fn brightness(image: &mut Image, factor: f32) {
    levels::map(image, |value| factor * value);
}

/// Mixes with the mean luma: 0 is that gray, 1 the picture.
pub(super) fn contrast(image: &mut Image, factor: f32) {
    let count = (image.height() * image.width()) as f32;
    let mean = match image.rgb_mut() {
        Some([red, green, blue]) => {
            let lumas = red.iter().zip(&*green).zip(&*blue).map(|((&r, &g), &b)| u64::from(luma(r, g, b)));
            lumas.sum::<u64>() as f32 / count
        }
        None => {
            let sum: u64 = image.pixels().iter().map(|&value| u64::from(value)).sum();
            sum as f32 / image.pixels().len() as f32
        }
    };
    levels::map(image, |value| mean + factor * (value - mean));
}

/// Mixes with the gray picture: 0 is gray, 1 the picture. Pictures without colours stay.
pub(super) fn saturation(image: &mut Image, factor: f32) {
    let Some([red, green, blue]) = image.rgb_mut() else { return };
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let gray = f32::from(luma(*red, *green, *blue));
        let mix = |value: u8| byte(gray + factor * (f32::from(value) - gray));
        (*red, *green, *blue) = (mix(*red), mix(*green), mix(*blue));
    }
}

/// The luma in all channels. Pictures without colours stay.
pub(super) fn gray(image: &mut Image) {
    let Some([red, green, blue]) = image.rgb_mut() else { return };
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let gray = luma(*red, *green, *blue);
        (*red, *green, *blue) = (gray, gray, gray);
    }
}

/// Turns the hue of the HSV model: 1 is a whole turn, 1/3 makes red green. Pictures without colours stay.
///
/// Source: A. R. Smith, *Color gamut transform pairs*, SIGGRAPH 1978.
pub(super) fn hue(image: &mut Image, turn: f32) {
    let Some([red, green, blue]) = image.rgb_mut() else { return };
    // From 0 to below 6, so that one subtraction brings the sum back into the range.
    let turn = (turn - turn.floor()) * 6.0;
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (r, g, b) = (f32::from(*red), f32::from(*green), f32::from(*blue));
        let high = r.max(g).max(b);
        let chroma = high - r.min(g).min(b);
        // Without chroma the differences are 0, whatever they are divided by.
        let scale = 1.0 / chroma.max(1.0);
        // In sixths of a turn from red, and six of them ahead to stay above 0.
        let hue = if high == r {
            6.0 + (g - b) * scale
        } else if high == g {
            8.0 + (b - r) * scale
        } else {
            10.0 + (r - g) * scale
        };
        let turned = wrap(wrap(hue + turn));
        // How much of the chroma is missing in a channel whose distance around the circle is `offset`.
        let channel = |offset: f32| {
            let place = wrap(turned + offset);
            byte(high - chroma * place.min(4.0 - place).clamp(0.0, 1.0))
        };
        (*red, *green, *blue) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

/// From 0 to below 12 to 0 to below 6.
fn wrap(value: f32) -> f32 {
    if value >= 6.0 { value - 6.0 } else { value }
}
