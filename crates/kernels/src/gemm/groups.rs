//! Products of numbers narrower than their sums, by instructions that multiply groups of them: a group takes the place
//! of one number of the type of sums, and holds consecutive numbers along the depth. A product of depth k then is one
//! of `k / GROUP` groups (the last filled up with zeros), with the tiles and blocks of any other.

use super::element::Number;
use super::operand::{Left, PackedLeft, PackedRight, Right};
use super::tile::TileSize;
use super::vector::Vector;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

/// A vector whose elements stand for groups of narrow numbers where they are operands of
/// [`times_plus`](Vector::times_plus), which multiplies them pairwise and adds all products of a group to the addend.
/// Elements have four bytes.
pub trait GroupVector: Vector<Element: Number> {
    /// The bits of a number of a group.
    type Narrow: Copy + Into<u32>;
    /// Numbers in a group.
    const GROUP: usize = 4 / size_of::<Self::Narrow>();

    /// Groups whose number `i` comes from a line `i * stride` numbers after the first: lane `l` of line `i` is
    /// `from[i * stride + l]`, or zero if it is not selected or `i >= lines`.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn interleave(from: *const Self::Narrow, stride: isize, lines: usize, mask: Self::Mask) -> Self;

    /// Transposes a square of groups, of which `from` has contiguous rows `stride` numbers apart.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn transpose_groups(
        from: *const Self::Narrow,
        stride: isize,
        to: *mut Self::Element,
        to_stride: usize,
    );
}

/// An operand of `depth` narrow numbers a row or column, read as groups for vectors `V`.
#[derive(Clone, Copy, Debug)]
pub struct Grouped<V: GroupVector> {
    /// First number.
    pub ptr: *const V::Narrow,
    /// From one row of A, or column of B, to the next.
    pub line_stride: isize,
    /// From number to number along the depth.
    pub depth_stride: isize,
    /// Numbers along the depth.
    pub depth: usize,
    flip: u32,
    vector: PhantomData<V>,
}

impl<V: GroupVector> Grouped<V> {
    /// An operand that is packed as it is.
    pub fn new(ptr: *const V::Narrow, line_stride: isize, depth_stride: isize, depth: usize) -> Self {
        Grouped { ptr, line_stride, depth_stride, depth, flip: 0, vector: PhantomData }
    }

    /// An operand each of whose numbers below the depth is combined by exclusive or with a part of `flip`.
    pub fn flipped(self, flip: u32) -> Self {
        Grouped { flip, ..self }
    }

    /// Number of `line` at `depth`.
    #[inline(always)]
    fn at(&self, line: usize, depth: usize) -> *const V::Narrow {
        let offset = line as isize * self.line_stride + depth as isize * self.depth_stride;
        self.ptr.wrapping_offset(offset)
    }

    /// Numbers of `group` that lie within the depth.
    #[inline(always)]
    fn numbers(&self, group: usize) -> usize {
        let left = self.depth - group * V::GROUP;
        if left < V::GROUP { left } else { V::GROUP }
    }

    /// One group, number by number.
    #[inline(always)]
    unsafe fn group(&self, line: usize, group: usize) -> u32 {
        let mut word = 0;
        for number in 0..self.numbers(group) {
            // SAFETY: the caller vouches for the group's numbers.
            let bits: u32 = unsafe { *self.at(line, group * V::GROUP + number) }.into();
            word |= bits << (number * 8 * size_of::<V::Narrow>());
        }
        word
    }

    /// Copies groups that are contiguous.
    #[inline(always)]
    unsafe fn copy(&self, line: usize, groups: &Range<usize>, to: *mut u32) {
        let first = groups.start * V::GROUP;
        let end = groups.end * V::GROUP;
        let end = if end < self.depth { end } else { self.depth };
        // SAFETY: the caller vouches for the line and for room for the groups, of which there is at least one.
        unsafe {
            *to.add(groups.len() - 1) = 0;
            ptr::copy_nonoverlapping(self.at(line, first), to.cast(), end - first);
        }
    }

    /// Flips packed groups: element `i` of a pitch holds the group `groups.start + i` or, if `across`, an element of
    /// the group of its pitch.
    #[inline(always)]
    unsafe fn flip(&self, groups: &Range<usize>, mut to: *mut u32, lines: usize, pitch: usize, across: bool) {
        if self.flip == 0 || groups.is_empty() {
            return;
        }
        let unused = V::GROUP - self.numbers(groups.end - 1);
        let last = self.flip >> (unused * 8 * size_of::<V::Narrow>());
        let count = groups.len();
        // SAFETY: the caller vouches for what was packed.
        unsafe {
            if across {
                for group in 0..count {
                    let flip = if group + 1 == count { last } else { self.flip };
                    for line in 0..pitch {
                        *to.add(line) ^= flip;
                    }
                    to = to.add(pitch);
                }
            } else {
                for _ in 0..lines {
                    for group in 0..count - 1 {
                        *to.add(group) ^= self.flip;
                    }
                    *to.add(count - 1) ^= last;
                    to = to.add(pitch);
                }
            }
        }
    }
}

impl<G: GroupVector> Left<G::Element> for Grouped<G> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const G::Element, isize, isize)> {
        None
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = G::Element>>(
        &self,
        rows: Range<usize>,
        groups: Range<usize>,
        tile: TileSize,
        to: *mut G::Element,
    ) -> PackedLeft {
        let mut to = to.cast::<u32>();
        let count = groups.len();
        let by_rows = self.depth_stride == 1;
        let pitch = if by_rows { tile.row_pitch(count) } else { tile.padded_rows };
        let mut start = rows.start;
        // SAFETY: the caller vouches for the block and for the room at `to`; see `Left::pack`. It runs only where the
        // vectors `V` are those of this type.
        unsafe {
            while start < rows.end && count > 0 {
                let height = if rows.end - start < tile.rows { rows.end - start } else { tile.rows };
                if by_rows {
                    for row in 0..height {
                        self.copy(start + row, &groups, to.add(row * pitch));
                    }
                } else if self.line_stride == 1 {
                    for group in 0..count {
                        let from = self.at(start, (groups.start + group) * G::GROUP);
                        let lines = self.numbers(groups.start + group);
                        let mut row = 0;
                        while row < height {
                            let left = height - row;
                            let mask = G::mask(if left < G::LANES { left } else { G::LANES });
                            let vector = G::interleave(from.add(row), self.depth_stride, lines, mask);
                            vector.store(to.add(group * pitch + row).cast());
                            row += G::LANES;
                        }
                    }
                } else {
                    for group in 0..count {
                        for row in 0..height {
                            *to.add(group * pitch + row) = self.group(start + row, groups.start + group);
                        }
                    }
                }
                self.flip(&groups, to, height, pitch, !by_rows);
                start += height;
                to = to.add(tile.padded_rows * count);
            }
        }
        match by_rows {
            true => PackedLeft { row: pitch as isize, depth: 1 },
            false => PackedLeft { row: 1, depth: pitch as isize },
        }
    }
}

impl<G: GroupVector> Right<G::Element> for Grouped<G> {
    #[inline(always)]
    fn in_place(&self) -> Option<(*const G::Element, isize)> {
        None
    }

    #[inline(always)]
    unsafe fn pack<V: Vector<Element = G::Element>>(
        &self,
        groups: Range<usize>,
        columns: Range<usize>,
        tile: TileSize,
        to: *mut G::Element,
    ) -> PackedRight {
        let count = groups.len();
        let width = tile.columns;
        // SAFETY: the caller vouches for the block and for the room at `to`; see `Right::pack`. It runs only where the
        // vectors `V` are those of this type.
        unsafe {
            if self.line_stride == 1 {
                // Eight rows at a time: few enough streams for the prefetcher, and whole stretches of a panel.
                let step = 8 / G::GROUP;
                let mut first = 0;
                while first < count {
                    let end = if count - first < step { count } else { first + step };
                    self.pack_rows(&groups, first..end, &columns, width, to);
                    first = end;
                }
            } else {
                let mut column = 0;
                while column < columns.len() {
                    let left = columns.len() - column;
                    let panel = to.add(column * count);
                    let used = if left < width { left } else { width };
                    self.pack_panel(&groups, columns.start + column, used, width, panel);
                    column += width;
                }
            }
            let mut panel = to.cast::<u32>();
            let mut column = 0;
            while column < columns.len() {
                self.flip(&groups, panel, width, width, true);
                panel = panel.add(width * count);
                column += width;
            }
        }
        PackedRight { depth: width, panel: width * count }
    }
}

impl<G: GroupVector> Grouped<G> {
    /// Packs some groups of columns that lie side by side, for all panels.
    #[inline(always)]
    unsafe fn pack_rows(
        &self,
        groups: &Range<usize>,
        some: Range<usize>,
        columns: &Range<usize>,
        width: usize,
        to: *mut G::Element,
    ) {
        let mut column = 0;
        while column < columns.len() {
            for group in some.clone() {
                let number = (groups.start + group) * G::GROUP;
                let from = self.at(columns.start + column, number);
                let lines = self.numbers(groups.start + group);
                // SAFETY: the caller vouches for the columns and for a panel of `width` columns.
                unsafe {
                    let to = to.add(column * groups.len() + group * width);
                    let mut lane = 0;
                    while lane < width {
                        let from = from.wrapping_add(lane);
                        let left = columns.len().saturating_sub(column + lane);
                        let mask = G::mask(if left < G::LANES { left } else { G::LANES });
                        G::interleave(from, self.depth_stride, lines, mask).store(to.add(lane));
                        lane += G::LANES;
                    }
                }
            }
            column += width;
        }
    }

    /// Packs a panel of `used` columns from `column` on.
    #[inline(always)]
    unsafe fn pack_panel(
        &self,
        groups: &Range<usize>,
        column: usize,
        used: usize,
        width: usize,
        to: *mut G::Element,
    ) {
        let mut done = groups.start;
        // SAFETY: the caller vouches for the columns and for a panel of `width` columns.
        unsafe {
            if self.depth_stride == 1 && used == width {
                while done + G::LANES <= groups.end && (done + G::LANES) * G::GROUP <= self.depth {
                    let to = to.add((done - groups.start) * width);
                    let mut line = 0;
                    while line < width {
                        let from = self.at(column + line, done * G::GROUP);
                        G::transpose_groups(from, self.line_stride, to.add(line), width);
                        line += G::LANES;
                    }
                    done += G::LANES;
                }
            }
            for group in done..groups.end {
                let to = to.add((group - groups.start) * width).cast::<u32>();
                for line in 0..width {
                    *to.add(line) = if line < used { self.group(column + line, group) } else { 0 };
                }
            }
        }
    }
}
