//! Dropout (Srivastava et al. 2014).

use crate::{CustomOp, DType, Key, Metadata, Tensor, custom};

/// Zero with a probability, else divided by the probability of staying.
#[derive(Debug)]
struct Dropout {
    probability: f64,
}

impl Dropout {
    #[track_caller]
    fn masked(&self, key: &Tensor, x: &Tensor) -> Tensor {
        let keep = 1.0 - self.probability;
        let uniform = Key::from_tensor(key.clone()).uniform(x.shape(), DType::F32);
        let kept = uniform.less(Tensor::constant(keep, DType::F32));
        kept.select(x * Tensor::constant(1.0 / keep, x.dtype()), Tensor::constant(0.0, x.dtype()))
    }
}

impl CustomOp for Dropout {
    fn name(&self) -> &str {
        "dropout"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.probability.to_bits()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![self.masked(&inputs[1], &inputs[0])])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        // The mask is drawn again from the same key instead of being kept from the forward pass.
        Some(vec![Some(self.masked(&inputs[1], cotangents[0].as_ref()?)), None])
    }
}

impl Tensor {
    /// Elements set to zero independently with `probability`, the others divided by `1 − probability`.
    ///
    /// # Panics
    /// If the probability is not in [0, 1) or the tensor is not of floats.
    #[track_caller]
    pub fn dropout(&self, probability: f64, key: &Key) -> Tensor {
        assert!((0.0..1.0).contains(&probability), "dropout: the probability {probability} is not in [0, 1)");
        assert!(self.dtype().is_float(), "dropout: expected floats, found {}", self.dtype());
        if probability == 0.0 {
            return self.clone();
        }
        custom(Dropout { probability }, &[self.clone(), key.tensor().clone()]).remove(0)
    }
}
