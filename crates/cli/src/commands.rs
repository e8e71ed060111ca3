//! What the commands do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use bolete::train::{Controls, RunFolder};
use serde_json::Value;

use crate::arguments::{DescribeOptions, EvalOptions, PredictOptions, TrainOptions};
use crate::recipe::{Registered, Setting};
use crate::session::Session;
use crate::{recipes, report, terminal};

/// `bolete train`.
pub fn train(options: &TrainOptions) -> anyhow::Result<()> {
    use_threads(options.threads);
    let controls = controls_on_interrupt()?;
    let is_new = options.resume.is_none();
    let (recipe, setting, config, run) = match (&options.resume, &options.recipe) {
        (Some(folder), _) => {
            let run = RunFolder::resume(folder)?;
            let recipe = of_run(&run)?;
            let config = run.config::<Value>()?;
            (recipe, Setting::Full, config, run)
        }
        (None, Some(name)) => {
            let recipe = recipes::find(name)?;
            let setting = options.values.setting;
            let config = (recipe.configure)(setting, &options.values.given())?;
            let run = match &options.run {
                Some(path) => RunFolder::create(path, name, &config)?,
                None => RunFolder::create_numbered("runs", name, &config)?,
            };
            (recipe, setting, config, run)
        }
        (None, None) => anyhow::bail!("a recipe is missing; `bolete list` names them"),
    };
    terminal::print(&format!("{}: the run is in {}\n", recipe.entry.name, run.path().display()))?;
    let display = terminal::display(
        options.plain,
        &controls,
        &format!("{} in {}", recipe.entry.name, run.path().display()),
    );
    if is_new {
        run.write_environment(&report::environment())?;
    }
    let mut session = Session::new(setting, run.clone(), controls, display, options.debug_nans);
    let done = (recipe.run)(&config, &mut session);
    drop(session);
    match done {
        Err(error) => {
            if is_new {
                run.discard_if_empty();
            }
            Err(error)
        }
        Ok(()) => terminal::print(&format!("\nthe report: {}\n", report::run(&run)?.display())),
    }
}

/// `bolete eval`.
pub fn evaluate(options: &EvalOptions) -> anyhow::Result<()> {
    use_threads(options.threads);
    let run = RunFolder::open(&options.run)?;
    (of_run(&run)?.evaluate)(&run, &options.request())
}

/// `bolete predict`.
pub fn predict(options: &PredictOptions) -> anyhow::Result<()> {
    use_threads(options.threads);
    let run = RunFolder::open(&options.run)?;
    (of_run(&run)?.predict)(&run, &options.files)
}

/// `bolete describe`.
pub fn describe(options: &DescribeOptions) -> anyhow::Result<()> {
    let recipe = recipes::find(&options.recipe)?;
    let setting = options.values.setting;
    let config = (recipe.configure)(setting, &options.values.given())?;
    let entry = recipe.entry;
    let mut text = format!("{}: {}\n", entry.name, entry.about);
    text += &format!("Expected: {}\nTime, full setting, two cores: {}\n", entry.expected, entry.time);
    let more = (recipe.describe)(&config)?;
    if !more.is_empty() {
        text += &format!("\n{more}");
    }
    text += "\nConfiguration (--set KEY=VALUE):\n";
    let keys = (recipe.keys)(setting);
    let width = keys.iter().map(|key| key.path.len() + key.default.len() + 3).max().unwrap_or(0).min(44);
    for key in keys {
        let value = key.path.split('.').fold(&config, |value, step| &value[step]);
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let assignment = format!("{} = {value}", key.path);
        text += &format!("  {assignment:width$}  {} [{}]\n", key.about, key.allowed);
    }
    terminal::print(&text)
}

/// The recipe of a run, if this version knows it.
fn of_run(run: &RunFolder) -> anyhow::Result<&'static Registered> {
    recipes::find(run.recipe()).with_context(|| {
        format!("{}: the run is of the recipe '{}', which is not known", run.path().display(), run.recipe())
    })
}

/// Lets the engine compute with this many threads.
pub fn use_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        bolete::tensor::set_threads(threads);
    }
}

/// Controls whose stop Ctrl-C sets. A second Ctrl-C ends the process at once.
pub fn controls_on_interrupt() -> anyhow::Result<Arc<Controls>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .context("Ctrl-C cannot be caught")?;
    }
    Ok(Arc::new(Controls { stop, ..Controls::default() }))
}
