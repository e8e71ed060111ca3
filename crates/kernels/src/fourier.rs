//! Discrete Fourier transforms of rows: yₖ = Σⱼ xⱼ exp(∓2πi jk/n), never scaled.
//!
//! Lengths whose prime factors are at most 31 are transformed by passes of radix 4, 2, 3, 5 and the rest in the
//! self-sorting order of Stockham ([`stages`]); others by the convolution of Bluestein ([`mod@plan`]). What a length needs is
//! computed once and cached. Real rows of even length are packed into complex ones of half the length ([`real`]).
//!
//! The relative error (root mean square) is about 1e-16 · log₂ n in double precision; the roots of unity are within a
//! unit in the last place.

pub mod complex;
#[cfg(test)]
mod oracle;
pub mod plan;
pub mod real;
pub mod stages;
#[cfg(test)]
mod tests;

use super::isa::{Instructions, Isa, Kernel};
use super::math::Real;
use super::rows::for_row_blocks;
use super::threads::Pool;
use complex::C;
use plan::{Plan, plan};

/// A type that is transformed: `f32` and `f64`.
pub trait FourierElement: Real {
    /// The nearest number.
    fn rounded(value: f64) -> Self;
}

impl FourierElement for f32 {
    fn rounded(value: f64) -> f32 {
        value as f32
    }
}

impl FourierElement for f64 {
    fn rounded(value: f64) -> f64 {
        value
    }
}

/// Elements of a block of rows that one task transforms.
const BLOCK: usize = 8192;

/// `rows` rows in turn: `load` fills the data of a row, the plan transforms it, `store` takes it away.
struct Rows<'a, T, L, S> {
    plan: &'a Plan<T>,
    rows: usize,
    load: L,
    store: S,
}

impl<T, L, S> Kernel for Rows<'_, T, L, S>
where
    T: FourierElement,
    L: FnMut(usize, &mut [C<T>]),
    S: FnMut(usize, &[C<T>]),
{
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(mut self) {
        let mut data = vec![C::ZERO; self.plan.length()];
        let mut scratch = vec![C::ZERO; self.plan.scratch()];
        for row in 0..self.rows {
            (self.load)(row, &mut data);
            self.plan.run::<I>(&mut data, &mut scratch);
            (self.store)(row, &data);
        }
    }
}

/// Where transforms run.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The threads.
    pub pool: &'a Pool,
    /// What the loops are compiled for.
    pub isa: Isa,
}

/// The transform of each row of length `n`, given and wanted as real and imaginary parts; the exponent is positive if
/// `inverse`.
///
/// # Panics
/// If `n` is 0 or a length is not a multiple of it.
pub fn complex_rows<T: FourierElement>(
    context: Context,
    inverse: bool,
    n: usize,
    [re, im]: [&[T]; 2],
    [out_re, out_im]: [&mut [T]; 2],
) {
    // The inverse of z is the forward transform of i z̄, read in the same way.
    let (re, im, out_re, out_im) = if inverse { (im, re, out_im, out_re) } else { (re, im, out_re, out_im) };
    let plan = plan::<T>(n);
    for_row_blocks(context.pool, [out_re, out_im], re.len() / n, BLOCK / n, &|first, [out_re, out_im]| {
        let rows = out_re.len() / n;
        let load = |row: usize, data: &mut [C<T>]| {
            let range = (first + row) * n..(first + row + 1) * n;
            for ((target, re), im) in data.iter_mut().zip(&re[range.clone()]).zip(&im[range]) {
                *target = C::new(*re, *im);
            }
        };
        let store = |row: usize, data: &[C<T>]| {
            let range = row * n..(row + 1) * n;
            let targets = out_re[range.clone()].iter_mut().zip(&mut out_im[range]);
            for ((re, im), value) in targets.zip(data) {
                (*re, *im) = (value.re, value.im);
            }
        };
        context.isa.run(Rows { plan: &plan, rows, load, store });
    });
}

/// The first n/2 + 1 elements of the transform of each real row of length `n`; the others are their conjugates.
///
/// # Panics
/// If `n` is 0 or the lengths do not fit.
pub fn real_rows<T: FourierElement>(context: Context, n: usize, x: &[T], [out_re, out_im]: [&mut [T]; 2]) {
    let half = n / 2 + 1;
    let packing = real::Packing::<T>::new(n);
    for_row_blocks(context.pool, [out_re, out_im], x.len() / n, BLOCK / n, &|first, [out_re, out_im]| {
        let rows = out_re.len() / half;
        let load = |row: usize, data: &mut [C<T>]| packing.pack(&x[(first + row) * n..][..n], data);
        let store = |row: usize, data: &[C<T>]| {
            let range = row * half..(row + 1) * half;
            packing.half_spectrum(data, &mut out_re[range.clone()], &mut out_im[range]);
        };
        context.isa.run(Rows { plan: packing.plan(), rows, load, store });
    });
}

/// Real rows of length `n` from half spectra of n/2 + 1 elements, the other half being their conjugates, with positive
/// exponent. The imaginary parts of the first element and, for even `n`, of the last have no influence.
///
/// # Panics
/// If `n` is 0 or the lengths do not fit.
pub fn real_from_half_rows<T: FourierElement>(
    context: Context,
    n: usize,
    [re, im]: [&[T]; 2],
    out: &mut [T],
) {
    let half = n / 2 + 1;
    let packing = real::Packing::<T>::new(n);
    for_row_blocks(context.pool, [out], re.len() / half, BLOCK / n, &|first, [out]| {
        let rows = out.len() / n;
        let load = |row: usize, data: &mut [C<T>]| {
            let range = (first + row) * half..(first + row + 1) * half;
            packing.from_half_spectrum(&re[range.clone()], &im[range], data);
        };
        let store = |row: usize, data: &[C<T>]| packing.unpack(data, &mut out[row * n..][..n]);
        context.isa.run(Rows { plan: packing.plan(), rows, load, store });
    });
}
