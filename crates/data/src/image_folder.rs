//! A folder of pictures per class: `FOLDER/CLASS/*.png`, `*.jpg` or `*.jpeg`, in any case.

use std::fs;
use std::path::{Path, PathBuf};

use bolete_formats::FormatError;
use bolete_formats::picture::{self, Limits, Picture};

use crate::{DataError, ImageClassification, ImageShape};

/// What every picture is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderOptions {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Gray or colour.
    pub colour: Colour,
    /// What a single picture may ask for; one that asks for more is skipped.
    pub limits: Limits,
}

impl Default for FolderOptions {
    /// 32x32 pixels in colour.
    fn default() -> Self {
        Self { width: 32, height: 32, colour: Colour::Rgb, limits: Limits::default() }
    }
}

/// The channels that pictures are brought to. Transparent parts are laid over white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    /// One channel, the luma.
    Gray,
    /// Red, green and blue.
    Rgb,
}

/// A data set and what was left out of it.
#[derive(Clone, Debug)]
pub struct FolderData {
    /// The pictures that could be read.
    pub dataset: ImageClassification,
    /// The pictures that could not, in the order of their names.
    pub skipped: Vec<SkippedPicture>,
}

/// A picture that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedPicture {
    /// The file.
    pub path: PathBuf,
    /// One line that says what is wrong with it, beginning with the file.
    pub reason: String,
}

/// Loads all pictures below `folder`. The classes are the names of its folders in alphabetical order, the pictures of
/// a class come in the order of their names; each is resized, without regard to its proportions. Hidden files and
/// folders and files with other endings are passed over.
///
/// A picture that cannot be decoded is skipped and reported. Pixels become `[n, channels, height, width]`.
///
/// # Errors
/// [`DataError::Invalid`] when a side in `options` is 0, [`DataError::Folder`] when a folder cannot be listed,
/// [`DataError::Unfit`] when there are no class folders, a
/// class has no pictures, or none of the pictures of a class can be read.
pub fn load(folder: impl AsRef<Path>, options: &FolderOptions) -> Result<FolderData, DataError> {
    let folder = folder.as_ref();
    if options.width == 0 || options.height == 0 {
        return Err(DataError::invalid(
            "sides above 0",
            format!("{}x{} pixels", options.width, options.height),
        ));
    }
    let classes: Vec<PathBuf> = list(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    if classes.is_empty() {
        return Err(unfit(folder, "a folder of pictures for each class", "no folders".to_string()));
    }
    let channels = match options.colour {
        Colour::Gray => 1,
        Colour::Rgb => 3,
    };
    let shape = ImageShape { channels, height: options.height, width: options.width };

    let (mut pixels, mut labels, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let mut class_names = Vec::with_capacity(classes.len());
    for (label, class) in classes.iter().enumerate() {
        let files: Vec<PathBuf> = list(class)?.into_iter().filter(|path| is_picture(path)).collect();
        let (skipped_before, read_before) = (skipped.len(), labels.len());
        for path in files {
            match read(&path, options) {
                Ok(picture) => {
                    append_planes(&picture, &mut pixels);
                    labels.push(label as i64);
                }
                Err(error) => skipped.push(SkippedPicture { reason: error.to_string(), path }),
            }
        }
        if labels.len() == read_before {
            let found = match skipped[skipped_before..].first() {
                Some(first) => format!(
                    "{} that cannot be read, the first: {}",
                    skipped.len() - skipped_before,
                    first.reason
                ),
                None => "none".to_string(),
            };
            return Err(unfit(class, "at least one PNG or JPEG picture", found));
        }
        class_names.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    Ok(FolderData { dataset: ImageClassification::new(pixels, shape, labels, class_names)?, skipped })
}

fn read(path: &Path, options: &FolderOptions) -> Result<Picture, FormatError> {
    let picture = picture::read_within(path, &options.limits)?;
    let picture = match options.colour {
        Colour::Gray => picture.to_gray(),
        Colour::Rgb => picture.to_rgb(),
    };
    picture.resize(options.width, options.height)
}

/// From `[height, width, channels]` to `[channels, height, width]`.
fn append_planes(picture: &Picture, to: &mut Vec<u8>) {
    for channel in 0..picture.channels() {
        to.extend(picture.pixels().iter().skip(channel).step_by(picture.channels()));
    }
}

/// What is in a folder, without hidden entries, in the order of the names.
fn list(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |reason| DataError::folder(folder, reason);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn unfit(path: &Path, expected: &str, found: String) -> DataError {
    DataError::Unfit {
        path: path.to_path_buf(),
        expected: expected.to_string(),
        found,
        advice: "put the pictures in FOLDER/CLASS/NAME.png or .jpg",
    }
}
