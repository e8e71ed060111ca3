//! The inner loops of pooling. They go place by place of the window over a row of windows, so that the innermost loop
//! is long, has no branches, and vectorises.

use super::{Geometry, PoolingElement};
use crate::isa::{Instructions, Kernel};

/// The place of a window that meets padding only.
const NONE: u32 = u32::MAX;

/// Whether a later candidate replaces the largest so far: if it is larger, or the first NaN.
#[inline(always)]
fn replaces<T: PoolingElement>(candidate: T, best: T) -> bool {
    // A NaN is the only number that is not equal to itself, and nothing is ordered against it: hence the negation.
    #[allow(clippy::neg_cmp_op_on_partial_ord, clippy::eq_op)]
    let result = !(candidate <= best) & (best == best);
    result
}

/// Windows that are compared side by side.
const LANES: usize = 8;

/// The places of the largest elements of row `row` of the windows of a plane, or [`NONE`].
pub struct ChooseRow<'a, T> {
    pub geometry: &'a Geometry,
    pub x: &'a [T],
    pub row: usize,
    pub places: &'a mut [u32],
}

impl<T: PoolingElement> Kernel for ChooseRow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(mut self) {
        let width = self.places.len();
        // Windows in `first..end` do not reach into the padding on the left and right.
        let (mut first, mut end) = (0, width);
        for u in 0..self.geometry.shape.window[1] {
            let (columns, _) = self.geometry.columns(u);
            (first, end) = (first.max(columns.start), end.min(columns.end));
        }
        let end = end.max(first);
        for column in 0..first {
            self.single(column);
        }
        let mut column = first;
        while column + LANES <= end {
            self.inner::<LANES>(column);
            column += LANES;
        }
        while column < end {
            self.inner::<1>(column);
            column += 1;
        }
        for column in end..width {
            self.single(column);
        }
    }
}

impl<T: PoolingElement> ChooseRow<'_, T> {
    /// Windows from `column` on, none of which reaches into the padding on the left and right. The largest elements
    /// stay in registers: through memory, the compiler makes slow masked stores of the selections.
    #[inline(always)]
    fn inner<const N: usize>(&mut self, column: usize) {
        let shape = &self.geometry.shape;
        let (stride, dilation) = (shape.stride[1], shape.dilation[1]);
        let (mut best, mut places) = ([T::ZERO; N], [NONE; N]);
        for v in 0..shape.window[0] {
            let Some(y) = self.geometry.row(self.row, v) else { continue };
            for u in 0..shape.window[1] {
                let start = y * shape.size[1] + column * stride + u * dilation - shape.padding[1][0];
                let mut candidates = [T::ZERO; N];
                if stride == 1 {
                    candidates.copy_from_slice(&self.x[start..start + N]);
                } else {
                    let from = &self.x[start..start + (N - 1) * stride + 1];
                    for (lane, candidate) in candidates.iter_mut().enumerate() {
                        *candidate = from[lane * stride];
                    }
                }
                for lane in 0..N {
                    let take = (places[lane] == NONE) | replaces(candidates[lane], best[lane]);
                    best[lane] = if take { candidates[lane] } else { best[lane] };
                    places[lane] = if take { (start + lane * stride) as u32 } else { places[lane] };
                }
            }
        }
        self.places[column..column + N].copy_from_slice(&places);
    }

    /// Any window.
    #[inline(always)]
    fn single(&mut self, column: usize) {
        let shape = &self.geometry.shape;
        let (mut best, mut place) = (T::ZERO, NONE);
        for v in 0..shape.window[0] {
            let Some(y) = self.geometry.row(self.row, v) else { continue };
            for u in 0..shape.window[1] {
                let x = (column * shape.stride[1] + u * shape.dilation[1]).wrapping_sub(shape.padding[1][0]);
                if x < shape.size[1] {
                    let candidate = self.x[y * shape.size[1] + x];
                    if place == NONE || replaces(candidate, best) {
                        (best, place) = (candidate, (y * shape.size[1] + x) as u32);
                    }
                }
            }
        }
        self.places[column] = place;
    }
}

/// Selects from `t` at the maxima of windows of two by two.
pub struct ChoosePairs<'a, T> {
    pub geometry: &'a Geometry,
    pub x: &'a [T],
    pub t: &'a [T],
    pub out: &'a mut [T],
}

impl<T: PoolingElement> Kernel for ChoosePairs<'_, T> {
    type Output = ();

    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (width, count) = (self.geometry.shape.size[1], self.geometry.output[1]);
        for (row, out) in self.out.chunks_exact_mut(count).enumerate() {
            let start = 2 * row * width;
            let upper = &self.x[start..][..2 * count];
            let lower = &self.x[start + width..][..2 * count];
            let upper_t = &self.t[start..][..2 * count];
            let lower_t = &self.t[start + width..][..2 * count];
            for index in 0..count {
                let (left, right) = (2 * index, 2 * index + 1);
                let (mut best, mut value) = (upper[left], upper_t[left]);
                let mut take = replaces(upper[right], best);
                best = if take { upper[right] } else { best };
                value = if take { upper_t[right] } else { value };
                take = replaces(lower[left], best);
                best = if take { lower[left] } else { best };
                value = if take { lower_t[left] } else { value };
                take = replaces(lower[right], best);
                out[index] = if take { lower_t[right] } else { value };
            }
        }
    }
}

/// Writes `ct` to the maxima of windows of two by two, and zeros elsewhere.
pub struct SpreadPairs<'a, T> {
    pub geometry: &'a Geometry,
    pub x: &'a [T],
    pub ct: &'a [T],
    pub dx: &'a mut [T],
}

impl<T: PoolingElement> Kernel for SpreadPairs<'_, T> {
    type Output = ();

    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let ([height, width], count) = (self.geometry.shape.size, self.geometry.output[1]);
        for (row, ct) in self.ct.chunks_exact(count).enumerate() {
            let start = 2 * row * width;
            let upper = &self.x[start..][..2 * count];
            let lower = &self.x[start + width..][..2 * count];
            let (above, below) = self.dx[start..][..2 * width].split_at_mut(width);
            above[2 * count..].fill(T::ZERO);
            below[2 * count..].fill(T::ZERO);
            let (above, below) = (&mut above[..2 * count], &mut below[..2 * count]);
            for index in 0..count {
                let (left, right) = (2 * index, 2 * index + 1);
                let second = replaces(upper[right], upper[left]);
                let best = if second { upper[right] } else { upper[left] };
                let third = replaces(lower[left], best);
                let best = if third { lower[left] } else { best };
                let fourth = replaces(lower[right], best);
                let value = ct[index];
                above[left] = if second | third | fourth { T::ZERO } else { value };
                above[right] = if second & !third & !fourth { value } else { T::ZERO };
                below[left] = if third & !fourth { value } else { T::ZERO };
                below[right] = if fourth { value } else { T::ZERO };
            }
        }
        // An odd last row is in no window.
        self.dx[height / 2 * 2 * width..].fill(T::ZERO);
    }
}

/// Sums of the windows of a plane.
pub struct Sums<'a, T> {
    pub geometry: &'a Geometry,
    pub x: &'a [T],
    pub out: &'a mut [T],
}

impl<T: PoolingElement> Kernel for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Sums { geometry, x, out } = self;
        let (shape, stride) = (&geometry.shape, geometry.shape.stride[1]);
        for (row, out) in out.chunks_exact_mut(geometry.output[1]).enumerate() {
            out.fill(T::ZERO);
            for v in 0..shape.window[0] {
                let Some(y) = geometry.row(row, v) else { continue };
                let line = &x[y * shape.size[1]..][..shape.size[1]];
                for u in 0..shape.window[1] {
                    let (columns, first) = geometry.columns(u);
                    if stride == 1 {
                        for (out, &value) in out[columns].iter_mut().zip(&line[first..]) {
                            *out = out.plus(value);
                        }
                    } else {
                        for (index, out) in out[columns].iter_mut().enumerate() {
                            *out = out.plus(line[first + index * stride]);
                        }
                    }
                }
            }
        }
    }
}

/// Adds the windows' `ct` to all their elements.
pub struct Spread<'a, T> {
    pub geometry: &'a Geometry,
    pub ct: &'a [T],
    pub dx: &'a mut [T],
}

impl<T: PoolingElement> Kernel for Spread<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Spread { geometry, ct, dx } = self;
        let (shape, stride) = (&geometry.shape, geometry.shape.stride[1]);
        dx.fill(T::ZERO);
        for (row, ct) in ct.chunks_exact(geometry.output[1]).enumerate() {
            for v in 0..shape.window[0] {
                let Some(y) = geometry.row(row, v) else { continue };
                let line = &mut dx[y * shape.size[1]..][..shape.size[1]];
                for u in 0..shape.window[1] {
                    let (columns, first) = geometry.columns(u);
                    if stride == 1 {
                        for (to, &value) in line[first..].iter_mut().zip(&ct[columns]) {
                            *to = to.plus(value);
                        }
                    } else {
                        for (index, &value) in ct[columns].iter().enumerate() {
                            let to = &mut line[first + index * stride];
                            *to = to.plus(value);
                        }
                    }
                }
            }
        }
    }
}
