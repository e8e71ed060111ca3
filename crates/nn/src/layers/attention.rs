//! Multi-head attention (Vaswani et al. 2017, section 3.2.2), with shared key heads, positions and a cache for decoding.

pub mod cache;
pub mod positions;

use bolete_tensor::{AttentionOptions, DType, Key, Param, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser, Linear, LinearConfig, Module};

use cache::KeyValueCache;
use positions::{Positions, RelativeBias};

/// What a [`MultiHeadAttention`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiHeadAttentionConfig {
    /// Features of queries and of the output.
    pub width: usize,
    /// Number of heads.
    pub heads: usize,
    /// Number of heads of keys and values, which must divide `heads`: fewer ones are shared (Ainslie et al. 2023).
    pub key_value_heads: usize,
    /// Features of a head; width / heads as a rule.
    pub head_width: usize,
    /// Features of what keys are made of, and of what values are made of.
    pub source_widths: [usize; 2],
    /// Whether the projections have biases.
    pub bias: bool,
    /// Whether a query sees only keys up to its own position.
    pub causal: bool,
    /// How many positions a query sees; all without.
    pub window: Option<usize>,
    /// How positions enter.
    pub positions: Positions,
    /// The probability with which a weight is dropped in training.
    pub dropout: f64,
}

impl MultiHeadAttentionConfig {
    /// Heads of `width / heads` features with biases, no restrictions, no positions, no dropout.
    ///
    /// # Panics
    /// If the heads do not divide the width.
    #[track_caller]
    pub fn new(width: usize, heads: usize) -> MultiHeadAttentionConfig {
        assert!(
            heads > 0 && width.is_multiple_of(heads),
            "MultiHeadAttention: {heads} heads do not divide a width of {width}"
        );
        MultiHeadAttentionConfig {
            width,
            heads,
            key_value_heads: heads,
            head_width: width / heads,
            source_widths: [width; 2],
            bias: true,
            causal: false,
            window: None,
            positions: Positions::None,
            dropout: 0.0,
        }
    }

    /// Whether the three projections are the rows of one matrix, as in PyTorch.
    fn is_packed(&self) -> bool {
        self.source_widths == [self.width; 2]
            && self.key_value_heads == self.heads
            && self.heads * self.head_width == self.width
    }

    /// The layer with initial values from a key: projections U(±√(6 / (inputs + outputs))) (Glorot, Bengio 2010), the three
    /// of a packed matrix counted together as in PyTorch, the output projection U(±1/√inputs), biases 0.
    ///
    /// # Panics
    /// If the heads of keys and values do not divide the heads.
    #[track_caller]
    pub fn init(&self, key: &Key) -> MultiHeadAttention {
        assert!(
            self.key_value_heads > 0 && self.heads.is_multiple_of(self.key_value_heads),
            "MultiHeadAttention: {} heads of keys and values do not divide {} heads",
            self.key_value_heads,
            self.heads
        );
        let [first, second, third, output, relative] = key.split();
        let xavier = |outputs: usize, inputs: usize, key: &Key| {
            let fan = Fan { input: inputs, output: outputs };
            let shape = Shape::from([outputs, inputs]);
            Param::new(Initialiser::XavierUniform { gain: 1.0 }.sample(shape, fan, key, DType::F32))
        };
        let own = self.heads * self.head_width;
        let shared = self.key_value_heads * self.head_width;
        let [key_width, value_width] = self.source_widths;
        let packed = self.is_packed();
        let separate = |outputs, inputs, key: &Key| (!packed).then(|| xavier(outputs, inputs, key));
        let zeros = |length: usize| Param::new(Tensor::zeros([length], DType::F32));
        let mut out_proj =
            LinearConfig { bias: self.bias, ..LinearConfig::new(own, self.width) }.init(&output);
        out_proj.bias = self.bias.then(|| zeros(self.width));
        MultiHeadAttention {
            in_proj_weight: packed.then(|| xavier(3 * self.width, self.width, &first)),
            q_proj_weight: separate(own, self.width, &first),
            k_proj_weight: separate(shared, key_width, &second),
            v_proj_weight: separate(shared, value_width, &third),
            in_proj_bias: self.bias.then(|| zeros(own + 2 * shared)),
            out_proj,
            relative_bias: match self.positions {
                Positions::Relative(relative_config) => Some(relative_config.init(self.heads, &relative)),
                _ => None,
            },
            heads: self.heads,
            key_value_heads: self.key_value_heads,
            head_width: self.head_width,
            causal: self.causal,
            window: self.window,
            positions: self.positions,
            dropout: self.dropout,
        }
    }
}

/// Which keys may be seen, besides what the layer itself restricts.
#[derive(Clone, Debug, Default)]
pub struct AttentionMask {
    /// Per query and key, in a shape that stretches to `[batch, heads, queries, keys]`; true where a key may be seen.
    pub pairs: Option<Tensor>,
    /// Per key `[batch, keys]`; true where there is one, false for padding.
    pub keys: Option<Tensor>,
}

impl AttentionMask {
    /// A mask of the keys that exist.
    pub fn of_keys(keys: Tensor) -> AttentionMask {
        AttentionMask { pairs: None, keys: Some(keys) }
    }

    fn joined(&self) -> Option<Tensor> {
        let keys = self.keys.as_ref().map(|keys| keys.unsqueeze(1).unsqueeze(1));
        match (&self.pairs, keys) {
            (Some(pairs), Some(keys)) => Some(pairs.logical_and(&keys)),
            (Some(pairs), None) => Some(pairs.clone()),
            (None, keys) => keys,
        }
    }
}

/// Attention of several heads, each on its own projection of queries, keys and values; their outputs are joined and
/// projected: `[batch, queries, width]` and `[batch, keys, …]` to `[batch, queries, width]`.
///
/// As a [`Module`] it is self-attention. The parameters have PyTorch's names; its boolean masks mean the opposite (true hides).
///
/// ```
/// use bolete_nn::{Context, Module, MultiHeadAttentionConfig};
/// use bolete_tensor::{DType, Key, Tensor};
///
/// let config = MultiHeadAttentionConfig { causal: true, ..MultiHeadAttentionConfig::new(16, 4) };
/// let layer = config.init(&Key::new(0));
/// let output = layer.forward(&Tensor::zeros([2, 10, 16], DType::F32), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [2, 10, 16]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct MultiHeadAttention {
    /// The projections to queries, keys and values one below the other `[3 · width, width]`, if all are of one size.
    pub in_proj_weight: Option<Param>,
    /// Else the projection to queries `[heads · head width, width]`,
    pub q_proj_weight: Option<Param>,
    /// to keys `[key heads · head width, key source width]`
    pub k_proj_weight: Option<Param>,
    /// and to values `[key heads · head width, value source width]`.
    pub v_proj_weight: Option<Param>,
    /// The biases of the three projections one after the other.
    pub in_proj_bias: Option<Param>,
    /// The projection of the joined heads, `heads · head width → width`.
    pub out_proj: Linear,
    /// The bias by distance, if positions enter so.
    pub relative_bias: Option<RelativeBias>,
    heads: usize,
    key_value_heads: usize,
    head_width: usize,
    causal: bool,
    window: Option<usize>,
    positions: Positions,
    dropout: f64,
}

impl MultiHeadAttention {
    /// The projection to queries, keys or values (0, 1, 2), as heads `[batch, heads, length, head width]`.
    #[track_caller]
    fn project(&self, which: usize, source: &Tensor) -> Tensor {
        let sizes =
            [self.heads, self.key_value_heads, self.key_value_heads].map(|heads| heads * self.head_width);
        let start: usize = sizes[..which].iter().sum();
        let weight = match &self.in_proj_weight {
            Some(packed) => packed.narrow(0, start, sizes[which]),
            None => {
                let separate = [&self.q_proj_weight, &self.k_proj_weight, &self.v_proj_weight][which];
                separate.as_ref().expect("the projections are packed or separate").tensor().clone()
            }
        };
        assert!(
            source.rank() == 3 && source.shape()[2] == weight.shape()[1],
            "{}: expected [batch, length, {}], found {}",
            self.describe(),
            weight.shape()[1],
            source.shape()
        );
        let mut projected = source.matmul(&weight.t());
        if let Some(bias) = &self.in_proj_bias {
            projected = projected + bias.narrow(0, start, sizes[which]);
        }
        let [batch, length] = [source.shape()[0], source.shape()[1]];
        let heads = sizes[which] / self.head_width.max(1);
        projected.reshape([batch, length, heads, self.head_width]).transpose(1, 2)
    }

    /// Queries, keys and values of one sequence, all three by one product where they are packed.
    #[track_caller]
    fn project_all(&self, source: &Tensor) -> [Tensor; 3] {
        let Some(packed) = &self.in_proj_weight else {
            return [0, 1, 2].map(|which| self.project(which, source));
        };
        let width = packed.shape()[1];
        assert!(
            source.rank() == 3 && source.shape()[2] == width,
            "{}: expected [batch, length, {width}], found {}",
            self.describe(),
            source.shape()
        );
        let mut projected = source.matmul(&packed.t());
        if let Some(bias) = &self.in_proj_bias {
            projected = projected + bias.tensor();
        }
        let [batch, length] = [source.shape()[0], source.shape()[1]];
        let parts = projected.reshape([batch, length, 3, self.heads, self.head_width]);
        [0, 1, 2].map(|which| parts.narrow(2, which, 1).squeeze(2).transpose(1, 2))
    }

    /// Attention of `queries` `[batch, queries, width]` to `keys` and `values` `[batch, keys, …]` from elsewhere.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn attend(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: &AttentionMask,
        context: &mut Context,
    ) -> Tensor {
        let projected = [self.project(0, queries), self.project(1, keys), self.project(2, values)];
        self.combine(projected, mask, context)
    }

    /// Attention of a sequence `[batch, length, width]` to itself.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn attend_to_self(&self, input: &Tensor, mask: &AttentionMask, context: &mut Context) -> Tensor {
        let projected = self.project_all(input);
        self.combine(projected, mask, context)
    }

    /// The next positions `[batch, new, width]` of a sequence whose earlier keys and values are in `cache`; gives the output
    /// for them and the cache with them. The same as a causal pass over the whole sequence, but each position is computed once.
    ///
    /// The shapes do not depend on how far the sequence has come, so that a `Step` plans this once. Decode by moving the cache
    /// into the step.
    ///
    /// # Panics
    /// If the shapes do not fit, or the layer is not causal. A cache that overflows is found when the result is computed.
    #[track_caller]
    pub fn decode(
        &self,
        input: &Tensor,
        cache: KeyValueCache,
        context: &mut Context,
    ) -> (Tensor, KeyValueCache) {
        assert!(self.causal, "{}: only causal attention can be decoded step by step", self.describe());
        let [query, key, value] = self.project_all(input);
        let new = Tensor::arange(input.shape()[1], DType::I64) + &cache.length;
        let [query, key] = [query, key].map(|heads| self.turn(&heads, &new));
        let cache = cache.append(&key, &value);
        let places = Tensor::arange(cache.capacity(), DType::I64);
        let behind = new.unsqueeze(1) - places.unsqueeze(0);
        let mut seen = behind.greater_equal(0);
        if let Some(window) = self.window {
            seen = seen.logical_and(&behind.less(window));
        }
        let options = AttentionOptions {
            mask: Some(seen),
            bias: self.bias(&new, &places, query.dtype()),
            dropout: self.noise(context),
            ..AttentionOptions::default()
        };
        let output = self.join(&query.attention(&cache.key, &cache.value, &options), context);
        (output, cache)
    }

    /// A cache for `capacity` positions of `batch` sequences, empty.
    pub fn cache(&self, batch: usize, capacity: usize, dtype: DType) -> KeyValueCache {
        KeyValueCache::new([batch, self.key_value_heads, capacity, self.head_width], dtype)
    }

    #[track_caller]
    fn combine(
        &self,
        [query, key, value]: [Tensor; 3],
        mask: &AttentionMask,
        context: &mut Context,
    ) -> Tensor {
        let [queries, keys] = [&query, &key].map(|heads| heads.shape()[2]);
        // The last query is at the last key, as in the causal pattern.
        let shift = keys as i64 - queries as i64;
        let [own, others] = [queries, keys].map(|length| Tensor::arange(length, DType::I64));
        let own = if shift == 0 { own } else { own + shift };
        let options = AttentionOptions {
            causal: self.causal,
            window: self.window,
            mask: mask.joined(),
            bias: self.bias(&own, &others, query.dtype()),
            dropout: self.noise(context),
            ..AttentionOptions::default()
        };
        let [query, key] = [self.turn(&query, &own), self.turn(&key, &others)];
        self.join(&query.attention(&key, &value, &options), context)
    }

    fn turn(&self, heads: &Tensor, places: &Tensor) -> Tensor {
        match &self.positions {
            Positions::Rotary(options) => heads.rotary(places, options),
            _ => heads.clone(),
        }
    }

    /// What positions add to the scores, in a shape that stretches to `[heads, queries, keys]`.
    fn bias(&self, queries: &Tensor, keys: &Tensor, dtype: DType) -> Option<Tensor> {
        match &self.positions {
            Positions::None | Positions::Rotary(_) => None,
            Positions::Alibi => Some(positions::alibi(self.heads, queries, keys, self.causal).cast(dtype)),
            Positions::Relative(_) => {
                let relative = self.relative_bias.as_ref().expect("made with the layer");
                Some(relative.of(queries, keys, self.causal).cast(dtype))
            }
        }
    }

    fn noise(&self, context: &mut Context) -> Option<(f64, Key)> {
        (context.is_training() && self.dropout > 0.0).then(|| (self.dropout, context.next_key()))
    }

    /// The heads side by side, projected.
    fn join(&self, heads: &Tensor, context: &mut Context) -> Tensor {
        let [batch, length] = [heads.shape()[0], heads.shape()[2]];
        let joined = heads.transpose(1, 2).reshape([batch, length, self.heads * self.head_width]);
        self.out_proj.forward(&joined, context)
    }
}

impl Module for MultiHeadAttention {
    /// Self-attention of sequences `[batch, length, width]`.
    ///
    /// # Panics
    /// If the input has another shape.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = self.attend_to_self(input, &AttentionMask::default(), context);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        let shared = if self.key_value_heads == self.heads {
            String::new()
        } else {
            format!(", {} of keys and values", self.key_value_heads)
        };
        format!("MultiHeadAttention, {} heads of {}{shared}", self.heads, self.head_width)
    }

    fn operations(&self, input: &Shape, _: &Shape) -> u64 {
        let [batch, length, width] = [input[0], input[1], input[2]];
        let projected = (self.heads + 2 * self.key_value_heads) * self.head_width * width;
        // Scores and weighted values; the output projection speaks for itself.
        let attention = 2 * self.heads * self.head_width * length;
        (2 * batch * length * (projected + attention)) as u64
    }
}
