//! Products of Householder reflections I − τ v vᵀ, applied in groups by matrix products (Schreiber and Van Loan, "A
//! storage-efficient WY representation for products of Householder transformations", 1989).

use std::ops::Range;

use crate::gemm::Accumulate;

use super::product::Part;
use super::real::{Machine, Real, identity, largest};

/// Reflections that are applied together.
pub const GROUP: usize = 32;

/// H₀ H₁ H₂ …, where the vector of Hᵢ is zero before position `offset + i`.
pub struct Reflectors<T> {
    length: usize,
    offset: usize,
    /// A vector per row.
    vectors: Vec<T>,
    factors: Vec<T>,
}

/// Turns x into β, 0, 0, … by a reflection: `x` becomes its vector v with v₀ = 1, and τ and β are returned.
pub fn reflect<T: Real>(on: Machine, x: &mut [T]) -> (T, T) {
    // Below this the quotients that make v would lose digits.
    let safe = T::SMALLEST / T::EPSILON;
    let size = largest(x);
    if size > T::ZERO && size < safe {
        x.iter_mut().for_each(|x| *x /= safe);
        let (factor, beta) = reflect_safely(on, x);
        return (factor, beta * safe);
    }
    reflect_safely(on, x)
}

fn reflect_safely<T: Real>(on: Machine, x: &mut [T]) -> (T, T) {
    let (first, rest) = x.split_first_mut().expect("a reflection of at least one number");
    let norm = on.norm(rest);
    let alpha = *first;
    *first = T::ONE;
    if norm == T::ZERO {
        return (T::ZERO, alpha);
    }
    let beta = -alpha.hypot(norm).copysign(alpha);
    let divisor = alpha - beta;
    rest.iter_mut().for_each(|x| *x /= divisor);
    ((beta - alpha) / beta, beta)
}

impl<T: Real> Reflectors<T> {
    /// None yet, of vectors of `length` numbers.
    pub fn new(length: usize, offset: usize) -> Reflectors<T> {
        Reflectors { length, offset, vectors: Vec::new(), factors: Vec::new() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.factors.len()
    }

    /// Adds one on the right; `vector` is what is not zero by position.
    pub fn push(&mut self, vector: &[T], factor: T) {
        let start = self.offset + self.count();
        debug_assert_eq!(start + vector.len(), self.length);
        self.vectors.resize(self.vectors.len() + start, T::ZERO);
        self.vectors.extend_from_slice(vector);
        self.factors.push(factor);
    }

    /// C ← (H … H) C, or the transposed product, with the reflections in `group`. `c` starts at the row where their
    /// vectors start; its rows are `stride` apart.
    pub fn apply(
        &self,
        on: Machine,
        group: Range<usize>,
        transposed: bool,
        c: &mut [T],
        stride: usize,
        columns: usize,
    ) {
        let first = self.offset + group.start;
        let (count, length) = (group.len(), self.length - first);
        if count == 0 || columns == 0 || length == 0 {
            return;
        }
        let vectors = Part::new(&self.vectors[group.start * self.length + first..], self.length);
        // The triangular T of H₀ … = I − V T Vᵀ.
        let mut gram = vec![T::ZERO; count * count];
        on.multiply(&mut gram, count, [count, count, length], vectors, vectors.t(), Accumulate::Replace);
        let mut triangle = vec![T::ZERO; count * count];
        for i in 0..count {
            let factor = self.factors[group.start + i];
            for row in 0..i {
                let sum =
                    (row..i).fold(T::ZERO, |sum, k| sum + triangle[row * count + k] * gram[k * count + i]);
                triangle[row * count + i] = -factor * sum;
            }
            triangle[i * count + i] = factor;
        }
        triangle.iter_mut().for_each(|x| *x = -*x);
        let triangle = Part::new(&triangle, count);
        let triangle = if transposed { triangle.t() } else { triangle };
        let mut inner = vec![T::ZERO; count * columns];
        on.multiply(
            &mut inner,
            columns,
            [count, columns, length],
            vectors,
            Part::new(c, stride),
            Accumulate::Replace,
        );
        let mut weights = vec![T::ZERO; count * columns];
        on.multiply(
            &mut weights,
            columns,
            [count, columns, count],
            triangle,
            Part::new(&inner, columns),
            Accumulate::Replace,
        );
        on.multiply(
            c,
            stride,
            [length, columns, count],
            vectors.t(),
            Part::new(&weights, columns),
            Accumulate::Add,
        );
    }

    /// C ← H₀ H₁ … C for a matrix with all rows.
    pub fn apply_all(&self, on: Machine, c: &mut [T], columns: usize) {
        for group in (0..self.count().div_ceil(GROUP)).rev() {
            let group = group * GROUP..((group + 1) * GROUP).min(self.count());
            let start = (self.offset + group.start) * columns;
            self.apply(on, group, false, &mut c[start..], columns, columns);
        }
    }

    /// The first `columns` columns of H₀ H₁ …, whose columns before `offset` are those of the identity.
    pub fn form(&self, on: Machine, columns: usize) -> Vec<T> {
        let mut q = identity(self.length, columns);
        for group in (0..self.count().div_ceil(GROUP)).rev() {
            let group = group * GROUP..((group + 1) * GROUP).min(self.count());
            // Columns before are not reached by this group nor by those applied so far.
            let first = self.offset + group.start;
            if first < columns {
                self.apply(on, group, false, &mut q[first * columns + first..], columns, columns - first);
            }
        }
        q
    }
}
