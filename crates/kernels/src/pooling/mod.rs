//! Pooling over windows of planes: the place of the maximum, and sums, each with its transpose.
//!
//! Planes are `[planes, height, width]`, windows give `[planes, output height, output width]`, all contiguous and
//! row-major. Padding is never selected and counts as zero in sums. Work is divided by planes.

pub mod oracle;
mod rows;
#[cfg(test)]
mod tests;

use super::convolution::{ConvolutionError, window_count};
use super::gemm::element::Number;
use super::isa::Isa;
use super::memory::with_scratch;
use super::threads::Pool;
use rows::{ChoosePairs, ChooseRow, Spread, SpreadPairs, Sums};
use std::ops::Range;

/// A type that can be pooled.
pub trait PoolingElement: Number + PartialOrd {}

impl PoolingElement for f32 {}
impl PoolingElement for f64 {}

/// All sizes of a pooling. Pairs are of height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolingShape {
    /// Number of planes: images times channels.
    pub planes: usize,
    /// Size of an input plane.
    pub size: [usize; 2],
    /// Size of the window.
    pub window: [usize; 2],
    /// Distance of neighbouring windows.
    pub stride: [usize; 2],
    /// Padding before and after the plane, on each axis.
    pub padding: [[usize; 2]; 2],
    /// Distance of neighbouring places of the window.
    pub dilation: [usize; 2],
}

impl PoolingShape {
    /// Height and width of an output plane.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn output_size(&self) -> Result<[usize; 2], ConvolutionError> {
        let count = |axis: usize| {
            let (window, padding) = (self.window[axis], self.padding[axis]);
            window_count(axis, self.size[axis], window, self.stride[axis], padding, self.dilation[axis])
        };
        let output = [count(0)?, count(1)?];
        let product = |[height, width]: [usize; 2]| height.checked_mul(width)?.checked_mul(self.planes);
        // The places of maxima are kept in 32 bits.
        let small = self.size[0].checked_mul(self.size[1]).is_some_and(|len| len < u32::MAX as usize);
        let fits = small && product(self.size).is_some() && product(output).is_some();
        if fits { Ok(output) } else { Err(ConvolutionError::Overflow) }
    }

    /// The output size, after a check of the sizes and of the number of elements of both sides.
    fn check(&self, input: usize, output: usize) -> Geometry {
        let size = self.output_size().unwrap_or_else(|error| panic!("pooling: {error}"));
        assert_eq!(input, self.planes * self.size[0] * self.size[1], "elements of the planes");
        assert_eq!(output, self.planes * size[0] * size[1], "elements of the outputs");
        Geometry { shape: *self, output: size }
    }
}

/// A checked shape.
#[derive(Clone, Copy)]
struct Geometry {
    shape: PoolingShape,
    output: [usize; 2],
}

impl Geometry {
    /// Elements of an input plane.
    fn plane(&self) -> usize {
        self.shape.size[0] * self.shape.size[1]
    }

    /// Elements of an output plane.
    fn windows(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Windows of two by two elements that neither overlap nor reach into padding.
    fn pairs(&self) -> bool {
        let PoolingShape { window, stride, padding, dilation, .. } = self.shape;
        window == [2, 2] && stride == [2, 2] && padding == [[0; 2]; 2] && dilation == [1, 1]
    }

    /// The input row that a place of the window meets in output row `output`, unless it is padding.
    #[inline(always)]
    fn row(&self, output: usize, place: usize) -> Option<usize> {
        let shape = &self.shape;
        let row = output * shape.stride[0] + place * shape.dilation[0];
        if row >= shape.padding[0][0] && row - shape.padding[0][0] < shape.size[0] {
            Some(row - shape.padding[0][0])
        } else {
            None
        }
    }

    /// The output columns in which a place of the window does not meet padding, and the first input column.
    #[inline(always)]
    fn columns(&self, place: usize) -> (Range<usize>, usize) {
        let shape = &self.shape;
        let (low, stride, offset) = (shape.padding[1][0], shape.stride[1], place * shape.dilation[1]);
        let first = if offset >= low { 0 } else { (low - offset).div_ceil(stride) };
        let limit = shape.size[1] + low;
        let end = if limit <= offset { 0 } else { (limit - offset).div_ceil(stride) };
        let end = if end < self.output[1] { end } else { self.output[1] };
        if first < end { (first..end, first * stride + offset - low) } else { (0..0, 0) }
    }
}

/// A slice whose planes are handed out to tasks.
struct Planes<T> {
    ptr: *mut T,
    len: usize,
}

// SAFETY: tasks take disjoint planes, see `of`.
unsafe impl<T: Send> Sync for Planes<T> {}

impl<T> Planes<T> {
    fn new(slice: &mut [T]) -> Planes<T> {
        Planes { ptr: slice.as_mut_ptr(), len: slice.len() }
    }

    /// Plane number `index` of `size` elements.
    ///
    /// # Safety
    /// No other task takes this plane, and all take planes of the same size.
    unsafe fn of<'a>(&self, index: usize, size: usize) -> &'a mut [T] {
        assert!((index + 1) * size <= self.len);
        // SAFETY: the plane lies within the slice, and is this task's alone.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.add(index * size), size) }
    }
}

/// Planes that are worth a task of their own have this many elements in all.
const TASK_ELEMENTS: usize = 16 << 10;

fn for_planes(pool: &Pool, geometry: &Geometry, body: &(dyn Fn(usize) + Sync)) {
    let elements = geometry.plane() + geometry.windows() * geometry.shape.window.iter().product::<usize>();
    pool.for_ranges(geometry.shape.planes, TASK_ELEMENTS.div_ceil(elements), &|range| range.for_each(body));
}

/// Calls `body` with room for the places of the maxima of a row of windows.
fn with_places(width: usize, body: impl FnOnce(&mut [u32])) {
    with_scratch(width * size_of::<u32>(), |scratch| {
        // SAFETY: the scratch is aligned to 64 bytes and long enough; any bytes are numbers.
        body(unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), width) });
    });
}

/// For each window, the element of `t` at the place where `x` is largest: `out = t[argmax x]`. With `t` equal to `x`
/// this is max pooling, and with a tangent its derivative.
///
/// `x` and `t` are `[planes, height, width]`, `out` is `[planes, output height, output width]`. The first of equal
/// maxima is taken, and the first NaN if there is one. Where a window meets padding only, `out` is `empty`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say.
pub fn max_select<T: PoolingElement>(
    pool: &Pool,
    isa: Isa,
    shape: &PoolingShape,
    x: &[T],
    t: &[T],
    empty: T,
    out: &mut [T],
) {
    assert_eq!(x.len(), t.len(), "elements to compare and to select from");
    let geometry = shape.check(x.len(), out.len());
    let (plane, windows, width) = (geometry.plane(), geometry.windows(), geometry.output[1]);
    let out = Planes::new(out);
    for_planes(pool, &geometry, &|index| {
        let (x, t) = (&x[index * plane..][..plane], &t[index * plane..][..plane]);
        // SAFETY: each task has its own planes.
        let out = unsafe { out.of(index, windows) };
        if geometry.pairs() {
            return isa.run(ChoosePairs { geometry: &geometry, x, t, out });
        }
        with_places(width, |places| {
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                isa.run(ChooseRow { geometry: &geometry, x, row, places });
                for (out, &place) in out.iter_mut().zip(places.iter()) {
                    *out = t.get(place as usize).copied().unwrap_or(empty);
                }
            }
        });
    });
}

/// The transpose of [`max_select`] in `t`: `dx` is zero but where windows of `x` have their maximum; there it is the sum
/// of the windows' `ct`, added in order of the windows.
///
/// `x` and `dx` are `[planes, height, width]`, `ct` is `[planes, output height, output width]`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say.
pub fn max_scatter<T: PoolingElement>(
    pool: &Pool,
    isa: Isa,
    shape: &PoolingShape,
    x: &[T],
    ct: &[T],
    dx: &mut [T],
) {
    assert_eq!(x.len(), dx.len(), "elements to compare and to add to");
    let geometry = shape.check(x.len(), ct.len());
    let (plane, windows, width) = (geometry.plane(), geometry.windows(), geometry.output[1]);
    let dx = Planes::new(dx);
    for_planes(pool, &geometry, &|index| {
        let (x, ct) = (&x[index * plane..][..plane], &ct[index * windows..][..windows]);
        // SAFETY: each task has its own planes.
        let dx = unsafe { dx.of(index, plane) };
        if geometry.pairs() {
            return isa.run(SpreadPairs { geometry: &geometry, x, ct, dx });
        }
        dx.fill(T::ZERO);
        with_places(width, |places| {
            for (row, ct) in ct.chunks_exact(width).enumerate() {
                isa.run(ChooseRow { geometry: &geometry, x, row, places });
                for (&ct, &place) in ct.iter().zip(places.iter()) {
                    if let Some(dx) = dx.get_mut(place as usize) {
                        *dx = dx.plus(ct);
                    }
                }
            }
        });
    });
}

/// The sum of each window of `x`, in row-major order of its places.
///
/// `x` is `[planes, height, width]`, `out` is `[planes, output height, output width]`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say.
pub fn sum<T: PoolingElement>(pool: &Pool, isa: Isa, shape: &PoolingShape, x: &[T], out: &mut [T]) {
    let geometry = shape.check(x.len(), out.len());
    let (plane, windows) = (geometry.plane(), geometry.windows());
    let out = Planes::new(out);
    for_planes(pool, &geometry, &|index| {
        // SAFETY: each task has its own planes.
        let out = unsafe { out.of(index, windows) };
        isa.run(Sums { geometry: &geometry, x: &x[index * plane..][..plane], out });
    });
}

/// The transpose of [`sum`]: each element of `dx` is the sum of the `ct` of all windows that it is in.
///
/// `ct` is `[planes, output height, output width]`, `dx` is `[planes, height, width]`.
///
/// # Panics
/// If the sizes do not fit together or a slice does not have the length they say.
pub fn sum_transposed<T: PoolingElement>(
    pool: &Pool,
    isa: Isa,
    shape: &PoolingShape,
    ct: &[T],
    dx: &mut [T],
) {
    let geometry = shape.check(dx.len(), ct.len());
    let (plane, windows) = (geometry.plane(), geometry.windows());
    let dx = Planes::new(dx);
    for_planes(pool, &geometry, &|index| {
        // SAFETY: each task has its own planes.
        let dx = unsafe { dx.of(index, plane) };
        isa.run(Spread { geometry: &geometry, ct: &ct[index * windows..][..windows], dx });
    });
}
