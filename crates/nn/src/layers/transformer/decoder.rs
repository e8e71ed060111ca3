//! The decoder, which attends to what an encoder made of another sequence.

use bolete_tensor::{Tensor, Tree};

use crate::{Activation, AttentionMask, Context, Dropout, LayerNorm, Linear, Module, MultiHeadAttention};

use super::{FeedForward, NormPosition, TransformerEncoder, residual};

/// Causal attention of a sequence to itself, attention to an encoder's output and a feed-forward part, each with a residual sum
/// and a norm.
#[derive(Clone, Debug, Tree)]
pub struct TransformerDecoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiHeadAttention,
    /// Attention to the encoder's output.
    pub multihead_attn: MultiHeadAttention,
    /// Into the feed-forward part.
    pub linear1: Linear,
    /// What its features are multiplied with, if gated.
    pub gate: Option<Linear>,
    /// Out of the feed-forward part.
    pub linear2: Linear,
    /// The norm of the attention to itself.
    pub norm1: LayerNorm,
    /// The norm of the attention to the encoder's output.
    pub norm2: LayerNorm,
    /// The norm of the feed-forward part.
    pub norm3: LayerNorm,
    pub(super) activation: Activation,
    pub(super) dropout: Dropout,
    pub(super) position: NormPosition,
}

impl TransformerDecoderLayer {
    /// The output `[batch, length, width]` for an input of that shape and the encoder's output `memory`
    /// `[batch, source length, width]`; `mask` says which positions of each may be seen.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        input: &Tensor,
        memory: &Tensor,
        [own, source]: [&AttentionMask; 2],
        context: &mut Context,
    ) -> Tensor {
        let (position, dropout) = (self.position, self.dropout);
        let itself = |x: &Tensor, context: &mut Context| self.self_attn.attend_to_self(x, own, context);
        let x = residual(input, &self.norm1, position, dropout, context, itself);
        let other = |x: &Tensor, context: &mut Context| {
            self.multihead_attn.attend(x, memory, memory, source, context)
        };
        let x = residual(&x, &self.norm2, position, dropout, context, other);
        let feed_forward = FeedForward {
            linear1: &self.linear1,
            gate: self.gate.as_ref(),
            linear2: &self.linear2,
            activation: self.activation,
            dropout,
        };
        residual(&x, &self.norm3, position, dropout, context, |x, context| feed_forward.of(x, context))
    }
}

/// Decoder layers one after the other, and with norms before the sublayers one more norm at the end.
#[derive(Clone, Debug, Tree)]
pub struct TransformerDecoder {
    /// In the order in which they are applied.
    pub layers: Vec<TransformerDecoderLayer>,
    /// At the end.
    pub norm: Option<LayerNorm>,
}

impl TransformerDecoder {
    /// See [`TransformerDecoderLayer::forward`].
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        input: &Tensor,
        memory: &Tensor,
        masks: [&AttentionMask; 2],
        context: &mut Context,
    ) -> Tensor {
        let mut output = input.clone();
        for layer in &self.layers {
            output = layer.forward(&output, memory, masks, context);
        }
        match &self.norm {
            Some(norm) => norm.forward(&output, context),
            None => output,
        }
    }
}

/// An encoder of one sequence and a decoder of another: the model of the paper without its embeddings.
#[derive(Clone, Debug, Tree)]
pub struct Transformer {
    /// Of the source.
    pub encoder: TransformerEncoder,
    /// Of the target, which sees the source as the encoder left it.
    pub decoder: TransformerDecoder,
}

impl Transformer {
    /// The output `[batch, target length, width]` for a source `[batch, source length, width]` and a target
    /// `[batch, target length, width]`; the masks say which positions of source and target there are.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        source: &Tensor,
        target: &Tensor,
        [source_mask, target_mask]: [&AttentionMask; 2],
        context: &mut Context,
    ) -> Tensor {
        let memory = self.encoder.forward_masked(source, source_mask, context);
        self.decoder.forward(target, &memory, [target_mask, source_mask], context)
    }
}
