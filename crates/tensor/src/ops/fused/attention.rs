//! Scaled dot-product attention (Vaswani et al. 2017), tiled so that no matrix of all weights is ever stored
//! (FlashAttention-2, Dao 2023).

mod backward;
mod plain;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::attention::{AttentionElement, AttentionShape, Scores, Stretched, forward};
use crate::cpu::kernels::isa::Isa;
use crate::ops::custom::{Engine, HostArray, HostArrayMut};
use crate::{CustomOp, DType, Key, Metadata, Shape, Tensor, custom};

use backward::{AttentionBiasGradient, AttentionGradient};

/// How queries attend to keys. The default is without any restriction, scaled by 1/√width.
///
/// Masks and biases have the shape `[…, heads, queries, keys]` or one that stretches to it.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Whether a query sees only keys up to its own position. The last query is at the position of the last key, so that a
    /// few new queries see all that came before.
    pub causal: bool,
    /// How many positions a query sees, its own included: before it if causal, else on either side.
    pub window: Option<usize>,
    /// The factor of the products; 1/√width without.
    pub scale: Option<f64>,
    /// Which keys a query may see: booleans.
    pub mask: Option<Tensor>,
    /// Numbers added to the scaled products. Differentiable.
    pub bias: Option<Tensor>,
    /// The probability with which a weight is dropped, and the key of the noise. With dropout all weights are stored.
    pub dropout: Option<(f64, Key)>,
}

impl AttentionOptions {
    /// Each query sees the keys up to its own position.
    pub fn causal() -> AttentionOptions {
        AttentionOptions { causal: true, ..AttentionOptions::default() }
    }
}

/// Attention without what are tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pattern {
    causal: bool,
    window: Option<usize>,
    scale: f64,
    has_bias: bool,
    has_mask: bool,
}

impl Pattern {
    fn parameters(&self) -> Vec<u64> {
        let window = self.window.map_or([0, 0], |window| [1, window as u64]);
        let flags = [self.causal, self.has_bias, self.has_mask].map(u64::from);
        [&window[..], &flags, &[self.scale.to_bits()]].concat()
    }

    /// Positions of bias and mask among the inputs, which come after queries, keys and values.
    fn bias(&self) -> Option<usize> {
        self.has_bias.then_some(3)
    }
    fn mask(&self) -> Option<usize> {
        self.has_mask.then_some(3 + usize::from(self.has_bias))
    }
    /// Inputs of the forward pass.
    fn inputs(&self) -> usize {
        3 + usize::from(self.has_bias) + usize::from(self.has_mask)
    }

    fn shape(&self, inputs: &[&Shape]) -> AttentionShape {
        let [query, key, value] = [inputs[0], inputs[1], inputs[2]];
        let axes = query.rank();
        let heads = query[..axes - 2].iter().product();
        let shared: usize = key[..axes - 2].iter().product();
        AttentionShape {
            heads,
            group: query[axes - 3].checked_div(key[axes - 3]).unwrap_or(1).max(usize::from(shared == 0)),
            queries: query[axes - 2],
            keys: key[axes - 2],
            width: query[axes - 1],
            value_width: value[axes - 1],
            scale: self.scale,
            causal: self.causal,
            window: self.window,
        }
    }

    /// Calls `body` with the scores that the inputs describe.
    fn with_scores<T: AttentionElement + crate::Element>(
        &self,
        inputs: &[HostArray],
        body: impl FnOnce(&Scores<T>),
    ) {
        let shapes: Vec<&Shape> = inputs[..3].iter().map(|input| input.shape).collect();
        let shape = self.shape(&shapes);
        let full: Vec<usize> = {
            let axes = inputs[0].shape.rank();
            inputs[0].shape[..axes - 1].iter().copied().chain([shape.keys]).collect()
        };
        let [bias_starts, mask_starts] =
            [self.bias(), self.mask()].map(|input| input.map(|input| starts(inputs[input].shape, &full)));
        let bias = self.bias().zip(bias_starts.as_ref()).map(|(input, starts)| {
            let (row, column) = steps(inputs[input].shape);
            Stretched { values: inputs[input].as_slice::<T>(), starts, row, column }
        });
        let mask = self.mask().zip(mask_starts.as_ref()).map(|(input, starts)| {
            let (row, column) = steps(inputs[input].shape);
            Stretched { values: inputs[input].as_slice::<bool>(), starts, row, column }
        });
        body(&Scores { shape, query: inputs[0].as_slice::<T>(), key: inputs[1].as_slice::<T>(), bias, mask });
    }

    /// The inputs with one more axis in front, for the same op: what is shared is repeated, but for biases and masks, which
    /// stretch.
    #[track_caller]
    fn stacked(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Vec<Tensor> {
        let stretches = |index: usize| Some(index) == self.bias() || Some(index) == self.mask();
        inputs
            .iter()
            .zip(mapped)
            .enumerate()
            .map(|(index, (input, mapped))| match (mapped, stretches(index)) {
                (true, _) => input.clone(),
                (false, true) => input.unsqueeze(0),
                (false, false) => input.broadcast_to(input.shape().inserted(0, size)),
            })
            .collect()
    }
}

/// Where the matrix of each head starts in a tensor that stretches to `full`.
fn starts(shape: &Shape, full: &[usize]) -> Vec<usize> {
    let strides = shape.strides();
    let axes = full.len() - 2;
    let mut starts = vec![0];
    for axis in 0..axes {
        let step = if shape[axis] == 1 { 0 } else { strides[axis] as usize };
        starts = starts.iter().flat_map(|start| (0..full[axis]).map(move |at| start + at * step)).collect();
    }
    starts
}

/// Steps from query to query and from key to key in a tensor that stretches.
fn steps(shape: &Shape) -> (usize, usize) {
    let axes = shape.rank();
    let step = |axis: usize, stride: usize| if shape[axis] == 1 { 0 } else { stride };
    (step(axes - 2, shape[axes - 1]), step(axes - 1, 1))
}

/// Queries `[…, heads, queries, width]`, keys `[…, key heads, keys, width]` and values to the output
/// `[…, heads, queries, value width]` and the log-sum-exp of the scores of each query `[…, heads, queries]`, which is 0 for
/// one that sees nothing.
#[derive(Debug)]
struct Attention(Pattern);

impl CustomOp for Attention {
    fn name(&self) -> &str {
        "attention"
    }
    fn parameters(&self) -> Vec<u64> {
        self.0.parameters()
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let (query, value) = (&inputs[0].shape, &inputs[2].shape);
        let rows = Shape::from(&query[..query.rank() - 1]);
        let width = value[value.rank() - 1];
        let output: Shape = rows.iter().copied().chain([width]).collect();
        [output, rows].map(|shape| Metadata { shape, dtype: inputs[0].dtype }).into()
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn overwrites(&self, _: Engine) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, outputs),
            _ => self.run::<f32>(inputs, outputs),
        }
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let scores = plain::Scores::new(&self.0, inputs);
        let (weights, log_sum) = scores.weights();
        Some(vec![weights.matmul(&scores.value), log_sum])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let cotangent = cotangents[0].clone().unwrap_or_else(|| outputs[0].zeros_like());
        let mut delta = (&cotangent * &outputs[0]).sum(-1);
        if let Some(of_log_sum) = &cotangents[1] {
            delta = delta - of_log_sum;
        }
        let given: Vec<Tensor> =
            inputs.iter().cloned().chain([outputs[1].clone(), delta, cotangent]).collect();
        let mut all: Vec<Option<Tensor>> =
            custom(AttentionGradient(self.0), &given).into_iter().map(Some).collect();
        if self.0.has_bias {
            all.push(Some(custom(AttentionBiasGradient(self.0), &given).remove(0)));
        }
        if self.0.has_mask {
            all.push(None);
        }
        Some(all)
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        Some(custom(Attention(self.0), &self.0.stacked(inputs, mapped, size)))
    }
}

impl Attention {
    fn run<T: AttentionElement + crate::Element>(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let [output, log_sum] = outputs else { unreachable!("attention has two outputs") };
        self.0.with_scores::<T>(inputs, |scores| {
            let value = inputs[2].as_slice::<T>();
            let (output, log_sum) = (output.as_mut_slice::<T>(), log_sum.as_mut_slice::<T>());
            with_pool(|pool| forward(pool, Isa::detected(), scores, value, output, log_sum));
        });
    }
}

impl Tensor {
    /// Attention of these queries `[…, heads, queries, width]` to keys `[…, key heads, keys, width]` and values
    /// `[…, key heads, keys, value width]`: softmax(scale · Q Kᵀ + bias) V, `[…, heads, queries, value width]`. Fewer key
    /// heads than heads are shared by groups of neighbouring ones (grouped-query attention, Ainslie et al. 2023). A query
    /// that sees no key gives zeros.
    ///
    /// Memory grows with the sequence and not with its square, forward and backward; second derivatives store all weights.
    ///
    /// ```
    /// use bolete_tensor::{AttentionOptions, DType, Key, Tensor};
    /// let x = Key::new(0).normal([2, 4, 10, 8], DType::F32);
    /// let output = x.attention(&x, &x, &AttentionOptions::causal());
    /// assert_eq!(output.shape().dims(), [2, 4, 10, 8]);
    /// // The first query sees the first key only.
    /// let first = |x: &Tensor| x.narrow(2, 0, 1).to_vec::<f32>();
    /// assert_eq!(first(&output), first(&x));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not go together or a mask is not boolean.
    #[track_caller]
    pub fn attention(&self, key: &Tensor, value: &Tensor, options: &AttentionOptions) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let (q, k, v) = (self.shape(), key.shape(), value.shape());
        let axes = q.rank();
        let fits = axes >= 3
            && k.rank() == axes
            && v.rank() == axes
            && q[..axes - 3] == k[..axes - 3]
            && k[..axes - 1] == v[..axes - 1]
            && q[axes - 1] == k[axes - 1]
            && (q[axes - 3] == k[axes - 3] || k[axes - 3] > 0 && q[axes - 3].is_multiple_of(k[axes - 3]));
        assert!(
            fits,
            "attention: queries {q}, keys {k} and values {v} do not go together; expected […, heads, queries, width], \
             […, key heads, keys, width] and […, key heads, keys, value width], the key heads dividing the heads"
        );
        let full: Shape = q[..axes - 1].iter().copied().chain([k[axes - 2]]).collect();
        let stretching = |name: &str, tensor: &Tensor| {
            assert!(
                tensor.shape().broadcast(&full).as_ref() == Some(&full),
                "attention: the {name} {} does not stretch to {full}",
                tensor.shape()
            );
            let ones = vec![1; axes - tensor.rank()];
            tensor.reshape(ones.into_iter().chain(tensor.shape().iter().copied()).collect::<Shape>())
        };
        let mut common = self.dtype().promote(key.dtype()).promote(value.dtype());
        if let Some(bias) = &options.bias {
            common = common.promote(bias.dtype());
        }
        let result = common.to_float();
        let computed = if result.is_half() { DType::F32 } else { result };
        let mut inputs = vec![self.cast(computed), key.cast(computed), value.cast(computed)];
        inputs.extend(options.bias.iter().map(|bias| stretching("bias", bias).cast(computed)));
        if let Some(mask) = &options.mask {
            assert!(
                mask.dtype() == DType::Bool,
                "attention: the mask must be bool, but it is {}",
                mask.dtype()
            );
            inputs.push(stretching("mask", mask));
        }
        let pattern = Pattern {
            causal: options.causal,
            window: options.window,
            scale: options.scale.unwrap_or(1.0 / (q[axes - 1].max(1) as f64).sqrt()),
            has_bias: options.bias.is_some(),
            has_mask: options.mask.is_some(),
        };
        let output = match &options.dropout {
            Some((probability, noise)) => {
                let scores = plain::Scores::new(&pattern, &inputs);
                scores.weights().0.dropout(*probability, noise).matmul(&scores.value)
            }
            None => custom(Attention(pattern), &inputs).remove(0),
        };
        output.cast(result)
    }
}
