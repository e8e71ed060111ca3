//! What a micro-kernel needs of a vector register, and the vectors that every target has.

use super::element::Number;
use super::tile::Tile;

/// A register of `LANES` numbers. Methods are compiled into callers that enable the instructions they use.
pub trait Vector: Copy {
    /// Type of a lane.
    type Element: Copy;
    /// Selects the first lanes.
    type Mask: Copy;
    /// Number of lanes.
    const LANES: usize;
    /// Rows of the tiles that [`Vector::whole_tile`] computes; zero if there is none.
    const WHOLE_TILE_ROWS: usize = 0;

    /// All lanes zero.
    ///
    /// # Safety
    /// Of this and all other methods: the processor has the instructions of this type, and every lane that is read
    /// from or written to memory lies in memory that is valid for it.
    unsafe fn zero() -> Self;
    /// All lanes `value`.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn splat(value: Self::Element) -> Self;
    /// Reads all lanes.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Writes all lanes.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn store(self, to: *mut Self::Element);
    /// Selects the first `count <= LANES` lanes.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn mask(count: usize) -> Self::Mask;
    /// Reads the selected lanes; the others are zero.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn load_masked(from: *const Self::Element, mask: Self::Mask) -> Self;
    /// Writes the selected lanes.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn store_masked(self, to: *mut Self::Element, mask: Self::Mask);
    /// `self + other`.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn plus(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;

    /// Brings the cache line at `_place` into the first-level cache, where there is an instruction for it. Any address
    /// will do.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    #[inline(always)]
    unsafe fn prefetch(_place: *const Self::Element) {}

    /// The same for the second-level cache: reads that wait for memory do not take the place of those that find their
    /// lines in the first.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    #[inline(always)]
    unsafe fn prefetch_far(_place: *const Self::Element) {}

    /// A tile of [`Vector::WHOLE_TILE_ROWS`] rows and [`VECTORS`](super::tile::VECTORS) vectors, where the rows or the
    /// columns of A are contiguous, by code written for this vector.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    #[inline(always)]
    unsafe fn whole_tile(_tile: &Tile<Self::Element>) {
        unreachable!("there is no code for whole tiles of these vectors");
    }

    /// Sum of the lanes, halves first: a fixed order.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    #[inline(always)]
    unsafe fn sum(self) -> Self::Element
    where
        Self::Element: Number,
    {
        let mut lanes = [Self::Element::ZERO; 64];
        // SAFETY: no vector has more than 64 lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut width = Self::LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                lanes[lane] = lanes[lane].plus(lanes[lane + width]);
            }
        }
        lanes[0]
    }

    /// Transposes a square: `to[j * to_stride + i] = from[i * from_stride + j]` for `i`, `j` below `LANES`.
    ///
    /// # Safety
    /// See [`Vector::zero`].
    #[inline(always)]
    unsafe fn transpose(
        from: *const Self::Element,
        from_stride: isize,
        to: *mut Self::Element,
        to_stride: usize,
    ) {
        for i in 0..Self::LANES {
            for j in 0..Self::LANES {
                // SAFETY: both places lie in the squares that the caller vouches for.
                unsafe { *to.add(j * to_stride + i) = *from.offset(i as isize * from_stride).add(j) };
            }
        }
    }
}

/// `N` numbers, left to the compiler to put in registers.
#[derive(Clone, Copy)]
pub struct Lanes<T, const N: usize>([T; N]);

impl<T: Number, const N: usize> Vector for Lanes<T, N> {
    type Element = T;
    type Mask = usize;
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Lanes([T::ZERO; N])
    }
    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Lanes([value; N])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller vouches for `N` elements; the read needs no alignment.
        Lanes(unsafe { from.cast::<[T; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[T; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn mask(count: usize) -> usize {
        count
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const T, mask: usize) -> Self {
        let mut lanes = [T::ZERO; N];
        for (index, lane) in lanes.iter_mut().enumerate().take(mask) {
            // SAFETY: the caller vouches for the selected elements.
            *lane = unsafe { *from.add(index) };
        }
        Lanes(lanes)
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut T, mask: usize) {
        for (index, lane) in self.0.iter().enumerate().take(mask) {
            // SAFETY: the caller vouches for the selected elements.
            unsafe { *to.add(index) = *lane };
        }
    }
    #[inline(always)]
    unsafe fn plus(mut self, other: Self) -> Self {
        for index in 0..N {
            self.0[index] = self.0[index].plus(other.0[index]);
        }
        self
    }
    #[inline(always)]
    unsafe fn times_plus(mut self, factor: Self, addend: Self) -> Self {
        for index in 0..N {
            self.0[index] = self.0[index].times_plus(factor.0[index], addend.0[index]);
        }
        self
    }
}
