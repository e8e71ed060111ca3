//! Pooling as it is defined, to test and measure the fast one against.

use super::{PoolingElement, PoolingShape};

/// Calls `body` with the number of each window and the places in `x` of its elements, in row-major order.
fn for_windows(shape: &PoolingShape, mut body: impl FnMut(usize, &[usize])) {
    let [output_height, output_width] = shape.output_size().expect("sizes that fit together");
    let [height, width] = shape.size;
    let mut window = 0;
    let mut places = Vec::new();
    for plane in 0..shape.planes {
        for y in 0..output_height {
            for x in 0..output_width {
                places.clear();
                for (v, u) in (0..shape.window[0]).flat_map(|v| (0..shape.window[1]).map(move |u| (v, u))) {
                    let row = (y * shape.stride[0] + v * shape.dilation[0]).wrapping_sub(shape.padding[0][0]);
                    let column =
                        (x * shape.stride[1] + u * shape.dilation[1]).wrapping_sub(shape.padding[1][0]);
                    if row < height && column < width {
                        places.push((plane * height + row) * width + column);
                    }
                }
                body(window, &places);
                window += 1;
            }
        }
    }
}

/// The first place of a NaN, or else of the maximum.
fn largest<T: PoolingElement>(x: &[T], places: &[usize]) -> Option<usize> {
    let nan = |place: &usize| x[*place].partial_cmp(&x[*place]).is_none();
    let larger = |best: usize, &place: &usize| if x[place] > x[best] { place } else { best };
    let first = *places.first()?;
    Some(places.iter().copied().find(nan).unwrap_or_else(|| places.iter().fold(first, larger)))
}

/// See [`super::max_select`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn max_select<T: PoolingElement>(shape: &PoolingShape, x: &[T], t: &[T], empty: T, out: &mut [T]) {
    for_windows(shape, |window, places| out[window] = largest(x, places).map_or(empty, |place| t[place]));
}

/// See [`super::max_scatter`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn max_scatter<T: PoolingElement>(shape: &PoolingShape, x: &[T], ct: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for_windows(shape, |window, places| {
        if let Some(place) = largest(x, places) {
            dx[place] = dx[place].plus(ct[window]);
        }
    });
}

/// See [`super::sum`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn sum<T: PoolingElement>(shape: &PoolingShape, x: &[T], out: &mut [T]) {
    for_windows(shape, |window, places| {
        out[window] = places.iter().fold(T::ZERO, |sum, &place| sum.plus(x[place]));
    });
}

/// See [`super::sum_transposed`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn sum_transposed<T: PoolingElement>(shape: &PoolingShape, ct: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for_windows(shape, |window, places| {
        for &place in places {
            dx[place] = dx[place].plus(ct[window]);
        }
    });
}
