//! The micro-kernel: a tile of C that stays in registers while the depth goes by.

use super::Accumulate;
use super::element::Number;
use super::vector::Vector;
use crate::isa::Isa;

/// Vectors side by side in a tile.
pub const VECTORS: usize = 2;

/// Elements that keep rows of a packed tile apart: a cache line of numbers of four bytes.
const ROW_PADDING: usize = 16;

/// Where the operands of a tile lie and where its result goes. Strides count elements.
#[derive(Clone, Copy)]
pub struct Tile<N> {
    /// Products per element of C.
    pub depth: usize,
    /// First element of A.
    pub a: *const N,
    /// From row to row of A.
    pub a_row: isize,
    /// From column to column of A.
    pub a_depth: isize,
    /// First element of B, whose rows are contiguous.
    pub b: *const N,
    /// From row to row of B.
    pub b_depth: isize,
    /// First element of C, whose rows are contiguous.
    pub c: *mut N,
    /// From row to row of C.
    pub c_row: isize,
    /// What happens to the values in C.
    pub accumulate: Accumulate,
    /// What is needed after this tile.
    pub ahead: Ahead<N>,
}

/// What a tile may bring into the second-level cache while it computes, because it is read soon. Any addresses will do;
/// those of memory that is not there are slow.
#[derive(Clone, Copy)]
pub struct Ahead<N> {
    /// A line from here for every four products in a row; the next tile of a strip carries on after them.
    pub right: *const N,
    /// Four lines from here, as often as a tile has rows.
    pub left: *const N,
    /// Elements from these lines to the next ones.
    pub left_step: isize,
}

impl<N> Ahead<N> {
    /// Nothing but what is read anyway: the operands of the tile.
    #[inline(always)]
    pub fn nothing(a: *const N, b: *const N) -> Ahead<N> {
        Ahead { right: b, left: a, left_step: 0 }
    }
}

/// Size of the tiles of an instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileSize {
    /// Rows of a full tile.
    pub rows: usize,
    /// `rows` rounded up to whole vectors, the pitch of a packed column of A.
    pub padded_rows: usize,
    /// Columns of a full tile.
    pub columns: usize,
}

impl TileSize {
    /// The tiles of `rows` rows of vectors `V`.
    pub const fn new<V: Vector>(rows: usize) -> TileSize {
        TileSize { rows, padded_rows: rows.next_multiple_of(V::LANES), columns: VECTORS * V::LANES }
    }

    /// The distance of the rows of a tile that is packed row by row: at least `depth`, and not a multiple of what maps
    /// all rows to the same few places in the cache.
    #[inline(always)]
    pub const fn row_pitch(self, depth: usize) -> usize {
        let padded = depth + ROW_PADDING;
        let fits = self.rows * padded <= self.padded_rows * depth;
        if fits && depth.is_multiple_of(128) { padded } else { depth }
    }

    /// The tiles that [`dispatch`] chooses.
    pub fn of<N: Number>(isa: Isa) -> TileSize {
        match isa {
            Isa::Portable => TileSize::new::<N::Portable>(PORTABLE_ROWS),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => TileSize::new::<N::Avx2>(AVX2_ROWS),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => TileSize::new::<N::Avx512>(AVX512_ROWS),
            #[cfg(not(target_arch = "x86_64"))]
            _ => panic!("{isa:?} kernels exist on x86-64 only"),
        }
    }
}

// Rows times `VECTORS` accumulators, `VECTORS` registers of B and one of A: 16 registers, and 32 with AVX-512.
const PORTABLE_ROWS: usize = 4;
#[cfg(target_arch = "x86_64")]
const AVX2_ROWS: usize = 6;
#[cfg(target_arch = "x86_64")]
/// Rows of a tile of AVX-512 vectors.
pub const AVX512_ROWS: usize = 12;

/// How products are computed: an instruction set, or one with instructions for groups of narrow numbers.
pub trait Arithmetic<N: Number>: Copy {
    /// The tiles that [`Arithmetic::dispatch`] chooses.
    fn tile(self) -> TileSize;

    /// Runs the copy of `kernel` that was compiled for these instructions.
    ///
    /// # Safety
    /// What `kernel` asks for.
    ///
    /// # Panics
    /// If the machine lacks the instructions.
    unsafe fn dispatch<K: VectorKernel<N>>(self, kernel: K);
}

impl<N: Number> Arithmetic<N> for Isa {
    fn tile(self) -> TileSize {
        TileSize::of::<N>(self)
    }

    unsafe fn dispatch<K: VectorKernel<N>>(self, kernel: K) {
        // SAFETY: the caller vouches for the kernel.
        unsafe { dispatch(self, kernel) }
    }
}

/// Code over vectors, to be compiled for each instruction set. `run` and all it calls must be `#[inline(always)]` and
/// free of closures, or they are compiled without the instructions.
pub trait VectorKernel<N: Number> {
    /// The body, for vectors `V` and tiles of `ROWS` rows.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; besides what the implementation asks for.
    unsafe fn run<V: Vector<Element = N>, const ROWS: usize>(self);
}

/// Runs the copy of `kernel` that was compiled for `isa`.
///
/// # Safety
/// What `kernel` asks for.
///
/// # Panics
/// If the machine lacks the set.
pub unsafe fn dispatch<N: Number, K: VectorKernel<N>>(isa: Isa, kernel: K) {
    assert!(isa == Isa::Portable || Isa::available().contains(&isa), "this machine lacks {isa:?}");
    match isa {
        // SAFETY: the caller vouches for the kernel; any processor runs portable vectors.
        Isa::Portable => unsafe { kernel.run::<N::Portable, PORTABLE_ROWS>() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller vouches for the kernel; the assertion checked the instructions.
        Isa::Avx2 => unsafe { run_avx2(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as for AVX2.
        Isa::Avx512 => unsafe { run_avx512(kernel) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => panic!("{isa:?} kernels exist on x86-64 only"),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run_avx2<N: Number, K: VectorKernel<N>>(kernel: K) {
    // SAFETY: `dispatch` checked the instructions and passes on the promise about the kernel.
    unsafe { kernel.run::<N::Avx2, AVX2_ROWS>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run_avx512<N: Number, K: VectorKernel<N>>(kernel: K) {
    // SAFETY: as above.
    unsafe { kernel.run::<N::Avx512, AVX512_ROWS>() }
}

impl<N: Number> Tile<N> {
    /// Computes `rows x columns` elements, cut into tiles of at most `ROWS x TileSize::columns`, of which the columns
    /// must be a single one.
    ///
    /// Each element is the sum of its products in order of depth, whatever the tile it falls in.
    ///
    /// # Safety
    /// The operands are valid for these rows, columns and the depth; the processor has the instructions of `V`.
    #[inline(always)]
    pub unsafe fn strip<V: Vector<Element = N>, const ROWS: usize>(mut self, rows: usize, columns: usize) {
        let mut left = rows;
        while left > 0 {
            // Tiles of one or two rows wait for their own sums: rather two of three or four.
            let now = match left {
                7 | 8 if ROWS == 6 => 4,
                _ if left >= ROWS => ROWS,
                _ => left,
            };
            // SAFETY: `now <= left` rows and `columns` columns remain, as the caller vouches.
            let done = unsafe {
                if columns == VECTORS * V::LANES {
                    self.rows::<V, ROWS, VECTORS, true>(now, columns)
                } else if columns > V::LANES {
                    self.rows::<V, ROWS, VECTORS, false>(now, columns)
                } else {
                    self.rows::<V, ROWS, 1, false>(now, columns)
                }
            };
            left -= done;
            self.ahead.right = self.ahead.right.wrapping_byte_add(self.depth / 4 * 64);
            self.a = self.a.wrapping_offset(done as isize * self.a_row);
            self.c = self.c.wrapping_offset(done as isize * self.c_row);
        }
    }

    /// Computes the first rows of at most `rows`, and says how many.
    #[inline(always)]
    unsafe fn rows<V: Vector<Element = N>, const ROWS: usize, const WIDTH: usize, const FULL: bool>(
        &self,
        rows: usize,
        columns: usize,
    ) -> usize {
        // SAFETY: the caller vouches for `rows` rows; the arms that do not apply to `ROWS` fall away.
        unsafe {
            match rows {
                12.. if ROWS >= 12 => self.compute::<V, 12, WIDTH, FULL>(columns),
                8.. if ROWS >= 8 => self.compute::<V, 8, WIDTH, FULL>(columns),
                6.. if ROWS >= 6 => self.compute::<V, 6, WIDTH, FULL>(columns),
                5 if ROWS >= 6 => self.compute::<V, 5, WIDTH, FULL>(columns),
                4.. => self.compute::<V, 4, WIDTH, FULL>(columns),
                3 => self.compute::<V, 3, WIDTH, FULL>(columns),
                2 => self.compute::<V, 2, WIDTH, FULL>(columns),
                _ => self.compute::<V, 1, WIDTH, FULL>(columns),
            }
        }
    }

    // Indices run over several arrays at once.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn compute<V: Vector<Element = N>, const R: usize, const WIDTH: usize, const FULL: bool>(
        &self,
        columns: usize,
    ) -> usize {
        // SAFETY: the caller vouches for `R` rows and `columns` columns of the operands, and for the instructions.
        unsafe {
            if FULL && WIDTH == VECTORS && R == V::WHOLE_TILE_ROWS && (self.a_depth == 1 || self.a_row == 1) {
                V::whole_tile(self);
                return R;
            }
            let last = WIDTH - 1;
            let mask = V::mask(columns - last * V::LANES);
            let mut sums = [[V::zero(); WIDTH]; R];
            // Every third row has a pointer, the others are reached by scaled addressing: registers are scarce.
            let mut a = [self.a; 4];
            for (group, pointer) in a.iter_mut().enumerate() {
                *pointer = pointer.wrapping_offset(3 * group as isize * self.a_row);
            }
            let mut b = self.b;
            // C is far away and its rows are on as many pages: it arrives while the products are summed.
            for row in 0..R {
                for column in 0..WIDTH {
                    V::prefetch(
                        self.c.wrapping_offset(row as isize * self.c_row).wrapping_add(column * V::LANES),
                    );
                }
            }
            for _ in 0..self.depth {
                let mut right = [V::zero(); WIDTH];
                for column in 0..WIDTH {
                    let from = b.add(column * V::LANES);
                    let whole = FULL || column < last;
                    right[column] = if whole { V::load(from) } else { V::load_masked(from, mask) };
                }
                for row in 0..R {
                    let left = V::splat(*a[row / 3].offset((row % 3) as isize * self.a_row));
                    for column in 0..WIDTH {
                        sums[row][column] = left.times_plus(right[column], sums[row][column]);
                    }
                }
                for pointer in &mut a {
                    *pointer = pointer.wrapping_offset(self.a_depth);
                }
                b = b.wrapping_offset(self.b_depth);
            }
            for row in 0..R {
                for column in 0..WIDTH {
                    let to = self.c.offset(row as isize * self.c_row).add(column * V::LANES);
                    let whole = FULL || column < last;
                    let mut sum = sums[row][column];
                    if self.accumulate == Accumulate::Add {
                        sum = sum.plus(if whole { V::load(to) } else { V::load_masked(to, mask) });
                    }
                    if whole { sum.store(to) } else { sum.store_masked(to, mask) }
                }
            }
        }
        R
    }
}
