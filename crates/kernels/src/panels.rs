//! Products of a few rows by a matrix that lies in panels and stays in the second-level cache, by the tiles of the matrix
//! kernel: what attention and recurrent layers are made of.

use crate::gemm::Accumulate;
use crate::gemm::element::Number;
use crate::gemm::tile::{Ahead, Tile, TileSize, VECTORS, VectorKernel, dispatch};
use crate::gemm::vector::Vector;
use crate::isa::Isa;
use std::ops::Range;

/// The left operand: any strides.
#[derive(Clone, Copy)]
pub struct Left<'a, T> {
    pub values: &'a [T],
    /// From row to row.
    pub row: usize,
    /// From column to column.
    pub column: usize,
}

/// The right operand: panels as wide as a tile, whose rows are contiguous.
#[derive(Clone, Copy)]
pub struct Right<'a, T> {
    values: &'a [T],
    /// From row to row.
    depth: usize,
    /// From panel to panel.
    panel: usize,
}

impl<'a, T: Number> Right<'a, T> {
    /// Rows of `width` numbers, one after the other, where they lie.
    pub fn rows(isa: Isa, values: &'a [T], width: usize) -> Right<'a, T> {
        Right { values, depth: width, panel: panel_width::<T>(isa) }
    }

    /// What [`pack`] wrote, from a column on that is a multiple of the panels' width.
    pub fn packed(isa: Isa, values: &'a [T], depth: usize, column: usize) -> Right<'a, T> {
        let width = panel_width::<T>(isa);
        debug_assert!(column.is_multiple_of(width), "panels are whole");
        Right { values: &values[column * depth..], depth: width, panel: width * depth }
    }
}

/// Columns of a panel.
pub fn panel_width<T: Number>(isa: Isa) -> usize {
    TileSize::of::<T>(isa).columns
}

/// Rows of a tile, the best number of rows of a product.
pub fn strip_rows<T: Number>(isa: Isa) -> usize {
    TileSize::of::<T>(isa).rows
}

/// How many numbers [`pack`] writes.
pub fn packed_size<T: Number>(isa: Isa, count: usize, width: usize) -> usize {
    count.next_multiple_of(panel_width::<T>(isa)) * width
}

/// Turns rows of `width` numbers into the columns of a right operand. Columns that fill up the last panel keep what is
/// there: nothing reads them.
pub fn pack<T: Number>(isa: Isa, rows: &[T], width: usize, to: &mut [T]) {
    if width == 0 {
        return;
    }
    let count = rows.len() / width;
    assert!(to.len() >= packed_size::<T>(isa, count, width), "the panels fit");
    let pack = Pack { rows: rows.as_ptr(), width, count, to: to.as_mut_ptr() };
    // SAFETY: there are `count` whole rows, and the assertion checked the room.
    unsafe { dispatch(isa, pack) }
}

struct Pack<N> {
    rows: *const N,
    width: usize,
    count: usize,
    to: *mut N,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<N: Number> VectorKernel<N> for Pack<N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let (width, pitch) = (self.width, VECTORS * V::LANES);
        let mut first = 0;
        while first < self.count {
            let count = if self.count - first < V::LANES { self.count - first } else { V::LANES };
            let mut column = 0;
            // SAFETY: these are `count` of the rows, and columns `first % pitch` and on of a panel that `pack` checked.
            unsafe {
                let from = self.rows.add(first * width);
                let to = self.to.add(first / pitch * pitch * width + first % pitch);
                // Squares go across the rows: reading one number of each line first, in order, fetches all lines at the
                // same time.
                let mut line = 0;
                while line < count * width {
                    from.add(line).read_volatile();
                    line += LINE / size_of::<N>();
                }
                while count == V::LANES && column + V::LANES <= width {
                    V::transpose(from.add(column), width as isize, to.add(column * pitch), pitch);
                    column += V::LANES;
                }
                while column < width {
                    for row in 0..count {
                        *to.add(column * pitch + row) = *from.add(row * width + column);
                    }
                    column += 1;
                }
            }
            first += count;
        }
    }
}

/// `c (+)= left · right` with `c: [rows, columns]`, whose rows are `pitch` apart, on this thread.
pub fn product<T: Number>(
    isa: Isa,
    [rows, columns, depth]: [usize; 3],
    left: Left<T>,
    right: Right<T>,
    c: &mut [T],
    pitch: usize,
    accumulate: Accumulate,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    let last = columns.div_ceil(panel_width::<T>(isa)) - 1;
    assert!(pitch >= columns && (rows - 1) * pitch + columns <= c.len(), "a tile is too short");
    if depth > 0 {
        let reach = (rows - 1) * left.row + (depth - 1) * left.column;
        assert!(reach < left.values.len(), "the left operand of a tile is too short");
        let reach = last * right.panel + (depth - 1) * right.depth + columns - last * panel_width::<T>(isa);
        assert!(reach <= right.values.len(), "the right operand of a tile is too short");
    }
    let tile = Tile {
        depth,
        a: left.values.as_ptr(),
        a_row: left.row as isize,
        a_depth: left.column as isize,
        b: right.values.as_ptr(),
        b_depth: right.depth as isize,
        c: c.as_mut_ptr(),
        c_row: pitch as isize,
        accumulate,
        ahead: Ahead::nothing(left.values.as_ptr(), right.values.as_ptr()),
    };
    // SAFETY: the assertions checked that every element named lies in its slice; `c` is borrowed for writing, so that
    // it overlaps neither operand and nobody else touches it.
    unsafe { dispatch(isa, Strips { tile, rows, columns, panel: right.panel }) }
}

/// Products between two visits to C where several strips of rows go over the same panel: its part stays in the
/// first-level cache between them.
const DEPTH: usize = 128;

struct Strips<N> {
    tile: Tile<N>,
    rows: usize,
    columns: usize,
    panel: usize,
}

impl<N: Number> VectorKernel<N> for Strips<N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let full = VECTORS * V::LANES;
        let Tile { depth, a, a_depth, b, b_depth, .. } = self.tile;
        let step = if self.rows > ROWS { DEPTH } else { depth };
        let (mut left, mut first, mut c) = (self.columns, b, self.tile.c);
        while left > 0 {
            let width = if left < full { left } else { full };
            let (mut done, mut accumulate) = (0, self.tile.accumulate);
            // At least once, so that a product without depth still writes zeros.
            while done < depth || done == 0 {
                let now = if depth - done < step { depth - done } else { step };
                let a = a.wrapping_offset(done as isize * a_depth);
                let b = first.wrapping_offset(done as isize * b_depth);
                let ahead = Ahead::nothing(a, b);
                let tile = Tile { depth: now, a, b, c, accumulate, ahead, ..self.tile };
                // SAFETY: a part of a panel, within the sizes that `product` checked.
                unsafe { tile.strip::<V, ROWS>(self.rows, width) };
                (done, accumulate) = (done + step.max(1), Accumulate::Add);
            }
            first = first.wrapping_add(self.panel);
            c = c.wrapping_add(width);
            left -= width;
        }
    }
}

/// The product of each row of `left` with each of some rows of `right`, all of `width` numbers, without packing:
/// `c: [rows, keys.len()]` with rows `pitch` apart. For so few rows that packing would cost more than it saves.
pub fn dots<T: Number>(
    isa: Isa,
    width: usize,
    left: &[T],
    right: &[T],
    keys: Range<usize>,
    c: &mut [T],
    pitch: usize,
) {
    if width == 0 {
        return c.fill(T::ZERO);
    }
    let (rows, right) = (left.len() / width, &right[keys.start * width..keys.end * width]);
    assert!(rows == 0 || (rows - 1) * pitch + keys.len() <= c.len(), "a tile is too short");
    let dots = Dots { width, rows, left: left.as_ptr(), right, c: c.as_mut_ptr(), pitch };
    // SAFETY: `left` has `rows` rows, `right` whole rows, and the assertion checked `c`.
    unsafe { dispatch(isa, dots) }
}

struct Dots<'a, N> {
    width: usize,
    rows: usize,
    left: *const N,
    right: &'a [N],
    c: *mut N,
    pitch: usize,
}

/// The most lanes of a vector of floating-point numbers.
const LANES: usize = 16;

impl<N: Number> VectorKernel<N> for Dots<'_, N> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self) {
        let (count, width) = (self.right.len() / self.width, self.width);
        let whole = width / V::LANES * V::LANES;
        let mut sums = [N::ZERO; LANES * LANES];
        let mut turned = [N::ZERO; LANES * LANES];
        // SAFETY: `dots` checked the sizes; masks keep reads and writes within rows; squares of vectors fit in the
        // arrays, since these vectors have at most `LANES` lanes.
        unsafe {
            let rest = V::mask(width - whole);
            let mut first = 0;
            while first < count {
                let keys = if count - first < V::LANES { count - first } else { V::LANES };
                for row in 0..self.rows {
                    let left = self.left.add(row * width);
                    for key in 0..keys {
                        let right = self.right.as_ptr().add((first + key) * width);
                        // Two sums, since each addition waits for the one before.
                        let (mut even, mut odd) = (V::zero(), V::zero());
                        let mut column = 0;
                        while column + 2 * V::LANES <= whole {
                            let next = column + V::LANES;
                            even = V::load(left.add(column)).times_plus(V::load(right.add(column)), even);
                            odd = V::load(left.add(next)).times_plus(V::load(right.add(next)), odd);
                            column += 2 * V::LANES;
                        }
                        if column < whole {
                            even = V::load(left.add(column)).times_plus(V::load(right.add(column)), even);
                        }
                        if whole < width {
                            let (left, right) = (left.add(whole), right.add(whole));
                            odd = V::load_masked(left, rest).times_plus(V::load_masked(right, rest), odd);
                        }
                        even.plus(odd).store(sums.as_mut_ptr().add(key * V::LANES));
                    }
                    V::transpose(sums.as_ptr(), V::LANES as isize, turned.as_mut_ptr(), V::LANES);
                    let mut total = V::load(turned.as_ptr());
                    for lane in 1..V::LANES {
                        total = total.plus(V::load(turned.as_ptr().add(lane * V::LANES)));
                    }
                    total.store_masked(self.c.add(row * self.pitch + first), V::mask(keys));
                }
                first += keys;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that sums are exact in any order.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + seed * 31) % 13) as f32 - 6.0).collect()
    }

    #[test]
    fn products_are_exact_for_odd_sizes() {
        for &isa in Isa::available() {
            for [rows, columns, depth] in [[1, 1, 1], [13, 33, 130], [5, 70, 17], [40, 31, 300], [3, 64, 0]] {
                let (left, right) = (numbers(rows * depth, 1), numbers(columns * depth, 2));
                let mut panels = vec![f32::NAN; packed_size::<f32>(isa, columns, depth)];
                pack(isa, &right, depth, &mut panels);
                let pitch = columns + 3;
                let (mut found, mut direct) = (vec![1.0; rows * pitch], vec![f32::NAN; rows * pitch]);
                let a = Left { values: &left, row: depth, column: 1 };
                let b = Right::packed(isa, &panels, depth, 0);
                product(isa, [rows, columns, depth], a, b, &mut found, pitch, Accumulate::Add);
                dots(isa, depth, &left, &right, 0..columns, &mut direct, pitch);
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let pairs = left[row * depth..][..depth].iter().zip(&right[column * depth..]);
                    let expected: f32 = pairs.map(|(a, b)| a * b).sum();
                    let at = row * pitch + column;
                    assert_eq!(found[at], expected + 1.0, "{isa:?} {rows} {columns} {depth}");
                    assert!(depth == 0 || direct[at] == expected, "{isa:?} {rows} {columns} {depth}");
                }
            }
        }
    }
}
