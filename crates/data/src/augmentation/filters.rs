//! Changes that look at the neighbours of a pixel. Pictures are mirrored at their edges.

use super::Image;
use super::border::Border;

/// The weights of a Gaussian of this standard deviation, cut off at three of them; their sum is 1.
pub(super) fn gaussian_kernel(deviation: f32) -> Vec<f32> {
    let deviation = f64::from(deviation.max(1e-3));
    let radius = (3.0 * deviation).ceil() as i32;
    let weights: Vec<f64> =
        (-radius..=radius).map(|x| (-0.5 * (f64::from(x) / deviation).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Blurs a plane along both axes with the same weights, an odd number of them.
pub(super) fn blur(plane: &mut [f32], height: usize, width: usize, kernel: &[f32]) {
    let radius = kernel.len() / 2;
    let mut padded = vec![0.0; width + 2 * radius];
    for row in plane.chunks_exact_mut(width) {
        for (index, value) in padded.iter_mut().enumerate() {
            *value = row[mirrored(index as isize - radius as isize, width)];
        }
        row.fill(0.0);
        for (tap, &weight) in kernel.iter().enumerate() {
            row.iter_mut().zip(&padded[tap..]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    let source = plane.to_vec();
    for (index, row) in plane.chunks_exact_mut(width).enumerate() {
        row.fill(0.0);
        for (tap, &weight) in kernel.iter().enumerate() {
            let from = mirrored((index + tap) as isize - radius as isize, height) * width;
            row.iter_mut().zip(&source[from..]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
}

fn mirrored(index: isize, len: usize) -> usize {
    Border::Reflect.resolve(index, len).unwrap_or(0)
}

pub(super) fn gaussian_blur(image: &mut Image, deviation: f32) {
    if deviation <= 0.0 {
        return;
    }
    let (height, width) = (image.height(), image.width());
    let kernel = gaussian_kernel(deviation);
    let mut values = vec![0.0; height * width];
    for plane in image.planes_mut() {
        values.iter_mut().zip(&*plane).for_each(|(value, &pixel)| *value = f32::from(pixel));
        blur(&mut values, height, width, &kernel);
        plane.iter_mut().zip(&values).for_each(|(pixel, value)| *pixel = (value + 0.5) as u8);
    }
}

/// Square weights around a pixel, `2 * radius + 1` a side.
pub(super) struct Kernel {
    radius: usize,
    weights: Vec<f32>,
}

impl Kernel {
    /// The mean along a line of `length` pixels at an angle, counter-clockwise from the x axis.
    pub(super) fn line(length: f32, degrees: f32) -> Self {
        let half = length.max(1.0) / 2.0;
        // The ends of a line of odd length lie between two pixels, and rounding must not reach the outer one.
        let radius = (half - 1e-3).round() as usize;
        let side = 2 * radius + 1;
        let mut weights = vec![0.0; side * side];
        let (sine, cosine) = degrees.to_radians().sin_cos();
        // Sixteen points per pixel, each of which counts for the pixel that it lies in.
        let steps = (32.0 * half).ceil() as usize;
        for step in 0..steps {
            let along = half * ((2 * step + 1) as f32 / steps as f32 - 1.0);
            let column = (radius as f32 + along * cosine).round() as usize;
            let row = (radius as f32 - along * sine).round() as usize;
            weights[row.min(side - 1) * side + column.min(side - 1)] += 1.0;
        }
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Self { radius, weights }
    }

    /// Light from the upper left: what rises towards the lower right is brightened.
    pub(super) fn emboss(strength: f32) -> Self {
        let s = strength;
        Self { radius: 1, weights: vec![-1.0 - s, -s, 0.0, -s, 1.0, s, 0.0, s, 1.0 + s] }
    }

    /// The weighted sum of the neighbours of every pixel.
    pub(super) fn convolve(&self, image: &mut Image) {
        let (height, width, side) = (image.height(), image.width(), 2 * self.radius + 1);
        let padded_width = width + 2 * self.radius;
        let place = |index: usize, len| mirrored(index as isize - self.radius as isize, len);
        let mut padded = Vec::with_capacity((height + 2 * self.radius) * padded_width);
        let mut sums = vec![0.0f32; width];
        for plane in image.planes_mut() {
            padded.clear();
            for row in 0..height + 2 * self.radius {
                let row = &plane[place(row, height) * width..][..width];
                padded.extend((0..padded_width).map(|column| f32::from(row[place(column, width)])));
            }
            for (index, row) in plane.chunks_exact_mut(width).enumerate() {
                sums.fill(0.0);
                for (tap, &weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                    let from = &padded[(index + tap / side) * padded_width + tap % side..];
                    sums.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
                }
                row.iter_mut().zip(&sums).for_each(|(pixel, sum)| *pixel = (sum + 0.5) as u8);
            }
        }
    }
}

/// The picture and its smoothed self, mixed: 0 is smooth, 1 the picture, 2 is sharp. The outermost pixels stay.
pub(super) fn sharpness(image: &mut Image, factor: f32) {
    let (height, width) = (image.height(), image.width());
    if height < 3 || width < 3 {
        return;
    }
    let mut source = vec![0u8; height * width];
    for plane in image.planes_mut() {
        source.copy_from_slice(plane);
        for row in 1..height - 1 {
            let [above, here, below] = [row - 1, row, row + 1].map(|row| &source[row * width..][..width]);
            for column in 1..width - 1 {
                let sum =
                    |row: &[u8]| row[column - 1..=column + 1].iter().map(|&v| u32::from(v)).sum::<u32>();
                let value = f32::from(here[column]);
                let total = sum(above) + sum(here) + sum(below) + 4 * u32::from(here[column]);
                // Smoothing rounds, as PIL does.
                let smooth = (total as f32 / 13.0 + 0.5).floor();
                plane[row * width + column] = (smooth + factor * (value - smooth) + 0.5) as u8;
            }
        }
    }
}
