//! Pixelwise normalisation of channels (Karras et al. 2018, section 4.2).

use bolete_tensor::{Shape, Tensor, Tree};

use crate::{Context, Module};

/// The vector of channels, axis 1 of `[batch, channels, …]`, divided at each place by the root of its mean square. Without
/// parameters, the same in training and evaluation.
///
/// ```
/// use bolete_nn::{Context, Module, PixelNorm};
/// use bolete_tensor::Tensor;
/// let output = PixelNorm { epsilon: 0.0 }.forward(&Tensor::from([[1.0f32, -7.0]]), &mut Context::evaluation());
/// for (value, expected) in output.to_vec::<f32>().into_iter().zip([0.2, -1.4]) {
///     assert!((value - expected).abs() < 1e-6);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct PixelNorm {
    /// Added to the mean square, against division by zero.
    pub epsilon: f64,
}

impl Default for PixelNorm {
    /// ε = 10⁻⁸, as in the paper.
    fn default() -> PixelNorm {
        PixelNorm { epsilon: 1e-8 }
    }
}

impl Module for PixelNorm {
    /// # Panics
    /// If the input has fewer than two axes.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.pixel_norm(self.epsilon))
    }

    fn describe(&self) -> String {
        "PixelNorm".to_owned()
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        3 * output.elements() as u64
    }
}
