//! A network with one hidden layer whose width grows.

use bolete::data::Randomness;
use bolete::prelude::*;

use super::Config;
use crate::pictures::SIDE;

pub(super) const CLASSES: usize = 10;
pub(super) const INPUTS: usize = SIDE * SIDE;

/// A hidden layer with ReLU and a layer of outputs.
pub(super) type Network = (Linear, Linear);

/// Parameters of a network of this width: (d + 1) H + (H + 1) K.
pub(super) fn parameters(width: usize) -> usize {
    (INPUTS + 1) * width + (width + 1) * CLASSES
}

pub(super) fn outputs((hidden, last): &Network, x: &Tensor) -> Tensor {
    let mut context = Context::evaluation();
    let hidden = hidden.forward(x, &mut context).relu();
    last.forward(&hidden, &mut context)
}

/// Squared distance to the targets, summed over the classes, mean over the pictures.
pub(super) fn squared(outputs: &Tensor, targets: &Tensor) -> Tensor {
    (outputs - targets).square().sum(-1).mean(..)
}

/// A network of this width whose first units are those of a smaller one, if there is one.
pub(super) fn initial(config: &Config, width: usize, smaller: Option<&Network>) -> Network {
    let [first, second] = Key::new(Randomness::keyed(&[config.seed, width as u64]).bits()).split();
    let fresh: Network =
        (LinearConfig::new(INPUTS, width).init(&first), LinearConfig::new(width, CLASSES).init(&second));
    let Some((hidden, last)) = smaller else { return fresh };
    let known = hidden.weight.shape()[0];
    let below = |old: &Tensor, new: &Tensor| {
        Tensor::concatenate(&[old.clone(), new.narrow(0, known, width - known)], 0)
    };
    let beside = |old: &Tensor, new: &Tensor| {
        Tensor::concatenate(&[old.clone(), new.narrow(1, known, width - known)], 1)
    };
    let mut network = fresh;
    network.0.weight = Param::new(below(&hidden.weight, &network.0.weight));
    if let (Some(old), Some(new)) = (&hidden.bias, &network.0.bias) {
        network.0.bias = Some(Param::new(below(old, new)));
    }
    network.1.weight = Param::new(beside(&last.weight, &network.1.weight));
    network.1.bias = last.bias.clone();
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_network_starts_where_the_smaller_one_ended() {
        let config = Config::default();
        let small = initial(&config, 3, None);
        let large = initial(&config, 5, Some(&small));
        assert_eq!(large.0.weight.shape()[0], 5);
        let same = (large.0.weight.narrow(0, 0, 3) - small.0.weight.tensor()).abs().max(..).item()
            + (large.1.weight.narrow(1, 0, 3) - small.1.weight.tensor()).abs().max(..).item();
        assert_eq!(same, 0.0);
        assert_eq!(parameters(1006), 799_780);
    }
}
