//! Deep networks, the gradients of their layers, and their dead units.

use bolete::prelude::*;

use super::Config;

/// The slope of leaky units for negative inputs.
pub(super) const LEAK: f64 = 0.1;

/// The activations that are compared.
pub(super) const KINDS: [(&str, Activation); 4] = [
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("ReLU", Activation::Relu),
    ("leaky ReLU", Activation::LeakyRelu { slope: LEAK }),
];

/// 784-width-…-width-10, the same weights for every activation: U(±1/√inputs), the usual choice before 2010.
pub(super) fn network(config: &Config, activation: Activation) -> Sequential {
    let keys = Key::new(config.seed).split_many(config.depth + 1);
    let mut layers: Vec<Layer> = Vec::new();
    for index in 0..=config.depth {
        let input = if index == 0 { 784 } else { config.width };
        let output = if index == config.depth { 10 } else { config.width };
        let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        let plain = LinearConfig { bias_initialiser: Initialiser::Zeros, ..LinearConfig::new(input, output) };
        layers.push(plain.init(&key).into());
        layers.push(activation.into());
    }
    layers.pop();
    Sequential::new(layers)
}

/// The mean cross-entropy in nats.
pub(super) fn loss(model: &Sequential, (x, labels): &(Tensor, Tensor)) -> Tensor {
    cross_entropy(&model.forward(x, &mut Context::evaluation()), labels)
}

/// The gradient of each layer's weights, from the first on.
pub(super) fn layer_gradients(model: &Sequential, data: &(Tensor, Tensor)) -> Vec<Vec<f64>> {
    let gradients = grad(|model: &Sequential| loss(model, data))(model);
    let weights = gradients.leaves().into_iter().filter(|leaf| leaf.rank() == 2).collect::<Vec<_>>();
    weights.iter().map(|weight| weight.cast(DType::F64).to_vec::<f64>()).collect()
}

/// The part of hidden units that are 0, or as good as, for every picture, so that no gradient reaches their weights.
pub(super) fn dead(model: &Sequential, x: &Tensor) -> f64 {
    let mut hidden = x.clone();
    let mut alive = Vec::new();
    for layer in &model.layers {
        hidden = layer.forward(&hidden, &mut Context::evaluation());
        if matches!(layer, Layer::Activation(_)) {
            alive.push(hidden.not_equal(0.0).any(0).cast(DType::F64).mean(..));
        }
    }
    1.0 - Tensor::stack(&alive, 0).mean(..).item()
}

#[cfg(test)]
mod tests {
    use super::super::VanishingGradients;
    use super::*;
    use crate::recipe::{Recipe as _, Setting};

    #[test]
    fn sigmoids_lose_the_gradient_and_leaky_units_never_die() {
        let config = Config { depth: 5, width: 30, ..VanishingGradients::config(Setting::Smoke) };
        let data = (Key::new(1).normal([20, 784], DType::F32), Tensor::arange(20, DType::I64).modulo(10));
        let size =
            |values: &Vec<f64>| values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64;
        let sizes: Vec<f64> =
            layer_gradients(&network(&config, Activation::Sigmoid), &data).iter().map(size).collect();
        assert!(sizes[1] < 0.01 * sizes[5]);
        assert_eq!(dead(&network(&config, KINDS[3].1), &data.0), 0.0);
    }
}
