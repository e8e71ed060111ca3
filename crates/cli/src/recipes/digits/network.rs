//! The network, and that of a run.

use bolete::prelude::*;
use bolete::train::RunFolder;

use super::Config;

/// Two convolutions with pooling, two fully connected layers: `[batch, 1, 28, 28]` to ten logits.
pub(super) fn network(config: &Config) -> Sequential {
    let [first, second, third, fourth] = Key::new(config.seed).split();
    let convolution = |input: usize, output: usize, key: &Key| {
        let config = Conv2dConfig { padding: Padding::Same, ..Conv2dConfig::new(input, output, [5, 5]) };
        Layer::from(config.init(key))
    };
    let [c1, c2] = config.channels;
    Sequential::new([
        convolution(1, c1, &first),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        convolution(c1, c2, &second),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        Flatten::default().into(),
        LinearConfig::new(7 * 7 * c2, config.hidden).init(&third).into(),
        Activation::Relu.into(),
        Dropout { probability: config.dropout }.into(),
        LinearConfig::new(config.hidden, 10).init(&fourth).into(),
    ])
}

/// The network of a run.
pub(super) fn trained(config: &Config, run: &RunFolder, best: bool) -> anyhow::Result<Sequential> {
    anyhow::ensure!(
        config.channels.iter().all(|size| (1..=1 << 14).contains(size)),
        "{}: the configuration asks for convolutions of {:?} channels, which cannot be",
        run.path().display(),
        config.channels
    );
    let file = if best { run.best_path() } else { run.model_path() };
    Ok(bolete::train::checkpoint::load(file, &network(config))?)
}
