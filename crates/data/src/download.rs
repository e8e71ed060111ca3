//! Downloads of files whose size and checksum are known, over lines and from servers that cannot be relied upon.
//!
//! [`Downloader::fetch`] brings one file into a folder, or nothing: what is under its name is always whole and has
//! been checked. An interrupted transfer is gone on with where it ended, also by a later run; two processes that want
//! the same file do not get in each other's way. [`catalogue`](crate::catalogue) has the data sets.
//!
//! Servers are not trusted: lengths, checksums, kinds of content, redirects and speed are looked at, and each failure
//! says what was expected, what was found, and where.

mod cache;
pub(crate) mod extract;
mod failure;
mod partial;
mod remote_file;
mod transfer;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;

pub use cache::cache_folder;
pub use extract::{ExtractLimits, extract_tar_gz, gunzip};
pub use failure::{DownloadError, Failure};
pub use remote_file::{Checksum, RemoteFile};

use partial::Partial;

/// What a download tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process is downloading the same file; this one waits for it.
    Waiting {
        /// The name of the file.
        file: &'a str,
    },
    /// Bytes have come.
    Receiving {
        /// The name of the file.
        file: &'a str,
        /// The address that it comes from.
        from: &'a str,
        /// Bytes that are there, those of an earlier run included.
        received: u64,
        /// Bytes of the whole file, where that is known.
        of: Option<u64>,
    },
    /// A transfer failed; it is tried again, or from another address.
    Failed {
        /// The name of the file.
        file: &'a str,
        /// The address.
        from: &'a str,
        /// What went wrong.
        failure: &'a Failure,
    },
}

/// Is told of the progress; to break stops the download, and keeps what is there for a later one.
pub type Observer = Arc<dyn Fn(&Progress<'_>) -> ControlFlow<()> + Send + Sync>;

/// How patient a [`Downloader`] is.
#[derive(Clone)]
pub struct DownloadOptions {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a server may take to answer, and to send the next bytes.
    pub read_timeout: Duration,
    /// Over how long the speed is measured.
    pub speed_window: Duration,
    /// The least number of bytes that must come in each `speed_window`.
    pub slowest: u64,
    /// Attempts per address, at least 1. Only failures that may pass are tried again.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles with every further one.
    pub back_off: Duration,
    /// The most bytes of a file whose size is not known.
    pub largest: u64,
    /// Whether the proxy that the environment names is used.
    pub environment_proxy: bool,
    /// Is told of the progress.
    pub observer: Option<Observer>,
}

impl Default for DownloadOptions {
    /// 10 s to connect, 30 s to answer, at least 4 KiB in 30 s, 4 attempts with pauses of 1, 2 and 4 s, files of
    /// unknown size up to 1 GiB, the proxy of the environment.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            speed_window: Duration::from_secs(30),
            slowest: 4096,
            attempts: 4,
            back_off: Duration::from_secs(1),
            largest: 1 << 30,
            environment_proxy: true,
            observer: None,
        }
    }
}

impl fmt::Debug for DownloadOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DownloadOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Brings files from the network into folders.
///
/// # Examples
/// ```no_run
/// use bolete_data::download::{Checksum, Downloader, RemoteFile, cache_folder};
///
/// let file = RemoteFile {
///     name: "words.txt".into(),
///     mirrors: vec!["http://example.org/words.txt".into()],
///     size: Some(1234),
///     checksum: Checksum::Md5("d41d8cd98f00b204e9800998ecf8427e".into()),
///     source: "the author's page".into(),
/// };
/// let path = Downloader::new(Default::default()).fetch(&file, &cache_folder()?.join("words"))?;
/// # Ok::<(), bolete_data::download::DownloadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Downloader {
    options: DownloadOptions,
    agent: Agent,
}

impl Default for Downloader {
    fn default() -> Self {
        Self::new(DownloadOptions::default())
    }
}

impl Downloader {
    /// A downloader with these options.
    pub fn new(options: DownloadOptions) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(8)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.read_timeout))
            .timeout_per_read(Some(options.read_timeout))
            .user_agent(concat!("bolete/", env!("CARGO_PKG_VERSION")));
        if !options.environment_proxy {
            config = config.proxy(None);
        }
        Self { agent: config.build().new_agent(), options }
    }

    /// The options.
    pub fn options(&self) -> &DownloadOptions {
        &self.options
    }

    /// The file in `folder`, which is made where it is missing. Nothing is transferred when the file is there and
    /// its size and checksum are right.
    ///
    /// The mirrors are tried one after the other. A file without a published checksum is trusted on first use: its
    /// SHA-256 is recorded beside it, and a later download must have the same.
    ///
    /// # Errors
    /// [`DownloadError`], one line that says for each mirror what was expected and what was found.
    pub fn fetch(&self, file: &RemoteFile, folder: &Path) -> Result<PathBuf, DownloadError> {
        let disk = |reason: io::Error| DownloadError::disk(folder, reason);
        file.check_name().map_err(disk)?;
        fs::create_dir_all(folder).map_err(disk)?;
        let target = folder.join(&*file.name);
        if file.is_complete(&target).map_err(disk)? {
            return Ok(target);
        }
        let _lock = self.lock(folder, &file.name)?;
        // Another process may have brought it while this one waited.
        if file.is_complete(&target).map_err(disk)? {
            return Ok(target);
        }
        let mut failures = Vec::new();
        for address in self.usable(file, &mut failures) {
            match self.fetch_from(file, &address, folder, &target) {
                Ok(()) => return Ok(target),
                Err(Failure::Disk(reason)) => return Err(disk(reason)),
                Err(Failure::Stopped) => return Err(DownloadError::Stopped { file: file.name.to_string() }),
                Err(failure) => failures.push((address, failure)),
            }
        }
        Err(DownloadError::Unavailable { file: file.name.to_string(), failures })
    }

    /// The addresses that this build can use, those with https first.
    fn usable(&self, file: &RemoteFile, failures: &mut Vec<(String, Failure)>) -> Vec<String> {
        let (secure, plain): (Vec<_>, Vec<_>) =
            file.mirrors.iter().partition(|address| address.starts_with("https:"));
        let mut usable = Vec::new();
        for address in secure {
            if cfg!(feature = "https") {
                usable.push(address.to_string());
            } else {
                failures.push((address.to_string(), Failure::NeedsHttps));
            }
        }
        for address in plain {
            // Anybody on the way could have changed it, and nothing would tell.
            if matches!(file.checksum, Checksum::FirstUse) && !is_loopback(address) {
                failures.push((address.to_string(), Failure::Unprotected));
            } else {
                usable.push(address.to_string());
            }
        }
        usable
    }

    /// Several attempts at one address.
    fn fetch_from(
        &self,
        file: &RemoteFile,
        address: &str,
        folder: &Path,
        target: &Path,
    ) -> Result<(), Failure> {
        let mut pause = self.options.back_off;
        let mut attempt = 1;
        loop {
            let mut partial = Partial::open(folder, &file.name).map_err(Failure::Disk)?;
            let result =
                self.transfer(file, address, &mut partial).and_then(|()| partial.finish(file, target));
            let Err(failure) = result else { return Ok(()) };
            if matches!(failure, Failure::Disk(_) | Failure::Stopped) {
                return Err(failure);
            }
            let told = Progress::Failed { file: &file.name, from: address, failure: &failure };
            self.tell(&told)?;
            // What was left by an earlier run, or by another mirror, may be what is wrong: once from the beginning.
            let stale = failure.is_wrong_content() && partial.was_resumed();
            if failure.is_wrong_content() {
                partial.discard().map_err(Failure::Disk)?;
            }
            if !stale && (!failure.may_pass() || attempt >= self.options.attempts) {
                return Err(failure);
            }
            if !stale {
                std::thread::sleep(pause);
                pause *= 2;
                attempt += 1;
            }
        }
    }

    /// Holds other processes off while this one downloads the file.
    fn lock(&self, folder: &Path, name: &str) -> Result<File, DownloadError> {
        let disk = |reason| DownloadError::disk(folder, reason);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(format!(".{name}.lock")))
            .map_err(disk)?;
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(reason)) => return Err(disk(reason)),
        }
        // Asked again and again rather than waited for, so that the observer can stop it.
        loop {
            if self.tell(&Progress::Waiting { file: name }).is_err() {
                return Err(DownloadError::Stopped { file: name.to_string() });
            }
            std::thread::sleep(Duration::from_millis(100));
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(reason)) => return Err(disk(reason)),
            }
        }
    }

    fn tell(&self, progress: &Progress<'_>) -> Result<(), Failure> {
        match self.options.observer.as_ref().map(|observer| observer(progress)) {
            Some(ControlFlow::Break(())) => Err(Failure::Stopped),
            _ => Ok(()),
        }
    }
}

/// Whether an address is on this machine.
fn is_loopback(address: &str) -> bool {
    ["http://127.0.0.1:", "http://127.0.0.1/", "http://localhost:", "http://localhost/", "http://[::1]"]
        .iter()
        .any(|start| address.starts_with(start))
}
