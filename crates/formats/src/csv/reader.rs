//! Row by row.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::CsvOptions;
use crate::error::{Context, quoted};
use crate::{FormatError, source};

/// Goes through a table row by row.
#[derive(Debug)]
pub struct CsvReader<R> {
    input: R,
    file: PathBuf,
    options: CsvOptions,
    header: Vec<String>,
    /// Rows read so far, without the header.
    rows: u64,
    /// Lines read so far, and where the present row began.
    lines: u64,
    row_line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    header: &'a [String],
    options: &'a CsvOptions,
    file: &'a Path,
    text: &'a str,
    ends: &'a [usize],
    number: u64,
    line: u64,
}

/// Where in a record the next byte lies.
#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside of a quoted field: its end, or the first of two that stand for one.
    Quote,
    /// After a carriage return behind a quoted field.
    Return,
}

fn context(file: &Path) -> Context<'_> {
    Context { file, format: "CSV", advice: "correct that line, or give the right delimiter" }
}

impl CsvReader<BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it has no header, a name comes
    /// twice in it, or it is not UTF-8.
    pub fn open(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, FormatError> {
        let path = path.as_ref();
        Self::new(BufReader::with_capacity(1 << 16, source::open(path)?.0), path, options)
    }
}

impl<R: BufRead> CsvReader<R> {
    /// Reads the header from `input`; `file` is the name used in messages.
    ///
    /// # Errors
    /// As [`open`](CsvReader::open).
    ///
    /// # Examples
    /// ```
    /// use bolete_formats::csv::{CsvOptions, CsvReader};
    /// let text = "city,people\r\n\"Bergen, Norway\",291940\r\nOslo,NA\r\n";
    /// let mut reader = CsvReader::new(text.as_bytes(), "cities.csv", &CsvOptions::default())?;
    /// assert_eq!(reader.header(), ["city", "people"]);
    /// let row = reader.next_row()?.expect("the first row");
    /// assert_eq!((row.text(0), row.number(1)?), ("Bergen, Norway", Some(291940.0)));
    /// assert_eq!(reader.next_row()?.expect("the second row").number(1)?, None);
    /// assert!(reader.next_row()?.is_none());
    /// # Ok::<(), bolete_formats::FormatError>(())
    /// ```
    pub fn new(input: R, file: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, FormatError> {
        let mut reader = Self {
            input,
            file: file.as_ref().to_path_buf(),
            options: options.clone(),
            header: Vec::new(),
            rows: 0,
            lines: 1,
            row_line: 1,
            text: Vec::new(),
            ends: Vec::new(),
        };
        if !reader.record(true)? {
            return Err(context(&reader.file).malformed("a header with the names of columns", "no line"));
        }
        let row = reader.row()?;
        let header: Vec<String> = (0..row.len()).map(|column| row.text(column).to_string()).collect();
        let mut sorted: Vec<&String> = header.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let found = format!("{} twice in the header", quoted(pair[0]));
            return Err(context(&reader.file).malformed("every column once", found));
        }
        let unknown = options.kinds.keys().find(|name| !header.contains(name));
        if let Some(name) = unknown {
            let found = format!("the columns {}", quoted(&header.join(", ")));
            return Err(context(&reader.file).malformed(format!("a column {}", quoted(name)), found));
        }
        reader.header = header;
        Ok(reader)
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// [`FormatError::Malformed`], naming row and line, when the row has more or fewer fields than the header, a quote
    /// is not closed or followed by something, or it is not UTF-8.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, FormatError> {
        if !self.record(false)? {
            return Ok(None);
        }
        self.rows += 1;
        if self.ends.len() != self.header.len() {
            return Err(self.wrong(
                format!("{} fields, as in the header,", self.header.len()),
                format!("{} fields", self.ends.len()),
            ));
        }
        self.row().map(Some)
    }

    fn row(&self) -> Result<Row<'_>, FormatError> {
        let text = std::str::from_utf8(&self.text).ok();
        // Fields may not share a character between them either.
        let text = text.filter(|text| self.ends.iter().all(|end| text.is_char_boundary(*end)));
        Ok(Row {
            header: &self.header,
            options: &self.options,
            file: &self.file,
            text: text.ok_or_else(|| self.wrong("text in UTF-8".to_string(), "other bytes".to_string()))?,
            ends: &self.ends,
            number: self.rows,
            line: self.row_line,
        })
    }

    fn wrong(&self, expected: String, found: String) -> FormatError {
        let (row, line) = (self.rows, self.row_line);
        let place =
            if row == 0 { format!("the header (line {line})") } else { format!("row {row} (line {line})") };
        context(&self.file).malformed(format!("{expected} in {place}"), found)
    }

    /// Reads a record into `text` and `ends`; `false` at the end of the file.
    fn record(&mut self, first: bool) -> Result<bool, FormatError> {
        self.text.clear();
        self.ends.clear();
        self.row_line = self.lines;
        let mut state = State::FieldStart;
        let mut begun = false;
        let mut mark = if first { self.byte_order_mark()? } else { 0 };
        loop {
            let chunk = self.input.fill_buf().map_err(|reason| FormatError::read(&self.file, reason))?;
            if chunk.is_empty() {
                break;
            }
            let mut used = mark;
            mark = 0;
            let mut complete = false;
            for &byte in &chunk[used..] {
                used += 1;
                self.lines += u64::from(byte == b'\n');
                match (state, byte) {
                    (State::Quoted, b'"') => state = State::Quote,
                    (State::Quoted, _) => self.text.push(byte),
                    (State::Quote, b'"') => {
                        self.text.push(b'"');
                        state = State::Quoted;
                    }
                    (State::FieldStart, b'"') => {
                        begun = true;
                        state = State::Quoted;
                    }
                    (_, b'\n') => {
                        if matches!(state, State::Plain) && self.text.last() == Some(&b'\r') {
                            self.text.pop();
                        }
                        if begun && !(self.ends.is_empty() && state == State::Plain && self.text.is_empty()) {
                            complete = true;
                            break;
                        }
                        // An empty line.
                        begun = false;
                        state = State::FieldStart;
                        self.row_line = self.lines;
                    }
                    (State::Quote, b'\r') => state = State::Return,
                    (State::FieldStart | State::Plain | State::Quote, byte)
                        if byte == self.options.delimiter =>
                    {
                        begun = true;
                        self.ends.push(self.text.len());
                        state = State::FieldStart;
                    }
                    (State::Quote | State::Return, _) => {
                        self.input.consume(used);
                        self.rows += u64::from(!first);
                        return Err(self.wrong(
                            "a delimiter after a closing quote".to_string(),
                            format!("{:?} on line {}", char::from(byte), self.lines),
                        ));
                    }
                    (State::FieldStart | State::Plain, _) => {
                        begun = true;
                        self.text.push(byte);
                        state = State::Plain;
                    }
                }
            }
            self.input.consume(used);
            if complete {
                self.ends.push(self.text.len());
                return Ok(true);
            }
        }
        if state == State::Quoted {
            self.rows += u64::from(!first);
            return Err(self.wrong("a closing quote".to_string(), "the end of the file".to_string()));
        }
        if begun {
            if state == State::Plain && self.text.last() == Some(&b'\r') {
                self.text.pop();
            }
            self.ends.push(self.text.len());
        }
        Ok(begun)
    }

    /// The length of the byte order mark at the beginning.
    fn byte_order_mark(&mut self) -> Result<usize, FormatError> {
        let chunk = self.input.fill_buf().map_err(|reason| FormatError::read(&self.file, reason))?;
        if chunk.starts_with(&[0xff, 0xfe]) || chunk.starts_with(&[0xfe, 0xff]) {
            return Err(context(&self.file)
                .advising("save the file as UTF-8")
                .malformed("text in UTF-8", "the byte order mark of UTF-16"));
        }
        Ok(if chunk.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 })
    }
}

impl<'a> Row<'a> {
    /// Number of fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no fields. A row of a reader always has some.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field as it is written, without its quotes.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn text(&self, column: usize) -> &'a str {
        let begin = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.text[begin..self.ends[column]]
    }

    /// Whether the field stands for no value.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn is_missing(&self, column: usize) -> bool {
        self.options.is_missing(self.text(column))
    }

    /// The field as a number, or `None` where it is missing.
    ///
    /// # Errors
    /// [`FormatError::Malformed`], naming row, line and column, where it is something else.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn number(&self, column: usize) -> Result<Option<f64>, FormatError> {
        if self.is_missing(column) {
            return Ok(None);
        }
        let text = self.text(column);
        text.trim().parse().map(Some).map_err(|_| {
            let name = self.header.get(column).map_or("", String::as_str);
            context(self.file).malformed(
                format!("a number in row {} (line {}), column {}", self.number, self.line, quoted(name)),
                quoted(text),
            )
        })
    }
}
