//! MNIST and its kin: handwritten digits in four IDX files.
//!
//! Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*.

use std::path::{Path, PathBuf};

use bolete_formats::idx::{self, IdxArray, IdxElement};

use crate::{DataError, ImageClassification, ImageShape, Normalisation, TrainTest};

const CLASSES: u8 = 10;

/// Which two of the four files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`.
    Train,
    /// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`.
    Test,
}

/// Loads all four files in `folder`, each plain or compressed, with or without the ending `.gz`.
///
/// Pictures are `[n, 1, rows, columns]` and are normalised with [`Normalisation::mnist`]; the classes are the digits
/// "0" to "9".
///
/// # Errors
/// [`DataError::Missing`] naming what is not there and all names that were tried; [`DataError::Format`] when a file
/// is damaged; [`DataError::Unfit`] when it holds another type or number of axes, when there are no pictures, when
/// the counts of pictures and labels differ, when a label is above 9, or when the pictures of both parts differ in
/// size.
pub fn load(folder: impl AsRef<Path>) -> Result<TrainTest, DataError> {
    let folder = folder.as_ref();
    // All four names before the first long read.
    for part in [Part::Train, Part::Test] {
        find(folder, part.images())?;
        find(folder, part.labels())?;
    }
    let (train, test) = (load_part(folder, Part::Train)?, load_part(folder, Part::Test)?);
    if train.shape() != test.shape() {
        let (train, test) = (train.shape(), test.shape());
        return Err(DataError::Unfit {
            path: folder.to_path_buf(),
            expected: format!("test pictures of {}x{}, as in training", train.height, train.width),
            found: format!("{}x{}", test.height, test.width),
            advice: "use two parts of the same data set",
        });
    }
    Ok(TrainTest { train, test })
}

/// Loads two of the four files in `folder`, as [`load`] does.
///
/// # Errors
/// As [`load`].
pub fn load_part(folder: impl AsRef<Path>, part: Part) -> Result<ImageClassification, DataError> {
    let folder = folder.as_ref();
    let image_path = find(folder, part.images())?;
    let label_path = find(folder, part.labels())?;
    let labels = read(&label_path, "labels", 1)?;
    let images = read(&image_path, "pictures", 3)?;

    let [count, height, width] = [images.shape[0], images.shape[1], images.shape[2]];
    if labels.bytes.len() != count {
        return Err(DataError::Unfit {
            path: label_path,
            expected: format!("{count} labels, as there are pictures in {}", image_path.display()),
            found: format!("{} labels", labels.bytes.len()),
            advice: "use two files of the same data set",
        });
    }
    if images.bytes.is_empty() {
        return Err(DataError::Unfit {
            path: image_path,
            expected: "at least one picture".to_string(),
            found: format!("the shape {:?}", images.shape),
            advice: "use a file with pictures",
        });
    }
    if let Some(position) = labels.bytes.iter().position(|&label| label >= CLASSES) {
        return Err(DataError::Unfit {
            path: label_path,
            expected: format!("labels from 0 to {}", CLASSES - 1),
            found: format!("{} at position {position}", labels.bytes[position]),
            advice: "use a data set of ten classes",
        });
    }
    let labels = labels.bytes.iter().map(|&label| i64::from(label)).collect();
    let names = (0..CLASSES).map(|digit| digit.to_string()).collect();
    let shape = ImageShape { channels: 1, height, width };
    Ok(ImageClassification::new(images.bytes, shape, labels, names)?
        .with_normalisation(Normalisation::mnist()))
}

/// A file to look for: what it holds and its name.
type Wanted = (&'static str, &'static str);

impl Part {
    fn images(self) -> Wanted {
        match self {
            Self::Train => ("training pictures", "train-images-idx3-ubyte"),
            Self::Test => ("test pictures", "t10k-images-idx3-ubyte"),
        }
    }

    fn labels(self) -> Wanted {
        match self {
            Self::Train => ("training labels", "train-labels-idx1-ubyte"),
            Self::Test => ("test labels", "t10k-labels-idx1-ubyte"),
        }
    }
}

fn find(folder: &Path, (what, name): Wanted) -> Result<PathBuf, DataError> {
    let tried = vec![name.to_string(), format!("{name}.gz")];
    tried.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| DataError::Missing {
        folder: folder.to_path_buf(),
        what,
        tried,
    })
}

fn read(path: &Path, what: &str, rank: usize) -> Result<IdxArray, DataError> {
    let array = idx::read(path)?;
    if array.element != IdxElement::U8 || array.shape.len() != rank {
        return Err(DataError::Unfit {
            path: path.to_path_buf(),
            expected: format!("{what} as 8-bit values on {rank} axes"),
            found: format!("{:?} values of the shape {:?}", array.element, array.shape),
            advice: "use the file that belongs to this name",
        });
    }
    Ok(array)
}
