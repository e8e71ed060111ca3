//! Eigenvalues and eigenvectors of general real matrices: balancing, Hessenberg form, Schur form, and back-substitution
//! in complex arithmetic.

use super::hessenberg::{balance, reduce};
use super::real::{Machine, Real, scales, transposed};
use super::schur::Schur;

/// A complex number.
#[derive(Clone, Copy)]
struct Number<T>(T, T);

impl<T: Real> Number<T> {
    fn times(self, other: Number<T>) -> Number<T> {
        Number(self.0 * other.0 - self.1 * other.1, self.0 * other.1 + self.1 * other.0)
    }

    fn minus(self, other: Number<T>) -> Number<T> {
        Number(self.0 - other.0, self.1 - other.1)
    }

    /// Smith's quotient, which neither overflows nor vanishes on the way.
    fn over(self, other: Number<T>) -> Number<T> {
        if other.0.abs() >= other.1.abs() {
            let ratio = other.1 / other.0;
            let below = other.0 + other.1 * ratio;
            Number((self.0 + self.1 * ratio) / below, (self.1 - self.0 * ratio) / below)
        } else {
            let ratio = other.0 / other.1;
            let below = other.0 * ratio + other.1;
            Number((self.0 * ratio + self.1) / below, (self.1 * ratio - self.0) / below)
        }
    }

    fn size(self) -> T {
        self.0.abs() + self.1.abs()
    }
}

/// Where results go: eigenvalues, and eigenvectors as columns, both by real and imaginary parts.
pub struct Eigen<'a, T> {
    /// Real parts of the eigenvalues.
    pub real: &'a mut [T],
    /// Imaginary parts of the eigenvalues.
    pub imaginary: &'a mut [T],
    /// Real parts of the eigenvectors; empty if they are not wanted.
    pub vectors_real: &'a mut [T],
    /// Imaginary parts of the eigenvectors.
    pub vectors_imaginary: &'a mut [T],
}

/// The eigenvalues, and if wanted the eigenvectors, of the n × n matrix `a`. An eigenvector has norm 1, and its largest
/// component is real. NaN if a number is not finite.
pub fn eig<T: Real>(on: Machine, a: &[T], n: usize, to: &mut Eigen<T>) {
    let wanted = !to.vectors_real.is_empty();
    let scale = scales(a);
    let mut converged = false;
    if let Some((down, up)) = scale {
        let mut h: Vec<T> = a.iter().map(|x| *x * down).collect();
        let balancing = balance(on, &mut h, n);
        let reflectors = reduce(on, &mut h, n);
        let mut q = if wanted { transposed(&reflectors.form(on, n), n, n) } else { Vec::new() };
        let mut schur = Schur { on, h: &mut h, vectors: &mut q, real: to.real, imaginary: to.imaginary };
        converged = schur.run();
        if converged {
            if wanted {
                vectors(on, &h, &q, &balancing, to);
            }
            to.real.iter_mut().chain(to.imaginary.iter_mut()).for_each(|x| *x *= up);
        }
    }
    if !converged {
        to.real.fill(T::NAN);
        to.imaginary.fill(T::NAN);
        to.vectors_real.fill(T::NAN);
        to.vectors_imaginary.fill(T::NAN);
    }
}

/// The eigenvectors of Q H Qᵀ scaled back by the balancing.
fn vectors<T: Real>(on: Machine, h: &[T], q: &[T], balancing: &[T], to: &mut Eigen<T>) {
    let n = balancing.len();
    for k in 0..n {
        if to.imaginary[k] < T::ZERO {
            // The conjugate of the one before.
            for i in 0..n {
                to.vectors_real[i * n + k] = to.vectors_real[i * n + k - 1];
                to.vectors_imaginary[i * n + k] = -to.vectors_imaginary[i * n + k - 1];
            }
            continue;
        }
        let x = substitute(h, n, k, Number(to.real[k], to.imaginary[k]), to.imaginary);
        let (mut real, mut imaginary) = (vec![T::ZERO; n], vec![T::ZERO; n]);
        for (x, row) in x.iter().zip(q.chunks_exact(n)) {
            on.add_scaled(&mut real, x.0, row);
            if to.imaginary[k] != T::ZERO {
                on.add_scaled(&mut imaginary, x.1, row);
            }
        }
        for (i, scale) in balancing.iter().enumerate() {
            real[i] *= *scale;
            imaginary[i] *= *scale;
        }
        let norm = on.norm(&real).hypot(on.norm(&imaginary));
        let size = |i: usize| real[i].hypot(imaginary[i]);
        let largest = (1..n).fold(0, |best, i| if size(i) > size(best) { i } else { best });
        // Multiplied by the conjugate phase of the largest component, whose imaginary part then is zero.
        let phase = if to.imaginary[k] == T::ZERO {
            Number(T::ONE / norm, T::ZERO)
        } else {
            let all = size(largest);
            Number(real[largest] / all / norm, -imaginary[largest] / all / norm)
        };
        for i in 0..n {
            let turned = Number(real[i], imaginary[i]).times(phase);
            to.vectors_real[i * n + k] = turned.0;
            let is_real = i == largest || to.imaginary[k] == T::ZERO;
            to.vectors_imaginary[i * n + k] = if is_real { T::ZERO } else { turned.1 };
        }
    }
}

/// The solution x of (H − λ) x = 0 for the eigenvalue that belongs to row k of the quasi triangular H (the first row
/// of its block); blocks are where `imaginary` is not zero.
fn substitute<T: Real>(h: &[T], n: usize, k: usize, value: Number<T>, imaginary: &[T]) -> Vec<Number<T>> {
    let at = |i: usize, j: usize| h[i * n + j];
    let zero = Number(T::ZERO, T::ZERO);
    let mut x = vec![zero; n];
    let norm = h.iter().fold(T::ZERO, |largest, x| largest.max(x.abs()));
    let smallest = (T::EPSILON * norm).max(T::SMALLEST / T::EPSILON);
    let large = T::ONE / (T::SMALLEST / T::EPSILON).sqrt();
    x[k] = Number(T::ONE, T::ZERO);
    let mut last = k;
    if value.1 != T::ZERO {
        last = k + 1;
        let (b, c) = (at(k, k + 1), at(k + 1, k));
        if c.abs() > b.abs() {
            x[k + 1] = Number(T::ONE, T::ZERO);
            x[k] = value.minus(Number(at(k + 1, k + 1), T::ZERO)).over(Number(c, T::ZERO));
        } else {
            x[k + 1] = value.minus(Number(at(k, k), T::ZERO)).over(Number(b, T::ZERO));
        }
    }
    let mut left = k;
    while left > 0 {
        let i = left - 1;
        let rest = |x: &[Number<T>], row: usize| {
            (left..=last)
                .fold(zero, |sum, j| Number(sum.0 - at(row, j) * x[j].0, sum.1 - at(row, j) * x[j].1))
        };
        let diagonal = |i: usize| Number(at(i, i), T::ZERO).minus(value);
        let largest = if imaginary[i] == T::ZERO {
            let mut below = diagonal(i);
            if below.size() < smallest {
                below = Number(smallest, T::ZERO);
            }
            x[i] = rest(&x, i).over(below);
            left -= 1;
            x[i].size()
        } else {
            // Two rows at once, by Cramer's rule on numbers near 1.
            let (first, second) = (i - 1, i);
            let (top, bottom) = (rest(&x, first), rest(&x, second));
            let size = (diagonal(first).size() + diagonal(second).size())
                .max(at(first, second).abs())
                .max(at(second, first).abs())
                .max(smallest);
            let near = |x: Number<T>| Number(x.0 / size, x.1 / size);
            let (a, d) = (near(diagonal(first)), near(diagonal(second)));
            let (b, c) =
                (Number(at(first, second) / size, T::ZERO), Number(at(second, first) / size, T::ZERO));
            let mut determinant = a.times(d).minus(b.times(c));
            if determinant.size() < T::EPSILON * T::EPSILON {
                determinant = Number(T::EPSILON * T::EPSILON, T::ZERO);
            }
            let solution = |p: Number<T>, q: Number<T>, r: Number<T>, s: Number<T>| {
                near(p.times(q).minus(r.times(s)).over(determinant))
            };
            x[first] = solution(top, d, bottom, b);
            x[second] = solution(bottom, a, top, c);
            left -= 2;
            x[first].size().max(x[second].size())
        };
        if largest > large {
            x[left..=last].iter_mut().for_each(|x| *x = Number(x.0 / largest, x.1 / largest));
        }
    }
    x
}
