//! A folder of pictures per class: `FOLDER/CLASS/*.png`, `*.jpg` or `*.jpeg`, in any case.
//!
//! [`load`] decodes all of them into memory; [`open`] only lists them, and each is decoded whenever a batch needs it.
//! The classes are the names of the folders in alphabetical order, the pictures of a class come in the order of
//! their names. Hidden files and folders and files with other endings are passed over.

mod lazy;
mod listing;

use std::path::{Path, PathBuf};

use bolete_formats::FormatError;
use bolete_formats::picture::{self, Limits, Picture};

use crate::augmentation::Image;
use crate::{DataError, ImageClassification, ImageShape};
use listing::Listing;

pub use lazy::{ImageFolder, open};

/// What every picture is brought to, and what is done about those that are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderOptions {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Gray or colour.
    pub colour: Colour,
    /// What a single picture may ask for; one that asks for more counts as corrupt.
    pub limits: Limits,
    /// What is done about pictures that cannot be decoded.
    pub corrupt: Corrupt,
}

impl Default for FolderOptions {
    /// 32x32 pixels in colour; a corrupt picture is an error.
    fn default() -> Self {
        let (colour, limits, corrupt) = (Colour::Rgb, Limits::default(), Corrupt::Refuse);
        Self { width: 32, height: 32, colour, limits, corrupt }
    }
}

/// What is done about pictures that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Corrupt {
    /// The first one is an error that names the file.
    Refuse,
    /// They are left out and counted.
    Skip,
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

/// Loads all pictures below `folder`; each is resized, without regard to its proportions. Pixels become
/// `[n, channels, height, width]`.
///
/// # Errors
/// [`DataError::Invalid`] when a side in `options` is 0, [`DataError::Folder`] when a folder cannot be listed,
/// [`DataError::Unfit`] when there are no class folders or a class has no pictures. When a picture cannot be decoded:
/// [`DataError::Format`] naming the file, or with [`Corrupt::Skip`] [`DataError::Unfit`] if that holds for all
/// pictures of a class.
pub fn load(folder: impl AsRef<Path>, options: &FolderOptions) -> Result<FolderData, DataError> {
    let shape = options.shape()?;
    let listing = Listing::read(folder.as_ref())?;
    let (mut pixels, mut labels, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (label, class) in listing.classes.iter().enumerate() {
        let (skipped_before, read_before) = (skipped.len(), labels.len());
        for path in &listing.files[class.files.clone()] {
            match read(path, options).and_then(|image| to_size(image, options)) {
                Ok(image) => {
                    pixels.extend_from_slice(image.pixels());
                    labels.push(label as i64);
                }
                Err(error) if options.corrupt == Corrupt::Refuse => return Err(error.into()),
                Err(error) => skipped.push(SkippedPicture { reason: error.to_string(), path: path.clone() }),
            }
        }
        if labels.len() == read_before {
            let (count, first) = (skipped.len() - skipped_before, &skipped[skipped_before].reason);
            let found = format!("{count} that cannot be read, the first: {first}");
            return Err(listing::unfit(&class.folder, listing::A_PICTURE, found));
        }
    }
    let dataset = ImageClassification::new(pixels, shape, labels, listing.class_names())?;
    Ok(FolderData { dataset, skipped })
}

impl FolderOptions {
    fn shape(&self) -> Result<ImageShape, DataError> {
        let (height, width) = (self.height, self.width);
        if width == 0 || height == 0 {
            return Err(DataError::invalid("sides above 0", format!("{width}x{height} pixels")));
        }
        let channels = match self.colour {
            Colour::Gray => 1,
            Colour::Rgb => 3,
        };
        Ok(ImageShape { channels, height, width })
    }
}

/// A picture with the channels of `options`, in its own size.
fn read(path: &Path, options: &FolderOptions) -> Result<Picture, FormatError> {
    let picture = picture::read_within(path, &options.limits)?;
    Ok(match (options.colour, picture.channels()) {
        (Colour::Gray, 1) | (Colour::Rgb, 3) => picture,
        (Colour::Gray, _) => picture.to_gray(),
        (Colour::Rgb, _) => picture.to_rgb(),
    })
}

fn to_size(picture: Picture, options: &FolderOptions) -> Result<Image, FormatError> {
    if (picture.width(), picture.height()) == (options.width, options.height) {
        return Ok(Image::from(&picture));
    }
    Ok(Image::from(&picture.resize(options.width, options.height)?))
}
