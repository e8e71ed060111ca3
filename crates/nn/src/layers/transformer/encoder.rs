//! The encoder, and with causal attention the decoder-only language model.

use bolete_tensor::{DType, Tensor, Tree};

use crate::layers::attention::cache::KeyValueCache;
use crate::{Activation, AttentionMask, Context, Dropout, LayerNorm, Linear, Module, MultiHeadAttention};

use super::{FeedForward, NormPosition, residual};

/// Attention of a sequence to itself and a feed-forward part, each with a residual sum and a norm:
/// `[batch, length, width] → [batch, length, width]`.
///
/// ```
/// use bolete_nn::{Context, Module, TransformerLayerConfig};
/// use bolete_tensor::{DType, Key, Tensor};
/// let layer = TransformerLayerConfig::new(16, 4).encoder_layer(&Key::new(0));
/// let output = layer.forward(&Tensor::zeros([2, 5, 16], DType::F32), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [2, 5, 16]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct TransformerEncoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiHeadAttention,
    /// Into the feed-forward part.
    pub linear1: Linear,
    /// What its features are multiplied with, if gated.
    pub gate: Option<Linear>,
    /// Out of the feed-forward part.
    pub linear2: Linear,
    /// The norm of the attention.
    pub norm1: LayerNorm,
    /// The norm of the feed-forward part.
    pub norm2: LayerNorm,
    pub(super) activation: Activation,
    pub(super) dropout: Dropout,
    pub(super) position: NormPosition,
}

impl TransformerEncoderLayer {
    fn feed_forward(&self) -> FeedForward<'_> {
        FeedForward {
            linear1: &self.linear1,
            gate: self.gate.as_ref(),
            linear2: &self.linear2,
            activation: self.activation,
            dropout: self.dropout,
        }
    }

    /// The output where not all keys may be seen.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward_masked(&self, input: &Tensor, mask: &AttentionMask, context: &mut Context) -> Tensor {
        self.with_attention(input, context, |input, context| {
            self.self_attn.attend_to_self(input, mask, context)
        })
    }

    /// The next positions `[batch, new, width]`; see [`MultiHeadAttention::decode`].
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn decode(
        &self,
        input: &Tensor,
        cache: KeyValueCache,
        context: &mut Context,
    ) -> (Tensor, KeyValueCache) {
        let mut next = None;
        let output = self.with_attention(input, context, |input, context| {
            let (output, cache) = self.self_attn.decode(input, cache, context);
            next = Some(cache);
            output
        });
        (output, next.expect("attention was called"))
    }

    #[track_caller]
    fn with_attention(
        &self,
        input: &Tensor,
        context: &mut Context,
        attention: impl FnOnce(&Tensor, &mut Context) -> Tensor,
    ) -> Tensor {
        let attended = residual(input, &self.norm1, self.position, self.dropout, context, attention);
        let feed_forward = |input: &Tensor, context: &mut Context| self.feed_forward().of(input, context);
        residual(&attended, &self.norm2, self.position, self.dropout, context, feed_forward)
    }
}

impl Module for TransformerEncoderLayer {
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        self.with_attention(input, context, |input, context| self.self_attn.forward(input, context))
    }
}

/// Encoder layers one after the other, and with norms before the sublayers one more norm at the end. With causal attention it
/// is the body of a GPT.
#[derive(Clone, Debug, Tree)]
pub struct TransformerEncoder {
    /// In the order in which they are applied.
    pub layers: Vec<TransformerEncoderLayer>,
    /// At the end.
    pub norm: Option<LayerNorm>,
}

impl TransformerEncoder {
    /// The output where not all keys may be seen.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward_masked(&self, input: &Tensor, mask: &AttentionMask, context: &mut Context) -> Tensor {
        let mut output = input.clone();
        for layer in &self.layers {
            output = layer.forward_masked(&output, mask, context);
        }
        self.finish(output, context)
    }

    /// Empty caches for [`decode`](TransformerEncoder::decode), one per layer, for `capacity` positions of `batch` sequences.
    pub fn caches(&self, batch: usize, capacity: usize, dtype: DType) -> Vec<KeyValueCache> {
        self.layers.iter().map(|layer| layer.self_attn.cache(batch, capacity, dtype)).collect()
    }

    /// The next positions `[batch, new, width]` of sequences whose earlier ones are in the caches; see
    /// [`MultiHeadAttention::decode`].
    ///
    /// # Panics
    /// As there, and if there is not a cache for each layer.
    #[track_caller]
    pub fn decode(
        &self,
        input: &Tensor,
        caches: Vec<KeyValueCache>,
        context: &mut Context,
    ) -> (Tensor, Vec<KeyValueCache>) {
        assert!(
            caches.len() == self.layers.len(),
            "TransformerEncoder: {} layers need as many caches, not {}",
            self.layers.len(),
            caches.len()
        );
        let (mut output, mut next) = (input.clone(), Vec::with_capacity(caches.len()));
        for (layer, cache) in self.layers.iter().zip(caches) {
            let (attended, cache) = layer.decode(&output, cache, context);
            output = attended;
            next.push(cache);
        }
        (self.finish(output, context), next)
    }

    #[track_caller]
    fn finish(&self, output: Tensor, context: &mut Context) -> Tensor {
        match &self.norm {
            Some(norm) => norm.forward(&output, context),
            None => output,
        }
    }
}

impl Module for TransformerEncoder {
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let mut output = input.clone();
        for layer in &self.layers {
            output = layer.forward(&output, context);
        }
        self.finish(output, context)
    }
}
