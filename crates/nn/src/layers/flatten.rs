//! From images to vectors.

use bolete_tensor::{Tensor, Tree};

use crate::{Context, Module};

/// All axes from `first_axis` on as one, row by row: `[images, channels, height, width] → [images, channels · height ·
/// width]` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
pub struct Flatten {
    /// The first of the axes that are joined; negative ones count from the last.
    pub first_axis: isize,
}

impl Default for Flatten {
    /// All axes but the batch, axis 0.
    fn default() -> Flatten {
        Flatten { first_axis: 1 }
    }
}

impl Module for Flatten {
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.flatten_from(self.first_axis))
    }
}
