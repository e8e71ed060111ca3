//! What the user sees.

mod plain;
mod text;

pub use plain::Plain;
pub use text::{confusion, duration, evaluation, number, pictures, table};

use std::io::{self, Write as _};

use bolete::train::Event;

/// Where a run is shown.
pub trait Display {
    /// Shows what happens in training.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// Shows where an experiment is, in one line that the next one may replace.
    fn progress(&mut self, line: &str) -> io::Result<()>;

    /// Shows text that stays.
    fn print(&mut self, text: &str) -> io::Result<()>;

    /// Training is over, well or not: what follows is ordinary text.
    fn end(&mut self) -> io::Result<()>;
}

/// The display for standard output.
pub fn display(_plain: bool) -> Box<dyn Display> {
    Box::new(Plain::new())
}

/// Writes to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
