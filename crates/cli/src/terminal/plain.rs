//! Lines: one that is rewritten in place on a terminal, and otherwise one now and then.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use bolete::train::{Event, Progress};

use super::{Display, duration, number};

/// Plain lines on standard output.
pub struct Plain {
    in_place: bool,
    /// Whether a line stands that is to be rewritten.
    open: bool,
    /// Without a terminal, when the last line was written.
    written: Option<Instant>,
}

/// Time between lines where they cannot be rewritten.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Seconds below which an epoch gets no line of its own.
const SHORT_EPOCH: f64 = 0.1;

/// Takes the cursor to the beginning of the line and empties it.
const REWRITE: &str = "\r\x1b[K";

impl Plain {
    /// For whatever standard output is.
    pub fn new() -> Plain {
        Plain { in_place: io::stdout().is_terminal(), open: false, written: None }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let start = if std::mem::take(&mut self.open) { REWRITE } else { "" };
        writeln!(out, "{start}{line}")?;
        out.flush()
    }
}

impl Display for Plain {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started(started) => match started.resumed {
                Some(step) => self.line(&format!("going on after step {step} of {}", started.steps)),
                None => Ok(()),
            },
            Event::Warning(line) => self.line(&format!("warning: {line}")),
            Event::Progress(progress) => self.progress(&progress_line(progress)),
            Event::Evaluating if self.in_place => self.progress("testing …"),
            Event::Evaluated(evaluated) => {
                let best = if evaluated.is_best { "  best so far" } else { "" };
                let means = means(&evaluated.evaluation.means, "test ");
                self.line(&format!("step {}  {means}{best}", evaluated.step))
            }
            // Epochs of a single step, of which there are thousands, are told by the reports of their progress.
            Event::Epoch(end) if end.seconds < SHORT_EPOCH * end.epoch as f64 && end.epoch < end.epochs => {
                Ok(())
            }
            Event::Epoch(end) => self.line(&format!(
                "epoch {}/{}  {}  {}",
                end.epoch,
                end.epochs,
                means(&end.means, ""),
                duration(end.seconds)
            )),
            _ => Ok(()),
        }
    }

    fn progress(&mut self, line: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.in_place {
            self.open = true;
            write!(out, "{REWRITE}{line}")?;
        } else if self.written.is_none_or(|written| written.elapsed() >= BETWEEN_LINES) {
            writeln!(out, "{line}")?;
            self.written = Some(Instant::now());
        }
        out.flush()
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.end()?;
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if std::mem::take(&mut self.open) {
            write!(out, "{REWRITE}")?;
        }
        out.flush()
    }
}

/// Names and values, parts of the whole as per cent.
pub fn means(means: &BTreeMap<String, f64>, prefix: &str) -> String {
    let shown = means.iter().map(|(name, value)| match name.as_str() {
        "accuracy" => format!("{prefix}{name} {:.2} %", value * 100.0),
        _ => format!("{prefix}{name} {}", number(*value)),
    });
    shown.collect::<Vec<_>>().join("  ")
}

fn progress_line(progress: &Progress) -> String {
    let line = format!(
        "epoch {}/{} step {}/{} {} {:.0} items/s {} left",
        progress.epoch,
        progress.epochs,
        progress.step,
        progress.steps,
        means(&progress.means, ""),
        progress.items_per_second,
        duration(progress.seconds_left)
    );
    // A line that wraps cannot be rewritten in place.
    line.chars().take(79).collect()
}
