//! `bolete lecture N`: the experiments of a lecture, one after the other, on one page.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use bolete::train::RunFolder;

use crate::arguments::LectureOptions;
use crate::recipe::{Given, Group, Registered, Setting};
use crate::session::Session;
use crate::{Interrupted, commands, recipes, report, terminal};

/// `bolete lecture`.
pub fn lecture(options: &LectureOptions) -> anyhow::Result<()> {
    commands::use_threads(options.threads);
    let controls = commands::controls_on_interrupt()?;
    let chosen = chosen(options)?;
    let folder = match &options.run {
        Some(folder) => empty(folder)?,
        None => RunFolder::free_name("runs", &format!("lecture-{}", options.number))?,
    };
    let title = format!("Lecture {}: {}", options.number, recipes::lecture_title(options.number));
    let word = format!("{:?}", options.setting).to_lowercase();
    terminal::print(&format!("{title}, {word} setting, in {}\n", folder.display()))?;
    let begin = Instant::now();
    let mut failed = Vec::new();
    for recipe in &chosen {
        let started = Instant::now();
        terminal::print(&format!("\n── {}: {}\n", recipe.entry.name, recipe.entry.about))?;
        let config = (recipe.configure)(options.setting, &given(recipe, options))?;
        let run = RunFolder::create(folder.join(recipe.entry.name), recipe.entry.name, &config)?;
        run.write_environment(&report::environment())?;
        let display = terminal::display(true, &controls, recipe.entry.name);
        let mut session = Session::new(options.setting, run.clone(), controls.clone(), display, false);
        let done = (recipe.run)(&config, &mut session);
        let seconds = started.elapsed().as_secs_f64();
        terminal::print(&format!("{} took {}\n", recipe.entry.name, terminal::duration(seconds)))?;
        report::run(&run)?;
        match done {
            Ok(()) => {}
            Err(error) if error.is::<Interrupted>() || controls.stop.load(Ordering::Relaxed) => {
                report::lecture(&folder, &title, &chosen)?;
                return Err(Interrupted.into());
            }
            // The others can be seen all the same.
            Err(error) => failed.push(error.context(recipe.entry.name)),
        }
    }
    let page = report::lecture(&folder, &title, &chosen)?;
    let seconds = begin.elapsed().as_secs_f64();
    terminal::print(&format!(
        "\n{} experiments in {}; the page:\n  {}\n",
        chosen.len(),
        terminal::duration(seconds),
        page.display()
    ))?;
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// The recipes of the lecture, or those of them that were asked for.
fn chosen(options: &LectureOptions) -> anyhow::Result<Vec<&'static Registered>> {
    let group = Group::Lecture(options.number);
    let of_lecture: Vec<&Registered> =
        recipes::ALL.iter().filter(|recipe| recipe.entry.group == group).collect();
    if of_lecture.is_empty() {
        let mut known: Vec<String> = recipes::ALL
            .iter()
            .filter_map(|recipe| match recipe.entry.group {
                Group::Lecture(number) => Some(number.to_string()),
                Group::Application(_) => None,
            })
            .collect();
        known.sort();
        known.dedup();
        anyhow::bail!("there is no lecture {}; there are {}", options.number, known.join(", "));
    }
    if options.only.is_empty() {
        return Ok(of_lecture);
    }
    let one = |name: &String| {
        of_lecture.iter().find(|recipe| recipe.entry.name == name).copied().with_context(|| {
            let names: Vec<&str> = of_lecture.iter().map(|recipe| recipe.entry.name).collect();
            format!("lecture {} has no recipe '{name}'; it has {}", options.number, names.join(", "))
        })
    };
    options.only.iter().map(one).collect()
}

/// The data folder for those recipes that can use one.
fn given(recipe: &Registered, options: &LectureOptions) -> Given {
    let takes_data = (recipe.keys)(Setting::Full).iter().any(|key| key.path == "data");
    let assignment = |folder: &PathBuf| {
        let quoted = serde_json::Value::from(folder.to_string_lossy().into_owned());
        (format!("data={quoted}"), "--data".to_owned())
    };
    let assignments = options.data.iter().filter(|_| takes_data).map(assignment).collect();
    Given { files: Vec::new(), assignments }
}

/// The folder, which is made where it is not there and must be empty.
fn empty(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let mut entries =
        fs::read_dir(folder).with_context(|| format!("{}: cannot be read", folder.display()))?;
    anyhow::ensure!(
        entries.next().is_none(),
        "{}: the page of a lecture needs a new or empty folder; choose another name or remove it",
        folder.display()
    );
    Ok(folder.to_path_buf())
}
