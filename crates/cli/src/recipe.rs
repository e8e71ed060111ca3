//! What a recipe is: a task with a typed configuration that one command runs.

use std::path::PathBuf;

use bolete::train::RunFolder;
use bolete::train::configuration::{self, Configuration, Key, Layers};
use serde_json::Value;

use crate::session::Session;

/// A task that can be run. One file in `recipes/` each.
pub trait Recipe: 'static {
    /// All that can be configured.
    type Config: Configuration + 'static;

    /// What it is called, what it does, where it belongs.
    const ENTRY: Entry;

    /// The configuration of a setting.
    fn config(setting: Setting) -> Self::Config;

    /// Does it. What is found goes to the session.
    fn run(config: &Self::Config, session: &mut Session) -> anyhow::Result<()>;

    /// Data and model in words, for `bolete describe`. Nothing is trained or downloaded for it.
    fn describe(_config: &Self::Config) -> anyhow::Result<String> {
        Ok(String::new())
    }

    /// Tests the model of a run on other data.
    fn evaluate(_config: &Self::Config, run: &RunFolder, _options: &EvalRequest) -> anyhow::Result<()> {
        anyhow::bail!(
            "{}: a run of '{}' has nothing that `eval` could test",
            run.path().display(),
            run.recipe()
        )
    }

    /// Uses the model of a run on files.
    fn predict(_config: &Self::Config, run: &RunFolder, _files: &[PathBuf]) -> anyhow::Result<()> {
        anyhow::bail!("{}: a run of '{}' cannot be used on files", run.path().display(), run.recipe())
    }
}

/// What `eval` was asked for.
#[derive(Clone, Debug)]
pub struct EvalRequest {
    /// A folder with data; without it the recipe makes some.
    pub data: Option<PathBuf>,
    /// Chooses data that are made.
    pub seed: u64,
    /// Items that are made.
    pub test_size: usize,
    /// Whether the model of the best evaluation is tested instead of the last one.
    pub best: bool,
}

/// What a recipe is called and what can be expected of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// Numbers that a run gives, and how they were measured.
    pub expected: &'static str,
    /// How long the full setting takes on two cores.
    pub time: &'static str,
}

/// Where a recipe belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A lecture of a first course on deep learning.
    Lecture(u8),
    /// An application.
    Application(&'static str),
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Setting {
    /// As little as shows that it runs: seconds.
    Smoke,
    /// Enough to see what is meant: a minute at most.
    Quick,
    /// Enough for the numbers that are expected.
    Full,
}

/// Values for a configuration, from the command line.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Files, in order.
    pub files: Vec<PathBuf>,
    /// Assignments with the flag that they come from.
    pub assignments: Vec<(String, String)>,
}

/// The variable with assignments.
pub const VARIABLE: &str = "BOLETE_SET";

impl Given {
    fn layers<R: Recipe>(&self, setting: Setting) -> anyhow::Result<Layers<R::Config>> {
        let mut layers = Layers::new(&R::config(setting));
        for file in &self.files {
            layers.file(file)?;
        }
        layers.environment(VARIABLE)?;
        for (assignment, flag) in &self.assignments {
            layers.assign(assignment, flag)?;
        }
        Ok(layers)
    }
}

/// A recipe without its types, as the table of all has them.
#[derive(Clone, Copy)]
pub struct Registered {
    /// What it is.
    pub entry: Entry,
    /// The configuration that these values give.
    pub configure: fn(Setting, &Given) -> anyhow::Result<Value>,
    /// The keys of the configuration.
    pub keys: fn(Setting) -> Vec<Key>,
    /// Runs it.
    pub run: fn(&Value, &mut Session) -> anyhow::Result<()>,
    /// Data and model in words.
    pub describe: fn(&Value) -> anyhow::Result<String>,
    /// Tests the model of a run.
    pub evaluate: fn(&RunFolder, &EvalRequest) -> anyhow::Result<()>,
    /// Uses the model of a run.
    pub predict: fn(&RunFolder, &[PathBuf]) -> anyhow::Result<()>,
}

impl Registered {
    /// This recipe.
    pub const fn of<R: Recipe>() -> Registered {
        Registered {
            entry: R::ENTRY,
            configure: |setting, given| {
                let layers = given.layers::<R>(setting)?;
                layers.finish()?;
                Ok(layers.value().clone())
            },
            keys: |setting| configuration::keys(&R::config(setting)),
            run: |config, session| R::run(&parsed::<R>(config.clone())?, session),
            describe: |config| R::describe(&parsed::<R>(config.clone())?),
            evaluate: |run, request| R::evaluate(&of_run::<R>(run)?, run, request),
            predict: |run, files| R::predict(&of_run::<R>(run)?, run, files),
        }
    }
}

fn parsed<R: Recipe>(value: Value) -> anyhow::Result<R::Config> {
    // Checked against the schema, since it may come from a file that somebody changed.
    let mut layers = Layers::new(&R::config(Setting::Full));
    layers.merge(value, "the configuration")?;
    Ok(layers.finish()?)
}

fn of_run<R: Recipe>(run: &RunFolder) -> anyhow::Result<R::Config> {
    let mut layers = Layers::new(&R::config(Setting::Full));
    layers.merge(run.config::<Value>()?, &run.path().join("config.json").display().to_string())?;
    Ok(layers.finish()?)
}
