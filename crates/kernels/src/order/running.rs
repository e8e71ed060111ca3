//! Running totals of rows.
//!
//! A row is cut in blocks of fixed length, whatever the number of threads; blocks are totalled on their own and then
//! joined in order, so that one long row is spread over threads too and the bits are always the same.

use crate::rows::for_row_blocks;
use crate::threads::Pool;

/// Elements of a block.
const BLOCK: usize = 16 * 1024;

/// What is run over a row: an associative operation.
pub trait Running<T>: Copy + Sync {
    /// What is carried from element to element.
    type State: Copy + Send + Sync;
    /// The state before anything.
    fn start(self) -> Self::State;
    /// The state after an element.
    fn step(self, state: Self::State, element: T) -> Self::State;
    /// The state after both, `before` first.
    fn join(self, before: Self::State, after: Self::State) -> Self::State;
    /// What is written of a state.
    fn write(self, state: Self::State) -> T;
}

/// Sums, in double precision for floats.
#[derive(Clone, Copy)]
pub struct Sum;
/// Products, in double precision for floats.
#[derive(Clone, Copy)]
pub struct Product;

macro_rules! running {
    ($($type:ty, $wide:ty, |$a:ident, $b:ident| $sum:expr, $product:expr;)*) => {$(
        impl Running<$type> for Sum {
            type State = $wide;
            fn start(self) -> $wide { 0 as $wide }
            #[inline(always)]
            fn step(self, state: $wide, element: $type) -> $wide {
                <Self as Running<$type>>::join(self, state, element as $wide)
            }
            #[inline(always)]
            fn join(self, $a: $wide, $b: $wide) -> $wide { $sum }
            #[inline(always)]
            fn write(self, state: $wide) -> $type { state as $type }
        }
        impl Running<$type> for Product {
            type State = $wide;
            fn start(self) -> $wide { 1 as $wide }
            #[inline(always)]
            fn step(self, state: $wide, element: $type) -> $wide {
                <Self as Running<$type>>::join(self, state, element as $wide)
            }
            #[inline(always)]
            fn join(self, $a: $wide, $b: $wide) -> $wide { $product }
            #[inline(always)]
            fn write(self, state: $wide) -> $type { state as $type }
        }
    )*};
}

running! {
    f32, f64, |a, b| a + b, a * b;
    f64, f64, |a, b| a + b, a * b;
    i32, i32, |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i64, i64, |a, b| a.wrapping_add(b), a.wrapping_mul(b);
}

/// Writes to each place of `target` the total of the row up to it, or with `reverse` from it on. `source` and `target` are
/// rows of `length` elements.
pub fn run<T: Copy + Send + Sync, R: Running<T>>(
    pool: &Pool,
    running: R,
    length: usize,
    reverse: bool,
    source: &[T],
    target: &mut [T],
) {
    if source.is_empty() {
        return;
    }
    let one = |state: R::State, source: &[T], target: &mut [T]| {
        let mut state = state;
        let mut step = |element: &T, target: &mut T| {
            state = running.step(state, *element);
            *target = running.write(state);
        };
        let pairs = source.iter().zip(target);
        if reverse {
            pairs.rev().for_each(|(element, target)| step(element, target));
        } else {
            pairs.for_each(|(element, target)| step(element, target));
        }
    };
    if length <= BLOCK {
        let block = (BLOCK / length).max(1);
        for_row_blocks(pool, [target], source.len() / length, block, &|first, [target]| {
            for (row, target) in target.chunks_mut(length).enumerate() {
                one(running.start(), &source[(first + row) * length..][..length], target);
            }
        });
        return;
    }
    for (source, target) in source.chunks(length).zip(target.chunks_mut(length)) {
        let block_at = |first: usize| &source[first..(first + BLOCK).min(length)];
        let mut states = vec![running.start(); length.div_ceil(BLOCK)];
        for_row_blocks(pool, [&mut states], length.div_ceil(BLOCK), 1, &|block, [total]| {
            let elements = block_at(block * BLOCK).iter();
            let step = |state, element: &T| running.step(state, *element);
            total[0] = if reverse {
                elements.rev().fold(running.start(), step)
            } else {
                elements.fold(running.start(), step)
            };
        });
        // From the total of each block to the state before it.
        let mut state = running.start();
        let mut pass = |total: &mut R::State| {
            let after = running.join(state, *total);
            *total = std::mem::replace(&mut state, after);
        };
        if reverse {
            states.iter_mut().rev().for_each(&mut pass)
        } else {
            states.iter_mut().for_each(&mut pass)
        }
        for_row_blocks(pool, [target], length, BLOCK, &|first, [target]| {
            one(states[first / BLOCK], block_at(first), target);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_every_length_and_direction() {
        let pool = Pool::new(3);
        for length in [1usize, 2, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let source: Vec<i64> = (0..2 * length as i64).map(|index| index * 7 % 11 - 5).collect();
            for reverse in [false, true] {
                let mut found = vec![0; source.len()];
                run(&pool, Sum, length, reverse, &source, &mut found);
                let mut expected = source.clone();
                for row in expected.chunks_mut(length) {
                    let mut total = 0;
                    let add = |element: &mut i64| {
                        total += *element;
                        *element = total;
                    };
                    if reverse { row.iter_mut().rev().for_each(add) } else { row.iter_mut().for_each(add) }
                }
                assert_eq!(found, expected, "{length} {reverse}");
            }
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let source: Vec<f32> = (0..100_000).map(|index| (index as f32 * 0.37).sin()).collect();
        let totals = |threads: usize| {
            let mut target = vec![0f32; source.len()];
            run(&Pool::new(threads), Sum, 50_000, false, &source, &mut target);
            target.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(totals(1), totals(2));
        assert_eq!(totals(1), totals(5));
    }
}
