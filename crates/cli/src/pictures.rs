//! From a picture of a digit to what the network reads: white on black, the ink in a box of 20×20 pixels, its centre of
//! mass in the middle of 28×28, as in MNIST (LeCun et al. 1998).

use std::path::Path;

use anyhow::ensure;
use bolete::formats::picture::{self, Picture};

/// Height and width of what the network reads.
pub const SIDE: usize = 28;
/// Height or width of the ink in it, whichever is larger.
const BOX: usize = 20;

/// The digit in a picture of any size, dark on light or light on dark.
pub fn digit(file: &Path) -> anyhow::Result<Vec<u8>> {
    let picture = picture::read(file)?.over_white().to_gray();
    let (width, height) = (picture.width(), picture.height());
    let mut ink = picture.into_pixels();
    // The border shows the paper: its median, since ink may touch it here and there.
    let mut border: Vec<u8> = (0..width)
        .flat_map(|x| [x, (height - 1) * width + x])
        .chain((0..height).flat_map(|y| [y * width, y * width + width - 1]))
        .map(|index| ink[index])
        .collect();
    border.sort_unstable();
    let paper = border[border.len() / 2];
    // The ink is on that side of the paper where the picture goes further: white on gray is as good as on black.
    let (darkest, lightest) =
        ink.iter().fold((paper, paper), |(low, high), pixel| (low.min(*pixel), high.max(*pixel)));
    let is_dark_on_light = paper - darkest > lightest - paper;
    if is_dark_on_light {
        ink.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    }
    // The paper becomes black and the strongest ink white.
    let (low, high) = if is_dark_on_light { (255 - paper, 255 - darkest) } else { (paper, lightest) };
    let (low, high) = (i32::from(low), i32::from(high));
    ensure!(
        high - low > 24,
        "{}: expected a digit that stands out from its background, found a picture without contrast",
        file.display()
    );
    for pixel in &mut ink {
        *pixel = ((i32::from(*pixel) - low) * 255 / (high - low)).clamp(0, 255) as u8;
    }
    let inked = |x: usize, y: usize| ink[y * width + x] > 64;
    let columns: Vec<usize> = (0..width).filter(|x| (0..height).any(|y| inked(*x, y))).collect();
    let rows: Vec<usize> = (0..height).filter(|y| (0..width).any(|x| inked(x, *y))).collect();
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    let (top, bottom) = (rows[0], rows[rows.len() - 1]);
    let (ink_width, ink_height) = (right - left + 1, bottom - top + 1);
    let cropped: Vec<u8> =
        (top..=bottom).flat_map(|y| ink[y * width + left..=y * width + right].iter().copied()).collect();
    let longest = ink_width.max(ink_height);
    let scaled = |length: usize| (length * BOX).div_ceil(longest).clamp(1, BOX);
    let (small_width, small_height) = (scaled(ink_width), scaled(ink_height));
    let small =
        Picture::new(ink_width, ink_height, 1, cropped)?.resize(small_width, small_height)?.into_pixels();
    Ok(centred(&small, small_width, small_height))
}

/// The small picture in the large one, its centre of mass as near to the middle as its box stays inside.
fn centred(small: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mass: f64 = small.iter().map(|pixel| f64::from(*pixel)).sum::<f64>().max(1.0);
    let moment = |position: &dyn Fn(usize) -> usize| {
        let sum: f64 =
            small.iter().enumerate().map(|(index, pixel)| f64::from(*pixel) * position(index) as f64).sum();
        sum / mass + 0.5
    };
    let middle = SIDE as f64 / 2.0;
    let place = |centre: f64, length: usize| ((middle - centre).round().max(0.0) as usize).min(SIDE - length);
    let left = place(moment(&|index| index % width), width);
    let top = place(moment(&|index| index / width), height);
    let mut large = vec![0; SIDE * SIDE];
    for (row, line) in small.chunks(width).enumerate() {
        let start = (top + row) * SIDE + left;
        large[start..start + width].copy_from_slice(line);
    }
    large
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_of_mass_is_in_the_middle() {
        let bar = vec![255; 20 * 4];
        let large = centred(&bar, 4, 20);
        let columns: Vec<usize> = (0..SIDE).filter(|x| large[14 * SIDE + x] > 0).collect();
        assert_eq!(columns, [12, 13, 14, 15]);
    }
}
