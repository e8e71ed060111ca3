//! Group normalisation (Wu, He 2018) and, with a group for each channel, instance normalisation (Ulyanov et al. 2016).

use crate::{CustomOp, Metadata, Tensor, custom};

use super::batch_norm::{along_channels, others};

/// Normalisation of each group of channels by its mean and variance in each example, times a weight, plus a bias for
/// each channel.
#[derive(Debug)]
struct GroupNorm {
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// `x: [batch, channels, …]` as `[batch, groups, numbers of a group]`.
    #[track_caller]
    fn grouped(&self, x: &Tensor) -> Tensor {
        let (batch, groups) = (x.shape()[0], self.groups);
        let count = x.shape()[1..].iter().product::<usize>() / groups.max(1);
        x.reshape([batch, groups, count])
    }

    /// The normalised numbers and 1/√(variance + ε), both by groups.
    #[track_caller]
    fn parts(&self, x: &Tensor) -> (Tensor, Tensor) {
        let grouped = self.grouped(x);
        let centred = &grouped - grouped.mean_keepdim(-1);
        let variance = centred.square().mean_keepdim(-1);
        let scale = (variance + Tensor::constant(self.epsilon, x.dtype())).rsqrt();
        (centred * &scale, scale)
    }
}

impl CustomOp for GroupNorm {
    fn name(&self) -> &str {
        "group_norm"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.groups as u64, self.epsilon.to_bits()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (x, rank) = (&inputs[0], inputs[0].rank());
        let normalised = self.parts(x).0.reshape(x.shape());
        Some(vec![normalised * along_channels(&inputs[1], rank) + along_channels(&inputs[2], rank)])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (x, weight, cotangent) = (&inputs[0], &inputs[1], cotangents[0].as_ref()?);
        let (normalised, scale) = self.parts(x);
        let weighted = self.grouped(&(cotangent * along_channels(weight, x.rank())));
        let mean = weighted.mean_keepdim(-1);
        let along = (&weighted * &normalised).mean_keepdim(-1);
        let dx = ((weighted - mean - &normalised * along) * scale).reshape(x.shape());
        let axes = others(x.rank());
        let dweight = (cotangent * normalised.reshape(x.shape())).sum(axes.as_slice());
        let dbias = cotangent.sum(axes.as_slice());
        Some(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}

impl Tensor {
    /// In each example, each of `groups` equal groups of neighbouring channels (axis 1) brought to mean 0 and variance 1
    /// over its channels and all further axes, then each channel scaled and shifted (Wu, He 2018, section 3.1).
    ///
    /// # Panics
    /// If there are fewer than two axes, the groups do not divide the channels, or `weight` and `bias` are not vectors
    /// over the channels.
    #[track_caller]
    pub fn group_norm(&self, groups: usize, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Tensor {
        self.group_norm_of("group_norm", groups, weight, bias, epsilon)
    }

    /// In each example, each channel (axis 1) brought to mean 0 and variance 1 over all further axes, then scaled and
    /// shifted (Ulyanov et al. 2016): [`group_norm`](Tensor::group_norm) with a group for each channel.
    ///
    /// # Panics
    /// If there are fewer than two axes, or `weight` and `bias` are not vectors over the channels.
    #[track_caller]
    pub fn instance_norm(&self, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Tensor {
        let channels = self.shape().get(1).copied().unwrap_or(0);
        self.group_norm_of("instance_norm", channels, weight, bias, epsilon)
    }

    #[track_caller]
    fn group_norm_of(
        &self,
        name: &str,
        groups: usize,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
    ) -> Tensor {
        assert!(
            self.rank() >= 2 && **weight.shape() == [self.shape()[1]] && weight.shape() == bias.shape(),
            "{name}: {} needs a weight and a bias over its channels, axis 1, not {} and {}",
            self.shape(),
            weight.shape(),
            bias.shape()
        );
        let channels = self.shape()[1];
        assert!(
            channels == 0 || groups > 0 && channels.is_multiple_of(groups),
            "{name}: {channels} channels do not divide into {groups} groups"
        );
        let dtype = self.dtype().to_float();
        let inputs = [self.cast(dtype), weight.cast(dtype), bias.cast(dtype)];
        custom(GroupNorm { groups, epsilon }, &inputs).remove(0)
    }
}
