//! What the user sees.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::ops::Range;
use std::time::{Duration, Instant};

use bolete::train::trainer::{Event, Progress};
use bolete::train::{Confusion, Evaluation};

/// Writes to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Ends a line that is being rewritten, so that what follows does not overwrite it.
pub fn end_line() {
    if io::stdout().is_terminal() {
        // An error is about to be told; output that fails now has nothing to add.
        let _ = writeln!(io::stdout());
    }
}

/// The progress of a training: a line that is rewritten in place on a terminal, and otherwise a line now and then.
pub struct Live {
    in_place: bool,
    /// Without a terminal, when the last line was written.
    written: Option<Instant>,
}

/// Time between lines where they cannot be rewritten.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

impl Live {
    pub fn new() -> Live {
        Live { in_place: io::stdout().is_terminal(), written: None }
    }

    /// Shows what happened.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match event {
            Event::Progress(progress) => {
                let line = progress_line(progress);
                if self.in_place {
                    write!(out, "\r\x1b[K{line}")?;
                } else if self.written.is_none_or(|written| written.elapsed() >= BETWEEN_LINES) {
                    writeln!(out, "{line}")?;
                    self.written = Some(Instant::now());
                }
            }
            Event::Evaluating if self.in_place => write!(out, "\r\x1b[Ktesting …")?,
            Event::Evaluating => {}
            Event::Epoch(end) => {
                let start = if self.in_place { "\r\x1b[K" } else { "" };
                write!(
                    out,
                    "{start}epoch {}/{}  loss {:.4}  accuracy {:.2} %",
                    end.epoch,
                    end.epochs,
                    end.train_loss,
                    end.train_accuracy * 100.0
                )?;
                if let Some(test) = &end.test {
                    write!(
                        out,
                        "  test loss {:.4}  test accuracy {:.2} %",
                        test.loss,
                        test.accuracy * 100.0
                    )?;
                }
                writeln!(out, "  {}", duration(end.seconds))?;
            }
        }
        out.flush()
    }
}

fn progress_line(progress: &Progress) -> String {
    format!(
        // Short enough for 80 columns: a line that wraps cannot be rewritten in place.
        "epoch {}/{} step {}/{} loss {:.4} accuracy {:.1} % {:.0} images/s {} left",
        progress.epoch,
        progress.epochs,
        progress.step,
        progress.steps,
        progress.loss,
        progress.accuracy * 100.0,
        progress.items_per_second,
        duration(progress.seconds_left)
    )
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if whole < 60 { format!("{whole} s") } else { format!("{}:{:02} min", whole / 60, whole % 60) }
}

/// Accuracy and the table of which class was taken for which.
pub fn evaluation(evaluation: &Evaluation) -> String {
    format!(
        "\ntest accuracy {:.2} %, loss {:.4}\n\n{}",
        evaluation.accuracy * 100.0,
        evaluation.loss,
        confusion(&evaluation.confusion)
    )
}

/// A row for each class as it is, a column for each as it was taken.
fn confusion(confusion: &Confusion) -> String {
    let classes = confusion.classes();
    let mut text = String::from("    taken for");
    for class in 0..classes {
        write!(text, "{class:>6}").expect("strings take all writes");
    }
    text.push_str("   found\n");
    for actual in 0..classes {
        write!(text, "  {actual:>9}  ").expect("strings take all writes");
        for taken in 0..classes {
            match confusion.count(actual, taken) {
                0 => text.push_str("     ·"),
                count => write!(text, "{count:>6}").expect("strings take all writes"),
            }
        }
        match confusion.recall(actual) {
            Some(recall) => writeln!(text, "  {:5.1} %", recall * 100.0).expect("strings take all writes"),
            None => text.push('\n'),
        }
    }
    text
}

/// Columns of the narrowest terminal that is thought of.
const COLUMNS: usize = 80;

/// Gray pictures of `side`×`side` pixels, two pixels to a character, each with a caption below; side by side as far as
/// the terminal is wide, without the margins that they have in common.
pub fn pictures(pictures: &[(&[u8], String)], side: usize) -> String {
    let lit = |pixels: &[u8], x: usize, y: usize| pixels[y * side + x] > 110;
    let shown = |inked: &dyn Fn(usize) -> bool| {
        let first = (0..side).find(|at| inked(*at)).unwrap_or(0);
        first..(first + 1..=side).rev().find(|at| inked(at - 1)).unwrap_or(side)
    };
    let columns = shown(&|x| pictures.iter().any(|(pixels, _)| (0..side).any(|y| lit(pixels, x, y))));
    let rows = shown(&|y| pictures.iter().any(|(pixels, _)| (0..side).any(|x| lit(pixels, x, y))));
    let caption = pictures.iter().map(|(_, caption)| caption.chars().count()).max().unwrap_or(0);
    let width = columns.len().max(caption) + 3;
    let band = |part: &[(&[u8], String)]| band(part, &columns, &rows, width, &lit);
    pictures.chunks((COLUMNS / width).max(1)).map(band).collect::<Vec<_>>().join("\n")
}

/// Pictures side by side, each in `width` columns.
fn band(
    pictures: &[(&[u8], String)],
    columns: &Range<usize>,
    rows: &Range<usize>,
    width: usize,
    lit: &dyn Fn(&[u8], usize, usize) -> bool,
) -> String {
    let mut text = String::new();
    // A half block shows its two pixels as ink or paper.
    for y in rows.clone().step_by(2) {
        for (pixels, _) in pictures {
            for x in columns.clone() {
                let below = y + 1 < rows.end && lit(pixels, x, y + 1);
                text.push(match (lit(pixels, x, y), below) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.extend(std::iter::repeat_n(' ', width - columns.len()));
        }
        let kept = text.trim_end_matches(' ').len();
        text.truncate(kept);
        text.push('\n');
    }
    for (_, caption) in pictures {
        write!(text, "{caption:<width$}").expect("strings take all writes");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
