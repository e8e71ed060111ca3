//! Reductions of slices, in an order of arithmetic that depends on their length alone.

use crate::DType;
use crate::cpu::kernels::isa::{Instructions, Isa, Kernel};
use crate::ops::map::Number;
use crate::ops::reduce::ReduceOp;

/// Partial results kept side by side, so that the compiler may use vectors of any width.
const LANES: usize = 16;

#[inline(always)]
fn combine<T: Number>(op: ReduceOp, left: T, right: T) -> T {
    match op {
        ReduceOp::Sum => left.plus(right),
        ReduceOp::Product => left.times(right),
        ReduceOp::Max => left.larger(right),
        ReduceOp::Min => left.smaller(right),
    }
}

#[inline(always)]
fn fold<T: Number>(values: &[T], combine: impl Fn(T, T) -> T) -> T {
    if values.len() < LANES {
        let mut result = values[0];
        for value in &values[1..] {
            result = combine(result, *value);
        }
        return result;
    }
    let mut lanes = [values[0]; LANES];
    lanes.copy_from_slice(&values[..LANES]);
    let mut chunks = values[LANES..].chunks_exact(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            lanes[lane] = combine(lanes[lane], chunk[lane]);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = combine(*lane, *value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

struct Rows<'a, T> {
    op: ReduceOp,
    values: &'a [T],
    row: usize,
    target: &'a mut [T],
}

impl<T: Number> Kernel for Rows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let rows = self.values.chunks_exact(self.row).zip(self.target);
        // Loops, not `for_each`, whose code would be compiled without the instructions.
        match self.op {
            ReduceOp::Sum => {
                for (row, target) in rows {
                    *target = fold(row, T::plus);
                }
            }
            ReduceOp::Product => {
                for (row, target) in rows {
                    *target = fold(row, T::times);
                }
            }
            ReduceOp::Max => {
                for (row, target) in rows {
                    *target = fold(row, T::larger);
                }
            }
            ReduceOp::Min => {
                for (row, target) in rows {
                    *target = fold(row, T::smaller);
                }
            }
        }
    }
}

/// Reduces each of `rows` rows of `row` elements to one.
///
/// # Safety
/// `values` is valid for `rows · row` elements of `dtype`, `target` for `rows`, and they do not overlap; `row > 0`.
pub(crate) unsafe fn rows(
    isa: Isa,
    op: ReduceOp,
    dtype: DType,
    values: *const u8,
    row: usize,
    rows: usize,
    target: *mut u8,
) {
    macro_rules! by_type {
        ($($variant:ident $type:ty),*) => { match dtype { $(DType::$variant => {
            // SAFETY: promised by the caller.
            let values = unsafe { std::slice::from_raw_parts(values.cast::<$type>(), rows * row) };
            // SAFETY: promised by the caller.
            let target = unsafe { std::slice::from_raw_parts_mut(target.cast::<$type>(), rows) };
            isa.run(Rows { op, values, row, target });
        })* _ => unreachable!("{dtype} is reduced in f32") } };
    }
    by_type!(F32 f32, F64 f64, I32 i32, I64 i64, U8 u8, Bool u8);
}

struct Columns<'a, T> {
    op: ReduceOp,
    values: &'a [T],
    accumulator: &'a mut [T],
    first: bool,
}

impl<T: Number> Kernel for Columns<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let mut rows = self.values.chunks_exact(self.accumulator.len());
        if self.first
            && let Some(row) = rows.next()
        {
            self.accumulator.copy_from_slice(row);
        }
        for row in rows {
            for (sum, value) in self.accumulator.iter_mut().zip(row) {
                *sum = combine(self.op, *sum, *value);
            }
        }
    }
}

/// Combines rows of `width` elements into an accumulator of that width; the first row of all is copied.
///
/// # Safety
/// `values` is valid for `rows · width` elements of `dtype`, `accumulator` for `width`, and they do not overlap.
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe fn columns(
    isa: Isa,
    op: ReduceOp,
    dtype: DType,
    values: *const u8,
    rows: usize,
    width: usize,
    accumulator: *mut u8,
    first: bool,
) {
    macro_rules! by_type {
        ($($variant:ident $type:ty),*) => { match dtype { $(DType::$variant => {
            // SAFETY: promised by the caller.
            let values = unsafe { std::slice::from_raw_parts(values.cast::<$type>(), rows * width) };
            // SAFETY: promised by the caller.
            let accumulator = unsafe { std::slice::from_raw_parts_mut(accumulator.cast::<$type>(), width) };
            isa.run(Columns { op, values, accumulator, first });
        })* _ => unreachable!("{dtype} is reduced in f32") } };
    }
    by_type!(F32 f32, F64 f64, I32 i32, I64 i64, U8 u8, Bool u8);
}

/// Position of the first largest element along the middle axis of `[outer, length, inner]`, NaN counting as largest,
/// for the outer indices in `range`.
///
/// # Safety
/// `values` is valid for all elements of `dtype`, `target` for `outer · inner` of `i64`.
pub(crate) unsafe fn argmax(
    dtype: DType,
    values: *const u8,
    length: usize,
    inner: usize,
    range: std::ops::Range<usize>,
    target: *mut i64,
) {
    /// # Safety
    /// As for [`argmax`].
    unsafe fn typed<T: Number>(
        values: *const T,
        length: usize,
        inner: usize,
        range: std::ops::Range<usize>,
        target: *mut i64,
    ) {
        for outer in range {
            for column in 0..inner {
                // SAFETY: the index is below outer · length · inner.
                let at = |index: usize| unsafe { *values.add((outer * length + index) * inner + column) };
                let mut best = 0;
                let mut largest = at(0);
                for index in 1..length {
                    let value = at(index);
                    let is_nan = value.partial_cmp(&value).is_none();
                    let best_is_nan = largest.partial_cmp(&largest).is_none();
                    if !best_is_nan && (is_nan || value > largest) {
                        (best, largest) = (index, value);
                    }
                }
                // SAFETY: the index is below outer · inner.
                unsafe { *target.add(outer * inner + column) = best as i64 };
            }
        }
    }
    // SAFETY: passed on from the caller.
    unsafe {
        match dtype {
            DType::F32 => typed(values.cast::<f32>(), length, inner, range, target),
            DType::F64 => typed(values.cast::<f64>(), length, inner, range, target),
            DType::I32 => typed(values.cast::<i32>(), length, inner, range, target),
            DType::I64 => typed(values.cast::<i64>(), length, inner, range, target),
            DType::U8 | DType::Bool => typed(values, length, inner, range, target),
            DType::F16 | DType::BF16 => unreachable!("{dtype} is compared in f32"),
        }
    }
}
