//! The one error type of this crate, and the wording of all its messages.

use std::io;
use std::path::{Path, PathBuf};

use bolete_formats::FormatError;

use crate::download::DownloadError;

/// Why data could not be loaded. Each message is one line: the file, what was expected, what was found, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read, or is damaged.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A file could not be downloaded or unpacked.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A folder could not be listed.
    #[error("{}: the folder cannot be read ({reason}); check the name and the permissions", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// A file that belongs to a data set is not there under any of its names.
    #[error(
        "{}: no {what} there, looked for {}; check the folder or download the missing file",
        folder.display(),
        tried.join(" and ")
    )]
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
        /// What the file holds, as "test labels".
        what: &'static str,
        /// The names that were tried.
        tried: Vec<String>,
    },
    /// The files are readable, but do not hold what a data set needs.
    #[error("{}: expected {expected}, found {found}; {advice}", path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What the data set needs.
        expected: String,
        /// What is there.
        found: String,
        /// What the user can do.
        advice: &'static str,
    },
    /// Values that a data set or a loader was made from do not fit each other. A mistake of the caller.
    #[error("the data set cannot be made: expected {expected}, found {found}")]
    Invalid {
        /// What was needed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Making a batch panicked; the loader caught it. The batch is lost and the epoch ends.
    #[error("making batch {batch} panicked ({message}); this is a bug in the data set")]
    Panicked {
        /// The number of the batch in its epoch, from 0.
        batch: usize,
        /// The message of the panic.
        message: String,
    },
    /// The operating system refused to start a worker thread.
    #[error("a worker thread cannot be started ({reason}); use fewer workers")]
    Thread {
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// Any other error of a data set outside of this crate.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl DataError {
    pub(crate) fn folder(folder: &Path, reason: io::Error) -> Self {
        Self::Folder { folder: folder.to_path_buf(), reason }
    }

    pub(crate) fn invalid(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Invalid { expected: expected.into(), found: found.into() }
    }
}
