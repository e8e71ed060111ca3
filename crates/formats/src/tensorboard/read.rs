//! Reading event files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::FormatError;
use crate::error::Context;
use crate::source::open;

use super::Event;
use super::message::decode;
use super::record::{Next, next};

const ADVICE: &str = "drop the file, or read up to this record";

/// The events of a file, one after the other. A record that is cut off at the end of the file is passed over.
#[derive(Debug)]
pub struct EventReader<R = BufReader<File>> {
    file: R,
    path: PathBuf,
    records: usize,
    done: bool,
    cut_off: bool,
}

impl EventReader {
    /// Opens a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<EventReader, FormatError> {
        let path = path.as_ref();
        let (file, _) = open(path)?;
        Ok(EventReader::new(BufReader::new(file), path))
    }
}

impl<R: Read> EventReader<R> {
    /// The events in what `file` gives; `path` is the name used in messages.
    pub fn new(file: R, path: impl Into<PathBuf>) -> EventReader<R> {
        EventReader { file, path: path.into(), records: 0, done: false, cut_off: false }
    }

    /// Whether the file has ended within a record.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    fn damaged(&self, expected: &str, found: String) -> FormatError {
        let context = Context { file: &self.path, format: "TensorBoard event", advice: ADVICE };
        context.malformed(format!("{expected} as record {}", self.records), found)
    }
}

impl<R: Read> Iterator for EventReader<R> {
    type Item = Result<Event, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let event = match next(&mut self.file) {
            Ok(Next::Record(data)) => match decode(&data) {
                Some(event) => {
                    self.records += 1;
                    return Some(Ok(event));
                }
                None => Err(self.damaged("an event", "bytes that are no such message".into())),
            },
            Ok(Next::Damaged(expected, found)) => Err(self.damaged(expected, found)),
            Err(reason) => Err(FormatError::read(&self.path, reason)),
            Ok(end) => {
                self.done = true;
                self.cut_off = matches!(end, Next::CutOff);
                return None;
            }
        };
        self.done = true;
        Some(event)
    }
}

/// All events of a file.
///
/// # Errors
/// If the file cannot be read or is damaged before its last record.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Event>, FormatError> {
    EventReader::open(path)?.collect()
}

/// All events in the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// If they are damaged before the last record.
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<Vec<Event>, FormatError> {
    EventReader::new(bytes, file.as_ref()).collect()
}
