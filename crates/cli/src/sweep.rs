//! `bolete sweep`: many runs of a recipe, each with other values, and which were best.
//!
//! A trial is a process of its own, `bolete train` in a folder below that of the sweep, so that trials neither share
//! memory nor wait for each other's computing, and one that dies takes nothing with it. Its evaluations are read from the
//! record that it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bolete::train::sweep::{
    Outcome, Pruning, Space, Strategy, Study, StudyConfig, Trial, correlation, importance,
};
use bolete::train::{Goal, Record, RunFolder, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::SweepOptions;
use crate::recipe::Setting;
use crate::{Interrupted, commands, recipes, report, terminal};

/// What a sweep is about, as its journal has it.
#[derive(Clone, Serialize, Deserialize)]
struct Task {
    recipe: String,
    /// The configuration that all trials begin with.
    config: Value,
    /// The name of what is to be best.
    objective: String,
    parallel: usize,
}

/// Time between two looks at the trials.
const PAUSE: Duration = Duration::from_millis(100);

/// Time that a trial has for saving.
const PATIENCE: Duration = Duration::from_secs(10);

/// `bolete sweep`.
pub fn sweep(options: &SweepOptions) -> anyhow::Result<()> {
    let controls = commands::controls_on_interrupt()?;
    let mut study = match &options.resume {
        Some(folder) => Study::resume(folder)?,
        None => begin(options)?,
    };
    let task: Task = serde_json::from_value(study.config().task.clone())
        .with_context(|| format!("{}: not a sweep of this program", study.folder().display()))?;
    terminal::print(&format!("sweep of {} in {}\n", task.recipe, study.folder().display()))?;
    let mut running: Vec<Running> = Vec::new();
    // What ran when an earlier process was stopped goes on.
    let mut waiting: Vec<Trial> =
        study.trials().iter().filter(|trial| trial.outcome == Outcome::Running).cloned().collect();
    waiting.reverse();
    for trial in &waiting {
        let folder = folder_of(&study, trial);
        let is_alone = RunFolder::open_any(&folder).map_or(true, |run| run.status() != Status::Running);
        anyhow::ensure!(
            is_alone,
            "{}: a process of the sweep that was killed still works on it; resume when it has ended, or end it",
            folder.display()
        );
    }
    loop {
        while running.len() < task.parallel {
            let next = match waiting.pop() {
                Some(trial) => Some(trial),
                None => study.ask()?,
            };
            let Some(trial) = next else { break };
            running.push(Running::start(&study, &task, trial)?);
        }
        if running.is_empty() {
            break;
        }
        std::thread::sleep(PAUSE);
        if controls.stop.load(Ordering::Relaxed) {
            running.iter().for_each(Running::ask);
            let deadline = Instant::now() + PATIENCE;
            running.iter_mut().for_each(|trial| trial.end(deadline));
            terminal::print(&format!(
                "\ninterrupted; go on with\n  bolete sweep --resume {}\n",
                study.folder().display()
            ))?;
            return Err(Interrupted.into());
        }
        let mut index = 0;
        while index < running.len() {
            match running[index].look(&mut study, &task)? {
                false => index += 1,
                true => {
                    let done = running.swap_remove(index);
                    terminal::print(&line(&study.trials()[done.trial.number]))?;
                }
            }
        }
    }
    tell(&study, &task)
}

/// A new study in a new folder.
fn begin(options: &SweepOptions) -> anyhow::Result<Study> {
    let name = options.recipe.as_deref().unwrap_or_default();
    let recipe = recipes::find(name)?;
    let setting: Setting = options.values.setting;
    let config = (recipe.configure)(setting, &options.values.given())?;
    let (strategy, texts) = match (&options.grid[..], &options.random[..], &options.tpe[..]) {
        ([_, ..], _, _) => (Strategy::Grid, &options.grid),
        (_, [_, ..], _) => (Strategy::Random, &options.random),
        _ => (Strategy::Tpe, &options.tpe),
    };
    let spaces: Vec<Space> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let monitor = &config["trainer"]["monitor"];
    let (objective, goal) = match (&options.objective, monitor["measure"].as_str()) {
        (Some(name), _) => (name.clone(), if options.highest { Goal::Highest } else { Goal::Lowest }),
        (None, Some(measure)) => {
            (format!("test {measure}"), serde_json::from_value(monitor["goal"].clone())?)
        }
        (None, None) => anyhow::bail!(
            "'{name}' monitors nothing; say with --objective NAME which of its results is to be best"
        ),
    };
    let task = Task { recipe: name.to_owned(), config, objective, parallel: options.parallel };
    let study = StudyConfig {
        spaces,
        strategy,
        goal,
        pruning: if options.no_pruning { Pruning::Never } else { Pruning::default() },
        trials: if strategy == Strategy::Grid && options.trials == 20 { usize::MAX } else { options.trials },
        seed: options.values.seed.unwrap_or(0),
        task: serde_json::to_value(&task)?,
    };
    // A value that the recipe refuses is told now, not by every trial.
    for space in &study.spaces {
        check(recipe, setting, options, space)?;
    }
    let folder = match &options.run {
        Some(folder) => folder.clone(),
        None => RunFolder::free_name("runs", &format!("sweep-{name}"))?,
    };
    let occupied = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    anyhow::ensure!(
        !occupied,
        "{}: a new sweep needs a new or empty folder; go on with it by --resume, or choose another",
        folder.display()
    );
    Ok(Study::create(&folder, study)?)
}

/// Whether the recipe takes the ends of a space.
fn check(
    recipe: &recipes::Registered,
    setting: Setting,
    options: &SweepOptions,
    space: &Space,
) -> anyhow::Result<()> {
    for value in space.domain.samples() {
        let mut given = options.values.given();
        given.assignments.push((format!("{}={value}", space.key), "the space".to_owned()));
        (recipe.configure)(setting, &given)?;
    }
    Ok(())
}

fn folder_of(study: &Study, trial: &Trial) -> PathBuf {
    study.folder().join(format!("trial-{}", trial.number))
}

/// A trial whose process runs.
struct Running {
    trial: Trial,
    folder: PathBuf,
    process: Child,
    /// Evaluations that the study was told of.
    told: usize,
}

impl Running {
    fn start(study: &Study, task: &Task, trial: Trial) -> anyhow::Result<Running> {
        let folder = folder_of(study, &trial);
        let program = std::env::current_exe().context("the program cannot be found again")?;
        let mut command = Command::new(program);
        command.arg("train").arg("--plain");
        if folder.join("config.json").is_file() {
            command.arg("--resume").arg(&folder);
        } else {
            // A trial that was killed before it had a configuration begins anew.
            let _ = fs::remove_dir_all(&folder);
            let values = study.folder().join(format!("trial-{}.toml", trial.number));
            bolete::formats::atomic::write(&values, |out| {
                out.write_all(toml::to_string(&without_nothing(&task.config)).unwrap_or_default().as_bytes())
            })?;
            command.arg(&task.recipe).arg("--config").arg(&values).arg("--run").arg(&folder);
            for (key, value) in &trial.values {
                command.arg("--set").arg(format!("{key}={value}"));
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let output = fs::File::create(study.folder().join(format!("trial-{}.log", trial.number)))
            .with_context(|| format!("{}: cannot be written", study.folder().display()))?;
        command
            .env("BOLETE_THREADS", (cores / task.parallel).max(1).to_string())
            .env_remove("BOLETE_TRACE")
            .stdin(Stdio::null())
            .stderr(output.try_clone().context("a file cannot be opened twice")?)
            .stdout(output);
        // In a group of its own, so that Ctrl-C on a terminal reaches this process alone, which asks each trial once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().context("a trial cannot be started")?;
        let told = trial.reports.len();
        Ok(Running { trial, folder, process, told })
    }

    /// Tells the study what is new; whether the trial has ended.
    fn look(&mut self, study: &mut Study, task: &Task) -> anyhow::Result<bool> {
        let number = self.trial.number;
        let ended = self.process.try_wait().context("a trial cannot be waited for")?;
        let reports = reports(&self.folder, &task.objective);
        for (step, value) in reports.iter().skip(self.told) {
            let worthless = study.report(number, *step, *value)?;
            if worthless && ended.is_none() {
                self.ask();
                self.end(Instant::now() + PATIENCE);
                study.prune(number)?;
                return Ok(true);
            }
        }
        self.told = self.told.max(reports.len());
        let Some(status) = ended else { return Ok(false) };
        match value_of(&self.folder, &task.objective) {
            Some(value) if status.success() => study.complete(number, value)?,
            None if status.success() => anyhow::bail!(
                "the recipe has no result '{}'; it has {}",
                task.objective,
                names(&self.folder).join(", ")
            ),
            _ => study.fail(number)?,
        }
        Ok(true)
    }

    /// Asks the process to save and end.
    fn ask(&self) {
        #[cfg(unix)]
        {
            let process = rustix::process::Pid::from_child(&self.process);
            // One that has ended since is waited for all the same.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        }
    }

    /// Waits until the process has saved and ended, but not for ever: checkpoints survive a hard end too.
    fn end(&mut self, deadline: Instant) {
        while cfg!(unix) && Instant::now() < deadline && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(PAUSE / 10);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A configuration without keys that have no value, which TOML cannot write.
fn without_nothing(config: &Value) -> Value {
    match config {
        Value::Object(keys) => {
            let kept = keys.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nothing(value))).collect())
        }
        other => other.clone(),
    }
}

/// What a run says of the objective so far: step and value.
fn reports(folder: &Path, objective: &str) -> Vec<(u64, f64)> {
    let Ok(records) = RunFolder::open_any(folder).and_then(|run| run.history()) else { return Vec::new() };
    let Some(measure) = objective.strip_prefix("test ") else { return Vec::new() };
    let found = records.into_iter().filter_map(|record| match record {
        Record::Evaluation { step, means, .. } => means.get(measure).map(|value| (step, *value)),
        _ => None,
    });
    found.collect()
}

/// The objective of a run that has ended: the best of its evaluations, or a result.
fn value_of(folder: &Path, objective: &str) -> Option<f64> {
    let records = RunFolder::open_any(folder).and_then(|run| run.history()).ok()?;
    let result = records.iter().rev().find_map(|record| match record {
        Record::Result { name, value } if name == objective => Some(*value),
        _ => None,
    });
    result.or_else(|| reports(folder, objective).last().map(|(_, value)| *value))
}

fn names(folder: &Path) -> Vec<String> {
    let records = RunFolder::open_any(folder).and_then(|run| run.history()).unwrap_or_default();
    let mut names = Vec::new();
    for record in records {
        match record {
            Record::Evaluation { means, .. } => names.extend(means.keys().map(|name| format!("test {name}"))),
            Record::Result { name, .. } => names.push(name),
            _ => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

fn values(trial: &Trial) -> String {
    trial.values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

fn line(trial: &Trial) -> String {
    let outcome = match (trial.outcome, trial.value) {
        (Outcome::Complete, Some(value)) => terminal::number(value),
        (Outcome::Pruned, Some(value)) => format!("{} (stopped early)", terminal::number(value)),
        (Outcome::Pruned, None) => "stopped early".to_owned(),
        _ => "failed".to_owned(),
    };
    format!("trial {:>3}  {}  {outcome}\n", trial.number, values(trial))
}

/// The leaderboard, what mattered, and the page.
fn tell(study: &Study, task: &Task) -> anyhow::Result<()> {
    let board = study.leaderboard();
    let Some(best) = board.first() else {
        anyhow::bail!(
            "no trial gave a result; what they said is in {}",
            study.folder().join("trial-*.log").display()
        )
    };
    let mut header: Vec<&str> = vec!["trial", &task.objective];
    header.extend(best.values.iter().map(|(key, _)| key.as_str()));
    let rows = board.iter().take(15).map(|trial| {
        let mark = if trial.outcome == Outcome::Pruned { " (early)" } else { "" };
        let mut row = vec![trial.number.to_string()];
        row.push(trial.value.map_or(String::new(), |value| format!("{}{mark}", terminal::number(value))));
        row.extend(trial.values.iter().map(|(_, value)| value.clone()));
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    terminal::print(&terminal::table("leaderboard", &header, &rows))?;
    let correlations = correlation(study);
    let rows: Vec<Vec<String>> = importance(study)
        .into_iter()
        .zip(correlations)
        .map(|((key, part), (_, direction))| {
            let direction = direction.map_or("–".to_owned(), |value| format!("{value:+.2}"));
            vec![key, format!("{:.0} %", part * 100.0), direction]
        })
        .collect();
    let header = ["key", "of the variance", "rank correlation"];
    terminal::print(&terminal::table("what mattered", &header, &rows))?;
    let page = report::sweep(study, &task.objective)?;
    terminal::print(&format!(
        "\nbest: trial {} in {}\nthe page: {}\n",
        best.number,
        study.folder().join(format!("trial-{}", best.number)).display(),
        page.display()
    ))
}
