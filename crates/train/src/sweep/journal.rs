//! The journal of a study: a line for everything that happens, on the disk before it counts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SweepError;
use super::study::{Outcome, StudyConfig};

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first line.
    Study(StudyConfig),
    /// A trial begins at these places of its spaces.
    Trial { number: usize, places: Vec<f64> },
    /// A trial reports a value.
    Report { number: usize, step: u64, value: Option<f64> },
    /// A trial ends.
    End { number: usize, outcome: Outcome, value: Option<f64> },
}

/// The open journal, locked against other processes.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of a folder and reads what is there. What follows the last whole line is cut off: it never
    /// counted.
    pub fn open(folder: &Path) -> Result<(Journal, Vec<Entry>), SweepError> {
        let path = folder.join("study.jsonl");
        let wrong = |reason| SweepError::journal(&path, reason);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SweepError::Busy { folder: folder.to_path_buf() }),
            Err(TryLockError::Error(reason)) => return Err(wrong(reason)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(wrong)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut entries = Vec::new();
        for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let entry = serde_json::from_slice(line).map_err(|error| SweepError::Journal {
                file: path.clone(),
                reason: format!("line {} is damaged ({error}); remove it and those after it", number + 1),
            })?;
            entries.push(entry);
        }
        file.set_len(whole as u64).map_err(wrong)?;
        file.seek(SeekFrom::End(0)).map_err(wrong)?;
        Ok((Journal { path, file }, entries))
    }

    /// Writes a line.
    pub fn write(&mut self, entry: &Entry) -> Result<(), SweepError> {
        let wrong = |reason| SweepError::journal(&self.path, reason);
        let mut line = serde_json::to_vec(entry).map_err(|error| wrong(error.into()))?;
        line.push(b'\n');
        let before = self.file.metadata().map_err(wrong)?.len();
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // The first failure is on its way to the caller; a second one would only hide it.
            let _ = self.file.set_len(before);
        }
        written.map_err(wrong)
    }
}
