//! Batch normalisation (Ioffe, Szegedy 2015).

use smallvec::SmallVec;

use crate::{CustomOp, Metadata, Shape, Tensor, custom};

/// Normalisation of each channel by its mean and variance over all other axes, times a weight, plus a bias.
#[derive(Debug)]
struct BatchNorm {
    epsilon: f64,
}

/// What [`Tensor::batch_norm`] gives.
#[derive(Clone, Debug)]
pub struct BatchNormOutput {
    /// The normalised tensor.
    pub output: Tensor,
    /// Mean of each channel in this batch.
    pub mean: Tensor,
    /// Variance of each channel in this batch, divided by the count.
    pub variance: Tensor,
}

/// Every axis but the channels, axis 1.
pub(super) fn others(rank: usize) -> SmallVec<[isize; 4]> {
    (0..rank as isize).filter(|axis| *axis != 1).collect()
}

/// A vector over channels in a shape that stretches to `rank` axes.
#[track_caller]
pub(super) fn along_channels(vector: &Tensor, rank: usize) -> Tensor {
    let shape: Shape = (0..rank).map(|axis| if axis == 1 { vector.elements() } else { 1 }).collect();
    vector.reshape(shape)
}

impl CustomOp for BatchNorm {
    fn name(&self) -> &str {
        "batch_norm"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.epsilon.to_bits()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let channels = Metadata { shape: inputs[1].shape.clone(), dtype: inputs[0].dtype };
        vec![inputs[0].clone(), channels.clone(), channels]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (x, weight, bias) = (&inputs[0], &inputs[1], &inputs[2]);
        let axes = others(x.rank());
        let mean = x.mean(axes.as_slice());
        let centred = x - along_channels(&mean, x.rank());
        let variance = centred.square().mean(axes.as_slice());
        let scale = (&variance + Tensor::constant(self.epsilon, x.dtype())).rsqrt() * weight;
        let output = centred * along_channels(&scale, x.rank()) + along_channels(bias, x.rank());
        Some(vec![output, mean, variance])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (x, weight) = (&inputs[0], &inputs[1]);
        let (mean, variance) = (&outputs[1], &outputs[2]);
        let [cotangent, None, None] = cotangents else {
            // A loss of the statistics themselves is rare: the fallback's derivative does it.
            return None;
        };
        let (cotangent, rank) = (cotangent.as_ref()?, x.rank());
        let axes = others(rank);
        let count = (x.elements() / weight.elements().max(1)) as f64;
        let scale = (variance + Tensor::constant(self.epsilon, x.dtype())).rsqrt();
        let centred = x - along_channels(mean, rank);
        let dbias = cotangent.sum(axes.as_slice());
        let dweight = (cotangent * &centred).sum(axes.as_slice()) * &scale;
        let inverse = Tensor::constant(1.0 / count, x.dtype());
        // dx = s·w/n · (n·c − Σc − (x − μ)·s·Σ c·(x − μ)·s)
        let slope = along_channels(&(&dweight * &scale * &inverse), rank);
        let offset = along_channels(&(&dbias * &inverse), rank);
        let dx = (cotangent - offset - centred * slope) * along_channels(&(scale * weight), rank);
        Some(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}

impl Tensor {
    /// Each channel (axis 1) brought to mean 0 and variance 1 over the batch and all other axes, then scaled and
    /// shifted; also gives the statistics of this batch.
    ///
    /// # Panics
    /// If there are fewer than two axes, or `weight` and `bias` are not vectors over the channels.
    #[track_caller]
    pub fn batch_norm(&self, weight: &Tensor, bias: &Tensor, epsilon: f64) -> BatchNormOutput {
        assert!(
            self.rank() >= 2 && **weight.shape() == [self.shape()[1]] && weight.shape() == bias.shape(),
            "batch_norm: {} needs a weight and a bias over its channels, axis 1, not {} and {}",
            self.shape(),
            weight.shape(),
            bias.shape()
        );
        let dtype = self.dtype().to_float();
        let inputs = [self.cast(dtype), weight.cast(dtype), bias.cast(dtype)];
        let [output, mean, variance] =
            custom(BatchNorm { epsilon }, &inputs).try_into().expect("batch_norm has three outputs");
        BatchNormOutput { output, mean, variance }
    }

    /// Each channel (axis 1) normalised by given statistics, then scaled and shifted: what
    /// [`batch_norm`](Tensor::batch_norm) does once training is over.
    ///
    /// # Panics
    /// If one of the four is not a vector over the channels.
    #[track_caller]
    pub fn batch_norm_with(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
    ) -> Tensor {
        for (name, vector) in [("mean", mean), ("variance", variance), ("weight", weight), ("bias", bias)] {
            assert!(
                self.rank() >= 2 && **vector.shape() == [self.shape()[1]],
                "batch_norm_with: the {name} {} is not a vector over the channels, axis 1 of {}",
                vector.shape(),
                self.shape()
            );
        }
        let scale = (variance + Tensor::constant(epsilon, variance.dtype())).rsqrt() * weight;
        let shift = bias - mean * &scale;
        self * along_channels(&scale, self.rank()) + along_channels(&shift, self.rank())
    }
}
