//! Functions that need a second, rare pass over a slice.

use super::Float;
use crate::isa::Instructions;

/// Elements that are computed before the huge ones among them are looked for.
const CHUNK: usize = 64;

/// `output = bounded(input)`, and `huge(input)` where the argument is beyond the limit of `bounded`.
#[inline(always)]
fn with_fallback<T: Float>(input: &[T], output: &mut [T], bounded: impl Fn(T) -> T, huge: impl Fn(T) -> T) {
    assert_eq!(input.len(), output.len(), "input and output differ in length");
    for (input, output) in input.chunks(CHUNK).zip(output.chunks_mut(CHUNK)) {
        let mut beyond = 0u32;
        for (x, y) in input.iter().zip(output.iter_mut()) {
            *y = bounded(*x);
            beyond |= u32::from(x.magnitude() > T::TRIGONOMETRIC_LIMIT);
        }
        if beyond != 0 {
            for (x, y) in input.iter().zip(output.iter_mut()) {
                if x.magnitude() > T::TRIGONOMETRIC_LIMIT {
                    *y = huge(*x);
                }
            }
        }
    }
}

/// The sine of every element. To be called from inside a kernel.
///
/// # Panics
/// If the slices differ in length, like the two below.
#[inline(always)]
pub fn sin_slice<I: Instructions, T: Float>(input: &[T], output: &mut [T]) {
    with_fallback(input, output, |x| x.sin_bounded::<I>(), T::sin_huge);
}

/// The cosine of every element. To be called from inside a kernel.
#[inline(always)]
pub fn cos_slice<I: Instructions, T: Float>(input: &[T], output: &mut [T]) {
    with_fallback(input, output, |x| x.cos_bounded::<I>(), T::cos_huge);
}

/// The tangent of every element. To be called from inside a kernel.
#[inline(always)]
pub fn tan_slice<I: Instructions, T: Float>(input: &[T], output: &mut [T]) {
    with_fallback(input, output, |x| x.tan_bounded::<I>(), T::tan_huge);
}
