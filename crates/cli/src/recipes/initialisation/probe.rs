//! What first weights do to the signal that runs through a deep network, and to the gradient that runs back.

use bolete::prelude::*;

/// Whether numbers still tell anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// They do.
    Alive,
    /// All are alike, or too small to matter.
    Dead,
    /// They are infinite or far too large.
    Exploded,
}

impl Health {
    /// Below this standard deviation a signal is dead, above its reciprocal it has exploded.
    const LIMIT: f64 = 1e-6;

    /// The health of a signal of this standard deviation.
    pub fn of(deviation: f64) -> Health {
        match deviation {
            value if value < Health::LIMIT => Health::Dead,
            value if value <= 1.0 / Health::LIMIT => Health::Alive,
            _ => Health::Exploded,
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Health::Alive => "alive",
            Health::Dead => "dead",
            Health::Exploded => "exploded",
        }
    }
}

/// One signal in one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Mean of the magnitudes.
    pub magnitude: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Mean of the squares.
    pub square: f64,
}

impl Spread {
    fn of(values: &Tensor) -> Spread {
        let values = values.cast(DType::F64);
        let spreads = [values.abs().mean(..), values.std(.., 0), values.square().mean(..)];
        eval(spreads.iter());
        let [magnitude, deviation, square] = spreads.map(|spread| spread.item());
        Spread { magnitude, deviation, square }
    }

    /// Whether it still tells anything.
    pub fn health(&self) -> Health {
        Health::of(self.deviation)
    }
}

/// What was seen of a network, by layer from the first to the last.
pub struct Signals {
    /// Before the activation, `[batch, width]`.
    pub inputs: Vec<Tensor>,
    /// After the activation.
    pub activations: Vec<Tensor>,
    /// The gradient of the sum of all outputs with respect to `inputs`.
    pub gradients: Vec<Tensor>,
}

impl Signals {
    /// The spread of each layer of `tensors`.
    pub fn spreads(tensors: &[Tensor]) -> Vec<Spread> {
        tensors.iter().map(Spread::of).collect()
    }
}

type Seen = (Vec<Tensor>, Vec<Tensor>, Vec<Tensor>);

/// Networks of one form, with new weights each time.
pub struct Probe {
    depth: usize,
    width: usize,
    batch: usize,
    step: Step<'static, (Vec<Tensor>, Tensor, Tensor), Seen>,
}

impl Probe {
    /// `depth` fully connected layers of `width` units, each followed by the activation, seeing `batch` inputs.
    pub fn new(depth: usize, width: usize, batch: usize, activation: Activation) -> Probe {
        let step = Step::new(move |(weights, input, direction): (Vec<Tensor>, Tensor, Tensor)| {
            // Zeros added before each activation: their gradients are those of what they are added to.
            let zeros: Vec<Tensor> =
                weights.iter().map(|_| Tensor::zeros([batch, width], DType::F32)).collect();
            let ((_, (inputs, activations)), gradients) = value_and_grad(|shifts: &Vec<Tensor>| {
                let (mut inputs, mut activations) = (Vec::new(), Vec::new());
                let mut signal = input.clone();
                for (weight, shift) in weights.iter().zip(shifts) {
                    let before = signal.matmul(&weight.t()) + shift;
                    signal = activation.forward(&before, &mut Context::evaluation());
                    inputs.push(before);
                    activations.push(signal.clone());
                }
                ((signal * &direction).sum(..), (inputs, activations))
            })(&zeros);
            (inputs, activations, gradients)
        });
        Probe { depth, width, batch, step }
    }

    /// The signals for weights and inputs N(0, 1) that a key decides; gradients are those of the sum of all outputs.
    pub fn look(&mut self, initialiser: Initialiser, key: &Key) -> Signals {
        self.look_from(initialiser, key, Tensor::ones([self.batch, self.width], DType::F32))
    }

    /// As [`look`](Probe::look), with the gradients of a sum of the outputs whose weights are drawn from N(0, 1).
    pub fn look_from_anywhere(&mut self, initialiser: Initialiser, key: &Key) -> Signals {
        let [_, _, direction] = key.split();
        self.look_from(initialiser, key, direction.normal([self.batch, self.width], DType::F32))
    }

    fn look_from(&mut self, initialiser: Initialiser, key: &Key, direction: Tensor) -> Signals {
        let [input, weights, _] = key.split();
        let input = input.normal([self.batch, self.width], DType::F32);
        let keys = weights.split_many(self.depth);
        let weights = (0..self.depth).map(|layer| {
            let key = Key::from_tensor(keys.narrow(0, layer, 1).reshape([0usize; 0]));
            initialiser.weight([self.width, self.width], &key, DType::F32)
        });
        let weights: Vec<Tensor> = weights.collect();
        eval(weights.iter().chain([&input, &direction]));
        let (inputs, activations, gradients) = self.step.call((weights, input, direction));
        Signals { inputs, activations, gradients }
    }
}

/// By which factor the mean square changes from layer to layer: the mean over layers of the ratio of each to the one before it,
/// in the order of `spreads`.
pub fn factors(spreads: &[Spread]) -> Vec<f64> {
    spreads.windows(2).map(|pair| pair[1].square / pair[0].square).collect()
}

#[cfg(test)]
mod tests {
    use super::super::weights::Weights;
    use super::*;

    #[test]
    fn zero_weights_kill_and_large_ones_explode() {
        let mut probe = Probe::new(10, 256, 64, Activation::Relu);
        let mut last = |weights: Weights| {
            let signals = probe.look(weights.initialiser(), &Key::new(1));
            let of = |tensor: &Tensor| Signals::spreads(std::slice::from_ref(tensor))[0].health();
            (of(&signals.activations[9]), of(&signals.gradients[0]))
        };
        assert_eq!(last(Weights::Zero), (Health::Dead, Health::Dead));
        assert_eq!(last(Weights::Small), (Health::Dead, Health::Dead));
        assert_eq!(last(Weights::Normal), (Health::Exploded, Health::Exploded));
        assert_eq!(last(Weights::He), (Health::Alive, Health::Alive));
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut probe = Probe::new(3, 4, 2, Activation::Tanh);
        let key = Key::new(5);
        let signals = probe.look(Initialiser::XavierNormal { gain: 1.0 }, &key);
        // Of the last layer the gradient of Σ tanh z is 1 − tanh² z.
        let expected = 1.0 - signals.activations[2].square();
        let difference = (&signals.gradients[2] - expected).abs().max(..).item();
        assert!(difference < 1e-6, "{difference}");
    }
}
