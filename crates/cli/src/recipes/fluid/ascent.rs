//! Gradient ascent on lift over drag, and what is kept of the way.

use bolete::nn::Schedule;
use bolete::prelude::*;
use bolete::train::{Event, Fixed, Goal, Learner, Measures, Moment, Monitor};
use bolete::worlds::fluid::WindTunnel;

use super::Config;
use crate::session::Session;

/// What goes a step along the gradient.
struct Climber {
    tunnel: WindTunnel,
    step_size: f64,
}

impl Learner for Climber {
    type State = Tensor;
    type Batch = Tensor;
    type Model = Tensor;

    fn step(&self, wing: Tensor, _: Tensor, moment: &mut Moment) -> Tensor {
        let (wing, value) = self.tunnel.ascend(&wing, self.step_size);
        moment.measures().mean("lift over drag", &value, 1.0);
        wing
    }

    fn evaluate(&self, wing: &Tensor, _: &Tensor, _: &mut Context, measures: &mut Measures) {
        measures.mean("lift over drag", &self.tunnel.lift_to_drag(wing), 1.0);
    }

    fn model(&self, wing: &Tensor) -> Tensor {
        wing.clone()
    }
}

/// The way from the first wing to the last.
pub(super) struct Ascent {
    /// Numbers of the steps that were made before each measurement.
    pub steps: Vec<f64>,
    /// Lift over drag after so many steps.
    pub values: Vec<f64>,
    /// Wings on the way, the first one first.
    pub wings: Vec<Tensor>,
    /// The wing that came out.
    pub wing: Tensor,
    /// Its lift over drag.
    pub last: Option<f64>,
}

impl Ascent {
    /// Optimises a wing for as many steps as are configured.
    pub fn new(config: &Config, session: &mut Session, tunnel: &WindTunnel) -> anyhow::Result<Ascent> {
        let first = tunnel.initial_wing(&Key::new(config.seed));
        let learner = Climber { tunnel: tunnel.clone(), step_size: config.step_size };
        let trainer = TrainerConfig {
            epochs: config.steps,
            report_every: 1,
            checkpoint_every: Some(20),
            evaluate_every: Some(20),
            monitor: Monitor { measure: "lift over drag".to_owned(), goal: Goal::Highest },
            ..TrainerConfig::default()
        };
        let data = Fixed::new(Tensor::from(0.0f32));
        let (mut steps, mut values, mut wings) = (Vec::new(), Vec::new(), vec![first.clone()]);
        let every = (config.steps / 25).max(1);
        let fit = session.fit(
            &learner.into(),
            first,
            &data,
            Some(&data),
            &trainer,
            Schedule::Constant,
            &mut |event, wing| {
                if let Event::Progress(progress) = event {
                    // What is measured is that of the wing before the step.
                    steps.push((progress.step - 1) as f64);
                    values.push(progress.means["lift over drag"]);
                    if progress.step.is_multiple_of(every) {
                        wings.push(wing.clone());
                    }
                }
                Ok(None)
            },
        )?;
        let last = fit.last.as_ref().map(|evaluation| evaluation["lift over drag"]);
        Ok(Ascent { steps, values, wings, wing: fit.state, last })
    }

    /// Lift over drag after so many steps.
    pub fn value_after(&self, steps: u64) -> Option<f64> {
        self.steps.iter().position(|known| *known == steps as f64).map(|index| self.values[index])
    }
}
