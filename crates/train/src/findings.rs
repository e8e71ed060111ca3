//! What a run found, in the order in which it is to be told: the parts of its report.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bolete_formats::atomic;
use serde::{Deserialize, Serialize};

use crate::record::number;
use crate::run_folder::RunError;

const FILE: &str = "findings.json";

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// What follows belongs together.
    Heading {
        /// In a few words.
        text: String,
    },
    /// A paragraph.
    Text {
        /// Plain text.
        text: String,
    },
    /// Text whose columns matter, such as a model's summary.
    Preformatted {
        /// What it is.
        title: String,
        /// The text.
        text: String,
    },
    /// A picture: SVG, PNG or GIF.
    Picture {
        /// The file, relative to the run folder.
        file: PathBuf,
        /// What it shows.
        caption: String,
    },
    /// A table.
    Table {
        /// What it is.
        title: String,
        /// Names of the columns.
        header: Vec<String>,
        /// Rows of as many cells.
        rows: Vec<Vec<String>>,
    },
    /// A number.
    Result {
        /// What it is the value of.
        name: String,
        /// The value.
        #[serde(deserialize_with = "number")]
        value: f64,
        /// What is expected, where something is.
        expected: String,
    },
}

/// All that a run found. Every addition is on the disk before the next.
#[derive(Clone, Debug)]
pub struct Findings {
    folder: PathBuf,
    parts: Vec<Part>,
}

impl Findings {
    /// None yet.
    pub fn new(folder: impl Into<PathBuf>) -> Findings {
        Findings { folder: folder.into(), parts: Vec::new() }
    }

    /// Those of a run folder; none where nothing was written.
    ///
    /// # Errors
    /// [`RunError::Config`] when the file is damaged.
    pub fn open(folder: impl AsRef<Path>) -> Result<Findings, RunError> {
        let folder = folder.as_ref().to_path_buf();
        let file = folder.join(FILE);
        let parts = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| RunError::Config { file, reason: error.to_string() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(RunError::Config { file, reason: error.to_string() }),
        };
        Ok(Findings { folder, parts })
    }

    /// The parts in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The folder that pictures are relative to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One more.
    ///
    /// # Errors
    /// [`RunError::Write`] naming the file.
    pub fn add(&mut self, part: Part) -> Result<(), RunError> {
        self.parts.push(part);
        atomic::write(self.folder.join(FILE), |out| Ok(serde_json::to_writer_pretty(out, &self.parts)?))?;
        Ok(())
    }

    /// The numbers by name, the last of each.
    pub fn results(&self) -> impl Iterator<Item = (&str, f64)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Result { name, value, .. } => Some((name.as_str(), *value)),
            _ => None,
        })
    }
}
