//! Passes of mixed radix.

use super::FourierElement;
use super::complex::{C, root_of_unity};
use crate::isa::Instructions;

/// The largest prime factor that passes are made for.
pub const LARGEST_RADIX: usize = 31;

/// One pass: transforms of length `radix` over elements `count` apart, for each of `stride` interleaved sequences.
struct Stage<T> {
    radix: usize,
    /// The length of what remains to be transformed after this pass.
    count: usize,
    /// The product of the radices of the passes before.
    stride: usize,
    /// For each position p < count and j from 1: exp(−2πi jp / (radix · count)).
    twiddles: Vec<C<T>>,
    /// exp(−2πi j / radix).
    roots: Vec<C<T>>,
}

/// All passes of a length.
pub struct Stages<T> {
    /// The length.
    pub length: usize,
    stages: Vec<Stage<T>>,
}

/// The factors that passes are made for, or none if there is a prime beyond [`LARGEST_RADIX`].
fn factors(mut n: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for radix in std::iter::once(4).chain(2..=LARGEST_RADIX) {
        while n.is_multiple_of(radix) {
            found.push(radix);
            n /= radix;
        }
    }
    (n == 1).then_some(found)
}

impl<T: FourierElement> Stages<T> {
    /// The passes for length `n`, unless it has a prime factor beyond [`LARGEST_RADIX`].
    pub fn new(n: usize) -> Option<Stages<T>> {
        let (mut rest, mut stride) = (n, 1);
        let stages = factors(n)?
            .into_iter()
            .map(|radix| {
                let length = rest;
                let count = length / radix;
                let twiddles = (0..count).flat_map(|p| (1..radix).map(move |j| root_of_unity(p * j, length)));
                let stage = Stage {
                    radix,
                    count,
                    stride,
                    twiddles: twiddles.collect(),
                    roots: (0..radix).map(|j| root_of_unity(j, radix)).collect(),
                };
                (rest, stride) = (count, stride * radix);
                stage
            })
            .collect();
        Some(Stages { length: n, stages })
    }

    /// The forward transform of `data` in place; `scratch` is as long.
    #[inline(always)]
    pub fn run<I: Instructions>(&self, data: &mut [C<T>], scratch: &mut [C<T>]) {
        let (mut from, mut to) = (data, scratch);
        for stage in &self.stages {
            stage.run(from, to);
            (from, to) = (to, from);
        }
        if !self.stages.len().is_multiple_of(2) {
            to.copy_from_slice(from);
        }
    }
}

impl<T: FourierElement> Stage<T> {
    /// `butterfly` on each group of elements, times the twiddles.
    #[inline(always)]
    fn pass<const R: usize>(&self, x: &[C<T>], y: &mut [C<T>], butterfly: impl Fn([C<T>; R]) -> [C<T>; R]) {
        let (count, stride) = (self.count, self.stride);
        let groups = y.chunks_exact_mut(R * stride).zip(self.twiddles.chunks_exact(R - 1));
        for (p, (target, twiddles)) in groups.enumerate() {
            let sources: [&[C<T>]; R] = std::array::from_fn(|k| &x[(p + k * count) * stride..][..stride]);
            let mut rest = target;
            let targets: [&mut [C<T>]; R] = std::array::from_fn(|_| {
                let (head, tail) = std::mem::take(&mut rest).split_at_mut(stride);
                rest = tail;
                head
            });
            for q in 0..stride {
                let result = butterfly(std::array::from_fn(|k| sources[k][q]));
                targets[0][q] = result[0];
                for j in 1..R {
                    targets[j][q] = result[j] * twiddles[j - 1];
                }
            }
        }
    }

    #[inline(always)]
    fn run(&self, x: &[C<T>], y: &mut [C<T>]) {
        match self.radix {
            2 => self.pass::<2>(
                x,
                y,
                #[inline(always)]
                |[a, b]| [a + b, a - b],
            ),
            3 => self.pass::<3>(
                x,
                y,
                #[inline(always)]
                |a| self.three(a),
            ),
            4 => self.pass::<4>(
                x,
                y,
                #[inline(always)]
                |a| four(a),
            ),
            5 => self.pass::<5>(
                x,
                y,
                #[inline(always)]
                |a| self.five(a),
            ),
            _ => self.any(x, y),
        }
    }

    #[inline(always)]
    fn three(&self, [a, b, c]: [C<T>; 3]) -> [C<T>; 3] {
        let root = self.roots[1];
        let (sum, difference) = (b + c, (b - c).times_i().scaled(root.im));
        let middle = a + sum.scaled(root.re);
        [a + sum, middle + difference, middle - difference]
    }

    #[inline(always)]
    fn five(&self, [a, b, c, d, e]: [C<T>; 5]) -> [C<T>; 5] {
        let (r1, r2) = (self.roots[1], self.roots[2]);
        let (outer, inner) = (b + e, c + d);
        let (outer_difference, inner_difference) = ((b - e).times_i(), (c - d).times_i());
        let first = a + outer.scaled(r1.re) + inner.scaled(r2.re);
        let second = a + outer.scaled(r2.re) + inner.scaled(r1.re);
        let first_turn = outer_difference.scaled(r1.im) + inner_difference.scaled(r2.im);
        let second_turn = outer_difference.scaled(r2.im) - inner_difference.scaled(r1.im);
        [
            a + outer + inner,
            first + first_turn,
            second + second_turn,
            second - second_turn,
            first - first_turn,
        ]
    }

    /// A radix without a form of its own, by its definition.
    #[inline(always)]
    fn any(&self, x: &[C<T>], y: &mut [C<T>]) {
        let (radix, count, stride) = (self.radix, self.count, self.stride);
        let mut group = [C::ZERO; LARGEST_RADIX];
        for p in 0..count {
            for q in 0..stride {
                for (k, value) in group[..radix].iter_mut().enumerate() {
                    *value = x[(p + k * count) * stride + q];
                }
                for j in 0..radix {
                    let (mut sum, mut turn) = (group[0], 0);
                    for value in &group[1..radix] {
                        turn += j;
                        if turn >= radix {
                            turn -= radix;
                        }
                        sum = sum + *value * self.roots[turn];
                    }
                    let twiddled = if j == 0 { sum } else { sum * self.twiddles[p * (radix - 1) + j - 1] };
                    y[(radix * p + j) * stride + q] = twiddled;
                }
            }
        }
    }
}

#[inline(always)]
fn four<T: FourierElement>([a, b, c, d]: [C<T>; 4]) -> [C<T>; 4] {
    let (even, odd) = (a + c, b + d);
    let (even_difference, odd_difference) = (a - c, (b - d).times_i());
    [even + odd, even_difference - odd_difference, even - odd, even_difference + odd_difference]
}
