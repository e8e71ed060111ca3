//! The part of a file that has come so far.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bolete_formats::atomic;

use super::remote_file::record;
use super::{Failure, RemoteFile};

/// A file under a hidden name that grows, and a note of which version of which address it comes from.
pub(super) struct Partial {
    path: PathBuf,
    note: PathBuf,
    file: File,
    len: u64,
    origin: Option<Origin>,
    resumed: bool,
}

/// Where the bytes of a part come from.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub address: String,
    /// The strong entity tag or the date of the last change that the server gave: what it compares to find out
    /// whether it still has the same file.
    pub validator: Option<String>,
}

impl Partial {
    pub fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(format!(".{name}.part"));
        let note = folder.join(format!(".{name}.part.origin"));
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        let len = file.seek(SeekFrom::End(0))?;
        let origin = fs::read_to_string(&note).ok().and_then(|text| {
            let mut lines = text.lines().map(str::to_string);
            let address = lines.next()?;
            Some(Origin { address, validator: lines.next().filter(|validator| !validator.is_empty()) })
        });
        Ok(Self { path, note, file, len, origin, resumed: false })
    }

    /// Bytes that are there.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Where they come from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether what was there before has been gone on with.
    pub fn was_resumed(&self) -> bool {
        self.resumed
    }

    /// Goes on with what is there.
    pub fn resume(&mut self) {
        self.resumed = true;
    }

    /// Begins anew with bytes from `origin`.
    pub fn restart(&mut self, origin: Origin) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.len, self.resumed) = (0, false);
        let text = format!("{}\n{}\n", origin.address, origin.validator.as_deref().unwrap_or(""));
        fs::write(&self.note, text)?;
        self.origin = Some(origin);
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what is there.
    pub fn discard(&self) -> io::Result<()> {
        for path in [&self.path, &self.note] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts the whole file under its name, if it is what it should be.
    pub fn finish(&mut self, file: &RemoteFile, target: &Path) -> Result<(), Failure> {
        self.file.sync_all().map_err(Failure::Disk)?;
        if let Some(sum) = file.verify(&self.path, target)? {
            atomic::write(record(target), |out| writeln!(out, "{sum}"))
                .map_err(|error| Failure::Disk(io::Error::other(error)))?;
        }
        fs::rename(&self.path, target).map_err(Failure::Disk)?;
        // The folder may refuse to be synced; the rename itself has happened.
        if let Some(Ok(folder)) = target.parent().map(File::open) {
            let _ = folder.sync_all();
        }
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}
