//! CIFAR-10 and CIFAR-100 in their binary versions.
//!
//! A record is one byte of the label (CIFAR-100: one of the coarse, one of the fine label) and 3072 bytes of pixels:
//! the red, green and blue plane of 32x32 values.
//!
//! Source: A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{DataError, ImageClassification, ImageShape, Normalisation, TrainTest};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

/// Which labels of CIFAR-100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Labels {
    /// The 100 classes.
    #[default]
    Fine,
    /// The 20 groups of five classes each.
    Coarse,
}

/// Loads CIFAR-10: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` in `folder` or in its folder
/// `cifar-10-batches-bin`. The names of the classes are read from `batches.meta.txt` where it is there.
///
/// Pictures are `[n, 3, 32, 32]` and normalised with the mean and deviation in common use.
///
/// # Errors
/// [`DataError::Missing`] naming the file that is not there; [`DataError::Folder`] when one cannot be read;
/// [`DataError::Unfit`] when it is empty, no whole number of records, or has a label above 9.
pub fn load_10(folder: impl AsRef<Path>) -> Result<TrainTest, DataError> {
    let folder = inner(folder.as_ref(), "cifar-10-batches-bin", "test_batch.bin");
    let names = names(&folder, "batches.meta.txt", 10)?.unwrap_or_else(|| {
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
            .map(String::from)
            .to_vec()
    });
    let batches: Vec<String> = (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect();
    let part = |what, files: &[String]| {
        let set = read(&folder, what, files, Layout { labels: 1, label: 0, classes: 10 }, &names)?;
        Ok::<_, DataError>(set.with_normalisation(Normalisation {
            mean: vec![0.4914, 0.4822, 0.4465],
            deviation: vec![0.2470, 0.2435, 0.2616],
        }))
    };
    let test = part("test pictures", &["test_batch.bin".to_string()])?;
    Ok(TrainTest { train: part("training pictures", &batches)?, test })
}

/// Loads CIFAR-100: `train.bin` and `test.bin` in `folder` or in its folder `cifar-100-binary`. The names of the
/// classes are read from `fine_label_names.txt` or `coarse_label_names.txt`; where it is missing they are numbers.
///
/// Pictures are `[n, 3, 32, 32]` and normalised with the mean and deviation in common use.
///
/// # Errors
/// As [`load_10`].
pub fn load_100(folder: impl AsRef<Path>, labels: Labels) -> Result<TrainTest, DataError> {
    let folder = inner(folder.as_ref(), "cifar-100-binary", "test.bin");
    let (file, layout) = match labels {
        Labels::Fine => ("fine_label_names.txt", Layout { labels: 2, label: 1, classes: 100 }),
        Labels::Coarse => ("coarse_label_names.txt", Layout { labels: 2, label: 0, classes: 20 }),
    };
    let numbers = || (0..layout.classes).map(|class| class.to_string()).collect();
    let names = names(&folder, file, usize::from(layout.classes))?.unwrap_or_else(numbers);
    let part = |what, file: &str| {
        Ok::<_, DataError>(read(&folder, what, &[file.to_string()], layout, &names)?.with_normalisation(
            Normalisation { mean: vec![0.5071, 0.4865, 0.4409], deviation: vec![0.2673, 0.2564, 0.2762] },
        ))
    };
    Ok(TrainTest { test: part("test pictures", "test.bin")?, train: part("training pictures", "train.bin")? })
}

/// How a record begins.
#[derive(Clone, Copy)]
struct Layout {
    /// Bytes before the pixels.
    labels: usize,
    /// Which of them is the label.
    label: usize,
    classes: u8,
}

/// Archives hold a folder in which the files are; either may be named.
fn inner(folder: &Path, name: &str, file: &str) -> PathBuf {
    let below = folder.join(name);
    if !folder.join(file).is_file() && below.is_dir() { below } else { folder.to_path_buf() }
}

fn read(
    folder: &Path,
    what: &'static str,
    files: &[String],
    layout: Layout,
    names: &[String],
) -> Result<ImageClassification, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        let path = folder.join(file);
        if !path.is_file() {
            let folder = folder.to_path_buf();
            return Err(DataError::Missing { folder, what, tried: vec![file.clone()] });
        }
        let bytes = fs::read(&path).map_err(|reason| DataError::folder(&path, reason))?;
        let record = layout.labels + SHAPE.values();
        let unfit = |expected: String, found: String| DataError::Unfit {
            path: path.clone(),
            expected,
            found,
            advice: "use the binary version of the data set and download the file again",
        };
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            return Err(unfit(
                format!("a whole number of records of {record} bytes"),
                format!("{} bytes", bytes.len()),
            ));
        }
        pixels.reserve_exact(bytes.len() / record * SHAPE.values());
        for (position, record) in bytes.chunks_exact(record).enumerate() {
            let label = record[layout.label];
            if label >= layout.classes {
                return Err(unfit(
                    format!("labels from 0 to {}", layout.classes - 1),
                    format!("{label} in record {position}"),
                ));
            }
            labels.push(i64::from(label));
            pixels.extend_from_slice(&record[layout.labels..]);
        }
    }
    ImageClassification::new(pixels, SHAPE, labels, names.to_vec())
}

/// The names of the classes, a line each, if the file is there.
fn names(folder: &Path, file: &str, classes: usize) -> Result<Option<Vec<String>>, DataError> {
    let path = folder.join(file);
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read(&path).map_err(|reason| DataError::folder(&path, reason))?;
    let text = String::from_utf8_lossy(&text);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    if names.len() == classes {
        return Ok(Some(names));
    }
    Err(DataError::Unfit {
        path,
        expected: format!("{classes} names of classes, a line each"),
        found: names.len().to_string(),
        advice: "download the file again, or delete it",
    })
}
