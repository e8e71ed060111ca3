//! Two-dimensional convolution and its two transposes, one family; those of sequences and volumes are made of it.
//!
//! The convolution of an image x with a kernel w is linear in both. Written as the trilinear form
//! T(x, w, y) = Σ y · (x ∗ w), the output, the gradient for the image and the gradient for the kernel are the
//! derivatives of T in y, x and w. The transpose of any of the three in one of its two arguments is again one of the
//! three, so derivatives of all orders stay in the family.

mod axes;

pub use axes::PadMode;

use std::sync::Arc;

use smallvec::smallvec;

use crate::Tensor;

use super::Op;
use super::rule::{Batch, Batched, Call, Multilinear, multilinear_rule};

/// How a kernel moves over `N` axes. The default is stride 1, no padding, no dilation, one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution<const N: usize> {
    /// Distance between neighbouring outputs, for images (vertical, horizontal).
    pub stride: [usize; N],
    /// Zeros (before, after) the image along each axis.
    pub padding: [(usize, usize); N],
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; N],
    /// Into how many parts the channels are divided that do not see each other.
    pub groups: usize,
}

/// How a kernel moves over a sequence.
pub type Convolution1d = Convolution<1>;
/// How a kernel moves over an image.
pub type Convolution2d = Convolution<2>;
/// How a kernel moves over a volume.
pub type Convolution3d = Convolution<3>;

impl<const N: usize> Default for Convolution<N> {
    fn default() -> Convolution<N> {
        Convolution { stride: [1; N], padding: [(0, 0); N], dilation: [1; N], groups: 1 }
    }
}

impl<const N: usize> Convolution<N> {
    /// The same padding on all sides.
    pub fn padded(amount: usize) -> Convolution<N> {
        Convolution { padding: [(amount, amount); N], ..Convolution::default() }
    }
}

/// The number of positions of a window of `window` elements, `dilation` apart, that moves by `stride` over `length`
/// elements with padding; `None` if it does not fit once.
pub(crate) fn positions(
    length: usize,
    window: usize,
    stride: usize,
    padding: (usize, usize),
    dilation: usize,
) -> Option<usize> {
    let covered = dilation * window.checked_sub(1)? + 1;
    Some((length + padding.0 + padding.1).checked_sub(covered)? / stride + 1)
}

/// Which of the three tensors is computed from the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// y from (x, w).
    Output,
    /// x from (y, w): the gradient for the image.
    Image,
    /// w from (x, y): the gradient for the kernel.
    Kernel,
}

/// A member of the family, with the shapes of all three tensors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConvolutionOp {
    pub role: Role,
    pub options: Convolution2d,
    /// `[images, channels, height, width]`.
    pub image: [usize; 4],
    /// `[output channels, channels / groups, height, width]`.
    pub kernel: [usize; 4],
    /// `[images, output channels, height, width]`.
    pub output: [usize; 4],
}

impl ConvolutionOp {
    /// The roles of the two inputs, in order.
    fn arguments(&self) -> [Role; 2] {
        match self.role {
            Role::Output => [Role::Image, Role::Kernel],
            Role::Image => [Role::Output, Role::Kernel],
            Role::Kernel => [Role::Image, Role::Output],
        }
    }

    fn shape_of(&self, role: Role) -> [usize; 4] {
        match role {
            Role::Output => self.output,
            Role::Image => self.image,
            Role::Kernel => self.kernel,
        }
    }

    #[track_caller]
    fn record(self, first: &Tensor, second: &Tensor) -> Tensor {
        let shape = self.shape_of(self.role).into();
        let dtype = first.dtype();
        Tensor::record(
            Op::Convolution(Arc::new(self)),
            smallvec![first.clone(), second.clone()],
            shape,
            dtype,
        )
    }

    /// Multiply-adds of one evaluation, the same for the three members.
    pub fn multiply_adds(&self) -> usize {
        self.output.iter().product::<usize>() * self.kernel[1..].iter().product::<usize>()
    }
}

impl Tensor {
    /// Convolution (in the sense of the field: cross-correlation) of images `[images, channels, height, width]` with
    /// kernels `[output channels, channels / groups, kernel height, kernel width]`.
    ///
    /// # Panics
    /// If a rank is not 4, the channels do not fit the groups, or the kernel is larger than the padded image.
    #[track_caller]
    pub fn conv2d(&self, kernel: &Tensor, options: &Convolution2d) -> Tensor {
        let (x, w) = (self.shape(), kernel.shape());
        let (Ok(image), Ok(kernel_shape)) =
            (<[usize; 4]>::try_from(x.dims()), <[usize; 4]>::try_from(w.dims()))
        else {
            panic!("conv2d: images and kernels must have rank 4, but the shapes are {x} and {w}");
        };
        let groups = options.groups;
        assert!(
            groups > 0 && image[1] == kernel_shape[1] * groups && kernel_shape[0].is_multiple_of(groups),
            "conv2d: images {x} with {} channels and kernels {w} do not go together in {groups} groups: expected \
             kernels [multiple of {groups}, {}, …]",
            image[1],
            image[1] / groups.max(1)
        );
        assert!(
            options.stride.iter().chain(&options.dilation).all(|amount| *amount > 0),
            "conv2d: stride {:?} and dilation {:?} must be at least 1",
            options.stride,
            options.dilation
        );
        let along = |axis: usize| {
            positions(
                image[axis + 2],
                kernel_shape[axis + 2],
                options.stride[axis],
                options.padding[axis],
                options.dilation[axis],
            )
        };
        let (Some(height), Some(width)) = (along(0), along(1)) else {
            panic!("conv2d: the kernel {w} does not fit into the padded image {x} once");
        };
        let output = [image[0], kernel_shape[0], height, width];
        let common = self.dtype().promote(kernel.dtype()).to_float();
        ConvolutionOp { role: Role::Output, options: *options, image, kernel: kernel_shape, output }
            .record(&self.cast(common), &kernel.cast(common))
    }

    /// Transposed convolution, the transpose of [`conv2d`](Tensor::conv2d) in its image: images
    /// `[images, output channels, height, width]` and kernels `[output channels, channels / groups, …]` give
    /// `[images, channels, size[0], size[1]]`.
    ///
    /// # Panics
    /// If a convolution of an image of that size would not give this tensor's shape.
    #[track_caller]
    pub fn conv2d_transposed(&self, kernel: &Tensor, size: [usize; 2], options: &Convolution2d) -> Tensor {
        let (y, w) = (self.shape(), kernel.shape());
        let (Ok(output), Ok(kernel_shape)) =
            (<[usize; 4]>::try_from(y.dims()), <[usize; 4]>::try_from(w.dims()))
        else {
            panic!("conv2d_transposed: images and kernels must have rank 4, but the shapes are {y} and {w}");
        };
        let fits = |axis: usize| {
            options.stride[axis] > 0
                && options.dilation[axis] > 0
                && positions(
                    size[axis],
                    kernel_shape[axis + 2],
                    options.stride[axis],
                    options.padding[axis],
                    options.dilation[axis],
                ) == Some(output[axis + 2])
        };
        assert!(
            fits(0)
                && fits(1)
                && output[1] == kernel_shape[0]
                && kernel_shape[0].is_multiple_of(options.groups),
            "conv2d_transposed: a convolution of images of size {size:?} with kernels {w} and {options:?} does not \
             give {y}"
        );
        let image = [output[0], kernel_shape[1] * options.groups, size[0], size[1]];
        let common = self.dtype().promote(kernel.dtype()).to_float();
        ConvolutionOp { role: Role::Image, options: *options, image, kernel: kernel_shape, output }
            .record(&self.cast(common), &kernel.cast(common))
    }
}

impl Multilinear for ConvolutionOp {
    fn transpose(&self, call: &Call, index: usize, cotangent: &Tensor) -> Tensor {
        let arguments = self.arguments();
        let wanted = ConvolutionOp { role: arguments[index], ..self.clone() };
        let given = |role: Role| if role == self.role { cotangent } else { &call.inputs[1 - index] };
        let [first, second] = wanted.arguments();
        wanted.record(given(first), given(second))
    }
}
multilinear_rule!(ConvolutionOp);

impl Batch for ConvolutionOp {
    fn batch(&self, _: &Call, inputs: &[Batched], size: usize) -> Vec<Tensor> {
        // With the same kernel for all, the mapped axis joins the images.
        if let (Batched::Mapped(first), Batched::Shared(kernel), Role::Output | Role::Image) =
            (&inputs[0], &inputs[1], self.role)
        {
            let mut op = self.clone();
            op.image[0] *= size;
            op.output[0] *= size;
            let merged = first.reshape(op.shape_of(self.arguments()[0]));
            let shape = crate::Shape::from(self.shape_of(self.role)).inserted(0, size);
            return vec![op.record(&merged, kernel).reshape(shape)];
        }
        // Otherwise it joins the groups, which do not see each other either.
        let mut op = self.clone();
        op.options.groups *= size;
        op.image[1] *= size;
        op.kernel[0] *= size;
        op.output[1] *= size;
        let join = |role: Role, input: &Batched| {
            let mapped = input.mapped(size);
            let moved = if role == Role::Kernel { mapped } else { mapped.transpose(0, 1) };
            moved.reshape(op.shape_of(role))
        };
        let [first, second] = self.arguments();
        let joined = op.clone().record(&join(first, &inputs[0]), &join(second, &inputs[1]));
        let own = crate::Shape::from(self.shape_of(self.role));
        vec![match self.role {
            Role::Kernel => joined.reshape(own.inserted(0, size)),
            _ => joined.reshape(own.inserted(1, size)).transpose(0, 1),
        }]
    }
}
