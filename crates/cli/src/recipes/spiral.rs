//! `spiral`: two spirals that no line separates and that 100 hidden units do.

mod figures;
mod mesh;
mod models;
mod training;

use bolete::data::synthetic;
use bolete::prelude::*;
use bolete::train::{Fixed, OptimiserConfig, OptimiserKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use mesh::Mesh;
use models::{accuracy, linear, network};

/// Spirals.
const CLASSES: usize = 2;

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
        let points = points(config, config.seed);
        let fresh = self::points(config, config.seed.wrapping_add(1 << 40));
        let (data, test) = (Fixed::new(points.clone()), Fixed::new(fresh));

        session.heading("A linear model")?;
        session.progress("training a linear model")?;
        let straight = training::linear_model(config, &data)?;
        session.say(
            "Logits that are linear in x have a straight line as boundary, and the spirals wind around each other: \
             whatever the line, many points lie on its wrong side.",
        )?;
        session.result("linear model, training accuracy", straight.accuracy, "about 0.5")?;

        session.heading("One hidden layer")?;
        let model = network(config);
        let parameters: usize = model.leaves().iter().map(|leaf| leaf.elements()).sum();
        session.result("parameters", parameters as f64, "502 for 100 hidden units")?;
        let mesh = Mesh::new(config.mesh.max(0.04));
        let (bent, frames) = training::network(config, session, &model, (&data, &test), &mesh)?;
        session.say(
            "Each hidden unit cuts the plane along a line and is 0 on one side of it. Their sum is linear within each \
             of the many cells in between, so that the boundary is a chain of straight pieces that can follow a spiral.",
        )?;
        session.result(
            "network, training accuracy",
            accuracy(&bent.model, &points),
            "0.96 to 0.975 with PyTorch (4 seeds)",
        )?;
        session.result("network, accuracy on fresh points", bent.accuracy, "")?;
        let fine = Mesh::new(config.mesh);
        figures::boundaries(
            session,
            &fine,
            [("linear", &straight.model), ("100 hidden units", &bent.model)],
            &points,
        )?;
        figures::training(session, &mesh, &frames, &points)?;
        figures::losses(session, [("linear model", &straight.losses), ("network", &bent.losses)])?;
        session.table(
            "Regions of class 1 on the mesh",
            &["model", "part of the square"],
            vec![
                vec!["linear".to_owned(), format!("{:.3}", fine.share(&straight.model))],
                vec!["network".to_owned(), format!("{:.3}", fine.share(&bent.model))],
            ],
        )
    }
}

/// Points of both spirals `[n, 2]` and their classes `[n]`.
fn points(config: &Config, seed: u64) -> (Tensor, Tensor) {
    let spiral = synthetic::spiral(CLASSES, config.per_class, config.noise, seed);
    let count = spiral.len();
    (Tensor::from_vec(spiral.points, [count, 2]).cast(DType::F32), Tensor::from_vec(spiral.labels, [count]))
}
