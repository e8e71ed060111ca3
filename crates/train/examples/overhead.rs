//! What the trainer adds to a bare step: a small network trained by both, alternating.
//!
//! `cargo run --release -p bolete-train --example overhead`

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use bolete_nn::{Activation, AdamConfig, LinearConfig, Module, Sequential, UpdateRule, mean_squared_error};
use bolete_tensor::{DType, Key, Step, Tensor, value_and_grad};
use bolete_train::{Generated, RunFolder, Supervised, Trainer, TrainerConfig};

const STEPS: u64 = 20_000;
const REPEATS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let [first, second, third, data] = Key::new(0).split();
    let model = Sequential::new([
        LinearConfig::new(2, 32).init(&first).into(),
        Activation::Tanh.into(),
        LinearConfig::new(32, 32).init(&second).into(),
        Activation::Tanh.into(),
        LinearConfig::new(32, 1).init(&third).into(),
    ]);
    let x = data.normal([32, 2], DType::F32);
    let y = x.square().sum(1);
    bolete_tensor::eval([&x, &y]);
    let loss = |model: &Sequential, x: &Tensor, y: &Tensor, context: &mut bolete_nn::Context| {
        mean_squared_error(&model.forward(x, context).squeeze(1), y)
    };

    let bare = || {
        let mut step =
            Step::new(|(model, optimiser, x, y): (Sequential, bolete_nn::Adam, Tensor, Tensor)| {
                use bolete_nn::Optimiser as _;
                let (_, slopes) = value_and_grad(|model: &Sequential| {
                    loss(model, &x, &y, &mut bolete_nn::Context::training(Key::new(0)))
                })(&model);
                optimiser.update(model, &slopes)
            });
        let mut state = (model.clone(), AdamConfig::default().init(&model));
        state = step.call((state.0, state.1, x.clone(), y.clone()));
        let begin = Instant::now();
        for _ in 0..STEPS {
            state = step.call((state.0, state.1, x.clone(), y.clone()));
        }
        begin.elapsed().as_secs_f64() / STEPS as f64 * 1e6
    };
    let trained = |run: Option<&RunFolder>| {
        let learner = Arc::new(Supervised::new(
            move |model: &Sequential, (x, y): &(Tensor, Tensor), context: &mut bolete_nn::Context, _| {
                mean_squared_error(&model.forward(x, context).squeeze(1), y)
            },
        ));
        let state = learner.state(model.clone(), AdamConfig::default().init(&model));
        let batch = (x.clone(), y.clone());
        let source = Generated::new(STEPS, 0, move |_| batch.clone());
        let trainer = Trainer::new(TrainerConfig { report_every: 100, ..TrainerConfig::default() });
        let trainer = match run {
            Some(run) => trainer.with_run(run),
            None => trainer,
        };
        let mut begin = Instant::now();
        let mut first = true;
        let fit = trainer.fit(&learner, state, &source, None, &mut |event, _| {
            // Without planning, as for the bare step.
            if matches!(event, bolete_train::Event::Progress(_)) && std::mem::take(&mut first) {
                begin = Instant::now();
            }
            Ok(())
        });
        fit.map(|_| begin.elapsed().as_secs_f64() / (STEPS - 100) as f64 * 1e6)
    };
    let folder = std::env::temp_dir().join(format!("bolete-overhead-{}", std::process::id()));
    let mut rows = Vec::new();
    for repeat in 0..REPEATS {
        let run = RunFolder::create(folder.join(repeat.to_string()), "overhead", &())?;
        rows.push([bare(), trained(None)?, trained(Some(&run))?]);
    }
    std::fs::remove_dir_all(&folder)?;
    let median = |column: usize| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        values.sort_by(f64::total_cmp);
        values[REPEATS / 2]
    };
    println!("bare step                      {:7.2} µs", median(0));
    println!("trainer, in memory             {:7.2} µs", median(1));
    println!("trainer, with a run folder     {:7.2} µs (a report every 100 steps)", median(2));
    Ok(())
}
