//! Reading and adding rows by index.
//!
//! Both kernels see the array that is indexed as `[batch, pre, n, post]` and the one with a row per index as
//! `[batch, pre, m, post]`, both contiguous, with indices `[batch, m]`. Each call does the rows `rows` of the
//! `batch * pre` and the columns `columns` of the `post`, so that callers can spread either over threads.

use std::fmt;
use std::ops::Range;

use half::{bf16, f16};

use super::isa::{Instructions, Isa, Kernel};

/// The sizes of both arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Axes that the indices share.
    pub batch: usize,
    /// Axes before the indexed one that the indices do not have.
    pub pre: usize,
    /// The indexed axis.
    pub n: usize,
    /// Indices in a batch.
    pub m: usize,
    /// Axes after the indexed one.
    pub post: usize,
}

/// An index that is not in `-n..n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexError {
    /// Where it stands among all `batch * m` indices.
    pub position: usize,
    /// The index.
    pub index: i64,
    /// The size of the indexed axis.
    pub n: usize,
}

impl fmt::Display for IndexError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IndexError { position, index, n } = self;
        write!(formatter, "index {index} at position {position} is out of range for an axis of size {n}")
    }
}

impl std::error::Error for IndexError {}

/// `index`, counted from the end if negative, if it is in range.
#[inline(always)]
fn resolve(index: i64, n: usize, position: usize) -> Result<usize, IndexError> {
    // As an unsigned number a negative one is out of range too; sizes are below 2^63.
    let wrapped = if index < 0 { index.wrapping_add(n as i64) } else { index } as u64;
    if wrapped < n as u64 { Ok(wrapped as usize) } else { Err(IndexError { position, index, n }) }
}

/// The first index that is out of range, if any.
pub fn check_indices(indices: &[i64], n: usize) -> Result<(), IndexError> {
    indices.iter().enumerate().try_for_each(|(position, &index)| resolve(index, n, position).map(drop))
}

/// The part of both arrays that a call works on.
struct Part {
    geometry: Geometry,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Part {
    /// Calls `visit` with the element offsets, in the indexed and in the other array, of every stretch of columns, in
    /// order of increasing index position for every row.
    #[inline(always)]
    fn stretches(&self, indices: &[i64], mut visit: impl FnMut(usize, usize)) -> Result<(), IndexError> {
        let Geometry { batch, pre, n, m, post } = self.geometry;
        assert_eq!(indices.len(), batch * m, "as many indices as the geometry has");
        assert!(self.rows.end <= batch * pre && self.columns.end <= post, "a part of the arrays");
        if self.columns.is_empty() {
            return Ok(());
        }
        for row in self.rows.clone() {
            let first = row / pre * m;
            let indexed = row * n * post + self.columns.start;
            let mut other = row * m * post + self.columns.start;
            for (offset, &index) in indices[first..first + m].iter().enumerate() {
                let target = resolve(index, n, first + offset)?;
                visit(indexed + target * post, other);
                other += post;
            }
        }
        Ok(())
    }
}

/// `out[b, p, j, c] = data[b, p, indices[b, j], c]` for elements of `element_size` bytes.
///
/// On an error, which names the first bad index of the first row, a part of `out` may have been written.
///
/// # Panics
/// If `indices` is not `batch * m` long, or `rows` or `columns` leave the arrays.
///
/// # Safety
/// `data` must be readable and `out` writable for as many elements as the geometry says; they must not overlap, and
/// nothing else may write the elements of `data`, or access those of `out`, in these rows and columns meanwhile.
pub unsafe fn take(
    element_size: usize,
    geometry: Geometry,
    data: *const u8,
    indices: &[i64],
    out: *mut u8,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<(), IndexError> {
    let part = Part { geometry, rows, columns };
    let bytes = part.columns.len() * element_size;
    // Stretches as short as one or a few elements are moved through a register.
    // SAFETY: the caller's promise, passed on.
    unsafe {
        match bytes {
            1 => take_fixed::<1>(element_size, &part, data, indices, out),
            2 => take_fixed::<2>(element_size, &part, data, indices, out),
            4 => take_fixed::<4>(element_size, &part, data, indices, out),
            8 => take_fixed::<8>(element_size, &part, data, indices, out),
            16 => take_fixed::<16>(element_size, &part, data, indices, out),
            32 => take_fixed::<32>(element_size, &part, data, indices, out),
            _ => part.stretches(indices, |from, to| {
                // SAFETY: `stretches` only gives stretches inside both arrays, and these do not overlap.
                std::ptr::copy_nonoverlapping(
                    data.add(from * element_size),
                    out.add(to * element_size),
                    bytes,
                );
            }),
        }
    }
}

/// [`take`] where a stretch has `BYTES` bytes.
///
/// # Safety
/// As for [`take`].
unsafe fn take_fixed<const BYTES: usize>(
    element_size: usize,
    part: &Part,
    data: *const u8,
    indices: &[i64],
    out: *mut u8,
) -> Result<(), IndexError> {
    part.stretches(indices, |from, to| {
        // SAFETY: `stretches` only gives stretches inside both arrays, and arrays of bytes have no alignment.
        unsafe {
            let stretch = data.add(from * element_size).cast::<[u8; BYTES]>().read();
            out.add(to * element_size).cast::<[u8; BYTES]>().write(stretch);
        }
    })
}

/// An element that can be added to another.
pub trait Accumulate: Copy + Send + Sync + 'static {
    /// The sum: integers wrap around, and the half types are added in single precision and rounded every time.
    fn plus(self, other: Self) -> Self;
}

macro_rules! accumulate {
    ($($type:ty: |$a:ident, $b:ident| $sum:expr;)*) => {
        $(impl Accumulate for $type {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $sum
            }
        })*
    };
}

accumulate! {
    f32: |a, b| a + b;
    f64: |a, b| a + b;
    i32: |a, b| a.wrapping_add(b);
    i64: |a, b| a.wrapping_add(b);
    u8: |a, b| a.wrapping_add(b);
    f16: |a, b| f16::from_f32(a.to_f32() + b.to_f32());
    bf16: |a, b| bf16::from_f32(a.to_f32() + b.to_f32());
}

struct ScatterAdd<'a, T> {
    part: Part,
    updates: *const T,
    indices: &'a [i64],
    out: *mut T,
}

impl<T: Accumulate> Kernel for ScatterAdd<'_, T> {
    type Output = Result<(), IndexError>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Result<(), IndexError> {
        let length = self.part.columns.len();
        self.part.stretches(
            self.indices,
            #[inline(always)]
            |to, from| {
                // SAFETY: the caller of `scatter_add` promised both arrays and exclusive access to this part of `out`,
                // and `stretches` only gives stretches inside it.
                let (target, update) = unsafe {
                    (
                        std::slice::from_raw_parts_mut(self.out.add(to), length),
                        std::slice::from_raw_parts(self.updates.add(from), length),
                    )
                };
                for (target, update) in target.iter_mut().zip(update) {
                    *target = target.plus(*update);
                }
            },
        )
    }
}

/// `out[b, p, indices[b, j], c] += updates[b, p, j, c]`, where `out` already holds what is added to (zeros, as a rule).
///
/// Every element of `out` receives its updates in order of increasing `j`, and belongs to exactly one row and column,
/// so the result does not depend on how rows and columns are spread over threads. On an error, which names the first
/// bad index of the first row, a part of the updates may have been added.
///
/// # Panics
/// If `indices` is not `batch * m` long, or `rows` or `columns` leave the arrays.
///
/// # Safety
/// `updates` must be readable and `out` readable and writable for as many elements as the geometry says; they must not
/// overlap, and nothing else may write the elements of `updates`, or access those of `out`, in these rows and columns
/// meanwhile.
pub unsafe fn scatter_add<T: Accumulate>(
    isa: Isa,
    geometry: Geometry,
    updates: *const T,
    indices: &[i64],
    out: *mut T,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<(), IndexError> {
    isa.run(ScatterAdd { part: Part { geometry, rows, columns }, updates, indices, out })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [[usize; 5]; 9] = [
        [1, 1, 5, 7, 1],
        [1, 1, 5, 7, 64],
        [2, 3, 4, 6, 1],
        [2, 3, 4, 6, 3],
        [3, 2, 1, 4, 33],
        [1, 4, 9, 5, 2],
        [2, 2, 3, 0, 4],
        [2, 0, 3, 4, 4],
        [1, 2, 3, 4, 0],
    ];

    fn geometry([batch, pre, n, m, post]: [usize; 5]) -> Geometry {
        Geometry { batch, pre, n, m, post }
    }

    fn indices(g: Geometry) -> Vec<i64> {
        (0..g.batch * g.m).map(|i| (i * 7 + 3) as i64 % (2 * g.n as i64) - g.n as i64).collect()
    }

    /// All of `0..length`, cut in pieces.
    fn pieces(length: usize, piece: usize) -> impl Iterator<Item = Range<usize>> {
        (0..length).step_by(piece).map(move |start| start..(start + piece).min(length))
    }

    /// The flat offsets, in the indexed array and in the other, of all elements of the other.
    fn naive(g: Geometry, indices: &[i64]) -> Vec<(usize, usize)> {
        let mut offsets = Vec::new();
        for row in 0..g.batch * g.pre {
            for j in 0..g.m {
                let index = indices[row / g.pre * g.m + j].rem_euclid(g.n as i64) as usize;
                for c in 0..g.post {
                    offsets.push(((row * g.n + index) * g.post + c, (row * g.m + j) * g.post + c));
                }
            }
        }
        offsets
    }

    #[test]
    fn take_equals_the_naive_loop() {
        for (shape, element_size) in SHAPES.into_iter().flat_map(|s| [1, 2, 4, 8].map(|size| (s, size))) {
            let g = geometry(shape);
            let indices = indices(g);
            let rows = g.batch * g.pre;
            let data: Vec<u8> =
                (0..rows * g.n * g.post * element_size).map(|i| (i * 31 + i / 251) as u8).collect();
            let mut expected = vec![0; rows * g.m * g.post * element_size];
            for (from, to) in naive(g, &indices) {
                let (from, to) = (from * element_size, to * element_size);
                expected[to..to + element_size].copy_from_slice(&data[from..from + element_size]);
            }
            for piece in [1, 2, 5, 100] {
                let mut out = vec![0; expected.len()];
                for (rows, columns) in pieces(rows, piece)
                    .flat_map(|rows| pieces(g.post, piece * 3).map(move |columns| (rows.clone(), columns)))
                {
                    // SAFETY: the vectors have the sizes of the geometry, and this is the only thread.
                    unsafe {
                        take(element_size, g, data.as_ptr(), &indices, out.as_mut_ptr(), rows, columns)
                            .unwrap();
                    }
                }
                assert_eq!(out, expected, "{shape:?} {element_size} {piece}");
            }
        }
    }

    fn scatter_case<T: Accumulate + PartialEq + fmt::Debug>(zero: T, value: impl Fn(usize) -> T) {
        for (shape, &isa) in SHAPES.into_iter().flat_map(|s| Isa::available().iter().map(move |isa| (s, isa)))
        {
            let g = geometry(shape);
            let indices = indices(g);
            let rows = g.batch * g.pre;
            let updates: Vec<T> = (0..rows * g.m * g.post).map(&value).collect();
            let mut expected = vec![zero; rows * g.n * g.post];
            for (to, from) in naive(g, &indices) {
                expected[to] = expected[to].plus(updates[from]);
            }
            for piece in [1, 2, 5, 100] {
                let mut out = vec![zero; expected.len()];
                for (rows, columns) in pieces(rows, piece)
                    .flat_map(|rows| pieces(g.post, piece * 3).map(move |columns| (rows.clone(), columns)))
                {
                    // SAFETY: the vectors have the sizes of the geometry, and this is the only thread.
                    unsafe {
                        scatter_add(isa, g, updates.as_ptr(), &indices, out.as_mut_ptr(), rows, columns)
                            .unwrap();
                    }
                }
                assert_eq!(out, expected, "{shape:?} {isa:?} {piece}");
            }
        }
    }

    #[test]
    fn scatter_add_equals_the_naive_loop() {
        // Values whose sums round, so that a different order would show.
        let fraction = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 / 997.0 - 500.0;
        scatter_case(0.0f32, fraction);
        scatter_case(0.0f64, |i| f64::from(fraction(i)) / 3.0);
        scatter_case(0i32, |i| (i as i32).wrapping_mul(1_000_000_007));
        scatter_case(0i64, |i| i as i64 - 100);
        scatter_case(0u8, |i| i as u8);
        scatter_case(f16::ZERO, |i| f16::from_f32(fraction(i)));
        scatter_case(bf16::ZERO, |i| bf16::from_f32(fraction(i)));
    }

    #[test]
    fn bad_indices_are_named() {
        let g = geometry([2, 1, 3, 2, 1]);
        let (data, mut out) = ([1.0f32; 6], [0.0f32; 6]);
        for bad in [3, -4, i64::MAX, i64::MIN] {
            let indices = [0, -3, 2, bad];
            let expected = Err(IndexError { position: 3, index: bad, n: 3 });
            assert_eq!(check_indices(&indices, 3), expected);
            // SAFETY: both arrays are as large as the geometry says or larger, and this is the only thread.
            unsafe {
                let (from, to) = (data.as_ptr().cast(), out.as_mut_ptr().cast());
                assert_eq!(take(4, g, from, &indices, to, 0..2, 0..1), expected);
                let to = out.as_mut_ptr();
                assert_eq!(scatter_add(Isa::Portable, g, data.as_ptr(), &indices, to, 0..2, 0..1), expected);
                assert_eq!(scatter_add(Isa::Portable, g, data.as_ptr(), &indices, to, 0..1, 0..1), Ok(()));
            }
        }
        assert_eq!(
            IndexError { position: 3, index: -4, n: 3 }.to_string(),
            "index -4 at position 3 is out of range for an axis of size 3"
        );
    }
}
