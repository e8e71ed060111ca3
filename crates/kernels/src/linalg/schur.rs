//! The real Schur form of a Hessenberg matrix by Francis' implicit double shift (Golub and Van Loan, "Matrix
//! Computations", 7.5; EISPACK's `hqr2`).

use std::ops::Range;
use std::slice::ChunksExactMut;

use crate::isa::{Instructions, Kernel};

use super::real::{Machine, Real};

/// Steps after which an eigenvalue is given up. Two to four are usual; every tenth uses an exceptional shift.
const STEPS: usize = 300;

/// A reflection of two or three rows and columns from `first`: I − (1, q, r)ᵀ (x, y, z).
struct Small<T> {
    first: usize,
    three: bool,
    q: T,
    r: T,
    x: T,
    y: T,
    z: T,
}

/// The iteration: H, the rows that are rotated along (columns of Q; may be empty), and the eigenvalues found.
pub struct Schur<'a, T> {
    /// What it runs on.
    pub on: Machine<'a>,
    /// n × n.
    pub h: &'a mut [T],
    /// The columns of Q as rows. If there are none, only the eigenvalues come out right, not H.
    pub vectors: &'a mut [T],
    /// Real parts of the eigenvalues.
    pub real: &'a mut [T],
    /// Imaginary parts; of a pair the positive one comes first.
    pub imaginary: &'a mut [T],
}

impl<T: Real> Schur<'_, T> {
    fn at(&self, i: usize, j: usize) -> T {
        self.h[i * self.real.len() + j]
    }

    fn at_mut(&mut self, i: usize, j: usize) -> &mut T {
        &mut self.h[i * self.real.len() + j]
    }

    /// Makes H quasi upper triangular: 2 × 2 blocks on the diagonal belong to complex pairs. `false` if it does not
    /// converge.
    pub fn run(&mut self) -> bool {
        let n = self.real.len();
        let norm = self.h.iter().fold(T::ZERO, |sum, x| sum + x.abs());
        let mut left = n;
        let mut steps = 0;
        while left > 0 {
            let high = left - 1;
            let low = self.start_of_block(high, norm);
            if low == high {
                self.real[high] = self.at(high, high);
                self.imaginary[high] = T::ZERO;
                (left, steps) = (left - 1, 0);
            } else if low + 1 == high {
                self.split_pair(high);
                (left, steps) = (left - 2, 0);
            } else {
                steps += 1;
                if steps > STEPS {
                    return false;
                }
                self.double_step(low, high, steps);
            }
        }
        true
    }

    fn start_of_block(&mut self, high: usize, norm: T) -> usize {
        for low in (1..=high).rev() {
            let beside = self.at(low - 1, low - 1).abs() + self.at(low, low).abs();
            let beside = if beside == T::ZERO { norm } else { beside };
            if self.at(low, low - 1).abs() <= T::EPSILON * beside {
                *self.at_mut(low, low - 1) = T::ZERO;
                return low;
            }
        }
        0
    }

    /// The eigenvalues of the block in rows `high − 1` and `high`, which is made triangular if they are real.
    fn split_pair(&mut self, high: usize) {
        let (n, low) = (self.real.len(), high - 1);
        let (x, w) = (self.at(high, high), self.at(high, low) * self.at(low, high));
        let p = (self.at(low, low) - x) * T::of(0.5);
        let q = p * p + w;
        let z = q.abs().sqrt();
        if q < T::ZERO {
            (self.real[low], self.real[high]) = (x + p, x + p);
            (self.imaginary[low], self.imaginary[high]) = (z, -z);
            return;
        }
        let z = p + z.copysign(p);
        self.real[low] = x + z;
        self.real[high] = if z == T::ZERO { x + z } else { x - w / z };
        (self.imaginary[low], self.imaginary[high]) = (T::ZERO, T::ZERO);
        if self.vectors.is_empty() {
            return;
        }
        let below = self.at(high, low);
        let r = below.hypot(z);
        if r == T::ZERO {
            return;
        }
        let (sine, cosine) = (below / r, z / r);
        let on = self.on;
        on.rotate_rows(self.h, n, low, cosine, sine);
        for i in 0..=high {
            let (a, b) = (self.at(i, low), self.at(i, high));
            *self.at_mut(i, low) = cosine * a + sine * b;
            *self.at_mut(i, high) = cosine * b - sine * a;
        }
        *self.at_mut(high, low) = T::ZERO;
        on.rotate_rows(self.vectors, n, low, cosine, sine);
    }

    /// One implicit step with two shifts on rows `low` to `high`.
    fn double_step(&mut self, low: usize, high: usize, steps: usize) {
        let mut x = self.at(high, high);
        let mut y = self.at(high - 1, high - 1);
        let mut w = self.at(high, high - 1) * self.at(high - 1, high);
        if steps.is_multiple_of(10) {
            let size = self.at(high, high - 1).abs() + self.at(high - 1, high - 2).abs();
            x += T::of(0.75) * size;
            y = x;
            w = T::of(-0.4375) * size * size;
        }
        // Two consecutive small subdiagonal numbers let the step start further down.
        let mut first = high - 2;
        let (mut p, mut q, mut r);
        loop {
            let z = self.at(first, first);
            let (from_x, from_y) = (x - z, y - z);
            p = (from_x * from_y - w) / self.at(first + 1, first) + self.at(first, first + 1);
            q = self.at(first + 1, first + 1) - z - from_x - from_y;
            r = self.at(first + 2, first + 1);
            let size = p.abs() + q.abs() + r.abs();
            (p, q, r) = (p / size, q / size, r / size);
            if first == low {
                break;
            }
            let beside = self.at(first - 1, first - 1).abs() + z.abs() + self.at(first + 1, first + 1).abs();
            let coupling = self.at(first, first - 1).abs() * (q.abs() + r.abs());
            if coupling < T::EPSILON * (p.abs() * beside) {
                break;
            }
            first -= 1;
        }
        for i in first + 2..=high {
            *self.at_mut(i, i - 2) = T::ZERO;
            if i > first + 2 {
                *self.at_mut(i, i - 3) = T::ZERO;
            }
        }
        for k in first..high {
            let three = k + 1 != high;
            let mut scale = T::ONE;
            if k > first {
                p = self.at(k, k - 1);
                q = self.at(k + 1, k - 1);
                r = if three { self.at(k + 2, k - 1) } else { T::ZERO };
                scale = p.abs() + q.abs() + r.abs();
                if scale == T::ZERO {
                    break;
                }
                (p, q, r) = (p / scale, q / scale, r / scale);
            }
            let size = (p * p + q * q + r * r).sqrt().copysign(p);
            if size == T::ZERO {
                continue;
            }
            if k > first {
                *self.at_mut(k, k - 1) = -size * scale;
            } else if low != first {
                *self.at_mut(k, k - 1) = -self.at(k, k - 1);
            }
            p += size;
            let reflection =
                Small { first: k, three, q: q / p, r: r / p, x: p / size, y: q / size, z: r / size };
            self.reflect(&reflection, low, high);
        }
    }

    fn reflect(&mut self, by: &Small<T>, low: usize, high: usize) {
        let (n, k) = (self.real.len(), by.first);
        let whole = !self.vectors.is_empty();
        let rows = self.h[k * n..].chunks_exact_mut(n);
        by.run(self.on, rows, k..if whole { n } else { high + 1 }, false);
        for i in if whole { 0 } else { low }..high.min(k + 3) + 1 {
            let row = &mut self.h[i * n + k..];
            let mut p = by.x * row[0] + by.y * row[1];
            if by.three {
                p += by.z * row[2];
                row[2] -= p * by.r;
            }
            row[0] -= p;
            row[1] -= p * by.q;
        }
        if whole {
            by.run(self.on, self.vectors[k * n..].chunks_exact_mut(n), 0..n, true);
        }
    }
}

impl<T: Real> Small<T> {
    /// Applies the reflection to two or three rows from the left, or transposed.
    fn run(&self, on: Machine, mut rows: ChunksExactMut<T>, columns: Range<usize>, transposed: bool) {
        let (ones, others) = ([T::ONE, self.q, self.r], [self.x, self.y, self.z]);
        let (weights, updates) = if transposed { (others, ones) } else { (ones, others) };
        let mut next = || rows.next().map_or(&mut [][..], |row| &mut row[columns.clone()]);
        let (one, two) = (next(), next());
        let three = if self.three { next() } else { &mut [] };
        on.isa.run(Combine { one, two, three, weights, updates });
    }
}

/// rows −= updates (weights · rows), without a third row if it is empty.
struct Combine<'a, T> {
    one: &'a mut [T],
    two: &'a mut [T],
    three: &'a mut [T],
    weights: [T; 3],
    updates: [T; 3],
}

impl<T: Real> Kernel for Combine<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let ([a, b, c], [d, e, f]) = (self.weights, self.updates);
        if self.three.is_empty() {
            for (x, y) in self.one.iter_mut().zip(self.two) {
                let sum = a * *x + b * *y;
                *x -= sum * d;
                *y -= sum * e;
            }
            return;
        }
        for ((x, y), z) in self.one.iter_mut().zip(self.two).zip(self.three) {
            let sum = a * *x + b * *y + c * *z;
            *x -= sum * d;
            *y -= sum * e;
            *z -= sum * f;
        }
    }
}
