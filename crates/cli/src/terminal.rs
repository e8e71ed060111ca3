//! What the user sees.

mod dashboard;
mod plain;
mod text;

pub use plain::Plain;
pub use text::{duration, evaluation, number, pictures, table};

use std::io::{self, Write as _};
use std::sync::Arc;

use bolete::train::{Controls, Event};

use dashboard::Dashboard;

/// Where a run is shown.
pub trait Display {
    /// Shows what happens in training.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// Shows where an experiment is, in one line that the next one may replace.
    fn progress(&mut self, line: &str) -> io::Result<()>;

    /// Shows a picture or sample of the recipe beside the curves, where there are any.
    fn panel(&mut self, _text: &str) {}

    /// Shows text that stays.
    fn print(&mut self, text: &str) -> io::Result<()>;

    /// Training is over, well or not: what follows is ordinary text.
    fn end(&mut self) -> io::Result<()>;
}

/// The display for standard output: a dashboard on a terminal that is large enough, unless `plain`; else lines.
pub fn display(plain: bool, controls: &Arc<Controls>, title: &str) -> Box<dyn Display> {
    let dashboard = if plain { None } else { Dashboard::new(controls.clone(), title) };
    match dashboard {
        Some(dashboard) => Box::new(dashboard),
        None => Box::new(Plain::new()),
    }
}

/// Writes to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
