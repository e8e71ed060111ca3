//! Layer normalisation (Ba, Kiros, Hinton 2016).

use smallvec::SmallVec;

use crate::{CustomOp, Metadata, Tensor, custom};

/// (x − mean) / √(variance + ε) over the last `axes` axes, times a weight, plus a bias.
#[derive(Debug)]
struct LayerNorm {
    axes: usize,
    epsilon: f64,
}

impl LayerNorm {
    fn over(&self) -> SmallVec<[isize; 4]> {
        (0..self.axes).map(|axis| axis as isize - self.axes as isize).collect()
    }

    /// x − mean and 1/√(variance + ε).
    #[track_caller]
    fn parts(&self, x: &Tensor) -> (Tensor, Tensor) {
        let axes = self.over();
        let centred = x - x.mean_keepdim(axes.as_slice());
        let variance = centred.square().mean_keepdim(axes.as_slice());
        let scale = (variance + Tensor::constant(self.epsilon, x.dtype())).rsqrt();
        (centred, scale)
    }
}

impl CustomOp for LayerNorm {
    fn name(&self) -> &str {
        "layer_norm"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.axes as u64, self.epsilon.to_bits()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (centred, scale) = self.parts(&inputs[0]);
        Some(vec![centred * scale * &inputs[1] + &inputs[2]])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (x, weight, cotangent) = (&inputs[0], &inputs[1], cotangents[0].as_ref()?);
        let axes = self.over();
        let (centred, scale) = self.parts(x);
        let normalised = centred * &scale;
        let weighted = cotangent * weight;
        let mean = weighted.mean_keepdim(axes.as_slice());
        let along = (&weighted * &normalised).mean_keepdim(axes.as_slice());
        let dx = (weighted - mean - &normalised * along) * scale;
        let outer: SmallVec<[isize; 4]> = (0..(x.rank() - self.axes) as isize).collect();
        let dweight = (cotangent * normalised).sum(outer.as_slice());
        let dbias = cotangent.sum(outer.as_slice());
        Some(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}

impl Tensor {
    /// Each vector along the last axes brought to mean 0 and variance 1, then scaled and shifted: the shape of
    /// `weight` and `bias` says how many axes that is.
    ///
    /// # Panics
    /// If the last axes of the tensor are not the shape of `weight` and `bias`.
    #[track_caller]
    pub fn layer_norm(&self, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Tensor {
        let axes = weight.rank();
        assert!(
            axes > 0
                && axes <= self.rank()
                && self.shape()[self.rank() - axes..] == **weight.shape()
                && weight.shape() == bias.shape(),
            "layer_norm: the last axes of {} must be the shape of the weight {} and the bias {}",
            self.shape(),
            weight.shape(),
            bias.shape()
        );
        let dtype = self.dtype().to_float();
        let inputs = [self.cast(dtype), weight.cast(dtype), bias.cast(dtype)];
        custom(LayerNorm { axes, epsilon }, &inputs).remove(0)
    }
}
