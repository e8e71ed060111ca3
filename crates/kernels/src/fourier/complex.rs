//! Complex numbers side by side, and roots of unity.

use std::ops::{Add, Mul, Sub};

use super::FourierElement;

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct C<T> {
    /// The real part.
    pub re: T,
    /// The imaginary part.
    pub im: T,
}

impl<T: FourierElement> C<T> {
    /// 0.
    pub const ZERO: C<T> = C { re: T::ZERO, im: T::ZERO };

    /// From its parts.
    #[inline(always)]
    pub fn new(re: T, im: T) -> C<T> {
        C { re, im }
    }

    /// The conjugate.
    #[inline(always)]
    pub fn conj(self) -> C<T> {
        C { re: self.re, im: -self.im }
    }

    /// i times this.
    #[inline(always)]
    pub fn times_i(self) -> C<T> {
        C { re: -self.im, im: self.re }
    }

    /// The parts exchanged: i times the conjugate.
    #[inline(always)]
    pub fn swapped(self) -> C<T> {
        C { re: self.im, im: self.re }
    }

    /// The product with a real number.
    #[inline(always)]
    pub fn scaled(self, factor: T) -> C<T> {
        C { re: self.re * factor, im: self.im * factor }
    }
}

impl<T: FourierElement> Add for C<T> {
    type Output = C<T>;
    #[inline(always)]
    fn add(self, other: C<T>) -> C<T> {
        C { re: self.re + other.re, im: self.im + other.im }
    }
}

impl<T: FourierElement> Sub for C<T> {
    type Output = C<T>;
    #[inline(always)]
    fn sub(self, other: C<T>) -> C<T> {
        C { re: self.re - other.re, im: self.im - other.im }
    }
}

impl<T: FourierElement> Mul for C<T> {
    type Output = C<T>;
    #[inline(always)]
    fn mul(self, other: C<T>) -> C<T> {
        C { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

/// exp(−2πi k/n), from an angle in the first eighth of the circle, so that no digit is lost.
pub fn root_of_unity<T: FourierElement>(k: usize, n: usize) -> C<T> {
    let k = k % n;
    let (k, below) = if 2 * k > n { (n - k, true) } else { (k, false) };
    // In units in which a quarter of the circle is n.
    let (angle, left) = if 4 * k > n { (2 * n - 4 * k, true) } else { (4 * k, false) };
    let (angle, steep) = if 2 * angle > n { (n - angle, true) } else { (angle, false) };
    let (sin, cos) = (std::f64::consts::FRAC_PI_2 * (angle as f64 / n as f64)).sin_cos();
    let (cos, sin) = if steep { (sin, cos) } else { (cos, sin) };
    C { re: T::rounded(if left { -cos } else { cos }), im: T::rounded(if below { sin } else { -sin }) }
}
