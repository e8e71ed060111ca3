//! The two models that are to tell the spirals apart.

use bolete::prelude::*;

use super::{CLASSES, Config};
use crate::networks::one_hidden_layer;

/// Logits that are linear in the point.
pub(super) fn linear(config: &Config) -> Sequential {
    Sequential::new([LinearConfig::new(2, CLASSES).init(&Key::new(config.seed)).into()])
}

/// 2-100-2 with ReLU.
pub(super) fn network(config: &Config) -> Sequential {
    one_hidden_layer([2, config.hidden, CLASSES], &Key::new(config.seed))
}

/// The part of points that a model takes for what they are.
pub(super) fn accuracy(model: &Sequential, (points, labels): &(Tensor, Tensor)) -> f64 {
    let logits = model.forward(points, &mut Context::evaluation());
    logits.argmax(-1).equal(labels).cast(DType::F64).mean(..).item()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_the_parameters_of_the_course() {
        let model = network(&Config::default());
        assert_eq!(model.leaves().iter().map(|leaf| leaf.elements()).sum::<usize>(), 502);
    }
}
