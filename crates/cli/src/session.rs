//! A run of a recipe under way: where what is found goes, and what the user wants.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use bolete::nn::Schedule;
use bolete::train::{
    Controls, Ending, Event, Findings, Fit, Learner, Part, Record, RunFolder, Source, Trainer, TrainerConfig,
};

use crate::Interrupted;
use crate::recipe::Setting;
use crate::terminal::{self, Display};

/// A run of a recipe.
pub struct Session {
    setting: Setting,
    run: RunFolder,
    findings: Findings,
    controls: Arc<Controls>,
    display: Box<dyn Display>,
    debug_nans: bool,
}

impl Session {
    /// A run in this folder.
    pub fn new(
        setting: Setting,
        run: RunFolder,
        controls: Arc<Controls>,
        display: Box<dyn Display>,
        debug_nans: bool,
    ) -> Session {
        let findings = Findings::new(run.path());
        Session { setting, run, findings, controls, display, debug_nans }
    }

    /// How much is done.
    pub fn setting(&self) -> Setting {
        self.setting
    }

    /// The folder of the run.
    pub fn run(&self) -> &RunFolder {
        &self.run
    }

    /// What was found so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Ends the recipe where the user has asked for that. Experiments call it between their parts.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.controls.stop.load(Ordering::Relaxed) { Err(Interrupted.into()) } else { Ok(()) }
    }

    /// Tells where an experiment is, in one line that the next one may replace.
    pub fn progress(&mut self, line: &str) -> anyhow::Result<()> {
        self.check()?;
        Ok(self.display.progress(line)?)
    }

    /// Prints text that is not part of the report.
    pub fn print(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.display.print(text)?)
    }

    /// Begins a part of the report.
    pub fn heading(&mut self, text: &str) -> anyhow::Result<()> {
        self.display.print(&format!("\n{text}\n"))?;
        Ok(self.findings.add(Part::Heading { text: text.to_owned() })?)
    }

    /// A paragraph, printed and in the report.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.display.print(&format!("{text}\n"))?;
        Ok(self.findings.add(Part::Text { text: text.to_owned() })?)
    }

    /// Text whose columns matter, printed and in the report.
    pub fn preformatted(&mut self, title: &str, text: &str) -> anyhow::Result<()> {
        self.display.print(&format!("{text}\n"))?;
        Ok(self.findings.add(Part::Preformatted { title: title.to_owned(), text: text.to_owned() })?)
    }

    /// A number that was found, with what is expected of it (nothing may be). `bolete sweep` can look for the best.
    pub fn result(&mut self, name: &str, value: f64, expected: &str) -> anyhow::Result<()> {
        let beside = if expected.is_empty() { String::new() } else { format!("  (expected: {expected})") };
        self.display.print(&format!("{name}: {}{beside}\n", terminal::number(value)))?;
        self.run.append_metrics(&Record::Result { name: name.to_owned(), value })?;
        Ok(self.findings.add(Part::Result { name: name.to_owned(), value, expected: expected.to_owned() })?)
    }

    /// A table, printed and in the report.
    pub fn table(&mut self, title: &str, header: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        self.display.print(&terminal::table(title, header, &rows))?;
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Ok(self.findings.add(Part::Table { title: title.to_owned(), header, rows })?)
    }

    /// A picture that was written to `figures/NAME` in the run folder.
    fn picture(&mut self, file: &Path, caption: &str) -> anyhow::Result<()> {
        Ok(self.findings.add(Part::Picture { file: file.to_path_buf(), caption: caption.to_owned() })?)
    }

    /// Trains, showing how it goes and recording it in the run folder; goes on where an earlier process was.
    ///
    /// # Errors
    /// Whatever ends the training early, [`Interrupted`] among it.
    pub fn fit<L: Learner>(
        &mut self,
        learner: &Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        config: &TrainerConfig,
        schedule: Schedule,
    ) -> anyhow::Result<Fit<L::State>> {
        self.fit_watched(learner, state, train, test, config, schedule, &mut |_, _| Ok(()))
    }

    /// As [`fit`](Session::fit), with an observer that sees the state, for pictures on the way.
    #[allow(clippy::too_many_arguments)]
    pub fn fit_watched<L: Learner>(
        &mut self,
        learner: &Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        config: &TrainerConfig,
        schedule: Schedule,
        observer: &mut dyn FnMut(&Event, &L::State) -> io::Result<()>,
    ) -> anyhow::Result<Fit<L::State>> {
        let config = TrainerConfig { debug_nans: config.debug_nans || self.debug_nans, ..config.clone() };
        let display = &mut self.display;
        let fit = Trainer::new(config)
            .with_schedule(schedule)
            .with_run(&self.run)
            .with_controls(&self.controls)
            .fit(learner, state, train, test, &mut |event, state| {
                display.event(event)?;
                observer(event, state)
            });
        self.display.end()?;
        let fit = fit?;
        if fit.ending == Ending::Interrupted {
            self.display.print(&format!(
                "\ninterrupted after step {}; go on with\n  bolete train --resume {}\n",
                fit.step,
                self.run.path().display()
            ))?;
            return Err(Interrupted.into());
        }
        Ok(fit)
    }

    /// A folder for figures in the run folder, made where it is not there.
    fn figures(&self) -> anyhow::Result<std::path::PathBuf> {
        let folder = self.run.path().join("figures");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{}: the folder cannot be made", folder.display()))?;
        Ok(folder)
    }
}
