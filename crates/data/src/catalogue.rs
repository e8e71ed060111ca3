//! Well-known data sets: where they are, how they are recognised, and how they are brought here.
//!
//! Every file lists all addresses that are known for it. Those without encryption are used where a checksum is
//! published, which is what protects the content; a file without one is fetched over https only.

mod files;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::DataError;
use crate::download::{DownloadError, Downloader, ExtractLimits, RemoteFile, extract_tar_gz};

/// A data set that can be downloaded.
///
/// # Examples
/// ```
/// use bolete_data::catalogue::Catalogued;
/// let set: Catalogued = "cifar10".parse()?;
/// assert_eq!((set, set.title()), (Catalogued::Cifar10, "CIFAR-10"));
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Catalogued {
    /// 60,000 + 10,000 handwritten digits, 28x28 gray; read with [`idx_digits::load`](crate::idx_digits::load).
    Mnist,
    /// 60,000 + 10,000 articles of clothing, 28x28 gray; read with [`idx_digits::load`](crate::idx_digits::load).
    FashionMnist,
    /// 60,000 + 10,000 cursive Japanese characters, 28x28 gray; read with
    /// [`idx_digits::load`](crate::idx_digits::load).
    Kmnist,
    /// 50,000 + 10,000 photographs of 10 kinds, 32x32 colour; read with [`cifar::load_10`](crate::cifar::load_10).
    Cifar10,
    /// 50,000 + 10,000 photographs of 100 kinds, 32x32 colour; read with [`cifar::load_100`](crate::cifar::load_100).
    Cifar100,
    /// 1,115,394 characters of Shakespeare's plays; read with [`CharacterText::load`](crate::CharacterText::load).
    TinyShakespeare,
    /// 32,033 first names, a line each.
    Names,
    /// 2,708 scientific papers in 7 fields, their words and 5,429 citations; read with
    /// [`cora::load`](crate::cora::load).
    Cora,
}

impl Catalogued {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Mnist,
        Self::FashionMnist,
        Self::Kmnist,
        Self::Cifar10,
        Self::Cifar100,
        Self::TinyShakespeare,
        Self::Names,
        Self::Cora,
    ];

    /// Its name on the command line and in the cache folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Kmnist => "kmnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::TinyShakespeare => "tinyshakespeare",
            Self::Names => "names",
            Self::Cora => "cora",
        }
    }

    /// Its name in texts.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::FashionMnist => "Fashion-MNIST",
            Self::Kmnist => "KMNIST",
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
            Self::TinyShakespeare => "Tiny Shakespeare",
            Self::Names => "names",
            Self::Cora => "Cora",
        }
    }

    /// Who made it, and under which terms it may be used.
    pub fn terms(self) -> &'static str {
        match self {
            Self::Mnist => "Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0",
            Self::FashionMnist => "H. Xiao, K. Rasul, R. Vollgraf, 2017; MIT",
            Self::Kmnist => "T. Clanuwat et al., 2018, CODH; CC BY-SA 4.0",
            Self::Cifar10 | Self::Cifar100 => {
                "A. Krizhevsky, Learning multiple layers of features, 2009; cite it"
            }
            Self::TinyShakespeare => "collected by A. Karpathy, 2015; public domain",
            Self::Names => "collected by A. Karpathy (makemore), 2022; MIT",
            Self::Cora => "A. McCallum et al., 2000; P. Sen et al., 2008, LINQS; cite them",
        }
    }

    /// The files to download.
    pub fn files(self) -> Vec<RemoteFile> {
        files::of(self)
    }

    /// The names of the files that are there in the end, relative to the folder of the set.
    pub fn contents(self) -> Vec<&'static str> {
        files::contents(self)
    }

    /// Whether all files of the set are in `folder` (of any content: the readers check that).
    pub fn is_in(self, folder: &Path) -> bool {
        self.contents().iter().all(|name| folder.join(name).is_file())
    }

    /// The folder with the files of the set: one below `cache`, to which they are downloaded and unpacked where they
    /// are missing. [`download::cache_folder`](crate::download::cache_folder) gives the usual one.
    ///
    /// # Errors
    /// [`DataError::Download`] with one line that says for each address what was expected and what was found.
    pub fn fetch(self, downloader: &Downloader, cache: &Path) -> Result<PathBuf, DataError> {
        let folder = cache.join(self.name());
        fetch_files(&self.files(), &self.contents(), downloader, &folder)?;
        Ok(folder)
    }
}

/// Brings the files of any data set into `folder`. Archives (`.tar.gz`, `.tgz`) are unpacked: `contents` are the names
/// of the files that shall be in `folder` in the end, whether the archive has them in a folder or not; the rest of it
/// and the archive itself are deleted.
///
/// # Errors
/// [`DataError::Download`] with one line that says what was expected and what was found.
pub fn fetch_files(
    files: &[RemoteFile],
    contents: &[&str],
    downloader: &Downloader,
    folder: &Path,
) -> Result<(), DataError> {
    let is_archive = |file: &RemoteFile| file.name.ends_with(".tar.gz") || file.name.ends_with(".tgz");
    let unpacked = contents.iter().all(|name| folder.join(name).is_file());
    for file in files.iter().filter(|file| !(is_archive(file) && unpacked)) {
        let path = downloader.fetch(file, folder)?;
        if is_archive(file) {
            unpack(&path, folder, contents)?;
        }
    }
    Ok(())
}

/// Unpacks an archive whose files lie in one folder of it.
fn unpack(archive: &Path, folder: &Path, contents: &[&str]) -> Result<(), DataError> {
    let disk = |reason| DownloadError::Disk { folder: folder.to_path_buf(), reason };
    let whole = folder.join(format!(".unpacked-{}", std::process::id()));
    let _ = fs::remove_dir_all(&whole);
    extract_tar_gz(archive, &whole, &ExtractLimits::default())?;
    let moved = contents.iter().try_for_each(|name| {
        let found = find(&whole, name).map_err(disk)?.ok_or_else(|| DownloadError::Archive {
            file: archive.to_path_buf(),
            problem: format!("expected the file {name}, found none"),
        })?;
        fs::rename(found, folder.join(name)).map_err(disk)
    });
    let _ = fs::remove_dir_all(&whole);
    moved?;
    // What was in it is there now; the archive only takes room. Where it cannot be deleted, it does no harm.
    let _ = fs::remove_file(archive);
    Ok(())
}

/// The file of this name in `folder` or one level below.
fn find(folder: &Path, name: &str) -> std::io::Result<Option<PathBuf>> {
    let mut candidates = vec![folder.join(name)];
    for entry in fs::read_dir(folder)? {
        candidates.push(entry?.path().join(name));
    }
    Ok(candidates.into_iter().find(|path| path.is_file()))
}

impl fmt::Display for Catalogued {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Catalogued {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Self::ALL.into_iter().find(|set| set.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|set| set.name()).collect();
            DataError::invalid(format!("one of {}", names.join(", ")), format!("{text:?}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download::Checksum;

    #[test]
    fn entries_are_well_formed() {
        for set in Catalogued::ALL {
            assert_eq!(set.name().parse::<Catalogued>().unwrap(), set);
            assert!(!set.contents().is_empty() && !set.terms().is_empty() && !set.title().is_empty());
            for file in set.files() {
                let (length, sum) = match &file.checksum {
                    Checksum::Md5(sum) => (32, sum.as_ref()),
                    Checksum::Sha256(sum) => (64, sum.as_ref()),
                    Checksum::FirstUse => (0, ""),
                };
                assert_eq!(sum.len(), length, "{}", file.name);
                assert!(sum.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
                assert!(!file.mirrors.is_empty() && !file.source.is_empty(), "{}", file.name);
                assert!(file.mirrors.iter().any(|mirror| mirror.starts_with("https://")), "{}", file.name);
            }
        }
        assert!("cifar11".parse::<Catalogued>().unwrap_err().to_string().contains("cifar10, cifar100"));
    }
}
