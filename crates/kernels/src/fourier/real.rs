//! Transforms of real numbers by complex ones of half the length, where it is even.

use std::sync::Arc;

use super::FourierElement;
use super::complex::{C, root_of_unity};
use super::plan::{Plan, plan};

/// How real rows of a length become complex ones and back.
pub struct Packing<T> {
    length: usize,
    plan: Arc<Plan<T>>,
    /// exp(−2πi k/n) for k ≤ n/2, for even lengths.
    turns: Vec<C<T>>,
}

impl<T: FourierElement> Packing<T> {
    /// For rows of length `n`.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn new(n: usize) -> Packing<T> {
        let even = n > 0 && n.is_multiple_of(2);
        let turns = if even { (0..=n / 2).map(|k| root_of_unity(k, n)).collect() } else { Vec::new() };
        Packing { length: n, plan: plan(if even { n / 2 } else { n }), turns }
    }

    /// The complex transform that packed rows go through.
    pub fn plan(&self) -> &Plan<T> {
        &self.plan
    }

    fn is_even(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Neighbours as real and imaginary part; of odd lengths each element by itself.
    pub fn pack(&self, x: &[T], data: &mut [C<T>]) {
        if self.is_even() {
            for (target, pair) in data.iter_mut().zip(x.as_chunks::<2>().0) {
                *target = C::new(pair[0], pair[1]);
            }
        } else {
            for (target, value) in data.iter_mut().zip(x) {
                *target = C::new(*value, T::ZERO);
            }
        }
    }

    /// The first n/2 + 1 elements of the spectrum, from the transform of the packed row. With E and O the transforms
    /// of the even and the odd elements, packing gives Z = E + iO, and the spectrum is E + exp(−2πi k/n) O.
    pub fn half_spectrum(&self, data: &[C<T>], re: &mut [T], im: &mut [T]) {
        for (k, (re, im)) in re.iter_mut().zip(im).enumerate() {
            let value = if self.is_even() {
                let half = data.len();
                let (z, mirrored) = (data[k % half], data[(half - k) % half].conj());
                let (even, odd) = ((z + mirrored).scaled(T::HALF), (mirrored - z).times_i().scaled(T::HALF));
                even + odd * self.turns[k]
            } else {
                data[k]
            };
            (*re, *im) = (value.re, value.im);
        }
    }

    /// The data whose forward transform, [unpacked](Packing::unpack), is the real row with this half spectrum.
    pub fn from_half_spectrum(&self, re: &[T], im: &[T], data: &mut [C<T>]) {
        let last = self.length / 2;
        let at = |k: usize| {
            // What must be real is taken as real.
            let real = k == 0 || (self.is_even() && k == last);
            C::new(re[k], if real { T::ZERO } else { im[k] })
        };
        let length = data.len();
        for (k, target) in data.iter_mut().enumerate() {
            let value = if self.is_even() {
                let (x, mirrored) = (at(k), at(length - k).conj());
                let (even, odd) = (x + mirrored, (x - mirrored) * self.turns[k].conj());
                even + odd.times_i()
            } else if k <= last {
                at(k)
            } else {
                at(length - k).conj()
            };
            // Exchanged here and when unpacking, which makes the forward transform the inverse.
            *target = value.swapped();
        }
    }

    /// The real row from the transform of [`from_half_spectrum`](Packing::from_half_spectrum).
    pub fn unpack(&self, data: &[C<T>], out: &mut [T]) {
        if self.is_even() {
            for (pair, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(data) {
                *pair = [value.im, value.re];
            }
        } else {
            for (target, value) in out.iter_mut().zip(data) {
                *target = value.im;
            }
        }
    }
}
