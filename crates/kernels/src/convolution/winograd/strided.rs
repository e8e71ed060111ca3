//! Kernels of three weights at every second pixel: the outer weights meet pixels of one parity, for which there is
//! F(4, 2) with the points 0, 1, -1, 2 and infinity; the middle one meets the others, which are multiplied as they are.
//! Nine multiplications for twelve on an axis.

use super::super::super::gemm::vector::Vector;
use super::transform::{Algorithm, Line, Transposed, line, scaled, times};

/// Convolution with a stride of two.
#[derive(Clone, Copy)]
pub struct Strided;

/// The derivative by the input of a convolution with a stride of two and a padding of one before the image, from the
/// derivative by the outputs and the turned weights.
#[derive(Clone, Copy)]
pub struct StridedInputGradient;

/// B^T, of five pixels.
#[inline(always)]
unsafe fn of_five<V: Vector<Element = f32>>(d: [V; 5]) -> [V; 5] {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let difference = scaled(d[1], -1.0, d[3]);
        [
            scaled(d[2], -2.0, scaled(d[0], 2.0, difference)),
            scaled(d[1], -2.0, scaled(d[2], -1.0, d[3])),
            scaled(d[1], 2.0, scaled(d[2], -3.0, d[3])),
            difference,
            scaled(difference, -2.0, scaled(d[2], -1.0, d[4])),
        ]
    }
}

/// A^T, to four outputs.
#[inline(always)]
unsafe fn to_four<V: Vector<Element = f32>>(m: Line<V>) -> [V; 4] {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let (sum, difference) = (m[1].plus(m[2]), scaled(m[2], -1.0, m[1]));
        [
            m[0].plus(sum).plus(m[3]),
            scaled(m[3], 2.0, difference),
            scaled(m[3], 4.0, sum),
            scaled(m[3], 8.0, difference).plus(m[4]),
        ]
    }
}

/// G, and the middle weight for each of four pixels.
#[inline(always)]
unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V> {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        line([
            times(g[0], 0.5),
            times(g[0].plus(g[2]), -0.5),
            scaled(g[0], -1.0 / 6.0, times(g[2], 1.0 / 6.0)),
            scaled(g[0], 1.0 / 6.0, times(g[2], 1.0 / 3.0)),
            g[2],
            g[1],
            g[1],
            g[1],
            g[1],
        ])
    }
}

impl Algorithm for Strided {
    const INPUT: usize = 9;
    const STEP: usize = 8;
    const OUTPUT: usize = 4;
    const KERNEL: usize = 3;
    const POINTS: usize = 9;
    const BLOCK_TILES: usize = 48;
    const PANEL: usize = 32;
    const WEIGHTS_COST: usize = 6;

    #[inline(always)]
    unsafe fn of_input<V: Vector<Element = f32>>(d: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let [a, b, c, e, f] = of_five([d[0], d[2], d[4], d[6], d[8]]);
            [a, b, c, e, f, d[1], d[3], d[5], d[7]]
        }
    }

    #[inline(always)]
    unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { of_weights(g) }
    }

    #[inline(always)]
    unsafe fn to_outputs<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let [a, b, c, d] = to_four(m);
            line([a.plus(m[5]), b.plus(m[6]), c.plus(m[7]), d.plus(m[8])])
        }
    }
}

impl Transposed for Strided {
    #[inline(always)]
    unsafe fn of_output_gradient<V: Vector<Element = f32>>(y: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (even, odd) = (y[0].plus(y[2]), y[1].plus(y[3]));
            let two = scaled(y[1], 2.0, scaled(y[2], 4.0, scaled(y[3], 8.0, y[0])));
            [y[0], even.plus(odd), scaled(odd, -1.0, even), two, y[3], y[0], y[1], y[2], y[3]]
        }
    }

    #[inline(always)]
    unsafe fn to_weight_gradient<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let difference = scaled(m[2], -1.0, m[3]);
            line([
                scaled(difference, 1.0 / 6.0, times(scaled(m[1], -1.0, m[0]), 0.5)),
                m[5].plus(m[6]).plus(m[7].plus(m[8])),
                scaled(m[1], -0.5, scaled(m[2], 1.0 / 6.0, scaled(m[3], 1.0 / 3.0, m[4]))),
            ])
        }
    }
}

impl Algorithm for StridedInputGradient {
    const INPUT: usize = 5;
    const STEP: usize = 4;
    const OUTPUT: usize = 8;
    const KERNEL: usize = 3;
    const POINTS: usize = 9;
    const BLOCK_TILES: usize = 48;
    const PANEL: usize = 32;
    const WEIGHTS_COST: usize = 6;

    #[inline(always)]
    unsafe fn of_input<V: Vector<Element = f32>>(d: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let [a, b, c, e, f] = of_five([d[0], d[1], d[2], d[3], d[4]]);
            [a, b, c, e, f, d[0], d[1], d[2], d[3]]
        }
    }

    #[inline(always)]
    unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { of_weights(g) }
    }

    #[inline(always)]
    unsafe fn to_outputs<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let [a, b, c, d] = to_four(m);
            line([m[5], a, m[6], b, m[7], c, m[8], d])
        }
    }
}
