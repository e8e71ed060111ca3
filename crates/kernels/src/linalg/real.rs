//! The numbers that factorisations are made of, and the few things that are done to rows of them.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::gemm::element::{GemmElement, Number};
use crate::isa::{Instructions, Isa, Kernel};
use crate::threads::Pool;

/// `f32` or `f64`.
pub trait Real:
    GemmElement<Sum = Self>
    + Number
    + Debug
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// One.
    const ONE: Self;
    /// The distance from one to the next larger number.
    const EPSILON: Self;
    /// The smallest normal number.
    const SMALLEST: Self;
    /// Not a number.
    const NAN: Self;
    /// The largest e for which 2ᵉ and 2⁻ᵉ are both normal.
    const LARGEST_EXPONENT: i32;

    /// The nearest number.
    fn of(value: f64) -> Self;
    /// The same number in double precision.
    fn double(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// √(x² + y²) without overflow.
    fn hypot(self, other: Self) -> Self;
    /// |x| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// Whether the number is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The larger number.
    fn max(self, other: Self) -> Self;
    /// The smaller number.
    fn min(self, other: Self) -> Self;
}

macro_rules! real {
    ($($type:ident, $largest:literal);*) => {$(impl Real for $type {
        const ONE: Self = 1.0;
        const EPSILON: Self = $type::EPSILON;
        const SMALLEST: Self = $type::MIN_POSITIVE;
        const NAN: Self = $type::NAN;
        const LARGEST_EXPONENT: i32 = $largest;
        #[inline(always)] fn of(value: f64) -> Self { value as $type }
        #[inline(always)] fn double(self) -> f64 { self.into() }
        #[inline(always)] fn abs(self) -> Self { $type::abs(self) }
        #[inline(always)] fn sqrt(self) -> Self { $type::sqrt(self) }
        #[inline(always)] fn hypot(self, other: Self) -> Self { $type::hypot(self, other) }
        #[inline(always)] fn copysign(self, sign: Self) -> Self { $type::copysign(self, sign) }
        #[inline(always)] fn is_finite(self) -> bool { $type::is_finite(self) }
        #[inline(always)] fn max(self, other: Self) -> Self { $type::max(self, other) }
        #[inline(always)] fn min(self, other: Self) -> Self { $type::min(self, other) }
    })*};
}
real!(f32, 126; f64, 1022);

/// What a factorisation runs on.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The threads.
    pub pool: &'a Pool,
    /// The instruction set.
    pub isa: Isa,
}

/// Rows shorter than this are not worth choosing an instruction set for.
const SHORT: usize = 16;
/// Partial sums of a scalar product: their number is fixed, so that every instruction set gives the same bits.
const LANES: usize = 16;

struct Dot<'a, T>(&'a [T], &'a [T]);

impl<T: Real> Kernel for Dot<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<I: Instructions>(self) -> T {
        let (left, left_rest) = self.0.as_chunks::<LANES>();
        let (right, right_rest) = self.1.as_chunks::<LANES>();
        let mut sums = [T::ZERO; LANES];
        for (left, right) in left.iter().zip(right) {
            for lane in 0..LANES {
                sums[lane] += left[lane] * right[lane];
            }
        }
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        let mut sum = sums[0];
        for (left, right) in left_rest.iter().zip(right_rest) {
            sum += *left * *right;
        }
        sum
    }
}

struct AddScaled<'a, T>(&'a mut [T], T, &'a [T]);

impl<T: Real> Kernel for AddScaled<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        for (to, from) in self.0.iter_mut().zip(self.2) {
            *to += self.1 * *from;
        }
    }
}

struct Rotate<'a, T>(&'a mut [T], &'a mut [T], T, T);

impl<T: Real> Kernel for Rotate<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Rotate(first, second, cosine, sine) = self;
        for (x, y) in first.iter_mut().zip(second) {
            (*x, *y) = (cosine * *x + sine * *y, cosine * *y - sine * *x);
        }
    }
}

impl Machine<'_> {
    fn run<K: Kernel>(&self, length: usize, kernel: K) -> K::Output {
        if length < SHORT { Isa::Portable.run(kernel) } else { self.isa.run(kernel) }
    }

    /// Σ xᵢ yᵢ.
    pub fn dot<T: Real>(&self, x: &[T], y: &[T]) -> T {
        self.run(x.len(), Dot(x, y))
    }

    /// `to += factor · from`.
    pub fn add_scaled<T: Real>(&self, to: &mut [T], factor: T, from: &[T]) {
        self.run(to.len(), AddScaled(to, factor, from));
    }

    /// The rows x and y become c x + s y and c y − s x.
    pub fn rotate<T: Real>(&self, x: &mut [T], y: &mut [T], cosine: T, sine: T) {
        self.run(x.len(), Rotate(x, y, cosine, sine));
    }

    /// Rotates rows `first` and `first + 1` of a matrix with rows of the given length.
    pub fn rotate_rows<T: Real>(&self, rows: &mut [T], length: usize, first: usize, cosine: T, sine: T) {
        let pair = &mut rows[first * length..(first + 2) * length];
        let (x, y) = pair.split_at_mut(length);
        self.rotate(x, y, cosine, sine);
    }

    /// √Σ xᵢ², without overflow and underflow.
    pub fn norm<T: Real>(&self, x: &[T]) -> T {
        let square = self.dot(x, x);
        let safe = T::SMALLEST / T::EPSILON;
        if square > safe && square.is_finite() {
            return square.sqrt();
        }
        let largest = largest(x);
        if largest == T::ZERO || !largest.is_finite() {
            return largest;
        }
        x.iter().fold(T::ZERO, |sum, x| sum + (*x / largest) * (*x / largest)).sqrt() * largest
    }
}

/// The largest |xᵢ|, NaN if there is one, 0 for no numbers.
pub fn largest<T: Real>(x: &[T]) -> T {
    x.iter().fold(T::ZERO, |largest, x| if x.abs() <= largest { largest } else { nan_or(x.abs(), largest) })
}

fn nan_or<T: Real>(candidate: T, largest: T) -> T {
    let is_nan = |x: T| x.partial_cmp(&x).is_none();
    if is_nan(largest) { largest } else { candidate }
}

/// A power of two that brings the largest |xᵢ| near 1, and its reciprocal; `None` if a number is not finite.
/// Scaling by it is exact, and the squares in between neither overflow nor vanish.
pub fn scales<T: Real>(x: &[T]) -> Option<(T, T)> {
    let largest = largest(x);
    if !largest.is_finite() {
        return None;
    }
    if largest == T::ZERO {
        return Some((T::ONE, T::ONE));
    }
    let exponent = (largest.double().log2() as i32).clamp(-T::LARGEST_EXPONENT, T::LARGEST_EXPONENT);
    Some((T::of(2f64.powi(-exponent)), T::of(2f64.powi(exponent))))
}

/// Cosine, sine and r with c f + s g = r and c g − s f = 0.
pub fn rotation<T: Real>(f: T, g: T) -> (T, T, T) {
    if g == T::ZERO {
        return (T::ONE, T::ZERO, f);
    }
    if f == T::ZERO {
        return (T::ZERO, T::ONE, g);
    }
    let r = f.hypot(g).copysign(f);
    (f / r, g / r, r)
}

/// The transpose of a matrix with `rows` rows.
pub fn transposed<T: Real>(matrix: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut result = vec![T::ZERO; matrix.len()];
    for row in 0..rows {
        for column in 0..columns {
            result[column * rows + row] = matrix[row * columns + column];
        }
    }
    result
}

/// `rows × columns` with ones on the diagonal.
pub fn identity<T: Real>(rows: usize, columns: usize) -> Vec<T> {
    let mut result = vec![T::ZERO; rows * columns];
    for index in 0..rows.min(columns) {
        result[index * columns + index] = T::ONE;
    }
    result
}
