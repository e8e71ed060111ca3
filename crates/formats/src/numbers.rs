//! Numbers between spaces, a row a line, as `numpy.loadtxt` reads and `numpy.savetxt` writes them.
//!
//! Memory: at most 16 times the size of the file.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::error::{Context, quoted};
use crate::{FormatError, atomic, source};

/// How the numbers are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumbersOptions {
    /// What follows this on a line is not read; `None` if there are no comments.
    pub comment: Option<char>,
    /// Between numbers; any spaces and tabs if `None`.
    pub delimiter: Option<char>,
    /// Lines at the beginning that are not read.
    pub skip: usize,
}

impl Default for NumbersOptions {
    /// Comments after `#`, any spaces between numbers, nothing skipped.
    fn default() -> Self {
        Self { comment: Some('#'), delimiter: None, skip: 0 }
    }
}

/// Rows of as many numbers each.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Number of rows.
    pub rows: usize,
    /// Numbers in each row.
    pub columns: usize,
    /// The numbers, row by row.
    pub values: Vec<f64>,
}

/// Reads a file.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened; [`FormatError::Malformed`], naming line and column, when something
/// is not a number, a row is longer or shorter than the first, or it is not UTF-8.
pub fn read(path: impl AsRef<Path>, options: &NumbersOptions) -> Result<Numbers, FormatError> {
    let path = path.as_ref();
    lines(BufReader::with_capacity(1 << 16, source::open(path)?.0), path, options)
}

/// Reads the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
///
/// # Examples
/// ```
/// use bolete_formats::numbers;
/// let numbers = numbers::parse(b"# x y\n1 2.5\n-3e2\t4 # last\n", "points.txt", &Default::default())?;
/// assert_eq!((numbers.rows, numbers.columns), (2, 2));
/// assert_eq!(numbers.values, [1.0, 2.5, -300.0, 4.0]);
/// # Ok::<(), bolete_formats::FormatError>(())
/// ```
pub fn parse(bytes: &[u8], file: impl AsRef<Path>, options: &NumbersOptions) -> Result<Numbers, FormatError> {
    lines(bytes, file.as_ref(), options)
}

fn lines(mut input: impl BufRead, file: &Path, options: &NumbersOptions) -> Result<Numbers, FormatError> {
    let context =
        Context { file, format: "text of numbers", advice: "correct that line, or skip it with the options" };
    let mut numbers = Numbers { rows: 0, columns: 0, values: Vec::new() };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(|reason| FormatError::read(file, reason))?;
        if read == 0 {
            break;
        }
        if number <= options.skip {
            continue;
        }
        let text = std::str::from_utf8(&line)
            .map_err(|_| context.malformed(format!("text in UTF-8 on line {number}"), "other bytes"))?;
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        let text = options.comment.and_then(|mark| text.split(mark).next()).unwrap_or(text).trim();
        if text.is_empty() {
            continue;
        }
        let before = numbers.values.len();
        let mut field = |field: &str| {
            let value = field.trim().parse::<f64>().map_err(|_| {
                let column = numbers.values.len() - before + 1;
                context.malformed(format!("a number on line {number}, column {column}"), quoted(field))
            })?;
            numbers.values.push(value);
            Ok(())
        };
        match options.delimiter {
            Some(delimiter) => text.split(delimiter).try_for_each(&mut field)?,
            None => text.split_whitespace().try_for_each(&mut field)?,
        }
        let columns = numbers.values.len() - before;
        if numbers.rows > 0 && columns != numbers.columns {
            return Err(context.malformed(
                format!("{} numbers on line {number}, as before", numbers.columns),
                format!("{columns} numbers"),
            ));
        }
        numbers.rows += 1;
        numbers.columns = columns;
    }
    Ok(numbers)
}

/// Writes numbers, a row a line with spaces between, atomically. What is read back has the same bits.
///
/// # Errors
/// [`FormatError::Unwritable`] when there are not `rows * columns` numbers, [`FormatError::Write`] when the disk
/// refuses.
pub fn write(path: impl AsRef<Path>, numbers: &Numbers) -> Result<(), FormatError> {
    let Numbers { rows, columns, ref values } = *numbers;
    if rows.checked_mul(columns) != Some(values.len()) {
        return Err(FormatError::Unwritable {
            format: "text of numbers",
            expected: format!("{rows} rows of {columns} numbers"),
            found: format!("{} numbers", values.len()),
        });
    }
    atomic::write(path, |out| {
        for row in values.chunks(columns.max(1)) {
            for (index, value) in row.iter().enumerate() {
                let space = if index == 0 { "" } else { " " };
                write!(out, "{space}{value:?}")?;
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}
