//! Language models in the style of GPT-2: norms before the sublayers, learned positions, output weights tied to the
//! embedding.

use bolete::nn::NormPosition;
use bolete::nn::layers::attention::cache::KeyValueCache;
use bolete::prelude::*;
use bolete::tensor::plan::report::Report;

use super::numbers;
use crate::workload::{Count, Mode, Repeated, Training, Workload};

const CHAR: Size = Size { vocabulary: 65, positions: 64, layers: 4, heads: 4, width: 128 };
const SMALL: Size = Size { vocabulary: 65, positions: 256, layers: 6, heads: 6, width: 384 };
const GPT2: Size = Size { vocabulary: 50257, positions: 1024, layers: 12, heads: 12, width: 768 };

pub(super) fn all() -> Vec<Workload> {
    vec![
        training("gpt_char", &[Mode::Plain], CHAR, [12, 64]),
        training("gpt_small", &[Mode::Plain, Mode::Mixed], SMALL, [8, 256]),
        training("gpt2_124m_train", &[Mode::Plain, Mode::Mixed], GPT2, [1, 512]),
        Workload::plain("gpt2_124m_decode", Count::Tokens(64.0), || Box::new(Decoding::new())),
    ]
}

/// A character model of `layers` layers that learns from `[batch, length]` tokens, for measuring how its costs grow.
pub struct Growing {
    /// Layers.
    pub layers: usize,
    /// Sequences of a step.
    pub batch: usize,
    /// Tokens of a sequence.
    pub length: usize,
}

impl Growing {
    fn size(&self) -> Size {
        Size { layers: self.layers, positions: self.length, ..CHAR }
    }

    /// Its training step.
    pub fn training(&self) -> Box<dyn Repeated> {
        let workload = training("growing", &[Mode::Plain], self.size(), [self.batch, self.length]);
        (workload.make)(Mode::Plain)
    }

    /// The loss of a step and all its gradients, recorded and not computed.
    pub fn gradients(&self) -> Vec<Tensor> {
        let model = Gpt::new(self.size());
        let [inputs, targets] =
            [1, 2].map(|seed| numbers(seed, [self.batch, self.length], self.size().vocabulary));
        eval_tree(&model);
        eval([&inputs, &targets]);
        let loss = |model: &Gpt| {
            let logits = model.forward(&inputs, &mut Context::evaluation());
            let logits = logits.reshape([inputs.elements(), self.size().vocabulary]);
            cross_entropy(&logits, &targets.flatten())
        };
        let (value, gradients) = value_and_grad(loss)(&model);
        gradients.leaves().into_iter().chain([value]).collect()
    }
}

fn training(name: &'static str, modes: &'static [Mode], size: Size, batch: [usize; 2]) -> Workload {
    let make = move |mode| {
        let model = Gpt::new(size);
        let optimiser =
            AdamWConfig { learning_rate: 1e-3, weight_decay: 0.1, ..AdamWConfig::default() }.init(&model);
        let batch = [numbers(1, batch, size.vocabulary), numbers(2, batch, size.vocabulary)];
        Training::boxed(model, optimiser, batch, mode, move |model, batch, context| {
            let logits = model.forward(&batch[0], context);
            let logits = logits.reshape([batch[0].elements(), size.vocabulary]);
            cross_entropy(&logits.cast(DType::F32), &batch[1].flatten())
        })
    };
    let count = Count::Tokens((batch[0] * batch[1]) as f64);
    Workload { name, modes, count, make: Box::new(make) }
}

#[derive(Clone, Copy)]
struct Size {
    vocabulary: usize,
    positions: usize,
    layers: usize,
    heads: usize,
    width: usize,
}

#[derive(Clone, Debug, Tree)]
struct Gpt {
    tokens: Embedding,
    positions: Embedding,
    body: bolete::nn::TransformerEncoder,
}

impl Gpt {
    fn new(size: Size) -> Gpt {
        let [tokens, positions, body] = Key::new(0).split();
        let initialiser = bolete::nn::Initialiser::Normal { mean: 0.0, deviation: 0.02 };
        let embedding = |count| EmbeddingConfig { initialiser, ..EmbeddingConfig::new(count, size.width) };
        let attention = MultiHeadAttentionConfig {
            causal: true,
            ..MultiHeadAttentionConfig::new(size.width, size.heads)
        };
        let layer = TransformerLayerConfig {
            attention,
            activation: Activation::GeluTanh,
            norm: NormPosition::Before,
            ..TransformerLayerConfig::new(size.width, size.heads)
        };
        Gpt {
            tokens: embedding(size.vocabulary).init(&tokens),
            positions: embedding(size.positions).init(&positions),
            body: layer.encoder(size.layers, &body),
        }
    }

    fn logits(&self, hidden: &Tensor) -> Tensor {
        hidden.matmul(&self.tokens.weight.t())
    }

    fn forward(&self, tokens: &Tensor, context: &mut Context) -> Tensor {
        let positions = self.positions.weight.narrow(0, 0, tokens.shape()[1]);
        let embedded = self.tokens.forward(tokens, context) + positions;
        self.logits(&self.body.forward(&embedded, context))
    }
}

/// What is handed from token to token.
type Decoded = (Tensor, Vec<KeyValueCache>);

/// Greedy decoding of 64 tokens after 8, keys and values of earlier positions kept.
struct Decoding {
    model: Gpt,
    prompt: Tensor,
    /// Serves the prompt as well as single tokens: a trace for each.
    step: Step<'static, Decoded, Decoded>,
}

impl Decoding {
    const NEW: usize = 64;

    fn new() -> Decoding {
        let model = Gpt::new(GPT2);
        eval_tree(&model);
        let prompt = numbers(1, [1, 8], GPT2.vocabulary);
        eval([&prompt]);
        let captured = model.clone();
        let step = Step::new(move |(tokens, caches): Decoded| {
            let mut context = Context::evaluation();
            let places = Tensor::arange(tokens.shape()[1], DType::I64) + &caches[0].length;
            let embedded = captured.tokens.forward(&tokens, &mut context)
                + captured.positions.forward(&places, &mut context);
            let (hidden, caches) = captured.body.decode(&embedded, caches, &mut context);
            let last = hidden.narrow(1, tokens.shape()[1] - 1, 1);
            (captured.logits(&last).argmax(-1), caches)
        });
        Decoding { model, prompt, step }
    }
}

impl Repeated for Decoding {
    fn step(&mut self) -> Tensor {
        // Room for the sequence, as whoever decodes 64 tokens asks for.
        let caches = self.model.body.caches(1, self.prompt.elements() + Decoding::NEW, DType::F32);
        let (mut token, mut caches) = self.step.call((self.prompt.clone(), caches));
        let mut decoded = vec![token.clone()];
        for _ in 1..Decoding::NEW {
            (token, caches) = self.step.call((token, caches));
            decoded.push(token.clone());
        }
        Tensor::concatenate(&decoded, 1)
    }

    fn report(&self) -> Vec<Report> {
        // The prompt costs about as much as a token, since both read all weights once.
        self.step.report().map_or_else(Vec::new, |report| vec![report; Decoding::NEW])
    }
}
