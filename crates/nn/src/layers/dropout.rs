//! Dropout (Srivastava et al. 2014, section 10 for the scaling in training).

use bolete_tensor::{Shape, Tensor, Tree};

use crate::{Context, Module};

/// In training each element is set to zero independently with a probability and the others are divided by the
/// probability of staying, so that the mean does not change; in evaluation nothing happens. Any shape.
///
/// ```
/// use bolete_nn::{Context, Dropout, Module};
/// use bolete_tensor::{DType, Key, Tensor};
/// let ones = Tensor::ones([1000], DType::F32);
/// let layer = Dropout { probability: 0.2 };
/// let output = layer.forward(&ones, &mut Context::training(Key::new(0))).to_vec::<f32>();
/// assert!(output.iter().all(|value| [0.0, 1.25].contains(value)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct Dropout {
    /// Of being set to zero, in [0, 1).
    pub probability: f64,
}

impl Default for Dropout {
    /// Probability ½.
    fn default() -> Dropout {
        Dropout { probability: 0.5 }
    }
}

impl Module for Dropout {
    /// # Panics
    /// In training if the probability is not in [0, 1).
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = if context.is_training() {
            input.dropout(self.probability, &context.next_key())
        } else {
            input.clone()
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("Dropout {}", self.probability)
    }

    fn operations(&self, _: &Shape, _: &Shape) -> u64 {
        0
    }
}
