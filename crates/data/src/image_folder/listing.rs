//! Which pictures there are.

use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::DataError;

/// The pictures of a folder, class by class, in the order of their names.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) classes: Vec<Class>,
    pub(super) files: Vec<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Class {
    pub(super) folder: PathBuf,
    /// Its part of the files; not empty.
    pub(super) files: Range<usize>,
}

/// What each class must have.
pub(super) const A_PICTURE: &str = "at least one PNG or JPEG picture";

impl Listing {
    /// # Errors
    /// [`DataError::Folder`] when a folder cannot be listed, [`DataError::Unfit`] when there are no class folders or
    /// one has no pictures.
    pub(super) fn read(folder: &Path) -> Result<Self, DataError> {
        let (mut classes, mut files) = (Vec::new(), Vec::new());
        for class in list(folder, is_folder)? {
            let begin = files.len();
            files.extend(list(&class, |entry| is_picture(&entry.file_name()))?);
            if files.len() == begin {
                return Err(unfit(&class, A_PICTURE, "none".to_string()));
            }
            classes.push(Class { folder: class, files: begin..files.len() });
        }
        if classes.is_empty() {
            return Err(unfit(folder, "a folder of pictures for each class", "no folders".to_string()));
        }
        Ok(Self { classes, files })
    }

    pub(super) fn class_names(&self) -> Vec<String> {
        let name =
            |class: &Class| class.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.classes.iter().map(name).collect()
    }

    /// The class of each file.
    pub(super) fn labels(&self) -> Vec<i64> {
        let classes = self.classes.iter().enumerate();
        classes.flat_map(|(label, class)| std::iter::repeat_n(label as i64, class.files.len())).collect()
    }
}

/// What is in a folder and wanted, without hidden entries, in the order of the names.
fn list(folder: &Path, wanted: impl Fn(&fs::DirEntry) -> bool) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |reason| DataError::folder(folder, reason);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") && wanted(&entry) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_folder(entry: &fs::DirEntry) -> bool {
    // The listing usually says it, which saves a system call; a link must be followed.
    match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => entry.path().is_dir(),
    }
}

fn is_picture(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

pub(super) fn unfit(path: &Path, expected: &str, found: String) -> DataError {
    DataError::Unfit {
        path: path.to_path_buf(),
        expected: expected.to_string(),
        found,
        advice: "put the pictures in FOLDER/CLASS/NAME.png or .jpg",
    }
}
