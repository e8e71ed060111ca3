//! Minimal filtering algorithms along one axis. Lanes are channels; a transform in two dimensions is one of columns and
//! then one of rows.
//!
//! With polynomials of which `p` are the points of interpolation, the algorithm F(m, r) for `m` outputs and `r` weights
//! takes the input to the points by B^T, whose rows are the coefficients of the product of all `x - q` for `q` other
//! than `p`; the weights by G, whose rows are the powers of `p` divided by that product at `p`; and products back by
//! A^T, whose columns are the powers of `p`. The derivative by the weights is G^T (A dy . B^T x).

use super::super::super::gemm::vector::Vector;

/// Most values of a line.
pub const MOST: usize = 9;

/// Values along one axis, of which an algorithm uses the first few.
pub type Line<V> = [V; MOST];

/// An algorithm for convolution along one axis, and its sizes.
///
/// All transforms ask that the processor has the instructions of `V`.
pub trait Algorithm: Copy + Send + Sync + 'static {
    /// Pixels of a tile of the input.
    const INPUT: usize;
    /// From one tile of the input to the next.
    const STEP: usize;
    /// Pixels of a tile of the output.
    const OUTPUT: usize;
    /// Weights of a kernel.
    const KERNEL: usize;
    /// Values that are multiplied.
    const POINTS: usize;
    /// Most tiles of a block, so that their products with a panel of weights stay in the second-level cache.
    const BLOCK_TILES: usize = 96;
    /// Channels of a panel of the input; values of weights for a panel stay in the cache besides the products.
    const PANEL: usize = 64;
    /// What it costs to take a weight to the points, in multiplications of a vector there for sixteen tiles.
    const WEIGHTS_COST: usize = 4;

    /// B^T: a tile of the input at the points.
    ///
    /// # Safety
    /// See [`Algorithm`].
    unsafe fn of_input<V: Vector<Element = f32>>(d: Line<V>) -> Line<V>;
    /// G: weights at the points.
    ///
    /// # Safety
    /// See [`Algorithm`].
    unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V>;
    /// A^T: a tile of the output from products at the points.
    ///
    /// # Safety
    /// See [`Algorithm`].
    unsafe fn to_outputs<V: Vector<Element = f32>>(m: Line<V>) -> Line<V>;
}

/// The transposes, for the derivative by the weights.
pub trait Transposed: Algorithm {
    /// A: derivatives by a tile of the output at the points.
    ///
    /// # Safety
    /// See [`Algorithm`].
    unsafe fn of_output_gradient<V: Vector<Element = f32>>(y: Line<V>) -> Line<V>;
    /// G^T: derivatives by weights from sums of products at the points.
    ///
    /// # Safety
    /// See [`Algorithm`].
    unsafe fn to_weight_gradient<V: Vector<Element = f32>>(m: Line<V>) -> Line<V>;
}

/// `a * factor + b`.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn scaled<V: Vector<Element = f32>>(a: V, factor: f32, b: V) -> V {
    // SAFETY: the caller has the instructions of `V`.
    unsafe { a.times_plus(V::splat(factor), b) }
}

/// `a * factor`.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn times<V: Vector<Element = f32>>(a: V, factor: f32) -> V {
    // SAFETY: the caller has the instructions of `V`.
    unsafe { a.times_plus(V::splat(factor), V::zero()) }
}

/// The values given, and zeros.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn line<V: Vector<Element = f32>, const N: usize>(values: [V; N]) -> Line<V> {
    // SAFETY: the caller has the instructions of `V`.
    let mut line = unsafe { [V::zero(); MOST] };
    let mut index = 0;
    while index < N {
        line[index] = values[index];
        index += 1;
    }
    line
}

/// B^T for the points 0, 1, -1, 2, -2 and infinity.
#[inline(always)]
unsafe fn six_points<V: Vector<Element = f32>>(d: Line<V>) -> Line<V> {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let (even, odd) = (scaled(d[2], -4.0, d[4]), scaled(d[1], -4.0, d[3]));
        let (outer, inner) = (scaled(d[2], -1.0, d[4]), scaled(d[1], -1.0, d[3]));
        line([
            scaled(d[0], 4.0, scaled(d[2], -5.0, d[4])),
            even.plus(odd),
            scaled(odd, -1.0, even),
            scaled(inner, 2.0, outer),
            scaled(inner, -2.0, outer),
            scaled(d[1], 4.0, scaled(d[3], -5.0, d[5])),
        ])
    }
}

/// F(4, 3) with the points 0, 1, -1, 2, -2 and infinity.
#[derive(Clone, Copy)]
pub struct ThreeByThree;

impl Algorithm for ThreeByThree {
    const INPUT: usize = 6;
    const STEP: usize = 4;
    const OUTPUT: usize = 4;
    const KERNEL: usize = 3;
    const POINTS: usize = 6;

    #[inline(always)]
    unsafe fn of_input<V: Vector<Element = f32>>(d: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { six_points(d) }
    }

    #[inline(always)]
    unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let one = times(g[0].plus(g[2]), -1.0 / 6.0);
            let two = scaled(g[0], 1.0 / 24.0, times(g[2], 1.0 / 6.0));
            line([
                times(g[0], 0.25),
                scaled(g[1], -1.0 / 6.0, one),
                scaled(g[1], 1.0 / 6.0, one),
                scaled(g[1], 1.0 / 12.0, two),
                scaled(g[1], -1.0 / 12.0, two),
                g[2],
            ])
        }
    }

    #[inline(always)]
    unsafe fn to_outputs<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (sum, difference) = (m[1].plus(m[2]), scaled(m[2], -1.0, m[1]));
            let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
            line([
                m[0].plus(sum).plus(sum_two),
                scaled(difference_two, 2.0, difference),
                scaled(sum_two, 4.0, sum),
                scaled(difference_two, 8.0, difference).plus(m[5]),
            ])
        }
    }
}

impl Transposed for ThreeByThree {
    #[inline(always)]
    unsafe fn of_output_gradient<V: Vector<Element = f32>>(y: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (even, odd) = (y[0].plus(y[2]), y[1].plus(y[3]));
            let (even_two, odd_two) = (scaled(y[2], 4.0, y[0]), scaled(y[3], 4.0, y[1]));
            line([
                y[0],
                even.plus(odd),
                scaled(odd, -1.0, even),
                scaled(odd_two, 2.0, even_two),
                scaled(odd_two, -2.0, even_two),
                y[3],
            ])
        }
    }

    #[inline(always)]
    unsafe fn to_weight_gradient<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (sum, difference) = (m[1].plus(m[2]), scaled(m[1], -1.0, m[2]));
            let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
            line([
                scaled(m[0], 0.25, scaled(sum_two, 1.0 / 24.0, times(sum, -1.0 / 6.0))),
                scaled(difference_two, 1.0 / 12.0, times(difference, 1.0 / 6.0)),
                scaled(sum_two, 1.0 / 6.0, scaled(sum, -1.0 / 6.0, m[5])),
            ])
        }
    }
}

/// F(2, 5) with the points 0, 1, -1, 2, -2 and infinity.
#[derive(Clone, Copy)]
pub struct FiveByFive;

impl Algorithm for FiveByFive {
    const INPUT: usize = 6;
    const STEP: usize = 2;
    const OUTPUT: usize = 2;
    const KERNEL: usize = 5;
    const POINTS: usize = 6;

    #[inline(always)]
    unsafe fn of_input<V: Vector<Element = f32>>(d: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe { six_points(d) }
    }

    #[inline(always)]
    unsafe fn of_weights<V: Vector<Element = f32>>(g: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let one = times(g[0].plus(g[2]).plus(g[4]), -1.0 / 6.0);
            let two = scaled(g[0], 1.0 / 24.0, scaled(g[2], 1.0 / 6.0, times(g[4], 2.0 / 3.0)));
            let (odd, odd_two) = (g[1].plus(g[3]), scaled(g[3], 4.0, g[1]));
            line([
                times(g[0], 0.25),
                scaled(odd, -1.0 / 6.0, one),
                scaled(odd, 1.0 / 6.0, one),
                scaled(odd_two, 1.0 / 12.0, two),
                scaled(odd_two, -1.0 / 12.0, two),
                g[4],
            ])
        }
    }

    #[inline(always)]
    unsafe fn to_outputs<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (sum, difference) = (m[1].plus(m[2]), scaled(m[2], -1.0, m[1]));
            let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
            line([m[0].plus(sum).plus(sum_two), scaled(difference_two, 2.0, difference).plus(m[5])])
        }
    }
}

impl Transposed for FiveByFive {
    #[inline(always)]
    unsafe fn of_output_gradient<V: Vector<Element = f32>>(y: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (minus, minus_two) = (scaled(y[1], -1.0, y[0]), scaled(y[1], -2.0, y[0]));
            line([y[0], y[0].plus(y[1]), minus, scaled(y[1], 2.0, y[0]), minus_two, y[1]])
        }
    }

    #[inline(always)]
    unsafe fn to_weight_gradient<V: Vector<Element = f32>>(m: Line<V>) -> Line<V> {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let sum = times(m[1].plus(m[2]), -1.0 / 6.0);
            let difference = times(scaled(m[1], -1.0, m[2]), 1.0 / 6.0);
            let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
            line([
                scaled(m[0], 0.25, scaled(sum_two, 1.0 / 24.0, sum)),
                scaled(difference_two, 1.0 / 12.0, difference),
                scaled(sum_two, 1.0 / 6.0, sum),
                scaled(difference_two, 1.0 / 3.0, difference),
                scaled(sum_two, 2.0 / 3.0, sum).plus(m[5]),
            ])
        }
    }
}
