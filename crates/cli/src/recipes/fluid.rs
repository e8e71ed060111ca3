//! `fluid`: the shape of a wing, optimised through a simulation of the air around it.
//!
//! All derivatives go through twenty time steps of a Navier-Stokes solver. Source: the `fluidsim` example of HIPS autograd
//! (Maclaurin, Duvenaud, Adams), as the course has it.

use bolete::formats::picture::Picture;
use bolete::nn::Schedule;
use bolete::plot::{Animation, Axes, Figure, HeatMap, Image, Line, image_grid};
use bolete::prelude::*;
use bolete::train::{Event, Fixed, Goal, Learner, Measures, Moment, Monitor};
use bolete::worlds::fluid::WindTunnel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the first shape of the wing.
    seed: u64,
    /// Cells from the ceiling to the floor of the tunnel.
    #[schemars(range(min = 12, max = 512))]
    rows: usize,
    /// Cells from the inlet to the outlet.
    #[schemars(range(min = 18, max = 768))]
    columns: usize,
    /// Time steps of a simulation.
    #[schemars(range(min = 1, max = 200))]
    time_steps: usize,
    /// Sweeps over the pressure for each time step.
    #[schemars(range(min = 1, max = 500))]
    sweeps: usize,
    /// Steps along the gradient.
    #[schemars(range(min = 1, max = 10000))]
    steps: u64,
    /// How far a step goes along the gradient.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: f64,
}

impl Default for Config {
    fn default() -> Config {
        let tunnel = WindTunnel::default();
        Config {
            seed: 0,
            rows: tunnel.rows,
            columns: tunnel.columns,
            time_steps: tunnel.steps,
            sweeps: tunnel.sweeps,
            steps: 100,
            step_size: 1e3,
        }
    }
}

/// Gradient ascent on lift over drag.
struct Ascent {
    tunnel: WindTunnel,
    step_size: f64,
}

impl Learner for Ascent {
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

/// The recipe.
pub struct Fluid;

impl Recipe for Fluid {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "fluid",
        about: "optimise the shape of a wing through a simulation of the air around it",
        group: Group::Lecture(3),
        expected: "lift over drag from about 0 to at least 0.25 within 80 steps",
        time: "under a minute",
    };

    fn config(setting: Setting) -> Config {
        let full = Config::default();
        match setting {
            Setting::Full => full,
            Setting::Quick => Config { steps: 80, ..full },
            Setting::Smoke => Config { rows: 16, columns: 24, time_steps: 2, sweeps: 4, steps: 3, ..full },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let tunnel = WindTunnel {
            rows: config.rows,
            columns: config.columns,
            steps: config.time_steps,
            sweeps: config.sweeps,
            ..WindTunnel::default()
        };
        session.heading("A wing in the wind")?;
        session.say(&format!(
            "The wind blows from the left through a tunnel of {} × {} cells. Each cell in a box has a number that says how \
             solid it is. {} time steps of carrying the velocities along themselves and taking their divergence out, with \
             {} sweeps over the pressure each, give the flow; the mean deflection of the air downwards over its mean loss \
             of speed is lift over drag. Its gradient goes back through all of it, to every cell of the wing.",
            config.rows, config.columns, config.time_steps, config.sweeps
        ))?;
        let first = tunnel.initial_wing(&Key::new(config.seed));
        let learner = Ascent { tunnel: tunnel.clone(), step_size: config.step_size };
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
            first.clone(),
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
        let at = |step: f64| steps.iter().position(|known| *known == step).map(|index| values[index]);
        if let (Some(before), Some(after)) = (at(0.0), fit.last.as_ref()) {
            session.result("lift over drag at first", before, "-0.003")?;
            if let Some(value) = at(79.0).filter(|_| config.steps >= 80) {
                session.result("lift over drag after 79 steps", value, "0.257 after 80 in the course")?;
            }
            session.result("lift over drag at last", after["lift over drag"], "")?;
        }
        let axes = Axes::new("Lift over drag").labels("step", "").with(Line::new(&steps, &values));
        session.figure(
            "lift-over-drag",
            "Every step along the gradient of the whole simulation.",
            &Figure::new(axes),
        )?;
        let panels = [("at first", &first), ("at last", &fit.state)].into_iter().flat_map(|(when, wing)| {
            let frames = tunnel.simulate(wing).frames();
            [0, tunnel.steps / 2, tunnel.steps]
                .map(|frame| (Image::new(picture(&frames, frame, 4)), format!("{when}, time {frame}")))
        });
        let caption =
            "Two bands of smoke show the flow around the obstacle (black) before and after optimisation.";
        session.figure("flow", caption, &image_grid(3, panels.collect::<Vec<_>>()))?;
        let solidity: Vec<f64> = tunnel.solidity(&fit.state).cast(DType::F64).to_vec();
        let map = HeatMap::new(tunnel.rows, tunnel.columns, &solidity).label("solidity");
        session.figure("wing", "The wing that came out.", &Figure::new(Axes::new("The wing").with(map)))?;
        let mut growing = Animation::new(120);
        for wing in &wings {
            growing = growing.picture(picture(&tunnel.simulate(wing).frames(), tunnel.steps, 5));
        }
        session.animation("growing", "How the wing grows, step by step along the gradient.", &growing)?;
        let frames = tunnel.simulate(&fit.state).frames();
        let moving = (0..=tunnel.steps)
            .fold(Animation::new(80), |moving, frame| moving.picture(picture(&frames, frame, 5)));
        session.animation("moving", "The flow around the wing that came out.", &moving)
    }
}

/// A frame of the flow, `zoom` pixels for each cell.
fn picture(frames: &Tensor, frame: usize, zoom: usize) -> Picture {
    let pixels = frames.narrow(0, frame, 1).squeeze(0).repeat_interleave(zoom, 0).repeat_interleave(zoom, 1);
    let (height, width) = (pixels.shape()[0], pixels.shape()[1]);
    Picture::new(width, height, 3, pixels.to_vec()).expect("three bytes a pixel")
}
