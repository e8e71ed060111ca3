//! Stochastic gradient descent with momentum on the squared loss.

use bolete::data::Randomness;
use bolete::prelude::*;

use super::Config;
use super::digits::Digits;
use super::network::{Network, outputs, squared};
use crate::session::Session;

/// A width that was trained.
pub(super) struct Trained {
    pub width: usize,
    pub epochs: usize,
    /// Squared and zero-one.
    pub train: [f64; 2],
    pub test: [f64; 2],
}

/// Trains until the training loss is small enough or the epochs are over; says how many it took.
pub(super) fn train(
    config: &Config,
    start: Network,
    train: &Digits,
    session: &mut Session,
) -> anyhow::Result<(Network, usize)> {
    let count = train.count();
    let size = config.batch_size.min(count);
    let width = start.0.weight.shape()[0];
    let optimiser = SgdConfig { learning_rate: config.lr, momentum: config.momentum, ..SgdConfig::default() }
        .init(&start);
    let mut step = Step::new(|(network, optimiser, rows, rate): (Network, Sgd, Tensor, Tensor)| {
        let (x, targets) = (train.x.take(&rows, 0), train.targets.take(&rows, 0));
        let (loss, slopes) =
            value_and_grad(|network: &Network| squared(&outputs(network, &x), &targets))(&network);
        let (network, optimiser) = optimiser.with_learning_rate(rate).update(network, &slopes);
        (network, optimiser, loss)
    });
    let (mut network, mut optimiser) = (start, optimiser);
    for epoch in 0..config.epochs {
        let decay = 0.1f64.powf(epoch as f64 / config.epochs as f64);
        let rate = Tensor::scalar(config.lr * decay, DType::F64);
        let key = Key::new(Randomness::keyed(&[config.seed, width as u64, epoch as u64 + 1]).bits());
        let order = key.permutation(count);
        eval([&order]);
        let mut total = Tensor::scalar(0.0, DType::F32);
        let batches = count / size;
        for batch in 0..batches {
            let rows = order.narrow(0, batch * size, size);
            let loss;
            (network, optimiser, loss) = step.call((network, optimiser, rows, rate.clone()));
            total = total + loss;
        }
        let loss = total.item() / batches as f64;
        session.progress(&format!(
            "{width} units, epoch {} of at most {}: loss {loss:.5}",
            epoch + 1,
            config.epochs
        ))?;
        anyhow::ensure!(
            loss.is_finite(),
            "training of {width} units diverged in epoch {}: lower lr, now {}",
            epoch + 1,
            config.lr
        );
        if loss < config.enough {
            return Ok((network, epoch + 1));
        }
    }
    Ok((network, config.epochs))
}
