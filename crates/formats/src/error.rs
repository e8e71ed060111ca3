//! The one error type of this crate, and the wording of all its messages.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
///
/// Each message is one line: the file, what was expected, what was found, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system refused to open or read the file.
    #[error("{}: cannot be read ({reason}); check the name and the permissions", one_line(file))]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// The operating system refused to write the file. Nothing was left behind, and an older file of that name is
    /// untouched.
    #[error(
        "{}: cannot be written ({reason}); nothing was changed, check free space and permissions",
        one_line(file)
    )]
    Write {
        /// The file that was to be written.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// The content is not what the format demands: the file is damaged, or of another kind.
    #[error("{}: not a valid {format} file: expected {expected}, found {found}; {advice}", one_line(file))]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The format that the file was read as.
        format: &'static str,
        /// What the format demands.
        expected: String,
        /// What the file holds.
        found: String,
        /// What the user can do.
        advice: &'static str,
    },
    /// The file may be valid, but it asks for more than the limits allow.
    #[error("{}: too large: expected {expected}, found {found}; {advice}", one_line(file))]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The limit.
        expected: String,
        /// What the file asks for.
        found: String,
        /// What the user can do.
        advice: &'static str,
    },
    /// The values handed to a writer do not fit the format. A mistake of the caller; no file was touched.
    #[error("cannot write {format}: expected {expected}, found {found}; no file was touched")]
    Unwritable {
        /// The format that was to be written.
        format: &'static str,
        /// What the format demands.
        expected: String,
        /// What the caller handed over.
        found: String,
    },
}

impl FormatError {
    /// The file that the error is about, or `None` where values were refused before a file came into play.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::Malformed { file, .. }
            | Self::TooLarge { file, .. } => Some(file),
            Self::Unwritable { .. } => None,
        }
    }

    pub(crate) fn read(file: &Path, reason: io::Error) -> Self {
        Self::Read { file: file.to_path_buf(), reason }
    }

    pub(crate) fn write(file: &Path, reason: io::Error) -> Self {
        Self::Write { file: file.to_path_buf(), reason }
    }
}

/// Who is speaking in a reader's messages: the file, its format, and what the user can do.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub file: &'a Path,
    pub format: &'static str,
    pub advice: &'static str,
}

impl Context<'_> {
    pub fn malformed(&self, expected: impl Into<String>, found: impl Into<String>) -> FormatError {
        FormatError::Malformed {
            file: self.file.to_path_buf(),
            format: self.format,
            expected: expected.into(),
            found: found.into(),
            advice: self.advice,
        }
    }

    /// The same with another piece of advice.
    pub fn advising(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }
}

/// A file name on one line: control characters in a name must not break a message, or a terminal.
fn one_line(file: &Path) -> String {
    file.to_string_lossy().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Text from a foreign file, quoted and short enough for a message.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
