//! Convolution and its derivatives as they are defined, to test and measure the fast ones against.

use super::super::gemm::element::{GemmElement, Number};
use super::ConvolutionShape;

/// Calls `body` with the offsets in x, w and y of every product.
fn for_products(shape: &ConvolutionShape, mut body: impl FnMut(usize, usize, usize)) {
    let [output_height, output_width] = shape.output_size().expect("sizes that fit together");
    let [height, width] = shape.size;
    let (outputs, channels) = (shape.outputs / shape.groups, shape.channels / shape.groups);
    for image in 0..shape.images {
        for output in 0..shape.outputs {
            for (y, x) in (0..output_height).flat_map(|y| (0..output_width).map(move |x| (y, x))) {
                for channel in 0..channels {
                    for (v, u) in (0..shape.kernel[0]).flat_map(|v| (0..shape.kernel[1]).map(move |u| (v, u)))
                    {
                        let row =
                            (y * shape.stride[0] + v * shape.dilation[0]).wrapping_sub(shape.padding[0][0]);
                        let column =
                            (x * shape.stride[1] + u * shape.dilation[1]).wrapping_sub(shape.padding[1][0]);
                        if row < height && column < width {
                            let plane = image * shape.channels + output / outputs * channels + channel;
                            body(
                                (plane * height + row) * width + column,
                                ((output * channels + channel) * shape.kernel[0] + v) * shape.kernel[1] + u,
                                ((image * shape.outputs + output) * output_height + y) * output_width + x,
                            );
                        }
                    }
                }
            }
        }
    }
}

fn accumulate<T: GemmElement>(to: &mut [T], run: impl FnOnce(&mut [T::Sum])) {
    let mut sums = vec![T::Sum::ZERO; to.len()];
    run(&mut sums);
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = T::narrow(sum);
    }
}

/// See [`super::forward`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn forward<T: GemmElement>(shape: &ConvolutionShape, x: &[T], w: &[T], y: &mut [T]) {
    accumulate(y, |sums| {
        for_products(shape, |i, j, k| sums[k] = x[i].widen().times_plus(w[j].widen(), sums[k]));
    });
}

/// See [`super::input_gradient`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn input_gradient<T: GemmElement>(shape: &ConvolutionShape, dy: &[T], w: &[T], dx: &mut [T]) {
    accumulate(dx, |sums| {
        for_products(shape, |i, j, k| sums[i] = dy[k].widen().times_plus(w[j].widen(), sums[i]));
    });
}

/// See [`super::weight_gradient`].
///
/// # Panics
/// If the sizes do not fit together.
pub fn weight_gradient<T: GemmElement>(shape: &ConvolutionShape, x: &[T], dy: &[T], dw: &mut [T]) {
    accumulate(dw, |sums| {
        for_products(shape, |i, j, k| sums[j] = x[i].widen().times_plus(dy[k].widen(), sums[j]));
    });
}
