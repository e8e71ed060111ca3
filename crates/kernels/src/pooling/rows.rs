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
        match end - first {
            8.. => self.parts::<8>(first, end),
            4.. => self.parts::<4>(first, end),
            _ => self.parts::<1>(first, end),
        }
        for column in end..width {
            self.single(column);
        }
    }
}

impl<T: PoolingElement> ChooseRow<'_, T> {
    /// The windows in `first..end`, of which there are at least `N` or none, `N` at a time. The last ones overlap those
    /// before: single windows would be made of branches that nothing predicts.
    #[inline(always)]
    fn parts<const N: usize>(&mut self, first: usize, end: usize) {
        let mut column = first;
        while column < end {
            let last = end - N;
            let start = if column < last { column } else { last };
            self.inner::<N>(start);
            column = start + N;
        }
    }

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

/// The elements at even and at odd places of the first `2 · N`.
#[inline(always)]
fn halves<T: PoolingElement, const N: usize>(from: &[T]) -> [[T; N]; 2] {
    let from = &from[..2 * N];
    let mut halves = [[T::ZERO; N]; 2];
    for lane in 0..N {
        halves[0][lane] = from[2 * lane];
        halves[1][lane] = from[2 * lane + 1];
    }
    halves
}

/// Two lines of windows of two by two, worked off in parts of so many windows that the compiler keeps each of their places
/// in a vector. The last part overlaps the one before: single windows would be made of branches that nothing predicts.
macro_rules! in_parts {
    ($count:expr, $part:ident, $($argument:expr),*) => {
        match $count {
            8.. => in_parts!(@ 8, $count, $part, $($argument),*),
            4.. => in_parts!(@ 4, $count, $part, $($argument),*),
            _ => in_parts!(@ 1, $count, $part, $($argument),*),
        }
    };
    (@ $windows:literal, $count:expr, $part:ident, $($argument:expr),*) => {{
        let mut index = 0;
        while index < $count {
            let last = $count - $windows;
            let first = if index < last { index } else { last };
            $part::<T, $windows>(first, $($argument),*);
            index = first + $windows;
        }
    }};
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

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (width, count) = (self.geometry.shape.size[1], self.geometry.output[1]);
        for (row, out) in self.out.chunks_exact_mut(count).enumerate() {
            let start = 2 * row * width;
            let x = [&self.x[start..][..2 * count], &self.x[start + width..][..2 * count]];
            let t = [&self.t[start..][..2 * count], &self.t[start + width..][..2 * count]];
            in_parts!(count, choose_pairs, x, t, out);
        }
    }
}

// Indices run over several arrays at once.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn choose_pairs<T: PoolingElement, const N: usize>(
    index: usize,
    [upper, lower]: [&[T]; 2],
    [upper_t, lower_t]: [&[T]; 2],
    out: &mut [T],
) {
    let [left, right] = halves::<T, N>(&upper[2 * index..]);
    let [lower_left, lower_right] = halves::<T, N>(&lower[2 * index..]);
    let [left_t, right_t] = halves::<T, N>(&upper_t[2 * index..]);
    let [lower_left_t, lower_right_t] = halves::<T, N>(&lower_t[2 * index..]);
    let mut values = [T::ZERO; N];
    for lane in 0..N {
        let mut take = replaces(right[lane], left[lane]);
        let mut best = if take { right[lane] } else { left[lane] };
        let mut value = if take { right_t[lane] } else { left_t[lane] };
        take = replaces(lower_left[lane], best);
        best = if take { lower_left[lane] } else { best };
        value = if take { lower_left_t[lane] } else { value };
        take = replaces(lower_right[lane], best);
        values[lane] = if take { lower_right_t[lane] } else { value };
    }
    out[index..index + N].copy_from_slice(&values);
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

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let ([height, width], count) = (self.geometry.shape.size, self.geometry.output[1]);
        for (row, ct) in self.ct.chunks_exact(count).enumerate() {
            let start = 2 * row * width;
            let x = [&self.x[start..][..2 * count], &self.x[start + width..][..2 * count]];
            let (above, below) = self.dx[start..][..2 * width].split_at_mut(width);
            above[2 * count..].fill(T::ZERO);
            below[2 * count..].fill(T::ZERO);
            in_parts!(count, spread_pairs, x, ct, above, below);
        }
        // An odd last row is in no window.
        self.dx[height / 2 * 2 * width..].fill(T::ZERO);
    }
}

// Indices run over several arrays at once.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn spread_pairs<T: PoolingElement, const N: usize>(
    index: usize,
    [upper, lower]: [&[T]; 2],
    ct: &[T],
    above: &mut [T],
    below: &mut [T],
) {
    let [left, right] = halves::<T, N>(&upper[2 * index..]);
    let [lower_left, lower_right] = halves::<T, N>(&lower[2 * index..]);
    let ct = &ct[index..index + N];
    let mut spread = [[T::ZERO; N]; 4];
    for lane in 0..N {
        let second = replaces(right[lane], left[lane]);
        let best = if second { right[lane] } else { left[lane] };
        let third = replaces(lower_left[lane], best);
        let best = if third { lower_left[lane] } else { best };
        let fourth = replaces(lower_right[lane], best);
        let value = ct[lane];
        spread[0][lane] = if second | third | fourth { T::ZERO } else { value };
        spread[1][lane] = if second & !third & !fourth { value } else { T::ZERO };
        spread[2][lane] = if third & !fourth { value } else { T::ZERO };
        spread[3][lane] = if fourth { value } else { T::ZERO };
    }
    let (above, below) = (&mut above[2 * index..][..2 * N], &mut below[2 * index..][..2 * N]);
    for lane in 0..N {
        above[2 * lane] = spread[0][lane];
        above[2 * lane + 1] = spread[1][lane];
        below[2 * lane] = spread[2][lane];
        below[2 * lane + 1] = spread[3][lane];
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
