//! `spiral`: two spirals that no line separates and that 100 hidden units do.

mod figures;

use std::io;
use std::sync::Arc;

use bolete::data::synthetic;
use bolete::prelude::*;
use bolete::train::{AnyOptimiser, Classification, Event, Fixed, OptimiserConfig, OptimiserKind, Supervised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the points and the first weights.
    pub seed: u64,
    /// Points on each spiral.
    #[schemars(range(min = 2, max = 100000))]
    pub per_class: usize,
    /// Standard deviation of the noise in the angle, in radians.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub noise: f64,
    /// Hidden units.
    #[schemars(range(min = 1, max = 100000))]
    pub hidden: usize,
    /// Distance of the mesh points at which decisions are looked at.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub mesh: f64,
    /// How parameters follow gradients.
    pub optimizer: OptimiserConfig,
    /// How long and how often; an epoch is one step with all points.
    pub trainer: TrainerConfig,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            per_class: 100,
            noise: 0.2,
            hidden: 100,
            mesh: 0.01,
            optimizer: OptimiserConfig {
                kind: OptimiserKind::Adam,
                lr: 1e-3,
                weight_decay: 0.0,
                ..OptimiserConfig::default()
            },
            trainer: TrainerConfig {
                epochs: 1_000,
                evaluate_every: Some(100),
                checkpoint_every: Some(200),
                ..TrainerConfig::default()
            },
        }
    }
}

/// The recipe.
pub struct Spiral;

/// Spirals.
const CLASSES: usize = 2;
/// Half the side of the square that is looked at.
const REACH: f64 = 1.1;
/// Pictures of the animation.
const FRAMES: u64 = 25;

impl Recipe for Spiral {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "spiral",
        about: "two spirals: a linear model fails, 100 hidden units separate them; decision regions while training",
        group: Group::Lecture(2),
        expected: "training accuracy 0.47 to 0.53 for the linear model, 0.95 to 0.97 for 502 parameters (seeds 0 to 4)",
        time: "3 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { mesh: 0.02, ..whole },
            Setting::Smoke => {
                Config { mesh: 0.2, trainer: TrainerConfig { epochs: 20, ..whole.trainer.clone() }, ..whole }
            }
        }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        Ok(format!(
            "Data: {CLASSES} spirals of {} points each\n\n{}\n{}",
            config.per_class,
            summarise(&linear(config), [1, 2]),
            summarise(&network(config), [1, 2])
        ))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let (points, labels) = points(config, config.seed);
        let fresh = self::points(config, config.seed.wrapping_add(1 << 40));
        let (data, test) = (Fixed::new((points.clone(), labels.clone())), Fixed::new(fresh));

        session.heading("A linear model")?;
        let learner = Arc::new(learner());
        let mut curves = [("linear model", Vec::new()), ("network", Vec::new())];
        let state = learner.state(linear(config), config.optimizer.init(&linear(config)));
        let trainer = TrainerConfig { seed: config.seed, ..config.trainer.clone() };
        let schedule = config.optimizer.schedule(config.trainer.epochs);
        session.progress("training a linear model")?;
        let fit = Trainer::new(trainer.clone()).with_schedule(schedule).fit(
            &learner,
            state,
            &data,
            Some(&data),
            &mut |event, _| {
                note(event, &mut curves[0].1);
                Ok(())
            },
        )?;
        let straight = fit.state.used().clone();
        let measured = fit.last.unwrap_or_default().means;
        session.say(
            "Logits that are linear in x have a straight line as boundary, and the spirals wind around each other: \
             whatever the line, many points lie on its wrong side.",
        )?;
        session.result("linear model, training accuracy", measured["accuracy"], "about 0.5")?;

        session.heading("One hidden layer")?;
        let model = network(config);
        let parameters: usize = model.leaves().iter().map(|leaf| leaf.elements()).sum();
        session.result("parameters", parameters as f64, "502 for 100 hidden units")?;
        let state = learner.state(model.clone(), config.optimizer.init(&model));
        let every = (config.trainer.epochs / FRAMES).max(1);
        let mut frames = Vec::new();
        let mesh = Mesh::new(config.mesh.max(0.04));
        let mut watch = |event: &Event, state: &State| -> io::Result<Option<String>> {
            note(event, &mut curves[1].1);
            if let Event::Progress(progress) = event
                && progress.step.is_multiple_of(every)
            {
                frames.push((progress.step, mesh.probability(&state.model)));
            }
            Ok(None)
        };
        let trainer = TrainerConfig { report_every: every, ..trainer };
        let fit = session.fit(&learner, state, &data, Some(&test), &trainer, schedule, &mut watch)?;
        let bent = fit.state.used().clone();
        session.say(
            "Each hidden unit cuts the plane along a line and is 0 on one side of it. Their sum is linear within each \
             of the many cells in between, so that the boundary is a chain of straight pieces that can follow a spiral.",
        )?;
        let right = |model: &Sequential, (points, labels): &(Tensor, Tensor)| {
            let logits = model.forward(points, &mut Context::evaluation());
            logits.argmax(-1).equal(labels).cast(DType::F64).mean(..).item()
        };
        let tested = fit.last.unwrap_or_default().means["accuracy"];
        session.result(
            "network, training accuracy",
            right(&bent, &(points.clone(), labels.clone())),
            "0.96 to 0.975 with PyTorch (4 seeds)",
        )?;
        session.result("network, accuracy on fresh points", tested, "")?;
        let fine = Mesh::new(config.mesh);
        let points = (points, labels);
        let panel = |title: &str, model: &Sequential| {
            let title = format!("{title}: {:.1} % right", 100.0 * right(model, &points));
            figures::regions(title, &fine, &fine.probability(model), &points, 300.0)
        };
        let panels = [panel("linear", &straight), panel("100 hidden units", &bent)];
        figures::boundaries(session, panels)?;
        figures::training(session, &mesh, &frames, &points)?;
        figures::losses(session, &curves)?;
        let share = |model: &Sequential| {
            let probability = fine.probability(model);
            probability.iter().filter(|p| **p > 0.5).count() as f64 / probability.len() as f64
        };
        session.table(
            "Regions of class 1 on the mesh",
            &["model", "part of the square"],
            vec![
                vec!["linear".to_owned(), format!("{:.3}", share(&straight))],
                vec!["network".to_owned(), format!("{:.3}", share(&bent))],
            ],
        )
    }
}

/// Keeps the training loss of a report.
fn note(event: &Event, curve: &mut Vec<(f64, f64)>) {
    if let Event::Progress(progress) = event {
        curve.push((progress.step as f64, progress.means["loss"]));
    }
}

type State = bolete::train::SupervisedState<Sequential, AnyOptimiser>;

fn learner() -> Supervised<Sequential, (Tensor, Tensor), AnyOptimiser> {
    Classification::default().learner()
}

fn points(config: &Config, seed: u64) -> (Tensor, Tensor) {
    let spiral = synthetic::spiral(CLASSES, config.per_class, config.noise, seed);
    let count = spiral.len();
    (Tensor::from_vec(spiral.points, [count, 2]).cast(DType::F32), Tensor::from_vec(spiral.labels, [count]))
}

fn linear(config: &Config) -> Sequential {
    Sequential::new([LinearConfig::new(2, CLASSES).init(&Key::new(config.seed)).into()])
}

/// 2-100-2 with ReLU.
fn network(config: &Config) -> Sequential {
    let [first, second] = Key::new(config.seed).split();
    Sequential::new([
        LinearConfig::new(2, config.hidden).init(&first).into(),
        Activation::Relu.into(),
        LinearConfig::new(config.hidden, CLASSES).init(&second).into(),
    ])
}

/// Points of a square, row by row from below.
struct Mesh {
    /// The coordinates along each side.
    side: Vec<f64>,
    /// `[side², 2]`.
    points: Tensor,
}

impl Mesh {
    fn new(step: f64) -> Mesh {
        let count = (2.0 * REACH / step).round() as usize + 1;
        let side = Tensor::linspace(-REACH, REACH, count, DType::F64);
        let [y, x]: [Tensor; 2] =
            Tensor::meshgrid(&[side.clone(), side.clone()]).try_into().expect("as many grids as vectors");
        let points = Tensor::stack(&[x.flatten(), y.flatten()], 1).cast(DType::F32);
        Mesh { side: side.to_vec(), points }
    }

    /// The probability of class 1 at each point.
    fn probability(&self, model: &Sequential) -> Vec<f64> {
        let logits = model.forward(&self.points, &mut Context::evaluation());
        logits.softmax(-1).narrow(1, 1, 1).cast(DType::F64).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_the_parameters_of_the_course() {
        let model = network(&Config::default());
        assert_eq!(model.leaves().iter().map(|leaf| leaf.elements()).sum::<usize>(), 502);
    }

    #[test]
    fn the_mesh_runs_from_corner_to_corner() {
        let mesh = Mesh::new(0.01);
        assert_eq!(mesh.side.len(), 221);
        let points = mesh.points.to_vec::<f32>();
        assert_eq!((points[0], points[1]), (-1.1, -1.1));
        assert_eq!((points[2 * 220], points[2 * 220 + 1]), (1.1, -1.1));
    }
}
