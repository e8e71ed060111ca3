//! The leaky rectifier with learned slopes.

use bolete_tensor::{DType, Param, Shape, Tensor, Tree};

use crate::{Context, Module};

/// What a [`Prelu`] layer is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreluConfig {
    /// One slope per channel, or 1 for a single one.
    pub slopes: usize,
    /// The first value of all slopes, 0.25 in the paper.
    pub initial: f64,
}

impl Default for PreluConfig {
    /// A single slope of 0.25.
    fn default() -> PreluConfig {
        PreluConfig { slopes: 1, initial: 0.25 }
    }
}

impl PreluConfig {
    /// The layer; nothing about it is random.
    pub fn init(&self) -> Prelu {
        Prelu { weight: Param::new(Tensor::full([self.slopes], self.initial, DType::F32)) }
    }
}

/// x where positive, slope · x elsewhere, with a learned slope for all or for each channel (He et al. 2015). Channels are
/// axis 1, or the only axis. Any shape.
///
/// ```
/// use bolete_nn::{Context, Module, PreluConfig};
/// use bolete_tensor::Tensor;
/// let layer = PreluConfig::default().init();
/// let output = layer.forward(&Tensor::from([-4.0f32, 2.0]), &mut Context::evaluation());
/// assert_eq!(output.to_vec::<f32>(), [-1.0, 2.0]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Prelu {
    /// `[slopes]`.
    pub weight: Param,
}

impl Module for Prelu {
    /// # Panics
    /// If there are several slopes, and not as many as channels.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let slopes = self.weight.elements();
        let axis = usize::from(input.rank() > 1);
        assert!(
            slopes == 1 || input.shape().get(axis) == Some(&slopes),
            "{}: the input needs {slopes} channels along axis {axis}, but its shape is {}",
            self.describe(),
            input.shape()
        );
        let along = |index: usize| if index == axis { slopes } else { 1 };
        let shape: Shape = (0..input.rank()).map(along).collect();
        let slope =
            if slopes == 1 { self.weight.reshape(Shape::scalar()) } else { self.weight.reshape(shape) };
        context.observe(self, input, input.prelu(slope))
    }

    fn describe(&self) -> String {
        format!("Prelu, {} slopes", self.weight.elements())
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        2 * output.elements() as u64
    }
}
