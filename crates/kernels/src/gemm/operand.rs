//! Operands of a product: where their elements are, and how blocks of them are packed for the micro-kernel.

use super::element::{GemmElement, Number};
use super::tile::{TileSize, VectorKernel};
use super::vector::Vector;
use std::ops::Range;
use std::ptr;

/// Strides of a packed block of A within a tile, in elements. Tiles follow each other at `padded_rows * depth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedLeft {
    /// From row to row.
    pub row: isize,
    /// From column to column.
    pub depth: isize,
}

/// Strides of a packed block of B, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedRight {
    /// From row to row.
    pub depth: usize,
    /// From one tile's width of columns to the next.
    pub panel: usize,
}

/// The left operand, A.
pub trait Left<N: Number> {
    /// First element and strides from row to row and from column to column, if the elements lie in memory as `N`.
    fn in_place(&self) -> Option<(*const N, isize, isize)>;

    /// Packs a block in tiles of `tile.rows` rows, the last of which may have less.
    ///
    /// # Safety
    /// The block lies within the operand; `to` has room for `tile.padded_rows * depth.len()` elements per tile, and
    /// [`super::block::SLACK`] more; the processor has the instructions of `V`.
    unsafe fn pack<V: Vector<Element = N>>(
        &self,
        rows: Range<usize>,
        depth: Range<usize>,
        tile: TileSize,
        to: *mut N,
    ) -> PackedLeft;
}

/// The right operand, B.
pub trait Right<N: Number> {
    /// First element and stride from row to row, if the elements lie in memory as `N` with contiguous rows.
    fn in_place(&self) -> Option<(*const N, isize)>;

    /// First element of the block that begins at this column, if all of B is packed by these ranges of depth already.
    fn packed(&self, _depth: &Range<usize>, _column: usize) -> Option<*const N> {
        None
    }

    /// Packs a block so that the columns of a tile are contiguous; columns that fill up the last tile may hold any
    /// numbers.
    ///
    /// # Safety
    /// The block lies within the operand; `to` has room for `tile.columns * depth.len()` elements per panel, for
    /// [`super::block::SLACK`] more in each row, and as many more at the end; the processor has the instructions of
    /// `V`.
    unsafe fn pack<V: Vector<Element = N>>(
        &self,
        depth: Range<usize>,
        columns: Range<usize>,
        tile: TileSize,
        to: *mut N,
    ) -> PackedRight;
}

/// A matrix with any strides, in elements.
#[derive(Clone, Copy, Debug)]
pub struct Strided<T> {
    /// First element.
    pub ptr: *const T,
    /// From row to row.
    pub row: isize,
    /// From column to column.
    pub column: isize,
}

impl<T: GemmElement> Strided<T> {
    /// The element in `row` and `column`.
    ///
    /// # Safety
    /// The matrix has it.
    #[inline(always)]
    unsafe fn at(&self, row: usize, column: usize) -> *const T {
        // SAFETY: the caller vouches that the element exists.
        unsafe { self.ptr.offset(row as isize * self.row + column as isize * self.column) }
    }
}

impl<T: GemmElement> Left<T::Sum> for Strided<T> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const T::Sum, isize, isize)> {
        T::NATIVE.then_some((self.ptr.cast(), self.row, self.column))
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = T::Sum>>(
        &self,
        rows: Range<usize>,
        depth: Range<usize>,
        tile: TileSize,
        mut to: *mut T::Sum,
    ) -> PackedLeft {
        // SAFETY: the caller vouches for the block and for the room at `to`; see `Left::pack`.
        unsafe {
            let count = depth.len();
            let by_rows = self.column == 1;
            let pitch = tile.row_pitch(count);
            let mut start = rows.start;
            while start < rows.end {
                let height = if rows.end - start < tile.rows { rows.end - start } else { tile.rows };
                if by_rows {
                    // Broadcasts read rows as well as columns, so a plain copy does.
                    for row in 0..height {
                        copy::<T>(self.at(start + row, depth.start), to.add(row * pitch), count);
                    }
                } else if T::NATIVE && self.row == 1 {
                    copy_columns::<V>(
                        self.at(start, depth.start).cast(),
                        self.column,
                        height,
                        tile.padded_rows,
                        count,
                        to,
                    );
                } else {
                    for column in 0..count {
                        for row in 0..height {
                            let value = (*self.at(start + row, depth.start + column)).widen();
                            *to.add(column * tile.padded_rows + row) = value;
                        }
                    }
                }
                start += height;
                to = to.add(tile.padded_rows * count);
            }
            if by_rows {
                PackedLeft { row: pitch as isize, depth: 1 }
            } else {
                PackedLeft { row: 1, depth: tile.padded_rows as isize }
            }
        }
    }
}

/// Copies `count` columns of `height` contiguous elements to a pitch of `pitch` elements, a multiple of the lanes.
#[inline(always)]
unsafe fn copy_columns<V: Vector>(
    mut from: *const V::Element,
    stride: isize,
    height: usize,
    pitch: usize,
    count: usize,
    mut to: *mut V::Element,
) {
    // SAFETY: the caller vouches for the columns and for `pitch * count` elements at `to`; masks keep reads within
    // the columns.
    unsafe {
        for _ in 0..count {
            let mut row = 0;
            while row < height {
                let left = height - row;
                let mask = V::mask(if left < V::LANES { left } else { V::LANES });
                V::load_masked(from.add(row), mask).store(to.add(row));
                row += V::LANES;
            }
            from = from.wrapping_offset(stride);
            to = to.add(pitch);
        }
    }
}

/// Copies and widens `count` contiguous elements.
#[inline(always)]
unsafe fn copy<T: GemmElement>(from: *const T, to: *mut T::Sum, count: usize) {
    // SAFETY: the caller vouches for both runs, which do not overlap.
    unsafe {
        if T::NATIVE {
            ptr::copy_nonoverlapping(from.cast(), to, count);
        } else {
            for index in 0..count {
                *to.add(index) = (*from.add(index)).widen();
            }
        }
    }
}

impl<T: GemmElement> Right<T::Sum> for Strided<T> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const T::Sum, isize)> {
        (T::NATIVE && self.column == 1).then_some((self.ptr.cast(), self.row))
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = T::Sum>>(
        &self,
        depth: Range<usize>,
        columns: Range<usize>,
        tile: TileSize,
        to: *mut T::Sum,
    ) -> PackedRight {
        let count = depth.len();
        let width = tile.columns;
        let whole = columns.len() / width * width;
        let rest = columns.len() - whole;
        // SAFETY: the caller vouches for the block and for the room at `to`; see `Right::pack`.
        unsafe {
            if self.column == 1 {
                // Eight rows at a time: few enough streams for the prefetcher, and whole stretches of a panel.
                let mut first = 0;
                while first < count {
                    let end = if count - first < 8 { count } else { first + 8 };
                    let mut column = 0;
                    while column < whole {
                        for row in first..end {
                            let from = self.at(depth.start + row, columns.start + column);
                            let to = to.add(column * count + row * width);
                            if T::NATIVE {
                                let from = from.cast::<T::Sum>();
                                V::load(from).store(to);
                                V::load(from.add(V::LANES)).store(to.add(V::LANES));
                            } else {
                                copy::<T>(from, to, width);
                            }
                        }
                        column += width;
                    }
                    first = end;
                }
            } else if T::NATIVE && self.row == 1 {
                let mut column = 0;
                while column < whole {
                    let panel = to.add(column * count);
                    self.transpose_panel::<V>(depth.clone(), columns.start + column, panel);
                    column += width;
                }
            } else {
                let mut column = 0;
                while column < whole {
                    self.gather(depth.clone(), columns.start + column, width, width, to.add(column * count));
                    column += width;
                }
            }
            if rest > 0 {
                self.gather(depth, columns.start + whole, rest, width, to.add(whole * count));
            }
        }
        PackedRight { depth: width, panel: width * count }
    }
}

/// Columns of a B that was packed as a whole: for each range of depth one panel after the other.
#[derive(Clone, Copy, Debug)]
pub struct Panels<N> {
    /// First element of all.
    pub ptr: *mut N,
    /// Columns of all, with those that fill up the last panel.
    pub columns: usize,
    /// The first of these columns; it begins a panel.
    pub first: usize,
}

impl<N> Panels<N> {
    /// The columns from `first` on, which begins a panel.
    pub fn from(self, first: usize) -> Panels<N> {
        Panels { first, ..self }
    }

    /// The first element of a range of depth in a column that begins a panel.
    #[inline(always)]
    pub fn at(&self, depth: &Range<usize>, column: usize) -> *mut N {
        let before = depth.start * self.columns + (self.first + column) * (depth.end - depth.start);
        self.ptr.wrapping_add(before)
    }
}

impl<N: Number> Right<N> for Panels<N> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const N, isize)> {
        None
    }

    #[inline(always)]
    fn packed(&self, depth: &Range<usize>, column: usize) -> Option<*const N> {
        Some(self.at(depth, column))
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = N>>(
        &self,
        _: Range<usize>,
        _: Range<usize>,
        _: TileSize,
        _: *mut N,
    ) -> PackedRight {
        unreachable!("what is packed is not packed again")
    }
}

// SAFETY: threads write to panels of their own and then read all, which the callers of the kernels vouch for.
unsafe impl<N: Sync> Sync for Panels<N> {}
// SAFETY: as above.
unsafe impl<N: Sync> Send for Panels<N> {}

/// Packs some columns of B into [`Panels`], for all ranges of depth.
pub struct PackPanels<T: GemmElement> {
    /// B.
    pub right: Strided<T>,
    /// Rows of B.
    pub depth: usize,
    /// Products between two visits to C.
    pub step: usize,
    /// The columns to pack; the first begins a panel, and the last ends one or is the last of all.
    pub columns: Range<usize>,
    /// Size of the tiles.
    pub tile: TileSize,
    /// Where they go, with room for all columns.
    pub to: Panels<T::Sum>,
}

impl<T: GemmElement> VectorKernel<T::Sum> for PackPanels<T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T::Sum>, const ROWS: usize>(self) {
        let mut depth = 0;
        while depth < self.depth {
            let left = self.depth - depth;
            let count = if left < self.step { left } else { self.step };
            let columns = self.columns.start..self.columns.end;
            let to = self.to.at(&(depth..depth + count), columns.start);
            // SAFETY: the caller vouches for B and the panels, of which these are some.
            unsafe { Right::pack::<V>(&self.right, depth..depth + count, columns, self.tile, to) };
            depth += count;
        }
    }
}

impl<T: GemmElement> Strided<T> {
    /// Packs `used` columns from `column` on, element by element, and fills up with zeros.
    #[inline(always)]
    unsafe fn gather(&self, depth: Range<usize>, column: usize, used: usize, width: usize, to: *mut T::Sum) {
        // SAFETY: the caller vouches for the columns and for a panel at `to`.
        unsafe {
            for (index, row) in depth.enumerate() {
                let to = to.add(index * width);
                for offset in 0..used {
                    *to.add(offset) = (*self.at(row, column + offset)).widen();
                }
                for offset in used..width {
                    *to.add(offset) = T::Sum::ZERO;
                }
            }
        }
    }

    /// Packs a whole panel of columns that are contiguous.
    #[inline(always)]
    unsafe fn transpose_panel<V: Vector<Element = T::Sum>>(
        &self,
        depth: Range<usize>,
        column: usize,
        to: *mut T::Sum,
    ) {
        let width = super::tile::VECTORS * V::LANES;
        let squares = depth.len() / V::LANES * V::LANES;
        // SAFETY: the caller vouches for the columns and for a panel at `to`.
        unsafe {
            let mut row = 0;
            while row < squares {
                let from = self.at(depth.start + row, column).cast::<T::Sum>();
                let to = to.add(row * width);
                V::transpose(from, self.column, to, width);
                let from = from.offset(V::LANES as isize * self.column);
                V::transpose(from, self.column, to.add(V::LANES), width);
                row += V::LANES;
            }
            self.gather(depth.start + squares..depth.end, column, width, width, to.add(squares * width));
        }
    }
}
