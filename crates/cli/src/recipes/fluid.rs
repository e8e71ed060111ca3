//! `fluid`: the shape of a wing, optimised through a simulation of the air around it.
//!
//! All derivatives go through twenty time steps of a Navier-Stokes solver. Source: the `fluidsim` example of HIPS autograd
//! (Maclaurin, Duvenaud, Adams), as the course has it.

mod ascent;
mod figures;

use bolete::worlds::fluid::WindTunnel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use ascent::Ascent;

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
        let ascent = Ascent::new(config, session, &tunnel)?;
        if let (Some(before), Some(after)) = (ascent.value_after(0), ascent.last) {
            session.result("lift over drag at first", before, "-0.003")?;
            if let Some(value) = ascent.value_after(79).filter(|_| config.steps >= 80) {
                session.result("lift over drag after 79 steps", value, "0.257 after 80 in the course")?;
            }
            session.result("lift over drag at last", after, "")?;
        }
        figures::lift_over_drag(session, &ascent)?;
        figures::flow(session, &tunnel, &ascent)?;
        figures::wing(session, &tunnel, &ascent)?;
        figures::growing(session, &tunnel, &ascent)?;
        figures::moving(session, &tunnel, &ascent)
    }
}
