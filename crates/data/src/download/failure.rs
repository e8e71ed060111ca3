//! What can go wrong with a download, and the wording of all its messages.

use std::io;
use std::path::{Path, PathBuf};

/// Why a transfer from one address failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server answered with another status than 200 or 206.
    #[error("expected the file, found the answer {status}{}", meaning(*status))]
    Status {
        /// The status.
        status: u16,
    },
    /// The length that the server says, or that came, is not that of the file.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// The length of the file.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The server sent more bytes than the file has, without an end.
    #[error("expected at most {expected} bytes, found more")]
    Endless {
        /// The length of the file, or the most that is allowed.
        expected: u64,
    },
    /// The content is not that of the file.
    #[error("expected the {kind} {expected}, found {found}")]
    Checksum {
        /// `MD5` or `SHA-256`.
        kind: &'static str,
        /// That of the file.
        expected: String,
        /// That of what came.
        found: String,
    },
    /// A page for people came in place of the file, as from a login or an error page.
    #[error("expected the file, found a web page")]
    WebPage,
    /// The server went on in another place than it was asked to.
    #[error("expected the bytes from {expected} on, found {found:?}")]
    Range {
        /// The place that was asked for.
        expected: u64,
        /// The range that the server says it sends.
        found: String,
    },
    /// The address leads to others, again and again.
    #[error("expected the file, found more than 8 redirects")]
    Redirects,
    /// The connection broke before all bytes had come.
    #[error("the connection broke after {received} bytes{} ({reason})", of_all(*of))]
    Broken {
        /// Bytes that are there.
        received: u64,
        /// Bytes of the whole file, where that is known.
        of: Option<u64>,
        /// What the operating system said.
        reason: String,
    },
    /// The server was silent for too long.
    #[error("the server was silent for {seconds} s, {received} bytes had come")]
    Silent {
        /// How long was waited.
        seconds: f64,
        /// Bytes that are there.
        received: u64,
    },
    /// Bytes came so slowly that the file would take forever.
    #[error("expected at least {slowest} bytes in {seconds} s, found {found}")]
    Slow {
        /// The least number of bytes.
        slowest: u64,
        /// Over how long.
        seconds: f64,
        /// Bytes that came.
        found: u64,
    },
    /// No connection was made.
    #[error("no connection ({reason})")]
    Unreachable {
        /// What the client said.
        reason: String,
    },
    /// The address, or one that it leads to, needs encryption, which this build does not have.
    #[error("needs https, which this build lacks; build with `--features https`")]
    NeedsHttps,
    /// The file has no published checksum, and the address is not encrypted.
    #[error("not used, since the file has no published checksum and http is not protected")]
    Unprotected,
    /// The observer stopped the download.
    #[error("stopped")]
    Stopped,
    /// What came could not be stored.
    #[error("{0}")]
    Disk(io::Error),
}

impl Failure {
    /// Whether another attempt may go better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Status { status } => matches!(status, 408 | 416 | 425 | 429 | 500 | 502..=504),
            Self::Broken { .. } | Self::Silent { .. } | Self::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// Whether what has come is worth nothing.
    pub(super) fn is_wrong_content(&self) -> bool {
        matches!(
            self,
            Self::Checksum { .. }
                | Self::Endless { .. }
                | Self::Range { .. }
                | Self::Length { .. }
                | Self::Status { status: 416 }
        )
    }
}

/// Why a file could not be downloaded or unpacked. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// No mirror gave the file.
    #[error(
        "{file} could not be downloaded: {}; try again later, or get the file by hand and use --data DIR",
        each(failures)
    )]
    Unavailable {
        /// The name of the file.
        file: String,
        /// What went wrong with each address.
        failures: Vec<(String, Failure)>,
    },
    /// The observer stopped the download. What has come is kept for the next one.
    #[error("the download of {file} was stopped; it goes on from there when it is started again")]
    Stopped {
        /// The name of the file.
        file: String,
    },
    /// The folder cannot be written, or what is in it cannot be read.
    #[error(
        "{}: the download cannot be stored ({reason}); check free space and permissions, or set BOLETE_CACHE to \
         another folder",
        folder.display()
    )]
    Disk {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// An archive is damaged, or holds what it must not.
    #[error("{}: cannot be unpacked: {problem}; delete the file and download it again", file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No folder is known where downloads could be kept.
    #[error(
        "no cache folder: expected HOME, XDG_CACHE_HOME or BOLETE_CACHE to be set, found none; set BOLETE_CACHE"
    )]
    NoCache,
}

impl DownloadError {
    pub(super) fn disk(folder: &Path, reason: io::Error) -> Self {
        Self::Disk { folder: folder.to_path_buf(), reason }
    }

    pub(super) fn archive(file: &Path, problem: impl Into<String>) -> Self {
        Self::Archive { file: file.to_path_buf(), problem: problem.into() }
    }
}

fn each(failures: &[(String, Failure)]) -> String {
    if failures.is_empty() {
        return "no address is known".to_string();
    }
    let one = |(address, failure): &(String, Failure)| format!("{address}: {failure}");
    failures.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn of_all(of: Option<u64>) -> String {
    of.map(|of| format!(" of {of}")).unwrap_or_default()
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => " (forbidden)",
        404 | 410 => " (not found)",
        429 => " (too many requests)",
        500..=599 => " (trouble at the server)",
        _ => "",
    }
}
