//! Rotary position embeddings (Su et al. 2021), and the biases and encodings that other ways of telling positions add.

use crate::{CustomOp, DType, Metadata, Shape, Tensor, custom};

/// How positions turn vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotary {
    /// The angle of pair i of n is position · base^(−i/n).
    pub base: f64,
    /// How many coordinates are turned, the first ones; all without.
    pub width: Option<usize>,
    /// Whether a pair is two neighbours, as in the paper; else a coordinate of the first half and one of the second, as in
    /// LLaMA and GPT-NeoX.
    pub interleaved: bool,
}

impl Default for Rotary {
    /// Base 10,000, all coordinates, halves.
    fn default() -> Rotary {
        Rotary { base: 10_000.0, width: None, interleaved: false }
    }
}

/// Turns the pairs of x `[…, length, width]` by the angles of positions, which stretch to `[…, length]`, or back.
#[derive(Debug)]
struct Turn {
    base: f64,
    interleaved: bool,
    back: bool,
}

impl Turn {
    #[track_caller]
    fn turned(&self, x: &Tensor, positions: &Tensor) -> Tensor {
        let axes = x.rank();
        let (length, width) = (x.shape()[axes - 2], x.shape()[axes - 1]);
        let pairs = width / 2;
        // Angles in double precision: in f32 those of late positions are off by more than a rounding.
        let number = |value: f64| Tensor::constant(value, DType::F64);
        let exponent = Tensor::arange(pairs, DType::F64) * number(-self.base.ln() / pairs.max(1) as f64);
        let angles = positions.cast(DType::F64).unsqueeze(-1) * exponent.exp();
        let cos = angles.cos().cast(x.dtype());
        let sin = angles.sin().cast(x.dtype());
        let sin = if self.back { sin.neg() } else { sin };
        let leading = &x.shape()[..axes - 2];
        let (split, axis): (Shape, isize) = if self.interleaved {
            (leading.iter().copied().chain([length, pairs, 2]).collect(), -1)
        } else {
            (leading.iter().copied().chain([length, 2, pairs]).collect(), -2)
        };
        let parts = x.reshape(split);
        let [a, b] = [0, 1].map(|index| parts.narrow(axis, index, 1).squeeze(axis));
        let turned = [&a * &cos - &b * &sin, &a * &sin + &b * &cos];
        Tensor::stack(&turned, axis).reshape(x.shape())
    }
}

impl CustomOp for Turn {
    fn name(&self) -> &str {
        "rotary"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.base.to_bits(), self.interleaved.into(), self.back.into()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![self.turned(&inputs[0], &inputs[1])])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        // The transpose of a rotation is the rotation back.
        let back = Turn { back: !self.back, ..*self };
        let cotangent = cotangents[0].clone()?;
        Some(vec![Some(custom(back, &[cotangent, inputs[1].clone()]).remove(0)), None])
    }
}

impl Tensor {
    /// Vectors `[…, length, width]` turned by their positions, integers that stretch to `[…, length]`: the product of two
    /// turned vectors depends on the distance of their positions only. Applied to queries and keys before attention.
    ///
    /// # Panics
    /// If there are fewer than two axes, the turned width is odd or too large, or the positions do not stretch.
    #[track_caller]
    pub fn rotary(&self, positions: &Tensor, options: &Rotary) -> Tensor {
        let shape = self.shape();
        let rows = Shape::from(&shape[..shape.rank().saturating_sub(1)]);
        assert!(
            shape.rank() >= 2
                && positions.dtype().is_integer()
                && positions.shape().broadcast(&rows).as_ref() == Some(&rows),
            "rotary: vectors {shape} need positions of integers that stretch to {rows}, not {} {}",
            positions.dtype(),
            positions.shape()
        );
        let all = shape[shape.rank() - 1];
        let width = options.width.unwrap_or(all);
        assert!(
            width <= all && width.is_multiple_of(2),
            "rotary: {width} of the {all} coordinates of {shape} cannot be turned in pairs"
        );
        let x = self.cast(self.dtype().to_float());
        let op = Turn { base: options.base, interleaved: options.interleaved, back: false };
        if width == all {
            return custom(op, &[x, positions.clone()]).remove(0);
        }
        let turned = custom(op, &[x.narrow(-1, 0, width), positions.clone()]).remove(0);
        Tensor::concatenate(&[turned, x.narrow(-1, width, all - width)], -1)
    }

    /// Sines and cosines of positions (Vaswani et al. 2017): positions `[…]` to encodings `[…, width]`, sines at even
    /// coordinates and cosines at odd ones, with wavelengths from 2π to 2π · base.
    ///
    /// # Panics
    /// If the width is odd or `dtype` is not a float.
    #[track_caller]
    pub fn sinusoidal_encoding(&self, width: usize, base: f64, dtype: DType) -> Tensor {
        assert!(
            width.is_multiple_of(2) && dtype.is_float(),
            "sinusoidal_encoding: expected an even width and a float, found {width} and {dtype}"
        );
        let pairs = width / 2;
        let exponent = Tensor::arange(pairs, DType::F64)
            * Tensor::constant(-base.ln() / pairs.max(1) as f64, DType::F64);
        let angles = self.cast(DType::F64).unsqueeze(-1) * exponent.exp();
        let both = Tensor::stack(&[angles.sin(), angles.cos()], -1);
        let shape: Shape = self.shape().iter().copied().chain([width]).collect();
        both.reshape(shape).cast(dtype)
    }

    /// For each pair of positions `[queries]` and `[keys]` the number of the bucket of their distance, `[queries, keys]` of
    /// `i64`: small distances have one each, larger ones share them logarithmically up to `farthest` (T5, Raffel et al. 2020).
    /// With `causal` only keys before the query are told apart; else half of the buckets are for those behind it.
    ///
    /// # Panics
    /// If the positions are not vectors of integers, or there are fewer than 4 buckets.
    #[track_caller]
    pub fn relative_buckets(&self, keys: &Tensor, buckets: usize, farthest: usize, causal: bool) -> Tensor {
        let vectors =
            self.rank() == 1 && keys.rank() == 1 && self.dtype().is_integer() && keys.dtype().is_integer();
        assert!(
            vectors && buckets >= 4,
            "relative_buckets: expected vectors of integers and at least 4 buckets, found {} {}, {} {} and {buckets}",
            self.dtype(),
            self.shape(),
            keys.dtype(),
            keys.shape()
        );
        // How far the key is behind the query.
        let behind = self.cast(DType::I64).unsqueeze(1) - keys.cast(DType::I64).unsqueeze(0);
        let (own, side, distance) = if causal {
            (buckets, behind.zeros_like(), behind.maximum(0))
        } else {
            let after = behind.less(0).cast(DType::I64) * (buckets / 2);
            (buckets / 2, after, behind.abs())
        };
        let exact = own / 2;
        let ratio = (distance.maximum(1).cast(DType::F64) / exact as f64).log()
            / (farthest as f64 / exact as f64).ln();
        let far = (ratio * (own - exact) as f64).cast(DType::I64) + exact;
        let far = far.minimum(own - 1);
        side + distance.less(exact).select(&distance, &far)
    }
}
