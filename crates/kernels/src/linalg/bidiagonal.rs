//! Singular values of an upper bidiagonal matrix by implicit QR, with the shift left out where it would cost the small
//! singular values their relative accuracy (Demmel and Kahan, "Accurate singular values of bidiagonal matrices", 1990).

use std::ops::RangeInclusive;

use super::real::{Machine, Real, rotation};

/// Steps after which a matrix is given up, in multiples of n². Two sweeps of n steps per value are usual.
const STEPS: usize = 30;

/// The matrix and the rows that are rotated along with it; `left` and `right` may be empty.
struct Iteration<'a, T> {
    on: Machine<'a>,
    diagonal: &'a mut [T],
    above: &'a mut [T],
    left: &'a mut [T],
    right: &'a mut [T],
}

/// Makes `above` zero: `diagonal` becomes the singular values up to sign, in no order. `false` if it does not
/// converge.
pub fn diagonalise<T: Real>(
    on: Machine,
    diagonal: &mut [T],
    above: &mut [T],
    left: &mut [T],
    right: &mut [T],
) -> bool {
    let n = diagonal.len();
    let mut iteration = Iteration { on, diagonal, above, left, right };
    let mut budget = STEPS * n * n + 100;
    let mut high = n.saturating_sub(1);
    while high > 0 {
        let low = iteration.start_of_block(high);
        if low == high {
            high -= 1;
            continue;
        }
        let block = low..=high;
        let down = iteration.diagonal[low].abs() >= iteration.diagonal[high].abs();
        let Some(shift) = iteration.shift(&block, down) else {
            continue;
        };
        if budget < high - low {
            return false;
        }
        budget -= high - low;
        match (down, shift == T::ZERO) {
            (true, true) => iteration.sweep_down_unshifted(block),
            (true, false) => iteration.sweep_down(block, shift),
            (false, true) => iteration.sweep_up_unshifted(block),
            (false, false) => iteration.sweep_up(block, shift),
        }
    }
    true
}

/// The smaller singular value of the matrix (f g; 0 h), to full accuracy (LAPACK's `las2`).
fn smaller_singular_value<T: Real>(f: T, g: T, h: T) -> T {
    let (f, g, h) = (f.abs(), g.abs(), h.abs());
    let (small, large) = (f.min(h), f.max(h));
    if small == T::ZERO {
        return T::ZERO;
    }
    let two = T::of(2.0);
    let (sum, difference) = (T::ONE + small / large, (large - small) / large);
    if g < large {
        let u = (g / large) * (g / large);
        return small * (two / ((sum * sum + u).sqrt() + (difference * difference + u).sqrt()));
    }
    let u = large / g;
    if u == T::ZERO {
        return small * large / g;
    }
    let root = |x: T| (T::ONE + (x * u) * (x * u)).sqrt();
    two * (small * (T::ONE / (root(sum) + root(difference)))) * u
}

impl<T: Real> Iteration<'_, T> {
    /// The first row of the block that ends at `high` and has no negligible number above its diagonal.
    fn start_of_block(&mut self, high: usize) -> usize {
        let tiny = T::SMALLEST / T::EPSILON;
        for low in (0..high).rev() {
            let neighbours = self.diagonal[low].abs() + self.diagonal[low + 1].abs();
            if self.above[low].abs() <= tiny + T::EPSILON * neighbours {
                self.above[low] = T::ZERO;
                return low + 1;
            }
        }
        0
    }

    /// The shift for a sweep through the block; `None` if the block has fallen apart instead.
    fn shift(&mut self, block: &RangeInclusive<usize>, down: bool) -> Option<T> {
        let (low, high) = (*block.start(), *block.end());
        let tolerance = T::EPSILON * T::of(10.0);
        // Lower bounds of the singular values of the leading (trailing) parts: what is small beside them may go.
        let mut bound = self.diagonal[if down { low } else { high }].abs();
        let mut smallest = bound;
        for step in 0..high - low {
            let (above, next) =
                if down { (low + step, low + step + 1) } else { (high - 1 - step, high - 1 - step) };
            if self.above[above].abs() <= tolerance * bound {
                self.above[above] = T::ZERO;
                return None;
            }
            bound = self.diagonal[next].abs() * (bound / (bound + self.above[above].abs()));
            smallest = smallest.min(bound);
        }
        let largest = (low..=high)
            .fold(T::ZERO, |sum, i| sum.max(self.diagonal[i].abs()))
            .max((low..high).fold(T::ZERO, |sum, i| sum.max(self.above[i].abs())));
        if T::of(50.0 * (high - low + 1) as f64) * (smallest / largest) <= T::ONE {
            return Some(T::ZERO);
        }
        let (first, shift) = if down {
            let last = [self.diagonal[high - 1], self.above[high - 1], self.diagonal[high]];
            (self.diagonal[low].abs(), smaller_singular_value(last[0], last[1], last[2]))
        } else {
            let ends = [self.diagonal[low], self.above[low], self.diagonal[low + 1]];
            (self.diagonal[high].abs(), smaller_singular_value(ends[0], ends[1], ends[2]))
        };
        let ratio = shift / first;
        Some(if first == T::ZERO || ratio * ratio < T::EPSILON { T::ZERO } else { shift })
    }

    fn rotate_left(&mut self, first: usize, cosine: T, sine: T) {
        let length = self.left.len() / self.diagonal.len();
        if length > 0 {
            self.on.rotate_rows(self.left, length, first, cosine, sine);
        }
    }

    fn rotate_right(&mut self, first: usize, cosine: T, sine: T) {
        let length = self.right.len() / self.diagonal.len();
        if length > 0 {
            self.on.rotate_rows(self.right, length, first, cosine, sine);
        }
    }

    /// Chases the bulge from the first row to the last.
    fn sweep_down(&mut self, block: RangeInclusive<usize>, shift: T) {
        let (low, high) = block.into_inner();
        let first = self.diagonal[low];
        let mut f = (first.abs() - shift) * (T::ONE.copysign(first) + shift / first);
        let mut g = self.above[low];
        for i in low..high {
            let (cosine, sine, r) = rotation(f, g);
            if i > low {
                self.above[i - 1] = r;
            }
            f = cosine * self.diagonal[i] + sine * self.above[i];
            self.above[i] = cosine * self.above[i] - sine * self.diagonal[i];
            g = sine * self.diagonal[i + 1];
            self.diagonal[i + 1] *= cosine;
            self.rotate_right(i, cosine, sine);
            let (cosine, sine, r) = rotation(f, g);
            self.diagonal[i] = r;
            f = cosine * self.above[i] + sine * self.diagonal[i + 1];
            self.diagonal[i + 1] = cosine * self.diagonal[i + 1] - sine * self.above[i];
            if i + 1 < high {
                g = sine * self.above[i + 1];
                self.above[i + 1] *= cosine;
            }
            self.rotate_left(i, cosine, sine);
        }
        self.above[high - 1] = f;
    }

    /// Chases the bulge from the last row to the first.
    fn sweep_up(&mut self, block: RangeInclusive<usize>, shift: T) {
        let (low, high) = block.into_inner();
        let last = self.diagonal[high];
        let mut f = (last.abs() - shift) * (T::ONE.copysign(last) + shift / last);
        let mut g = self.above[high - 1];
        for i in (low + 1..=high).rev() {
            let (cosine, sine, r) = rotation(f, g);
            if i < high {
                self.above[i] = r;
            }
            f = cosine * self.diagonal[i] + sine * self.above[i - 1];
            self.above[i - 1] = cosine * self.above[i - 1] - sine * self.diagonal[i];
            g = sine * self.diagonal[i - 1];
            self.diagonal[i - 1] *= cosine;
            self.rotate_left(i - 1, cosine, -sine);
            let (cosine, sine, r) = rotation(f, g);
            self.diagonal[i] = r;
            f = cosine * self.above[i - 1] + sine * self.diagonal[i - 1];
            self.diagonal[i - 1] = cosine * self.diagonal[i - 1] - sine * self.above[i - 1];
            if i > low + 1 {
                g = sine * self.above[i - 2];
                self.above[i - 2] *= cosine;
            }
            self.rotate_right(i - 1, cosine, -sine);
        }
        self.above[low] = f;
    }

    fn sweep_down_unshifted(&mut self, block: RangeInclusive<usize>) {
        let (low, high) = block.into_inner();
        let (mut cosine, mut old_cosine, mut old_sine) = (T::ONE, T::ONE, T::ZERO);
        for i in low..high {
            let (next, sine, r) = rotation(self.diagonal[i] * cosine, self.above[i]);
            cosine = next;
            if i > low {
                self.above[i - 1] = old_sine * r;
            }
            (old_cosine, old_sine, self.diagonal[i]) = rotation(old_cosine * r, self.diagonal[i + 1] * sine);
            self.rotate_right(i, cosine, sine);
            self.rotate_left(i, old_cosine, old_sine);
        }
        let last = self.diagonal[high] * cosine;
        self.diagonal[high] = last * old_cosine;
        self.above[high - 1] = last * old_sine;
    }

    fn sweep_up_unshifted(&mut self, block: RangeInclusive<usize>) {
        let (low, high) = block.into_inner();
        let (mut cosine, mut old_cosine, mut old_sine) = (T::ONE, T::ONE, T::ZERO);
        for i in (low + 1..=high).rev() {
            let (next, sine, r) = rotation(self.diagonal[i] * cosine, self.above[i - 1]);
            cosine = next;
            if i < high {
                self.above[i] = old_sine * r;
            }
            (old_cosine, old_sine, self.diagonal[i]) = rotation(old_cosine * r, self.diagonal[i - 1] * sine);
            self.rotate_left(i - 1, cosine, -sine);
            self.rotate_right(i - 1, old_cosine, -old_sine);
        }
        let first = self.diagonal[low] * cosine;
        self.diagonal[low] = first * old_cosine;
        self.above[low] = first * old_sine;
    }
}
