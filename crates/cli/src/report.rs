//! Reports: what a run found, how it went, and runs beside each other, each as one page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bolete::plot::page::{Page, Table};
use bolete::plot::{Axes, Figure, Line, parallel_coordinates};
use bolete::train::record::curves;
use bolete::train::sweep::{Outcome, Study, correlation, importance};
use bolete::train::{Findings, Part, Record, RunFolder};
use serde_json::Value;

use crate::arguments::ReportOptions;
use crate::recipe::Registered;
use crate::{recipes, terminal};

/// `bolete report`.
pub fn report(options: &ReportOptions) -> anyhow::Result<()> {
    let page = match &options.runs[..] {
        [one] => {
            let page = run(&RunFolder::open_any(one)?)?;
            match &options.out {
                Some(out) => {
                    fs::copy(&page, out).with_context(|| format!("{}: cannot be written", out.display()))?;
                    out.clone()
                }
                None => page,
            }
        }
        several => compare(several, options.out.as_deref().unwrap_or(Path::new("comparison.html")))?,
    };
    terminal::print(&format!("{}\n", page.display()))
}

/// Writes `report.html` of a run; where it is.
pub fn run(run: &RunFolder) -> anyhow::Result<PathBuf> {
    let about = recipes::find(run.recipe()).map_or("", |recipe| recipe.entry.about);
    let mut page = Page::new(format!("{}: {}", run.recipe(), name_of(run.path())));
    page.subtitle(about);
    let findings = Findings::open(run.path())?;
    tiles(&mut page, &findings);
    parts(&mut page, &findings, true);
    let history = run.history()?;
    training(&mut page, &history);
    page.heading("Configuration");
    page.key_values(flat(&run.config::<Value>()?));
    if let Some(environment) = run.environment() {
        page.heading("Environment");
        page.key_values(flat(&environment));
    }
    let path = run.path().join("report.html");
    page.write(&path)?;
    Ok(path)
}

/// Writes `index.html` of a lecture whose recipes ran in folders below `folder`; where it is.
pub fn lecture(folder: &Path, title: &str, chosen: &[&Registered]) -> anyhow::Result<PathBuf> {
    let mut page = Page::new(title);
    for recipe in chosen {
        let run = folder.join(recipe.entry.name);
        if !run.is_dir() {
            continue;
        }
        page.heading(recipe.entry.name);
        page.paragraph(recipe.entry.about);
        let findings = Findings::open(&run)?;
        tiles(&mut page, &findings);
        parts(&mut page, &findings, false);
        page.paragraph(&format!(
            "All of it, with configuration and record: `{}/report.html`",
            recipe.entry.name
        ));
    }
    let path = folder.join("index.html");
    page.write(&path)?;
    Ok(path)
}

/// Writes the page of a sweep; where it is.
pub fn sweep(study: &Study, objective: &str) -> anyhow::Result<PathBuf> {
    let mut page = Page::new(format!("Sweep: {}", name_of(study.folder())));
    let board = study.leaderboard();
    let count = |outcome| study.trials().iter().filter(|trial| trial.outcome == outcome).count();
    page.subtitle(format!(
        "{} trials: {} complete, {} stopped early, {} failed",
        study.trials().len(),
        count(Outcome::Complete),
        count(Outcome::Pruned),
        count(Outcome::Failed)
    ));
    let keys: Vec<&str> = study.config().spaces.iter().map(|space| space.key.as_str()).collect();
    page.heading("Leaderboard");
    let mut header = vec!["trial", objective, "ended"];
    header.extend(&keys);
    let mut table = Table::new(&header);
    for trial in &board {
        let ended = if trial.outcome == Outcome::Complete { "complete" } else { "early" };
        let value = trial.value.map_or(String::new(), terminal::number);
        let mut row = vec![trial.number.to_string(), value, ended.to_owned()];
        row.extend(trial.values.iter().map(|(_, value)| value.clone()));
        table.row(&row);
    }
    page.table(&table);

    page.heading("Parallel coordinates");
    let mut names = keys.clone();
    names.push(objective);
    let rows: Vec<Vec<f64>> = board
        .iter()
        .map(|trial| {
            // A choice has its number, as the other keys have their values.
            let value = |(place, (_, text)): (&f64, &(String, String))| text.parse().unwrap_or(*place);
            let mut row: Vec<f64> = trial.places.iter().zip(&trial.values).map(value).collect();
            row.push(trial.value.unwrap_or(f64::NAN));
            row
        })
        .collect();
    if !rows.is_empty() {
        page.figure(
            &Figure::new(parallel_coordinates(&names, &rows)),
            "One line per trial. Choices are numbered from 0.",
        );
    }

    page.heading("What mattered");
    let mut table = Table::new(&["key", "part of the variance", "rank correlation"]);
    for ((key, part), (_, direction)) in importance(study).into_iter().zip(correlation(study)) {
        let direction = direction.map_or("–".to_owned(), |value| format!("{value:+.2}"));
        table.row(&[key, format!("{:.0} %", part * 100.0), direction]);
    }
    page.table(&table);
    page.paragraph(
        "The part of the variance between trials that the key explains by itself (ε², over up to eight groups of nearby \
         values); keys that act only together with others are underrated.",
    );

    page.heading("Course");
    let mut axes = Axes::new("").labels("update", objective);
    for trial in study.trials().iter().filter(|trial| trial.reports.len() > 1) {
        let (x, y): (Vec<f64>, Vec<f64>) =
            trial.reports.iter().map(|(step, value)| (*step as f64, *value)).unzip();
        axes.push(Line::new(&x, &y).label(format!("trial {}", trial.number)));
    }
    page.figure(&Figure::new(axes), "What the trials reported on their way.");
    let mut best = f64::NAN;
    let course: Vec<f64> = study
        .trials()
        .iter()
        .map(|trial| {
            if trial.outcome == Outcome::Complete
                && let Some(value) = trial.value
            {
                let is_better = match study.config().goal {
                    bolete::train::Goal::Lowest => value < best,
                    bolete::train::Goal::Highest => value > best,
                };
                if is_better || best.is_nan() {
                    best = value;
                }
            }
            best
        })
        .collect();
    let axes = Axes::new("").labels("trial", format!("best {objective} so far"));
    page.figure(&Figure::new(axes.with(Line::of(&course).steps())), "The best value so far.");
    let path = study.folder().join("sweep.html");
    page.write(&path)?;
    Ok(path)
}

/// Several runs on one page.
fn compare(paths: &[PathBuf], out: &Path) -> anyhow::Result<PathBuf> {
    let runs = paths.iter().map(RunFolder::open_any).collect::<Result<Vec<_>, _>>()?;
    let histories = runs.iter().map(RunFolder::history).collect::<Result<Vec<_>, _>>()?;
    let mut page = Page::new(format!("{} runs", runs.len()));

    page.heading("Results");
    let results: Vec<Vec<(String, f64)>> =
        runs.iter().zip(&histories).map(|(run, history)| values(run, history)).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in results.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut header = vec!["run", "recipe"];
    header.extend(names.iter().map(|name| name.as_str()));
    let mut table = Table::new(&header);
    let found = |values: &[(String, f64)], name: &str| {
        values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    };
    for (run, values) in runs.iter().zip(&results) {
        let mut row = vec![name_of(run.path()), run.recipe().to_owned()];
        row.extend(names.iter().map(|name| found(values, name).map_or("–".to_owned(), terminal::number)));
        table.row(&row);
    }
    page.table(&table);

    page.heading("Differences in configuration");
    let configs = runs.iter().map(|run| run.config::<Value>()).collect::<Result<Vec<_>, _>>()?;
    let flats: Vec<Vec<(String, String)>> = configs.iter().map(flat).collect();
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in flats.iter().flatten() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let value = |flat: &[(String, String)], key: &str| {
        flat.iter().find(|(known, _)| known == key).map_or("–".to_owned(), |(_, value)| value.clone())
    };
    let differing: Vec<&&String> = keys
        .iter()
        .filter(|key| flats.iter().any(|flat| value(flat, key) != value(&flats[0], key)))
        .collect();
    if differing.is_empty() {
        page.paragraph("None.");
    } else {
        let mut header = vec!["key".to_owned()];
        header.extend(runs.iter().map(|run| name_of(run.path())));
        let mut table = Table::new(&header);
        for key in &differing {
            let mut row = vec![(**key).clone()];
            row.extend(flats.iter().map(|flat| value(flat, key)));
            table.row(&row);
        }
        page.table(&table);
    }

    let numeric: Vec<&str> = differing
        .iter()
        .map(|key| key.as_str())
        .filter(|key| flats.iter().all(|flat| value(flat, key).parse::<f64>().is_ok()))
        .collect();
    let common: Vec<&str> = names
        .iter()
        .map(|name| name.as_str())
        .filter(|name| results.iter().all(|values| found(values, name).is_some()))
        .collect();
    if numeric.len() + common.len() > 1 && !common.is_empty() && runs.len() > 1 {
        page.heading("Parallel coordinates");
        let columns: Vec<&str> = numeric.iter().chain(&common).copied().collect();
        let rows: Vec<Vec<f64>> = flats
            .iter()
            .zip(&results)
            .map(|(flat, values)| {
                let numbers = numeric.iter().map(|key| value(flat, key).parse().unwrap_or(f64::NAN));
                numbers.chain(common.iter().map(|name| found(values, name).unwrap_or(f64::NAN))).collect()
            })
            .collect();
        page.figure(&Figure::new(parallel_coordinates(&columns, &rows)), "One line per run.");
    }

    page.heading("Curves");
    let all: Vec<_> = histories.iter().map(|history| curves(history)).collect();
    let mut measures: Vec<&String> = all.iter().flat_map(|curves| curves.keys()).collect();
    measures.sort();
    measures.dedup();
    let panels = measures.into_iter().map(|measure| {
        let mut axes = Axes::new(measure.clone()).labels("update", "");
        for (run, curves) in runs.iter().zip(&all) {
            if let Some(curve) = curves.get(measure) {
                axes.push(line(curve).label(name_of(run.path())));
            }
        }
        axes
    });
    page.figure(&Figure::grid(2, panels), "");
    page.write(out)?;
    Ok(out.to_path_buf())
}

/// The last evaluation and the results of a run, by name.
fn values(run: &RunFolder, history: &[Record]) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    let last = history.iter().rev().find_map(|record| match record {
        Record::Evaluation { means, .. } => Some(means),
        _ => None,
    });
    values.extend(last.into_iter().flatten().map(|(name, value)| (format!("test {name}"), *value)));
    if let Ok(findings) = Findings::open(run.path()) {
        for (name, value) in findings.results() {
            values.retain(|(known, _)| known != name);
            values.push((name.to_owned(), value));
        }
    }
    values
}

fn tiles(page: &mut Page, findings: &Findings) {
    let tiles: Vec<(&str, String, String)> = findings
        .parts()
        .iter()
        .filter_map(|part| match part {
            Part::Result { name, value, expected } => {
                let remark =
                    if expected.is_empty() { String::new() } else { format!("expected: {expected}") };
                Some((name.as_str(), terminal::number(*value), remark))
            }
            _ => None,
        })
        .collect();
    // More than a few large numbers are a table.
    if tiles.len() <= 6 {
        page.tiles(&tiles);
        return;
    }
    let mut table = Table::new(&["what", "value", "remark"]);
    for (name, value, remark) in &tiles {
        table.row(&[*name, value.as_str(), remark.as_str()]);
    }
    page.table(&table);
}

/// What was found, in order; headings as those of sections, or of parts of one.
fn parts(page: &mut Page, findings: &Findings, sections: bool) {
    for part in findings.parts() {
        match part {
            Part::Heading { text } if sections => {
                page.heading(text);
            }
            Part::Heading { text } => {
                page.subheading(text);
            }
            Part::Text { text } => {
                page.paragraph(text);
            }
            Part::Preformatted { title, text } => {
                page.details(title, |page| {
                    page.preformatted(text);
                });
            }
            Part::Table { title, header, rows } => {
                let mut table = Table::new(header);
                table.caption(title.clone());
                for row in rows {
                    table.row(row);
                }
                page.table(&table);
            }
            Part::Picture { file, caption } => picture(page, &findings.folder().join(file), caption),
            // Shown as tiles.
            _ => {}
        }
    }
}

/// A picture of the run folder; a line about it where it is gone.
fn picture(page: &mut Page, file: &Path, caption: &str) {
    let is_svg = file.extension().is_some_and(|extension| extension == "svg");
    match fs::read(file) {
        Ok(bytes) if is_svg => page.saved_figure(&String::from_utf8_lossy(&bytes), caption),
        Ok(bytes) => page.saved_animation(&bytes, caption),
        Err(error) => page.paragraph(&format!("{}: cannot be read ({error})", file.display())),
    };
}

/// The curves of a training.
fn training(page: &mut Page, history: &[Record]) {
    let all = curves(history);
    if all.is_empty() {
        return;
    }
    page.heading("Training");
    let names = all.keys().filter(|name| !name.starts_with("test "));
    let mut panels: Vec<Axes> = names
        .map(|name| {
            let mut axes =
                Axes::new(name.clone()).labels("update", "").with(line(&all[name]).label("training"));
            if let Some(test) = all.get(&format!("test {name}")) {
                axes.push(line(test).label("test"));
            }
            axes
        })
        .collect();
    let alone = all
        .keys()
        .filter(|name| name.strip_prefix("test ").is_some_and(|measure| !all.contains_key(measure)));
    panels.extend(alone.map(|name| Axes::new(name.clone()).labels("update", "").with(line(&all[name]))));
    page.figure(&Figure::grid(2, panels), "What was measured while the model changed, and on test data.");
}

fn line(curve: &[(f64, f64)]) -> Line {
    let (x, y): (Vec<f64>, Vec<f64>) = curve.iter().copied().unzip();
    Line::new(&x, &y)
}

/// Keys and values of a tree, steps joined by dots.
fn flat(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(keys) if !keys.is_empty() => {
                for (key, value) in keys {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(&path, value, found);
                }
            }
            Value::Null => found.push((path.to_owned(), "none".to_owned())),
            Value::String(text) => found.push((path.to_owned(), text.clone())),
            other => found.push((path.to_owned(), other.to_string())),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// What this process runs on.
pub fn environment() -> Value {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    serde_json::json!({
        "bolete": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "processor": model.map_or("unknown", |(_, name)| name),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "threads": bolete::tensor::threads(),
        "started, seconds since 1970": started.map_or(0, |since| since.as_secs()),
    })
}
