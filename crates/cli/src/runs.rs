//! `bolete runs`: the runs that there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use bolete::formats::atomic;
use bolete::train::{Findings, Record, RunFolder, Status};

use crate::arguments::{RunsCommand, RunsFilter, RunsOptions};
use crate::terminal;

/// A run as a row of the list.
struct Row {
    run: RunFolder,
    status: Status,
    tags: Vec<String>,
    /// Updates done and seconds of training.
    step: u64,
    seconds: f64,
    /// The last evaluation and what was found, by name.
    values: Vec<(String, f64)>,
    changed: SystemTime,
}

/// The file with the tags of a run.
const TAGS: &str = "tags.json";

/// `bolete runs`.
pub fn runs(options: &RunsOptions) -> anyhow::Result<()> {
    match &options.command {
        None => list(&options.folder, &options.filter),
        Some(RunsCommand::List(filter)) => list(&options.folder, filter),
        Some(RunsCommand::Tag { tag, runs, remove }) => {
            for path in runs {
                let run = RunFolder::open_any(path)?;
                let mut tags = tags_of(run.path())?;
                tags.retain(|known| known != tag);
                if !remove {
                    tags.push(tag.clone());
                }
                atomic::write(run.path().join(TAGS), |out| Ok(serde_json::to_writer_pretty(out, &tags)?))?;
            }
            Ok(())
        }
        Some(RunsCommand::Delete { runs, yes }) => delete(runs, *yes),
    }
}

fn tags_of(run: &Path) -> anyhow::Result<Vec<String>> {
    let file = run.join(TAGS);
    match fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{}: expected a list of tags; remove the file", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", file.display())),
    }
}

fn row(run: RunFolder) -> anyhow::Result<Row> {
    let mut row = Row {
        status: run.status(),
        tags: tags_of(run.path())?,
        step: 0,
        seconds: 0.0,
        values: Vec::new(),
        changed: SystemTime::UNIX_EPOCH,
        run,
    };
    for record in row.run.history()? {
        match record {
            Record::Progress(progress) => (row.step, row.seconds) = (progress.step, progress.seconds),
            Record::Evaluation { means, step, .. } => {
                row.step = step;
                row.values = means.into_iter().map(|(name, value)| (format!("test {name}"), value)).collect();
            }
            Record::Ended { step, seconds, .. } => (row.step, row.seconds) = (step, seconds),
            _ => {}
        }
    }
    for (name, value) in Findings::open(row.run.path())?.results() {
        row.values.retain(|(known, _)| known != name);
        row.values.push((name.to_owned(), value));
    }
    let changed = fs::metadata(row.run.metrics_path()).or_else(|_| fs::metadata(row.run.path()));
    row.changed = changed.and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(row)
}

fn list(folder: &Path, filter: &RunsFilter) -> anyhow::Result<()> {
    let conditions: Vec<Condition> =
        filter.only.iter().map(|text| Condition::parse(text)).collect::<anyhow::Result<_>>()?;
    let (mut rows, mut damaged) = (Vec::new(), Vec::new());
    for path in found(folder)? {
        match RunFolder::open_any(&path).map_err(anyhow::Error::from).and_then(row) {
            Ok(row) => rows.push(row),
            Err(error) => damaged.push(error.to_string()),
        }
    }
    rows.retain(|row| {
        filter.recipe.as_ref().is_none_or(|recipe| row.run.recipe() == recipe)
            && filter.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
            && filter.status.as_ref().is_none_or(|status| word(row.status) == status)
            && conditions.iter().all(|condition| condition.holds(row))
    });
    match &filter.sort {
        Some(name) => rows.sort_by(|a, b| {
            let value = |row: &Row| value(row, name).unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a))
        }),
        None => rows.sort_by_key(|row| row.changed),
    }
    let cells = rows.iter().map(|row| {
        let name = row.run.path().strip_prefix(folder).unwrap_or(row.run.path());
        // What they are sorted by comes first.
        let is_sorted_by = |name: &str| filter.sort.as_deref() == Some(name);
        let mut values: Vec<_> = row.values.iter().collect();
        values.sort_by_key(|(name, _)| !is_sorted_by(name));
        let values = values.into_iter().map(|(name, value)| format!("{name} {}", terminal::number(*value)));
        vec![
            name.display().to_string(),
            word(row.status).to_owned(),
            row.step.to_string(),
            terminal::duration(row.seconds),
            row.tags.join(","),
            values.take(3).collect::<Vec<_>>().join("  "),
        ]
    });
    let cells: Vec<Vec<String>> = cells.collect();
    let title = format!("{} runs in {}", cells.len(), folder.display());
    terminal::print(&terminal::table(&title, &["run", "status", "steps", "time", "tags", "found"], &cells))?;
    for line in damaged {
        terminal::print(&format!("left out: {line}\n"))?;
    }
    Ok(())
}

/// Run folders in a folder, also one level further down, as sweeps and lectures have theirs.
fn found(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(runs),
        Err(error) => return Err(error).with_context(|| format!("{}: cannot be read", folder.display())),
    };
    for entry in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        if entry.join("config.json").is_file() {
            runs.push(entry);
        } else if let Ok(below) = fs::read_dir(&entry) {
            let below = below.flatten().map(|entry| entry.path());
            runs.extend(below.filter(|path| path.join("config.json").is_file()));
        }
    }
    runs.sort();
    Ok(runs)
}

/// `NAME>VALUE` and its like.
struct Condition {
    name: String,
    is_below: bool,
    bound: f64,
}

impl Condition {
    fn parse(text: &str) -> anyhow::Result<Condition> {
        let (at, sign) = text
            .char_indices()
            .find(|(_, letter)| matches!(letter, '<' | '>'))
            .with_context(|| format!("expected a condition such as 'test accuracy>0.9', found '{text}'"))?;
        let bound = text[at + 1..].trim();
        let bound =
            bound.parse().with_context(|| format!("expected a number after {sign}, found '{bound}'"))?;
        Ok(Condition { name: text[..at].trim().to_owned(), is_below: sign == '<', bound })
    }

    fn holds(&self, row: &Row) -> bool {
        let value = value(row, &self.name);
        value.is_some_and(|value| if self.is_below { value < self.bound } else { value > self.bound })
    }
}

fn value(row: &Row, name: &str) -> Option<f64> {
    match name {
        "steps" => Some(row.step as f64),
        "time" => Some(row.seconds),
        _ => row.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value),
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Complete => "complete",
        Status::Unfinished => "unfinished",
    }
}

fn delete(paths: &[PathBuf], yes: bool) -> anyhow::Result<()> {
    let runs = paths.iter().map(RunFolder::open_any).collect::<Result<Vec<_>, _>>()?;
    if let Some(run) = runs.iter().find(|run| run.status() == Status::Running) {
        anyhow::bail!("{}: a process is training in it; stop that first", run.path().display());
    }
    if !yes {
        let names: Vec<String> = runs.iter().map(|run| run.path().display().to_string()).collect();
        anyhow::bail!("add --yes to delete {} for good", names.join(", "));
    }
    for run in &runs {
        fs::remove_dir_all(run.path())
            .with_context(|| format!("{}: cannot be removed", run.path().display()))?;
    }
    Ok(())
}
