//! Training, with what is kept for the figures.

use std::io;
use std::sync::Arc;

use bolete::prelude::*;
use bolete::train::{AnyOptimiser, Classification, Event, Fixed, Supervised, SupervisedState};

use super::Config;
use super::mesh::Mesh;
use super::models::linear;
use crate::session::Session;

type Points = Fixed<(Tensor, Tensor)>;

type State = SupervisedState<Sequential, AnyOptimiser>;

/// Pictures of the animation.
const FRAMES: u64 = 25;

/// The number of a step, and the probabilities of class 1 on the mesh after it.
pub(super) type Frame = (u64, Vec<f64>);

/// A model that was trained.
pub(super) struct Trained {
    pub model: Sequential,
    /// Its accuracy when it was last evaluated.
    pub accuracy: f64,
    /// Training losses by step.
    pub losses: Vec<(f64, f64)>,
}

/// Trains the linear model, which is tested on the points that it learns from.
pub(super) fn linear_model(config: &Config, data: &Points) -> anyhow::Result<Trained> {
    let learner = Arc::new(learner());
    let model = linear(config);
    let state = learner.state(model.clone(), config.optimizer.init(&model));
    let trainer = TrainerConfig { seed: config.seed, ..config.trainer.clone() };
    let schedule = config.optimizer.schedule(config.trainer.epochs);
    let mut losses = Vec::new();
    let fit = Trainer::new(trainer).with_schedule(schedule).fit(
        &learner,
        state,
        data,
        Some(data),
        &mut |event, _| {
            note(event, &mut losses);
            Ok(())
        },
    )?;
    let model = fit.state.used().clone();
    Ok(Trained { model, accuracy: fit.last.unwrap_or_default().means["accuracy"], losses })
}

/// Trains the network, and looks at the mesh on the way.
pub(super) fn network(
    config: &Config,
    session: &mut Session,
    model: &Sequential,
    (data, test): (&Points, &Points),
    mesh: &Mesh,
) -> anyhow::Result<(Trained, Vec<Frame>)> {
    let learner = Arc::new(learner());
    let state = learner.state(model.clone(), config.optimizer.init(model));
    let every = (config.trainer.epochs / FRAMES).max(1);
    let trainer = TrainerConfig { seed: config.seed, report_every: every, ..config.trainer.clone() };
    let schedule = config.optimizer.schedule(config.trainer.epochs);
    let (mut losses, mut frames) = (Vec::new(), Vec::new());
    let mut watch = |event: &Event, state: &State| -> io::Result<Option<String>> {
        note(event, &mut losses);
        if let Event::Progress(progress) = event
            && progress.step.is_multiple_of(every)
        {
            frames.push((progress.step, mesh.probability(&state.model)));
        }
        Ok(None)
    };
    let fit = session.fit(&learner, state, data, Some(test), &trainer, schedule, &mut watch)?;
    let model = fit.state.used().clone();
    Ok((Trained { model, accuracy: fit.last.unwrap_or_default().means["accuracy"], losses }, frames))
}

fn learner() -> Supervised<Sequential, (Tensor, Tensor), AnyOptimiser> {
    Classification::default().learner()
}

/// Keeps the training loss of a report.
fn note(event: &Event, curve: &mut Vec<(f64, f64)>) {
    if let Event::Progress(progress) = event {
        curve.push((progress.step as f64, progress.means["loss"]));
    }
}
