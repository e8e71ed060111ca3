//! Unpacking what was downloaded, without trusting it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::DownloadError;

/// What an archive may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractLimits {
    /// The most bytes of all files together, headers of the archive included.
    pub bytes: u64,
    /// The most entries.
    pub entries: usize,
}

impl Default for ExtractLimits {
    /// 2 GiB in 100,000 entries.
    fn default() -> Self {
        Self { bytes: 2 << 30, entries: 100_000 }
    }
}

/// Unpacks the gzip file `from` to the file `to`, atomically.
///
/// # Errors
/// [`DownloadError::Archive`] when it is damaged or holds more than `most` bytes; [`DownloadError::Disk`] when it
/// cannot be read or `to` cannot be written. `to` is then as it was.
pub fn gunzip(from: &Path, to: &Path, most: u64) -> Result<(), DownloadError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let file = File::open(from).map_err(|reason| DownloadError::disk(folder, reason))?;
    let mut bytes =
        Bounded { inner: MultiGzDecoder::new(BufReader::new(file)), left: most, most, failed: None };
    let mut copied = Ok(());
    let written = bolete_formats::atomic::write(to, |out| {
        copied = copy(&mut bytes, out);
        match &copied {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::from(error.kind())),
        }
    });
    match (bytes.failed, written) {
        (Some(problem), _) => Err(DownloadError::archive(from, problem)),
        (None, Err(error)) => Err(DownloadError::disk(folder, io::Error::other(error))),
        (None, Ok(())) => Ok(()),
    }
}

/// Unpacks the archive `from`, a tar compressed with gzip, to the new folder `to`. Entries appear all at once: they
/// are unpacked beside it and the folder is renamed at the end. Only plain files and folders are unpacked, with
/// ordinary permissions.
///
/// # Errors
/// [`DownloadError::Archive`] when it is damaged, asks for more than the limits, or has an entry that is not a plain
/// file or folder or that leads out of the folder; [`DownloadError::Disk`] when it cannot be read or written, or `to`
/// exists.
pub fn extract_tar_gz(from: &Path, to: &Path, limits: &ExtractLimits) -> Result<(), DownloadError> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = |reason: io::Error| DownloadError::disk(parent, reason);
    if to.exists() {
        return Err(disk(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there", to.display()))));
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let temporary = Temporary(parent.join(format!(".{name}.{}.unpacking", std::process::id())));
    let _ = fs::remove_dir_all(&temporary.0);
    fs::create_dir_all(&temporary.0).map_err(disk)?;

    let file = File::open(from).map_err(disk)?;
    let decoder = MultiGzDecoder::new(BufReader::new(file));
    let bounded = Bounded { inner: decoder, left: limits.bytes, most: limits.bytes, failed: None };
    let mut archive = tar::Archive::new(bounded);
    let damaged = |reason: io::Error| DownloadError::archive(from, one_line(&reason.to_string()));
    let mut buffer = vec![0; 1 << 16];
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if count >= limits.entries {
            let problem = format!("expected at most {} entries, found more", limits.entries);
            return Err(DownloadError::archive(from, problem));
        }
        let path = entry.path().map_err(damaged)?.into_owned();
        let Some(inside) = inside(&path) else {
            let problem = format!("expected entries within the folder, found {}", shown(&path));
            return Err(DownloadError::archive(from, problem));
        };
        let target = temporary.0.join(inside);
        match entry.header().entry_type() {
            tar::EntryType::Directory => fs::create_dir_all(&target).map_err(disk)?,
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                fs::create_dir_all(target.parent().unwrap_or(&temporary.0)).map_err(disk)?;
                let mut out = File::create(&target).map_err(disk)?;
                loop {
                    let count = entry.read(&mut buffer).map_err(damaged)?;
                    if count == 0 {
                        break;
                    }
                    out.write_all(&buffer[..count]).map_err(disk)?;
                }
                out.sync_all().map_err(disk)?;
            }
            // A comment of `git archive` and the like.
            tar::EntryType::XGlobalHeader => {}
            other => {
                let problem =
                    format!("expected files and folders, found {} of the kind {other:?}", shown(&path));
                return Err(DownloadError::archive(from, problem));
            }
        }
    }
    // What follows the archive's end belongs to the checksum of the gzip file, which is checked at its end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    fs::rename(&temporary.0, to).map_err(disk)
}

/// The path without `.` parts, or nothing if it leads out of its folder, or nowhere.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

fn copy(from: &mut impl Read, to: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count])?,
        }
    }
}

/// Fails after a number of bytes, so that a small archive cannot fill the disk. Remembers why it failed.
struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
    failed: Option<String>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).inspect_err(|error| {
            self.failed = Some(format!("expected a whole gzip file, found {}", one_line(&error.to_string())));
        })?;
        if count as u64 > self.left {
            let problem = format!("expected at most {} bytes when unpacked, found more", self.most);
            self.failed = Some(problem.clone());
            return Err(io::Error::other(problem));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// A folder that is removed on drop unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn shown(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy().chars().take(120).collect::<String>())
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect()
}
