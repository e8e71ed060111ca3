//! Weighted sums of neighbours along an axis whose ends are mirrors (`d c b | a b c d | c b a`), and the transpose of that.

use std::ops::Range;

use smallvec::SmallVec;

use crate::gemm::element::Number;
use crate::gemm::tile::{VectorKernel, dispatch};
use crate::gemm::vector::Vector;
use crate::isa::Isa;
use crate::math::Real;
use crate::threads::Pool;

/// Multiplications from which a second thread pays.
const WORTH_A_THREAD: usize = 256 * 1024;

/// Rows along the axis that are copied, with what the mirrors show, before they are added up: enough that what is read has
/// left the processor's store buffer.
const COPIED: usize = 16;

/// A filter of an odd number of weights, over the middle axis of arrays `[outer, length, inner]`.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a, T> {
    /// The weights of the elements around a position, the middle one at the position itself. Those that are zero are
    /// skipped, so that what is there does not matter.
    pub weights: &'a [T],
    /// Whether each element is spread over its neighbours instead of gathered from them.
    pub transposed: bool,
    /// Arrays.
    pub outer: usize,
    /// Positions, more than there are weights to one side.
    pub length: usize,
    /// Elements per position.
    pub inner: usize,
}

/// What is added up for one row of the result: (where it starts, its weight).
type Terms<T> = SmallVec<[(usize, T); 32]>;

impl<T: Number + Real> Filter<'_, T> {
    /// Writes the filtered `source` to `target`, both `[outer, length, inner]`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    pub fn run(&self, pool: &Pool, isa: Isa, source: &[T], target: &mut [T]) {
        let elements = self.outer * self.length * self.inner;
        assert!(source.len() == elements && target.len() == elements, "filter: the arrays have other sizes");
        assert!(
            self.weights.len() % 2 == 1 && self.weights.len() / 2 < self.length,
            "filter: the window does not fit"
        );
        if elements == 0 {
            return;
        }
        let width = if self.inner == 1 { self.length } else { self.inner };
        let target = Shared(target.as_mut_ptr());
        let least = WORTH_A_THREAD / (width * self.weights.len()) + 1;
        pool.for_ranges(elements / width, least, &|rows| {
            // SAFETY: ranges of rows are disjoint and inside of the target.
            let target = unsafe {
                std::slice::from_raw_parts_mut(target.get().add(rows.start * width), rows.len() * width)
            };
            match (self.inner, self.transposed) {
                (1, false) => self.gathered_along(isa, source, target, rows),
                (1, true) => self.spread_along(isa, source, target, rows),
                _ => self.across(isa, source, target, rows),
            }
        });
    }

    /// The position that is seen `offset` past the first of the mirrored ones before position 0.
    fn mirrored(&self, offset: usize) -> usize {
        let position = offset.abs_diff(self.weights.len() / 2);
        if position < self.length { position } else { 2 * (self.length - 1) - position }
    }

    /// Offsets beyond the ends, counted as in [`mirrored`](Filter::mirrored).
    fn beyond(&self) -> impl Iterator<Item = usize> + use<T> {
        let (reach, length) = (self.weights.len() / 2, self.length);
        (0..reach).chain(reach + length..length + 2 * reach)
    }

    /// The weights that are not zero and how many elements after the first of its window each has its own, for steps of
    /// `step` elements.
    fn window(&self, step: usize) -> Terms<T> {
        let last = self.weights.len() - 1;
        let place = |tap: usize| if self.transposed { last - tap } else { tap };
        let weights = self.weights.iter().enumerate().filter(|(_, weight)| **weight != <T as Real>::ZERO);
        weights.map(|(tap, weight)| (place(tap) * step, *weight)).collect()
    }

    /// The positions that make up position `at` of the result, which the mirrors may show more than once.
    fn terms(&self, at: usize) -> Terms<T> {
        let (count, reach) = (self.weights.len(), self.weights.len() / 2);
        let mut terms = Terms::new();
        let mut add = |position: usize, tap: usize| {
            if self.weights[tap] != <T as Real>::ZERO {
                terms.push((position, self.weights[tap]));
            }
        };
        if !self.transposed {
            (0..count).for_each(|tap| add(self.mirrored(at + tap), tap));
            return terms;
        }
        // The offsets at which this position is seen, and who looks there.
        let last = 2 * (self.length - 1);
        let before = (at > 0 && at <= reach).then(|| reach - at);
        let after = (at < self.length - 1 && last - at < self.length + reach).then(|| last - at + reach);
        for offset in [Some(at + reach), before, after].into_iter().flatten() {
            let readers = offset.saturating_sub(self.length - 1)..=offset.min(count - 1);
            readers.for_each(|tap| add(offset - tap, tap));
        }
        terms
    }

    /// Rows of the result that lie across the axis: sums of whole rows.
    fn across(&self, isa: Isa, source: &[T], target: &mut [T], rows: Range<usize>) {
        let Filter { length, inner, .. } = *self;
        let reach = self.weights.len() / 2;
        let window = self.window(inner);
        for (row, target) in rows.zip(target.chunks_exact_mut(inner)) {
            let (array, at) = (row / length * length * inner, row % length);
            // Where no mirror shows anything, all rows are alike.
            if at > reach && at + reach + 1 < length {
                combine(isa, &source[array + (at - reach) * inner..], &window, target);
            } else {
                let mut terms = self.terms(at);
                terms.iter_mut().for_each(|(start, _)| *start *= inner);
                combine(isa, &source[array..], &terms, target);
            }
        }
    }

    /// Rows that lie along the axis, from copies that have what the mirrors show.
    fn gathered_along(&self, isa: Isa, source: &[T], target: &mut [T], rows: Range<usize>) {
        let (length, reach) = (self.length, self.weights.len() / 2);
        let (window, wide) = (self.window(1), length + 2 * reach);
        let mut copies = vec![<T as Real>::ZERO; COPIED * wide];
        let source = source[rows.start * length..rows.end * length].chunks(COPIED * length);
        for (source, target) in source.zip(target.chunks_mut(COPIED * length)) {
            for (row, copy) in source.chunks_exact(length).zip(copies.chunks_exact_mut(wide)) {
                copy[reach..reach + length].copy_from_slice(row);
                self.beyond().for_each(|offset| copy[offset] = row[self.mirrored(offset)]);
            }
            for (copy, target) in copies.chunks_exact(wide).zip(target.chunks_exact_mut(length)) {
                combine(isa, copy, &window, target);
            }
        }
    }

    /// The transpose: what arrives at each place, those beyond the ends included, from where it is sent on to what they show.
    fn spread_along(&self, isa: Isa, source: &[T], target: &mut [T], rows: Range<usize>) {
        let (length, reach) = (self.length, self.weights.len() / 2);
        let (window, around) = (self.window(1), 2 * reach);
        let (wide, wider) = (length + around, length + 2 * around);
        let mut copies = vec![<T as Real>::ZERO; COPIED * wider];
        let mut arrived = vec![<T as Real>::ZERO; wide];
        let source = source[rows.start * length..rows.end * length].chunks(COPIED * length);
        for (source, target) in source.zip(target.chunks_mut(COPIED * length)) {
            for (row, copy) in source.chunks_exact(length).zip(copies.chunks_exact_mut(wider)) {
                copy[around..around + length].copy_from_slice(row);
            }
            for (copy, target) in copies.chunks_exact(wider).zip(target.chunks_exact_mut(length)) {
                combine(isa, copy, &window, &mut arrived);
                target.copy_from_slice(&arrived[reach..reach + length]);
                for offset in self.beyond() {
                    let seen = self.mirrored(offset);
                    target[seen] = target[seen] + arrived[offset];
                }
            }
        }
    }
}

struct Shared<T>(*mut T);
// SAFETY: tasks write to disjoint parts.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// `target[i] = Σ weight · source[start + i]`, summed in the order of the terms.
///
/// # Panics
/// If a term reaches beyond the source.
fn combine<T: Number + Real>(isa: Isa, source: &[T], terms: &[(usize, T)], target: &mut [T]) {
    let furthest = terms.iter().map(|(start, _)| *start).max().unwrap_or(0);
    assert!(furthest + target.len() <= source.len(), "a filter's window reaches beyond its source");
    let sums = Sums { from: source.as_ptr(), terms, to: target.as_mut_ptr(), width: target.len() };
    // SAFETY: all terms have as many elements as the target.
    unsafe { dispatch(isa, sums) };
}

/// Weighted sums of `width` elements each.
struct Sums<'a, T> {
    from: *const T,
    terms: &'a [(usize, T)],
    to: *mut T,
    width: usize,
}

impl<T: Number + Real> VectorKernel<T> for Sums<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>, const ROWS: usize>(self) {
        let mut index = 0;
        // SAFETY: the caller vouches for `width` elements of each term and of the target.
        unsafe {
            while index + 4 * V::LANES <= self.width {
                self.block::<V, 4>(index);
                index += 4 * V::LANES;
            }
            while index + V::LANES <= self.width {
                self.block::<V, 1>(index);
                index += V::LANES;
            }
            if index < self.width {
                let mask = V::mask(self.width - index);
                let mut sum = V::zero();
                for (start, weight) in self.terms {
                    sum =
                        V::load_masked(self.from.add(start + index), mask).times_plus(V::splat(*weight), sum);
                }
                sum.store_masked(self.to.add(index), mask);
            }
        }
    }
}

impl<T: Number + Real> Sums<'_, T> {
    #[inline(always)]
    unsafe fn block<V: Vector<Element = T>, const VECTORS: usize>(&self, index: usize) {
        // SAFETY: as for `run`.
        unsafe {
            let mut sums = [V::zero(); VECTORS];
            for (start, weight) in self.terms {
                let (from, weight) = (self.from.add(start + index), V::splat(*weight));
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(from.add(vector * V::LANES)).times_plus(weight, *sum);
                }
            }
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(self.to.add(index + vector * V::LANES));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition.
    fn oracle(filter: &Filter<f64>, source: &[f64]) -> Vec<f64> {
        let Filter { weights, transposed, outer, length, inner } = *filter;
        let mut target = vec![0.0; source.len()];
        let reach = weights.len() as isize / 2;
        for array in 0..outer {
            for at in 0..length {
                for (tap, weight) in weights.iter().enumerate() {
                    let mut other = (at as isize + tap as isize - reach).abs();
                    if other >= length as isize {
                        other = 2 * (length as isize - 1) - other;
                    }
                    for element in 0..inner {
                        let here = (array * length + at) * inner + element;
                        let there = (array * length + other as usize) * inner + element;
                        let (from, to) = if transposed { (here, there) } else { (there, here) };
                        target[to] += weight * source[from];
                    }
                }
            }
        }
        target
    }

    #[test]
    fn all_shapes_follow_the_definition_on_any_number_of_threads() {
        let weights = [0.3, -1.0, 0.0, 2.0, 0.25, 0.5, -0.125];
        for (outer, length, inner) in [
            (1, 4, 1),
            (3, 5, 1),
            (2, 37, 1),
            (1, 75, 1),
            (2, 4, 3),
            (1, 50, 75),
            (2, 6, 33),
            (900, 70, 1),
            (2, 9, 9000),
        ] {
            for count in [1, 3, 7] {
                for transposed in [false, true] {
                    let weights = &weights[..count];
                    let filter = Filter { weights, transposed, outer, length, inner };
                    let source: Vec<f64> = (0..outer * length * inner)
                        .map(|index| (index * 7919 % 1000) as f64 / 500.0 - 1.0)
                        .collect();
                    let expected = oracle(&filter, &source);
                    for isa in Isa::available() {
                        let mut found = vec![f64::NAN; source.len()];
                        filter.run(&Pool::new(1), *isa, &source, &mut found);
                        let worst =
                            expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                        assert!(worst < 1e-14, "{filter:?} {isa:?}: {worst}");
                        let mut shared = vec![f64::NAN; source.len()];
                        filter.run(&Pool::new(3), *isa, &source, &mut shared);
                        assert_eq!(found, shared, "{filter:?} {isa:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_no_weight_is_not_read() {
        let filter = Filter { weights: &[1.0, 0.0, 1.0], transposed: false, outer: 1, length: 3, inner: 1 };
        let mut target = [0.0; 3];
        filter.run(&Pool::new(1), Isa::Portable, &[1.0, f64::NAN, 3.0], &mut target);
        assert!(target[0].is_nan() && target[1] == 4.0 && target[2].is_nan());
    }
}
