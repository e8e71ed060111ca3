//! A text file line by line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Source, Stream, wrong_position};
use crate::{DataError, Fingerprint};

/// The lines of a file in UTF-8, without their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    path: PathBuf,
    longest: usize,
}

/// The stream of [`Lines`]; its position is the byte at which the next line begins, and its number.
#[derive(Debug)]
pub struct LineStream {
    path: PathBuf,
    longest: usize,
    reader: BufReader<File>,
    byte: u64,
    line: u64,
}

impl Lines {
    /// The lines of a file, of at most 16 MiB each.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), longest: 16 << 20 }
    }

    /// The same with lines of at most `longest` bytes, end included; a longer one is an error.
    pub fn with_longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }
}

impl Source for Lines {
    type Item = String;
    type Stream = LineStream;

    fn open(&self, _epoch: u64, from: &[u64]) -> Result<LineStream, DataError> {
        let unreadable = |reason| DataError::folder(&self.path, reason);
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let (byte, line) = match *from {
            [] => (0, 0),
            [byte, line] if byte <= size => (byte, line),
            _ => return Err(wrong_position("lines", &format!("a byte up to {size} and a line"), from)),
        };
        file.seek(SeekFrom::Start(byte)).map_err(unreadable)?;
        Ok(LineStream {
            path: self.path.clone(),
            longest: self.longest,
            reader: BufReader::with_capacity(1 << 16, file),
            byte,
            line,
        })
    }

    /// Hashes the name, size and time of the last change, not the content.
    fn fingerprint(&self) -> u64 {
        let hash = Fingerprint::new("lines").bytes(name(&self.path).as_bytes());
        match fs::metadata(&self.path) {
            Ok(found) => {
                let time = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                hash.number(found.len()).number(time.map_or(0, |time| time.as_nanos() as u64)).finish()
            }
            Err(_) => hash.finish(),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Stream for LineStream {
    type Item = String;

    fn next(&mut self) -> Result<Option<String>, DataError> {
        let mut bytes = Vec::new();
        let mut limited = self.reader.by_ref().take(self.longest as u64 + 1);
        limited.read_until(b'\n', &mut bytes).map_err(|reason| DataError::folder(&self.path, reason))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let unfit = |expected: String, found: String, advice| DataError::Unfit {
            path: self.path.clone(),
            expected,
            found,
            advice,
        };
        if bytes.len() > self.longest {
            let expected = format!("at most {} bytes in line {}", self.longest, self.line + 1);
            return Err(unfit(expected, "more".into(), "use a text with line breaks, or allow longer lines"));
        }
        self.byte += bytes.len() as u64;
        self.line += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            bytes.pop_if(|last| *last == b'\r');
        }
        String::from_utf8(bytes).map(Some).map_err(|error| {
            let found =
                format!("other bytes at byte {} of line {}", error.utf8_error().valid_up_to(), self.line);
            unfit("text in UTF-8".into(), found, "convert the file to UTF-8")
        })
    }

    fn position(&self) -> Vec<u64> {
        vec![self.byte, self.line]
    }
}
