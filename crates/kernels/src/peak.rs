//! Multiply-adds from registers to registers: nothing can do more of them. What other kernels are measured against.

use std::hint::black_box;

use super::gemm::tile::{VectorKernel, dispatch};
use super::gemm::vector::Vector;
use super::isa::Isa;

/// Independent sums, enough of them to hide the latency of an instruction.
const SUMS: usize = 12;

struct MultiplyAdds {
    rounds: usize,
    result: *mut (f32, f64),
}

impl VectorKernel<f32> for MultiplyAdds {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = f32>, const ROWS: usize>(self) {
        // SAFETY: `dispatch` chose vectors that the machine has, and the result outlives the call.
        unsafe {
            let mut sums = [V::splat(1.0); SUMS];
            let factor = V::splat(black_box(0.999));
            for _ in 0..self.rounds {
                for sum in &mut sums {
                    *sum = sum.times_plus(factor, factor);
                }
            }
            let total = sums.iter().map(|sum| sum.sum()).sum();
            *self.result = (total, (2 * self.rounds * SUMS * V::LANES) as f64);
        }
    }
}

/// Rounds of multiply-adds of single precision on one thread: a value that depends on all of them, and the number of
/// floating-point operations.
pub fn multiply_adds(isa: Isa, rounds: usize) -> (f32, f64) {
    let mut result = (0.0, 0.0);
    // SAFETY: the pointer is valid during the call.
    unsafe { dispatch(isa, MultiplyAdds { rounds: black_box(rounds), result: &mut result }) };
    result
}

/// Rounds of dot products of pairs of bf16 numbers added to single precision, likewise; `None` where the machine has
/// no such instruction.
pub fn bf16_dot_products(isa: Isa, rounds: usize) -> Option<(f32, f64)> {
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512 && is_x86_feature_detected!("avx512bf16") {
        // SAFETY: the feature has been detected.
        return Some(unsafe { dot_products(black_box(rounds)) });
    }
    let _ = (isa, rounds);
    None
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
fn dot_products(rounds: usize) -> (f32, f64) {
    use std::arch::x86_64::*;
    let mut sums = [_mm512_set1_ps(1.0); SUMS];
    let ones = black_box(_mm512_set1_ps(0.999));
    let factor = _mm512_cvtne2ps_pbh(ones, ones);
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, factor, factor);
        }
    }
    let total = sums.iter().map(|sum| _mm512_reduce_add_ps(*sum)).sum();
    (total, (4 * rounds * SUMS * 16) as f64)
}
