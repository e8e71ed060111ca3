//! The transforms of the minimal filtering algorithm F(4 x 4, 3 x 3), with the interpolation points 0, 1, -1, 2, -2 and
//! infinity, along one axis. Lanes are channels; a transform in two dimensions is one of columns and then one of rows.

use super::super::super::gemm::vector::Vector;

/// Points of interpolation on an axis, and the size of a tile of the input.
pub const POINTS: usize = 6;
/// Outputs of a tile on an axis.
pub const OUTPUTS: usize = 4;
/// Size of the kernel on an axis.
pub const KERNEL: usize = 3;
/// Points of a tile.
pub const ALL_POINTS: usize = POINTS * POINTS;

/// `a * factor + b`.
#[inline(always)]
unsafe fn scaled<V: Vector<Element = f32>>(a: V, factor: f32, b: V) -> V {
    // SAFETY: the caller has the instructions of `V`.
    unsafe { a.times_plus(V::splat(factor), b) }
}

/// How the values of a tile on one axis become values at the points.
pub trait ToPoints {
    /// How many values a tile has on an axis; the others are ignored.
    const SIZE: usize;

    /// The values at the points.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn line<V: Vector<Element = f32>>(tile: [V; POINTS]) -> [V; POINTS];
}

/// B^T, of six pixels of an image.
#[derive(Clone, Copy)]
pub struct OfInput;

impl ToPoints for OfInput {
    const SIZE: usize = POINTS;

    #[inline(always)]
    unsafe fn line<V: Vector<Element = f32>>(d: [V; POINTS]) -> [V; POINTS] {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (even, odd) = (scaled(d[2], -4.0, d[4]), scaled(d[1], -4.0, d[3]));
            let (outer, inner) = (scaled(d[2], -1.0, d[4]), scaled(d[1], -1.0, d[3]));
            [
                scaled(d[0], 4.0, scaled(d[2], -5.0, d[4])),
                even.plus(odd),
                scaled(odd, -1.0, even),
                scaled(inner, 2.0, outer),
                scaled(inner, -2.0, outer),
                scaled(d[1], 4.0, scaled(d[3], -5.0, d[5])),
            ]
        }
    }
}

/// A, the transpose of [`to_outputs`]: of four derivatives by outputs.
#[derive(Clone, Copy)]
pub struct OfOutputGradient;

impl ToPoints for OfOutputGradient {
    const SIZE: usize = OUTPUTS;

    #[inline(always)]
    unsafe fn line<V: Vector<Element = f32>>(y: [V; POINTS]) -> [V; POINTS] {
        // SAFETY: the caller has the instructions of `V`.
        unsafe {
            let (even, odd) = (y[0].plus(y[2]), y[1].plus(y[3]));
            let (even_two, odd_two) = (scaled(y[2], 4.0, y[0]), scaled(y[3], 4.0, y[1]));
            [
                y[0],
                even.plus(odd),
                scaled(odd, -1.0, even),
                scaled(odd_two, 2.0, even_two),
                scaled(odd_two, -2.0, even_two),
                y[3],
            ]
        }
    }
}

/// G, of three weights.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn of_weights<V: Vector<Element = f32>>(g: [V; KERNEL]) -> [V; POINTS] {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let zero = V::zero();
        let one = scaled(g[0].plus(g[2]), -1.0 / 6.0, zero);
        let two = scaled(g[0], 1.0 / 24.0, scaled(g[2], 1.0 / 6.0, zero));
        [
            scaled(g[0], 0.25, zero),
            scaled(g[1], -1.0 / 6.0, one),
            scaled(g[1], 1.0 / 6.0, one),
            scaled(g[1], 1.0 / 12.0, two),
            scaled(g[1], -1.0 / 12.0, two),
            g[2],
        ]
    }
}

/// G^T, the transpose of [`of_weights`]: three derivatives by weights.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn to_weight_gradient<V: Vector<Element = f32>>(m: [V; POINTS]) -> [V; KERNEL] {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let (sum, difference) = (m[1].plus(m[2]), scaled(m[1], -1.0, m[2]));
        let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
        let zero = V::zero();
        [
            scaled(m[0], 0.25, scaled(sum_two, 1.0 / 24.0, scaled(sum, -1.0 / 6.0, zero))),
            scaled(difference_two, 1.0 / 12.0, scaled(difference, 1.0 / 6.0, zero)),
            scaled(sum_two, 1.0 / 6.0, scaled(sum, -1.0 / 6.0, m[5])),
        ]
    }
}

/// A^T: the four outputs.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn to_outputs<V: Vector<Element = f32>>(m: [V; POINTS]) -> [V; OUTPUTS] {
    // SAFETY: the caller has the instructions of `V`.
    unsafe {
        let (sum, difference) = (m[1].plus(m[2]), scaled(m[2], -1.0, m[1]));
        let (sum_two, difference_two) = (m[3].plus(m[4]), scaled(m[4], -1.0, m[3]));
        [
            m[0].plus(sum).plus(sum_two),
            scaled(difference_two, 2.0, difference),
            scaled(sum_two, 4.0, sum),
            scaled(difference_two, 8.0, difference).plus(m[5]),
        ]
    }
}
