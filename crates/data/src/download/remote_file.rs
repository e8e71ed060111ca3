//! A file in the network: where it is, and how it is recognised.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::Failure;

/// A file in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name in the folder that it is brought to.
    pub name: Cow<'static, str>,
    /// Addresses of the same bytes, in the order in which they are tried (https first).
    pub mirrors: Vec<Cow<'static, str>>,
    /// Its length in bytes, where that is known.
    pub size: Option<u64>,
    /// How its content is recognised.
    pub checksum: Checksum,
    /// Where size and checksum come from.
    pub source: Cow<'static, str>,
}

/// How the content of a file is recognised. Sums are written in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// RFC 1321. Not safe against an attacker, but what most authors publish.
    Md5(Cow<'static, str>),
    /// FIPS 180-4.
    Sha256(Cow<'static, str>),
    /// Nothing is published. The first download is trusted, its SHA-256 recorded, and later ones compared with it.
    FirstUse,
}

impl RemoteFile {
    /// The name must be that of a file in the folder, and not lead out of it.
    pub(super) fn check_name(&self) -> io::Result<()> {
        let plain = Path::new(&*self.name).file_name().is_some_and(|name| name == &*self.name);
        if plain {
            return Ok(());
        }
        let message = format!("expected the name of a file, found {:?}", self.name);
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }

    /// Whether the file is there, with its length and content.
    pub(super) fn is_complete(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(io::Error::other(format!("{} is not a file", self.name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        match self.verify(path, path) {
            Ok(_) => Ok(true),
            Err(Failure::Disk(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Looks at the length and content of the file at `path`, which belongs (or shall belong) at `target`. Gives the
    /// SHA-256 that is to be recorded for a first use.
    pub(super) fn verify(&self, path: &Path, target: &Path) -> Result<Option<String>, Failure> {
        let found = fs::metadata(path).map_err(Failure::Disk)?.len();
        if let Some(expected) = self.size
            && expected != found
        {
            return Err(Failure::Length { expected, found });
        }
        let compare = |kind, expected: &str, found: String| {
            if expected.eq_ignore_ascii_case(&found) {
                return Ok(());
            }
            Err(Failure::Checksum { kind, expected: expected.to_string(), found })
        };
        match &self.checksum {
            Checksum::Md5(expected) => compare("MD5", expected, hash::<Md5>(path)?)?,
            Checksum::Sha256(expected) => compare("SHA-256", expected, hash::<Sha256>(path)?)?,
            Checksum::FirstUse => {
                let found = hash::<Sha256>(path)?;
                match fs::read_to_string(record(target)) {
                    Ok(expected) => compare("SHA-256 of the first use", expected.trim(), found)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(found)),
                    Err(error) => return Err(Failure::Disk(error)),
                }
            }
        }
        Ok(None)
    }
}

/// Where the sum of the first use is recorded.
pub(super) fn record(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{name}.sha256"))
}

fn hash<D: Digest>(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path).map_err(Failure::Disk)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Disk(error)),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
