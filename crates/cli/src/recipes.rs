//! The recipes: what can be trained, one file each.

pub mod digits;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use bolete::train::RunFolder;

use crate::arguments::{EvalOptions, PredictOptions, Recipe};

/// Name and description of every recipe.
const RECIPES: &[(&str, &str)] = &[(digits::NAME, digits::ABOUT)];

/// The recipes as a list to read.
pub fn list() -> String {
    let width = RECIPES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = RECIPES.iter().map(|(name, about)| format!("{name:width$}  {about}\n"));
    lines.collect::<String>()
        + "\nTrain one with `bolete train RECIPE`; `bolete train RECIPE --help` lists its options.\n"
}

/// Trains.
pub fn train(recipe: Recipe) -> anyhow::Result<()> {
    match recipe {
        Recipe::Digits(options) => digits::train(options),
    }
}

/// Tests the network of a run.
pub fn evaluate(options: &EvalOptions) -> anyhow::Result<()> {
    use_threads(options.threads);
    digits::evaluate(&open(&options.run)?, options)
}

/// Reads the digits in pictures.
pub fn predict(options: &PredictOptions) -> anyhow::Result<()> {
    use_threads(options.threads);
    digits::predict(&open(&options.run)?, &options.files)
}

/// The run folder, if its recipe is known.
fn open(path: &std::path::Path) -> anyhow::Result<RunFolder> {
    let run = RunFolder::open(path)?;
    let known = RECIPES.iter().any(|(name, _)| *name == run.recipe());
    anyhow::ensure!(
        known,
        "{}: the run is of the recipe '{}', which this version does not know; `bolete list` names those it does",
        path.display(),
        run.recipe()
    );
    Ok(run)
}

/// Lets the engine compute with this many threads.
pub fn use_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        bolete::tensor::set_threads(threads);
    }
}

/// A flag that Ctrl-C sets. A second Ctrl-C ends the process at once.
pub fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .context("Ctrl-C cannot be caught")?;
    }
    Ok(stop)
}
