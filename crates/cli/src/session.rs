//! A run of a recipe under way: where what is found goes, and what the user wants.

mod inside;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use bolete::nn::Schedule;
use bolete::plot::{Animation, Figure};
use bolete::tensor::plan::trace;
use bolete::train::{
    Controls, Ending, Event, Findings, Fit, Learner, Part, Place, RateFinder, Record, RunFolder, Source,
    Trainer, TrainerConfig,
};

use crate::Interrupted;
use crate::terminal::{self, Display};

/// Sees what happens and the state as it is; gives text for the panel beside the curves, if there is any.
pub type Watcher<'a, S> = dyn FnMut(&Event, &S) -> io::Result<Option<String>> + 'a;

/// A run of a recipe.
pub struct Session {
    run: RunFolder,
    findings: Findings,
    controls: Arc<Controls>,
    display: Box<dyn Display>,
    special: Special,
}

/// What is done besides, or instead of, training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Special {
    /// Every step is searched for NaN and infinity.
    pub debug_nans: bool,
    /// Instead of training, rates are tried. This is the configured one, as far as there is one.
    pub find_rate: Option<f64>,
}

/// Instead of training, something else was done, and is done.
#[derive(Debug)]
pub struct Done;

impl std::fmt::Display for Done {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("done without training")
    }
}

impl std::error::Error for Done {}

impl Session {
    /// A run in this folder.
    pub fn new(
        run: RunFolder,
        controls: Arc<Controls>,
        display: Box<dyn Display>,
        special: Special,
    ) -> Session {
        let findings = Findings::new(run.path());
        Session { run, findings, controls, display, special }
    }

    /// The folder of the run.
    pub fn run(&self) -> &RunFolder {
        &self.run
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

    /// A heading of the report that is not printed.
    fn quiet_heading(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.findings.add(Part::Heading { text: text.to_owned() })?)
    }

    /// A table of the report that is not printed.
    fn quiet_table(&mut self, title: &str, header: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Ok(self.findings.add(Part::Table { title: title.to_owned(), header, rows })?)
    }

    /// A table, printed and in the report.
    pub fn table(&mut self, title: &str, header: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        self.display.print(&terminal::table(title, header, &rows))?;
        self.quiet_table(title, header, rows)
    }

    /// A figure: `figures/NAME.svg` and `.png` in the run folder, and in the report.
    pub fn figure(&mut self, name: &str, caption: &str, figure: &Figure) -> anyhow::Result<()> {
        let folder = self.figures()?;
        figure.write(folder.join(format!("{name}.png")))?;
        figure.write(folder.join(format!("{name}.svg")))?;
        self.picture(&format!("{name}.svg"), caption)
    }

    /// An animation: `figures/NAME.gif` in the run folder, and in the report.
    pub fn animation(&mut self, name: &str, caption: &str, animation: &Animation) -> anyhow::Result<()> {
        animation.write(self.figures()?.join(format!("{name}.gif")))?;
        self.picture(&format!("{name}.gif"), caption)
    }

    fn picture(&mut self, file: &str, caption: &str) -> anyhow::Result<()> {
        let file = Path::new("figures").join(file);
        Ok(self.findings.add(Part::Picture { file, caption: caption.to_owned() })?)
    }

    /// Trains, showing how it goes and recording it in the run folder; goes on where an earlier process was. The observer
    /// sees the state: for pictures on the way, and for a sample or picture as text, which the dashboard shows beside the
    /// curves.
    ///
    /// # Errors
    /// Whatever ends the training early, [`Interrupted`] among it.
    #[allow(clippy::too_many_arguments)]
    pub fn fit<L: Learner>(
        &mut self,
        learner: &Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        config: &TrainerConfig,
        schedule: Schedule,
        observer: &mut Watcher<'_, L::State>,
    ) -> anyhow::Result<Fit<L::State>> {
        let config =
            TrainerConfig { debug_nans: config.debug_nans || self.special.debug_nans, ..config.clone() };
        if let Some(base) = self.special.find_rate {
            let curve = Trainer::new(config).find_rate(learner, state, train, &RateFinder::factors())?;
            self.rates(&curve, base)?;
            return Err(Done.into());
        }
        let display = &mut self.display;
        // The kernels between two reports are timed: the first steps are over, and it costs nothing afterwards.
        let (mut reports, mut kernels) = (0, Vec::new());
        let fit = Trainer::new(config)
            .with_schedule(schedule)
            .with_run(&self.run)
            .with_controls(&self.controls)
            .fit(learner, state, train, test, &mut |event, state| {
                if let Event::Progress(_) = event {
                    reports += 1;
                    match reports {
                        2 => trace::start_profile(),
                        3 => kernels = trace::take_profile(),
                        _ => {}
                    }
                }
                display.event(event)?;
                if let Some(text) = observer(event, state)? {
                    display.panel(&text);
                }
                Ok(())
            });
        trace::take_profile();
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
        if let Some(evaluation) = &fit.last {
            self.mistakes(evaluation)?;
        }
        let first = train.epoch_from(1, &Place::default())?.next().transpose()?;
        self.inside(&**learner, &fit.state, first.as_ref())?;
        self.kernels(&kernels)?;
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
