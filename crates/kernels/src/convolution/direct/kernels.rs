//! The loops over the pixels of padded planes.

use super::super::super::gemm::element::Number;
use super::super::super::gemm::tile::VectorKernel;
use super::super::super::gemm::vector::Vector;

/// Vectors that are summed at a time for one output; strips may reach beyond the last sum.
pub const STRIP: usize = 8;
/// Vectors of the last strip if they suffice.
const HALF: usize = STRIP / 2;

/// Sums of all places of the kernels of all channels, for each output and pixel.
pub struct Outputs<'a, N> {
    /// Number of outputs.
    pub outputs: usize,
    /// Number of channels.
    pub channels: usize,
    /// Where each place of the kernel finds the pixel for the first sum.
    pub places: &'a [usize],
    /// Number of sums.
    pub count: usize,
    /// The planes of the first channel.
    pub from: *const N,
    /// From channel to channel.
    pub channel: usize,
    /// `[outputs, channels, places]`.
    pub weights: *const N,
    /// `[outputs, sums]`.
    pub to: *mut N,
    /// From output to output of the sums.
    pub output: usize,
}

impl<N: Number> VectorKernel<N> for Outputs<'_, N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let mut pixel = 0;
        while pixel < self.count {
            // SAFETY: the caller vouches for the planes and the sums, and for a strip beyond the last.
            unsafe {
                if self.count - pixel > HALF * V::LANES {
                    self.strip_of_all::<V, STRIP>(pixel);
                    pixel += STRIP * V::LANES;
                } else {
                    self.strip_of_all::<V, HALF>(pixel);
                    pixel += HALF * V::LANES;
                }
            }
        }
    }
}

impl<N: Number> Outputs<'_, N> {
    /// The sums of all outputs and of a strip of pixels.
    #[inline(always)]
    unsafe fn strip_of_all<V: Vector<Element = N>, const VECTORS: usize>(&self, pixel: usize) {
        let mut output = 0;
        // SAFETY: the caller vouches for the planes and the sums.
        unsafe {
            // Loads are shared by two outputs.
            while output + 2 <= self.outputs {
                self.strip::<V, 2, VECTORS>(output, pixel);
                output += 2;
            }
            if output < self.outputs {
                self.strip::<V, 1, VECTORS>(output, pixel);
            }
        }
    }

    /// The sums of `O` outputs from `output` on and of a strip of pixels.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn strip<V: Vector<Element = N>, const O: usize, const VECTORS: usize>(
        &self,
        output: usize,
        pixel: usize,
    ) {
        let count = self.places.len();
        let kernel = self.channels * count;
        // SAFETY: the caller vouches for the planes, the weights and the sums.
        unsafe {
            let mut sums = [[V::zero(); VECTORS]; O];
            for channel in 0..self.channels {
                let from = self.from.add(channel * self.channel + pixel);
                let weights = self.weights.add(output * kernel + channel * count);
                for index in 0..count {
                    let from = from.add(*self.places.as_ptr().add(index));
                    let mut factors = [V::zero(); O];
                    for o in 0..O {
                        factors[o] = V::splat(*weights.add(o * kernel + index));
                    }
                    for vector in 0..VECTORS {
                        let value = V::load(from.add(vector * V::LANES));
                        for o in 0..O {
                            sums[o][vector] = value.times_plus(factors[o], sums[o][vector]);
                        }
                    }
                }
            }
            for o in 0..O {
                let to = self.to.add((output + o) * self.output + pixel);
                for vector in 0..VECTORS {
                    sums[o][vector].store(to.add(vector * V::LANES));
                }
            }
        }
    }
}

/// Adds to the sums over all pixels of the products of the pixels that each place meets and the derivatives.
pub struct Sums<'a, N> {
    /// Where each place of the kernel finds the pixel for the first derivative.
    pub places: &'a [usize],
    /// Number of derivatives; what follows them, up to a vector, is zero.
    pub count: usize,
    /// The planes.
    pub from: *const N,
    /// The derivatives.
    pub derivatives: *const N,
    /// Sums by lanes, a vector for each place.
    pub lanes: *mut N,
    /// Where the sums of the lanes go, if this was the last plane.
    pub totals: Option<*mut N>,
}

impl<N: Number> VectorKernel<N> for Sums<'_, N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let mut place = 0;
        while place < self.places.len() {
            let left = self.places.len() - place;
            // SAFETY: the caller vouches for the planes, the derivatives and the lanes.
            place += unsafe {
                match left {
                    9.. => self.add::<V, 9>(place),
                    3.. => self.add::<V, 3>(place),
                    _ => self.add::<V, 1>(place),
                }
            };
        }
        if let Some(totals) = self.totals {
            for place in 0..self.places.len() {
                // SAFETY: as above.
                unsafe { *totals.add(place) = V::load(self.lanes.add(place * V::LANES)).sum() };
            }
        }
    }
}

impl<N: Number> Sums<'_, N> {
    /// Adds for `P` places from `first` on.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn add<V: Vector<Element = N>, const P: usize>(&self, first: usize) -> usize {
        // SAFETY: the caller vouches for the planes, the derivatives and the lanes.
        unsafe {
            let lanes = self.lanes.add(first * V::LANES);
            let mut sums = [V::zero(); P];
            let mut from = [self.from; P];
            for place in 0..P {
                sums[place] = V::load(lanes.add(place * V::LANES));
                from[place] = self.from.add(*self.places.as_ptr().add(first + place));
            }
            let mut pixel = 0;
            while pixel < self.count {
                let derivatives = V::load(self.derivatives.add(pixel));
                for place in 0..P {
                    let values = V::load(from[place].add(pixel));
                    sums[place] = values.times_plus(derivatives, sums[place]);
                }
                pixel += V::LANES;
            }
            for place in 0..P {
                sums[place].store(lanes.add(place * V::LANES));
            }
        }
        P
    }
}
