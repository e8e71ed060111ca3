//! How the large operand of a product with few rows is stored: as numbers, or as blocks that numbers are made from while
//! they are read.

use super::element::{GemmElement, Number};
use super::skinny::Skinny;
use super::vector::Vector;
use crate::isa::Isa;
use crate::threads::Pool;
use half::f16;
use std::marker::PhantomData;

/// How weights are stored and read.
pub trait WeightFormat<N: Number>: Copy + Send + Sync {
    /// What a row of weights consists of.
    type Stored: Copy;
    /// Weights in one of them.
    const WEIGHTS: usize;

    /// The `count <= LANES` weights of a row from number `at` on, a multiple of the lanes or, for single weights, any
    /// number; the other lanes are zero.
    ///
    /// # Safety
    /// The row has these weights; the processor has the instructions of `V`.
    unsafe fn load<V: Vector<Element = N>>(row: *const Self::Stored, at: usize, count: usize) -> V;

    /// Computes a product by instructions for this format; `false` if there are none.
    ///
    /// # Safety
    /// As for [`skinny`](super::skinny::skinny).
    unsafe fn multiply(_pool: &Pool, _isa: Isa, _product: &Skinny<Self>) -> bool
    where
        Self: WeightFormat<f32>,
    {
        false
    }
}

/// Weights one by one, of the type of sums or one that is widened to it.
#[derive(Clone, Copy, Debug)]
pub struct Plain<T>(PhantomData<T>);

impl<T: GemmElement> WeightFormat<T::Sum> for Plain<T> {
    type Stored = T;
    const WEIGHTS: usize = 1;

    #[inline(always)]
    unsafe fn load<V: Vector<Element = T::Sum>>(row: *const T, at: usize, count: usize) -> V {
        let mut lanes = [T::Sum::ZERO; 64];
        // SAFETY: the caller vouches for `count` weights; no vector has more than 64 lanes.
        unsafe {
            let from = row.add(at);
            if T::NATIVE {
                return match count < V::LANES {
                    true => V::load_masked(from.cast(), V::mask(count)),
                    false => V::load(from.cast()),
                };
            }
            if count < V::LANES {
                for (lane, value) in lanes.iter_mut().enumerate().take(count) {
                    *value = (*from.add(lane)).widen();
                }
            } else {
                for (lane, value) in lanes.iter_mut().enumerate().take(V::LANES) {
                    *value = (*from.add(lane)).widen();
                }
            }
            V::load(lanes.as_ptr())
        }
    }
}

/// Thirty-two weights of eight bits with a common scale: the block called `Q8_0` in files of GGML.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ByteBlock {
    /// What each value is multiplied by.
    pub scale: f16,
    /// The weights over the scale.
    pub values: [i8; 32],
}

impl ByteBlock {
    /// The block nearest to these weights: the largest magnitude becomes 127.
    pub fn nearest(weights: &[f32; 32]) -> ByteBlock {
        let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        let scale = largest / 127.0;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        ByteBlock {
            scale: f16::from_f32(scale),
            values: weights.map(|weight| (weight * inverse).round() as i8),
        }
    }
}

/// Weights in blocks of [`ByteBlock`].
#[derive(Clone, Copy, Debug)]
pub struct ByteBlocks;

impl WeightFormat<f32> for ByteBlocks {
    type Stored = ByteBlock;
    const WEIGHTS: usize = 32;

    #[inline(always)]
    unsafe fn load<V: Vector<Element = f32>>(row: *const ByteBlock, at: usize, _: usize) -> V {
        let mut lanes = [0.0f32; 16];
        // SAFETY: the caller vouches for the block; blocks hold whole vectors.
        unsafe {
            let block = row.add(at / 32);
            let from = (&raw const (*block).values).cast::<i8>().add(at % 32);
            for (lane, value) in lanes.iter_mut().enumerate().take(V::LANES) {
                *value = *from.add(lane) as f32;
            }
            V::load(lanes.as_ptr()).times_plus(V::splat((*block).scale.widen()), V::zero())
        }
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn multiply(pool: &Pool, isa: Isa, product: &Skinny<ByteBlocks>) -> bool {
        // SAFETY: the caller vouches for the product.
        isa == Isa::Avx512 && unsafe { super::x86_blocks::multiply(pool, product) }
    }
}
