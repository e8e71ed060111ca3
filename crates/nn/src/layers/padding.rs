//! Padding, and windows as columns.

use bolete_tensor::{Convolution2d, PadMode, Shape, Tensor, Tree};

use crate::{Context, Module};

/// More elements before and after the last axes, or fewer where an amount is negative.
///
/// ```
/// use bolete_nn::{Context, Module, Pad};
/// use bolete_tensor::{PadMode, Tensor};
/// let layer = Pad { amounts: vec![(1, 2)], mode: PadMode::Reflect };
/// let output = layer.forward(&Tensor::from([1.0f32, 2.0, 3.0]), &mut Context::evaluation());
/// assert_eq!(output.to_vec::<f32>(), [2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Tree)]
pub struct Pad {
    /// (before, after) each of the last axes, in order.
    pub amounts: Vec<(isize, isize)>,
    /// What they are.
    pub mode: PadMode,
}

impl Module for Pad {
    /// # Panics
    /// If the input has fewer axes or is too short for its mode.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.pad_with_mode(&self.amounts, self.mode))
    }

    fn describe(&self) -> String {
        format!("Pad {:?}, {:?}", self.amounts, self.mode)
    }
}

/// The windows of images as columns: `[batch, channels, height, width] → [batch, channels · window, windows]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
pub struct Unfold {
    /// Height and width of a window.
    pub window: [usize; 2],
    /// Stride, padding and dilation.
    pub options: Convolution2d,
}

impl Module for Unfold {
    /// # Panics
    /// If the input is no batch of images or the window does not fit.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.unfold(self.window, &self.options))
    }
}

/// Columns added up to images of a size, the transpose of [`Unfold`]: `[batch, channels · window, windows] → [batch, channels, …]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
pub struct Fold {
    /// Height and width of the images.
    pub size: [usize; 2],
    /// Height and width of a window.
    pub window: [usize; 2],
    /// Stride, padding and dilation.
    pub options: Convolution2d,
}

impl Module for Fold {
    /// # Panics
    /// If the columns are not those of images of that size.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.fold(self.size, self.window, &self.options))
    }

    fn operations(&self, input: &Shape, _: &Shape) -> u64 {
        input.elements() as u64
    }
}
