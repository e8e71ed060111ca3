//! A chain of layers whose Jacobian is taken, and the formulas for what that costs.

use bolete::prelude::*;

/// A chain of layers, tanh(W x) each: `[n_0]` to `[n_t]`.
pub(super) struct Chain {
    pub sizes: Vec<usize>,
    pub weights: Vec<Tensor>,
    pub point: Tensor,
}

impl Chain {
    pub fn new(key: &Key, sizes: Vec<usize>) -> Chain {
        let keys = key.split_many(sizes.len());
        let key = |index: usize| Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        let layers = sizes.windows(2).enumerate().map(|(index, pair)| {
            key(index).normal([pair[1], pair[0]], DType::F32) * (1.0 / pair[0] as f64).sqrt()
        });
        let weights: Vec<Tensor> = layers.collect();
        let point = key(sizes.len() - 1).normal([sizes[0]], DType::F32);
        eval(weights.iter().chain([&point]));
        Chain { sizes, weights, point }
    }

    pub fn value(&self, x: &Tensor) -> Tensor {
        self.weights.iter().fold(x.clone(), |x, weight| weight.matmul(&x).tanh())
    }

    /// Multiply-adds of one pass of one column or row through all layers.
    fn products(&self) -> usize {
        self.sizes.windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// Multiply-adds of forward accumulation by the formula.
    pub fn forward(&self) -> usize {
        self.sizes[0] * self.products()
    }

    /// Multiply-adds of reverse accumulation by the formula.
    pub fn reverse(&self) -> usize {
        self.sizes[self.sizes.len() - 1] * self.products()
    }
}
