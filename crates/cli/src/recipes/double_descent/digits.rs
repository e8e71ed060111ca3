//! Digits with targets, some of them wrong on purpose.

use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{ImageClassification, Normalisation, Randomness, TrainTest, idx_digits};
use bolete::prelude::*;

use super::Config;
use super::network::{CLASSES, INPUTS, Network, outputs, squared};
use crate::pictures::SIDE;

/// The training and the test digits.
pub(super) fn load(config: &Config) -> anyhow::Result<(Digits, Digits)> {
    let TrainTest { train, test } = match &config.data {
        Some(folder) => idx_digits::load(folder)?,
        None => {
            let unseen = Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), config.seed]).bits();
            let draw = |count, seed| drawn_digits::draw(count, seed, &DrawOptions::default());
            TrainTest { train: draw(config.train_size, config.seed), test: draw(config.test_size, unseen) }
        }
    };
    Ok((
        Digits::new(&train, config.train_size, config.label_noise, config.seed)?,
        Digits::new(&test, config.test_size, 0.0, config.seed)?,
    ))
}

/// Pictures `[n, 784]` and targets `[n, 10]`, ones and zeros.
#[derive(Clone)]
pub(super) struct Digits {
    pub x: Tensor,
    pub targets: Tensor,
}

impl Digits {
    /// The first `count` pictures, with pixels from 0 to 1 less the mean of all pixels of MNIST, without which units of
    /// small networks die; a part of the labels is drawn again.
    fn new(pictures: &ImageClassification, count: usize, noise: f64, seed: u64) -> anyhow::Result<Digits> {
        let mean = Normalisation::mnist().mean[0];
        let shape = pictures.shape();
        anyhow::ensure!(
            (shape.channels, shape.height, shape.width) == (1, SIDE, SIDE),
            "the pictures are {}×{} with {} channels, but the network reads gray ones of 28×28",
            shape.height,
            shape.width,
            shape.channels
        );
        let count = count.min(pictures.labels().len());
        let pixels: Vec<f32> = (0..count)
            .flat_map(|index| pictures.pixels(index))
            .map(|pixel| f32::from(*pixel) / 255.0 - mean)
            .collect();
        let labels = Tensor::from_slice(&pictures.labels()[..count], [count]);
        let [which, what] = Key::new(seed).split();
        let labels = which.bernoulli(noise, [count]).select(what.randint(0, CLASSES as i64, [count]), labels);
        let digits = Digits {
            x: Tensor::from_vec(pixels, [count, INPUTS]),
            targets: labels.one_hot(CLASSES, DType::F32),
        };
        eval([&digits.targets]);
        Ok(digits)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.targets.shape()[0]
    }

    /// Squared and zero-one loss of a network.
    pub fn losses(&self, network: &Network) -> [f64; 2] {
        let outputs = outputs(network, &self.x);
        let wrong = outputs.argmax(-1).not_equal(self.targets.argmax(-1)).cast(DType::F64).mean(..);
        [squared(&outputs, &self.targets).item(), wrong.item()]
    }
}
