//! Two-dimensional pooling over the last two axes: the maximum and the sum of windows, each with its transpose.

mod axes;

pub use axes::Pooled;

use std::sync::Arc;

use smallvec::smallvec;

use crate::graph::node::Inputs;
use crate::{Shape, Tensor};

use super::Op;
use super::convolution::positions;
use super::rule::{Batch, Batched, Call, Multilinear, multilinear_rule};

/// How a window moves over `N` axes. There is no padding or dilation by default, and [`Pool::window`] moves by its
/// own size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool<const N: usize> {
    /// The lengths of the window, for images height and width.
    pub window: [usize; N],
    /// Distance between neighbouring windows.
    pub stride: [usize; N],
    /// Elements (before, after) the image that a maximum ignores and a mean counts as zeros.
    pub padding: [(usize, usize); N],
    /// Distance between neighbouring elements of a window.
    pub dilation: [usize; N],
}

/// How a window moves over a sequence.
pub type Pool1d = Pool<1>;
/// How a window moves over an image.
pub type Pool2d = Pool<2>;
/// How a window moves over a volume.
pub type Pool3d = Pool<3>;

impl<const N: usize> Pool<N> {
    /// Windows of this size side by side.
    pub fn window(window: [usize; N]) -> Pool<N> {
        Pool { window, stride: window, padding: [(0, 0); N], dilation: [1; N] }
    }
}

/// The members of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PoolRole {
    /// From (x, t) the elements of t where x is largest in each window; of (x, x) the maximum itself.
    SelectMax,
    /// From (x, c) an image with c added where x is largest in each window: the transpose in t.
    ScatterMax,
    /// The sum of each window.
    Sum,
    /// Its transpose: each element added to its whole window.
    Spread,
}

/// A member with its sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolOp {
    pub role: PoolRole,
    pub options: Pool2d,
    /// Height and width of the image.
    pub image: [usize; 2],
    /// Height and width of the pooled image.
    pub output: [usize; 2],
}

impl PoolOp {
    #[track_caller]
    fn record(self, inputs: Inputs) -> Tensor {
        let first = inputs.last().expect("pooling has an input").clone();
        let size = match self.role {
            PoolRole::SelectMax | PoolRole::Sum => self.output,
            PoolRole::ScatterMax | PoolRole::Spread => self.image,
        };
        let planes = &first.shape()[..first.rank() - 2];
        let shape: Shape = planes.iter().copied().chain(size).collect();
        Tensor::record(Op::Pool(Arc::new(self)), inputs, shape, first.dtype())
    }

    fn with(&self, role: PoolRole) -> PoolOp {
        PoolOp { role, ..self.clone() }
    }
}

#[track_caller]
fn checked(name: &str, x: &Tensor, options: &Pool2d, role: PoolRole) -> PoolOp {
    assert!(x.rank() >= 2, "{name}: an image needs two axes, but the shape is {}", x.shape());
    let image = [x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]];
    let mut output = [0; 2];
    for axis in [0, 1] {
        assert!(
            options.stride[axis] > 0 && options.dilation[axis] > 0,
            "{name}: stride and dilation must be at least 1, but they are {options:?}"
        );
        let (low, high) = options.padding[axis];
        let covered = options.dilation[axis] * options.window[axis].saturating_sub(1) + 1;
        assert!(
            low < covered && high < covered,
            "{name}: the padding {:?} is as large as the window, so that a window could hold nothing else",
            options.padding[axis]
        );
        let (stride, dilation) = (options.stride[axis], options.dilation[axis]);
        let Some(count) = positions(image[axis], options.window[axis], stride, (low, high), dilation) else {
            panic!("{name}: a window of {:?} does not fit into {}", options.window, x.shape());
        };
        output[axis] = count;
    }
    PoolOp { role, options: *options, image, output }
}

/// Pooling over the last two axes, height and width.
impl Tensor {
    /// The largest element of each window; the derivative goes to the first one that is largest.
    ///
    /// # Panics
    /// If there are fewer than two axes or the window does not fit.
    #[track_caller]
    pub fn max_pool2d(&self, options: &Pool2d) -> Tensor {
        let x = self.cast(self.dtype().to_float());
        checked("max_pool2d", &x, options, PoolRole::SelectMax).record(smallvec![x.clone(), x])
    }

    /// The mean of each window, padding counted as zeros.
    ///
    /// # Panics
    /// If there are fewer than two axes or the window does not fit.
    #[track_caller]
    pub fn avg_pool2d(&self, options: &Pool2d) -> Tensor {
        let x = self.cast(self.dtype().to_float());
        let count = (options.window[0] * options.window[1]) as f64;
        let dtype = x.dtype();
        let sum = checked("avg_pool2d", &x, options, PoolRole::Sum).record(smallvec![x]);
        sum * Tensor::constant(1.0 / count, dtype)
    }
}

impl Multilinear for PoolOp {
    fn is_linear_in(&self, index: usize) -> bool {
        match self.role {
            PoolRole::SelectMax | PoolRole::ScatterMax => index == 1,
            PoolRole::Sum | PoolRole::Spread => true,
        }
    }

    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        let along = || smallvec![call.inputs[0].clone(), cotangent.clone()];
        match self.role {
            PoolRole::SelectMax => self.with(PoolRole::ScatterMax).record(along()),
            PoolRole::ScatterMax => self.with(PoolRole::SelectMax).record(along()),
            PoolRole::Sum => self.with(PoolRole::Spread).record(smallvec![cotangent.clone()]),
            PoolRole::Spread => self.with(PoolRole::Sum).record(smallvec![cotangent.clone()]),
        }
    }
}
multilinear_rule!(PoolOp);

impl Batch for PoolOp {
    fn batch(&self, _: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        vec![self.clone().record(inputs.iter().map(|input| input.mapped(size)).collect())]
    }
}
