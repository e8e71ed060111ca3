//! `forward_reverse`: what a Jacobian costs by forward and by reverse accumulation.
//!
//! For a chain of layers with sizes n_0, …, n_t, forward accumulation multiplies n_0 columns by each layer's matrix and
//! needs n_0 Σ n_k n_{k+1} multiply-adds; reverse accumulation multiplies n_t rows and needs n_t Σ n_k n_{k+1}.

mod chain;
mod cost;
mod figures;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use cost::measure;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the weights and the point.
    seed: u64,
    /// Numbers of inputs and of outputs; each is combined with each.
    sizes: Vec<usize>,
    /// Sizes of the layers between them.
    hidden: Vec<usize>,
    /// Outputs of the networks whose inputs grow.
    #[schemars(range(min = 1, max = 65536))]
    outputs: usize,
    /// Least milliseconds for which each Jacobian is computed again and again; the median counts.
    #[schemars(range(min = 0, max = 100000))]
    milliseconds: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            sizes: vec![1, 4, 16, 64, 256, 1024],
            hidden: vec![256, 256, 256],
            outputs: 64,
            milliseconds: 60,
        }
    }
}

/// The recipe.
pub struct ForwardReverse;

impl Recipe for ForwardReverse {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "forward_reverse",
        about: "the Jacobian by forward and reverse accumulation: operations and time over input and output sizes",
        group: Group::Lecture(3),
        expected: "the mode with fewer passes is faster at all pairs of unequal sizes; operations of the plan 1.005 to 2.01 times \
                   those of the formulas, most where there is one pass and the value itself counts",
        time: "7 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { milliseconds: 20, ..whole },
            Setting::Smoke => {
                Config { sizes: vec![1, 8], hidden: vec![16, 16], outputs: 4, milliseconds: 0, ..whole }
            }
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let allowed =
            |sizes: &[usize]| !sizes.is_empty() && sizes.iter().all(|size| (1..=65536).contains(size));
        anyhow::ensure!(
            allowed(&config.sizes),
            "sizes: from 1 to 65536 each, at least one, not {:?}",
            config.sizes
        );
        anyhow::ensure!(
            config.hidden.is_empty() || allowed(&config.hidden),
            "hidden: from 1 to 65536 each, not {:?}",
            config.hidden
        );
        session.heading("Forward and reverse accumulation")?;
        session.say(&format!(
            "The Jacobian of a chain of layers tanh(W x) with {:?} units between n inputs and m outputs. Forward mode \
             pushes n columns through the chain, reverse mode pulls m rows back; the formulas are n Σ n_k n_(k+1) and \
             m Σ n_k n_(k+1) multiply-adds, of two operations each.",
            config.hidden
        ))?;
        let mut all = Vec::new();
        for inputs in &config.sizes {
            for outputs in &config.sizes {
                session.progress(&format!("{inputs} inputs, {outputs} outputs"))?;
                all.push(measure(config, *inputs, *outputs));
            }
        }
        let mut growing = Vec::new();
        for inputs in &config.sizes {
            session.progress(&format!("{inputs} inputs, {} outputs", config.outputs))?;
            growing.push(measure(config, *inputs, config.outputs));
        }
        tables::growing(config, session, &growing)?;
        session.figure(
            "crossover",
            "Forward and reverse accumulation while the inputs grow and the outputs stay.",
            &figures::crossover(config, &growing),
        )?;
        session.figure(
            "ratios",
            "How many times as much the forward mode costs, as a power of two: blue where it is cheaper.",
            &figures::ratios(config, &all),
        )?;
        tables::results(config, session, &all, &growing)
    }
}
