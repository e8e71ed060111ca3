//! Writing a file so that it is either complete or untouched.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::FormatError;

/// Writes the file `path` by way of a temporary file in the same folder, which is synced to the disk and renamed.
///
/// Whoever looks at `path` sees the old file or the whole new one, also after a crash or a power cut. When `content`
/// or the disk fails (or `content` panics), the temporary file is removed and the old file stays as it was. The
/// access mode of an older file is kept, a symbolic link is followed, and a device or pipe such as `/dev/stdout` is
/// written directly, as there is nothing to replace.
///
/// # Errors
/// [`FormatError::Write`] naming `path` and what the operating system, or `content`, said.
///
/// # Examples
/// ```
/// let path = std::env::temp_dir().join(format!("bolete-atomic-{}.txt", std::process::id()));
/// bolete_formats::atomic::write(&path, |out| writeln!(out, "loss 0.25"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "loss 0.25\n");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(
    path: impl AsRef<Path>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FormatError> {
    let path = path.as_ref();
    write_inner(path, content).map_err(|reason| FormatError::write(path, reason))
}

fn write_inner(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // Renaming over a symbolic link would replace the link, not the file that it stands for.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let older = fs::metadata(&target).ok();
    if older.as_ref().is_some_and(|older| older.is_dir()) {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if older.as_ref().is_some_and(|older| !older.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(&target)?);
        content(&mut out)?;
        return out.flush();
    }
    if older.as_ref().is_some_and(|older| older.permissions().readonly()) {
        // A rename would get past the protection that somebody put on the older file.
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is write-protected"));
    }

    let (file, temporary) = Temporary::beside(&target)?;
    let mut out = BufWriter::new(file);
    content(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(older) = older {
        file.set_permissions(older.permissions())?;
    }
    file.sync_all()?;
    drop(file);
    temporary.rename_to(&target)
}

/// A temporary file, removed on drop unless it was renamed.
struct Temporary {
    path: Option<PathBuf>,
}

impl Temporary {
    fn beside(target: &Path) -> io::Result<(File, Self)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            let path = target.with_file_name(hidden);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, Self { path: Some(path) })),
                // Left over from a killed process that had the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_to(mut self, target: &Path) -> io::Result<()> {
        let Some(path) = self.path.as_ref() else { return Ok(()) };
        fs::rename(path, target)?;
        self.path = None;
        sync_folder_of(target);
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The first failure is already on its way to the caller; a second one would only hide it.
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes the rename itself durable. Best effort: the file is complete either way, and not every system lets a folder
/// be opened.
fn sync_folder_of(target: &Path) {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
