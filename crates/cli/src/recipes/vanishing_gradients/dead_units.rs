//! Units that large steps push to where no gradient reaches them.

use bolete::prelude::*;

use super::Config;
use super::network::{KINDS, LEAK, dead, loss, network};
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, data: &(Tensor, Tensor)) -> anyhow::Result<()> {
    session.heading("Dead units")?;
    session.say(&format!(
        "A ReLU that is 0 for every picture gets no gradient and can never come back. Large steps (rate {}) push units \
         there; a leaky ReLU of slope {LEAK} always lets some gradient through.",
        config.rate
    ))?;
    // Three hidden layers, so that the steps do something.
    let shallow = Config { depth: config.depth.min(3), ..config.clone() };
    let mut rows = Vec::new();
    let [(relu, plain), (leaky, leaking)] = [KINDS[2], KINDS[3]];
    for (name, activation, rate) in
        [(relu, plain, config.rate), (relu, plain, 2.0 * config.rate), (leaky, leaking, config.rate)]
    {
        session.progress(&format!("training with {name}"))?;
        let mut model = network(&shallow, activation);
        let before = dead(&model, &data.0);
        let mut step = Step::new(|(model, data): (Sequential, (Tensor, Tensor))| {
            let slopes = grad(|model: &Sequential| loss(model, &data))(&model);
            SgdConfig { learning_rate: rate, ..SgdConfig::default() }.init(&model).update(model, &slopes).0
        });
        for _ in 0..config.updates {
            model = step.call((model, data.clone()));
        }
        let end = loss(&model, data).item();
        // Too large a rate can carry the weights to infinity, where no unit is anything.
        let after = if end.is_finite() { dead(&model, &data.0) } else { f64::NAN };
        rows.push(vec![
            name.to_owned(),
            format!("{rate}"),
            format!("{:.1} %", 100.0 * before),
            format!("{:.1} %", 100.0 * after),
            format!("{end:.3}"),
        ]);
        let expected = if name == leaky { "0" } else { "" };
        session.result(&format!("dead units, {name} at rate {rate}"), after, expected)?;
    }
    let header = ["activation", "rate", "dead at first", &format!("after {} steps", config.updates), "loss"];
    session.table("Units that are 0 for all pictures", &header, rows)
}
