//! Changing the size of a [`Picture`].

use super::Picture;
use crate::FormatError;

impl Picture {
    /// The picture with another width and height.
    ///
    /// An axis that shrinks is averaged over the area that each new pixel covers, so that thin lines fade instead of
    /// vanishing; an axis that grows is interpolated linearly between pixel centres. Colours are weighted by alpha.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when a side is 0 or the result does not fit memory.
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::picture::Picture;
    /// let picture = Picture::new(4, 1, 1, vec![0, 100, 200, 255])?;
    /// assert_eq!(picture.resize(2, 1)?.pixels(), [50, 228]);
    /// # Ok::<(), bolete_formats::FormatError>(())
    /// ```
    pub fn resize(&self, width: usize, height: usize) -> Result<Self, FormatError> {
        let fits = width
            .checked_mul(height.max(self.height))
            .and_then(|area| area.checked_mul(self.channels * size_of::<f32>()))
            .is_some_and(|bytes| bytes <= isize::MAX as usize);
        if width == 0 || height == 0 || !fits {
            return Err(FormatError::Unwritable {
                format: "a resized picture",
                expected: "sides above 0 that fit memory".to_string(),
                found: format!("{width}x{height} pixels"),
            });
        }
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }

        let columns = Axis::new(self.width, width);
        let rows = Axis::new(self.height, height);
        let source = self.to_weighted();
        let row_values = width * self.channels;

        // Rows first to the new width, all of them; then columns to the new height.
        let mut narrowed = vec![0.0f32; self.height * row_values];
        for (from, to) in
            source.chunks_exact(self.width * self.channels).zip(narrowed.chunks_exact_mut(row_values))
        {
            for (taps, pixel) in columns.taps.iter().zip(to.chunks_exact_mut(self.channels)) {
                for &(index, weight) in taps {
                    for (channel, value) in pixel.iter_mut().enumerate() {
                        *value += weight * from[index * self.channels + channel];
                    }
                }
            }
        }
        let mut resized = vec![0.0f32; height * row_values];
        for (taps, to) in rows.taps.iter().zip(resized.chunks_exact_mut(row_values)) {
            for &(index, weight) in taps {
                let from = &narrowed[index * row_values..(index + 1) * row_values];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
            }
        }
        Self::new(width, height, self.channels, from_weighted(&resized, self.channels))
    }

    /// The values as floats, colours multiplied by alpha: an invisible pixel must not colour its neighbours.
    fn to_weighted(&self) -> Vec<f32> {
        if self.channels != 4 {
            return self.pixels.iter().map(|&value| f32::from(value)).collect();
        }
        self.pixels
            .chunks_exact(4)
            .flat_map(|pixel| {
                let [red, green, blue, alpha] = [0, 1, 2, 3].map(|channel| f32::from(pixel[channel]));
                let weight = alpha / 255.0;
                [red * weight, green * weight, blue * weight, alpha]
            })
            .collect()
    }
}

fn from_weighted(values: &[f32], channels: usize) -> Vec<u8> {
    // A cast from float to u8 saturates.
    let round = |value: f32| (value + 0.5) as u8;
    if channels != 4 {
        return values.iter().map(|&value| round(value)).collect();
    }
    values
        .chunks_exact(4)
        .flat_map(|pixel| {
            let weight = if pixel[3] > 0.0 { 255.0 / pixel[3] } else { 0.0 };
            [round(pixel[0] * weight), round(pixel[1] * weight), round(pixel[2] * weight), round(pixel[3])]
        })
        .collect()
}

/// Which old values make each new one along an axis, and with which weights; the weights of each add up to 1.
struct Axis {
    taps: Vec<Vec<(usize, f32)>>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let taps = (0..to)
            .map(|index| if to < from { area(index, scale, from) } else { linear(index, scale, from) });
        Self { taps: taps.collect() }
    }
}

/// The old pixels under the new pixel `index`, which covers `scale` of them.
fn area(index: usize, scale: f64, from: usize) -> Vec<(usize, f32)> {
    let (start, end) = (index as f64 * scale, ((index + 1) as f64 * scale).min(from as f64));
    let last = (end.ceil() as usize).min(from);
    (start as usize..last)
        .map(|old| {
            let covered = end.min((old + 1) as f64) - start.max(old as f64);
            (old, (covered / (end - start)) as f32)
        })
        .collect()
}

/// The two old pixels whose centres lie around that of the new pixel `index`.
fn linear(index: usize, scale: f64, from: usize) -> Vec<(usize, f32)> {
    let centre = ((index as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
    let left = centre as usize;
    let right = (left + 1).min(from - 1);
    let fraction = (centre - left as f64) as f32;
    vec![(left, 1.0 - fraction), (right, fraction)]
}
