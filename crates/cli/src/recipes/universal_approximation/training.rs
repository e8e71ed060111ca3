//! Networks that learn the curve.

use bolete::prelude::*;

use super::shallow::{Sampled, greedy};
use super::{Config, Errors};
use crate::networks::one_hidden_layer;
use crate::recipes::gradient_descent::curve;
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("ReLUs, trained")?;
    let (mut rows, mut errors) = (Vec::new(), Errors::new());
    for hidden in &config.hidden {
        anyhow::ensure!(*hidden > 0, "`hidden` must be numbers from 1 on, found 0");
        session.progress(&format!("training {hidden} hidden units"))?;
        let output = trained(config, *hidden, truth);
        let (_, error) = truth.largest_error(&output);
        let square =
            truth.y.iter().zip(&output).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / truth.y.len() as f64;
        errors.push((*hidden as f64, error));
        let by_knots = greedy(truth, hidden + 1).1.last().copied().unwrap_or_default();
        rows.push(vec![
            hidden.to_string(),
            format!("{error:.3}"),
            format!("{:.3}", square.sqrt()),
            format!("{by_knots:.3}"),
        ]);
    }
    session.say(
        "The theorem says that good weights exist, not that gradient descent finds them. Trained networks follow the \
         curve better the more units they have, but with the same number of units they stay behind the construction.",
    )?;
    let header =
        ["hidden units", "largest error, trained", "root mean square error", "largest error, greedy"];
    session.table("Trained networks", &header, rows)?;
    Ok(errors)
}

/// Trains a network on the curve by Adam; gives its curve.
fn trained(config: &Config, hidden: usize, truth: &Sampled) -> Vec<f64> {
    let [low, high] = config.interval;
    let inputs = |x: &Tensor| ((x - (low + high) / 2.0) / ((high - low) / 2.0)).cast(DType::F32).unsqueeze(1);
    let (middle, spread) = (truth.y.iter().sum::<f64>() / truth.y.len() as f64, 3.0);
    let x = Tensor::linspace(low, high, 551, DType::F64);
    let targets = ((curve(&x) - middle) / spread).cast(DType::F32);
    let (x, everywhere) = (inputs(&x), inputs(&truth.tensor()));
    let model = one_hidden_layer([1, hidden, 1], &Key::new(config.seed));
    let optimiser = AdamConfig { learning_rate: config.rate, ..AdamConfig::default() }.init(&model);
    let schedule = Schedule::Cosine { warm_up: 0, total: config.updates as u64, last: 0.01 };
    let mut step = Step::new(|(model, optimiser, rate): (Sequential, Adam, Tensor)| {
        let (_, slopes) = value_and_grad(|model: &Sequential| {
            mean_squared_error(&model.forward(&x, &mut Context::evaluation()).squeeze(1), &targets)
        })(&model);
        optimiser.with_learning_rate(rate).update(model, &slopes)
    });
    let mut state = (model, optimiser);
    for update in 0..config.updates {
        let rate = config.rate * schedule.factor(update as u64);
        state = step.call((state.0, state.1, Tensor::from(rate)));
    }
    let output = state.0.forward(&everywhere, &mut Context::evaluation());
    (output.cast(DType::F64) * spread + middle).to_vec()
}
