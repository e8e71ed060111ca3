//! The four files of MNIST, good and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{assert_message, folder};
use bolete_data::idx_digits::{self, Part};
use bolete_data::{DataError, Dataset, EpochRandomness};
use bolete_formats::idx::{self, IdxArray};

fn write(folder: &Path, part: &str, images: &[usize], labels: &[u8]) {
    let pixels: Vec<u8> = (0..images.iter().product()).map(|index| index as u8).collect();
    let images = IdxArray::from_values(images.to_vec(), &pixels).unwrap();
    idx::write(folder.join(format!("{part}-images-idx3-ubyte")), &images).unwrap();
    let labels = IdxArray::from_values(vec![labels.len()], labels).unwrap();
    idx::write_gzip(folder.join(format!("{part}-labels-idx1-ubyte.gz")), &labels).unwrap();
}

fn good(name: &str) -> PathBuf {
    let folder = folder(name);
    write(&folder, "train", &[3, 2, 4], &[0, 9, 5]);
    write(&folder, "t10k", &[1, 2, 4], &[7]);
    folder
}

#[test]
fn loads_plain_and_compressed_files() {
    let both = idx_digits::load(good("digits-good")).unwrap();
    assert_eq!((both.train.len(), both.test.len()), (3, 1));
    assert_eq!(both.train.labels(), [0, 9, 5]);
    assert_eq!(both.train.pixels(1), [8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!((both.train.shape().height, both.train.shape().width), (2, 4));
    let batch = both.train.batch(&[2, 0], &EpochRandomness::new(0, 0)).unwrap();
    assert_eq!((batch.batch, batch.channels, batch.height, batch.width), (2, 1, 2, 4));
    assert_eq!(batch.labels, [5, 0]);
    assert!((batch.images[0] - (16.0 / 255.0 - 0.1307) / 0.3081).abs() < 1e-6);
}

#[test]
fn a_missing_file_is_named_with_all_that_was_tried() {
    let folder = good("digits-missing");
    fs::remove_file(folder.join("t10k-labels-idx1-ubyte.gz")).unwrap();
    let parts = ["digits-missing: no test labels", "t10k-labels-idx1-ubyte and t10k-labels-idx1-ubyte.gz"];
    assert_message(idx_digits::load(&folder), &parts);
    assert!(idx_digits::load_part(&folder, Part::Train).is_ok());
    assert_message(idx_digits::load(folder.join("absent")), &["no training pictures", "absent"]);
}

#[test]
fn damaged_and_unfit_files_are_named() {
    let test = |name: &str, images: &[usize], labels: &[u8], parts: &[&str]| {
        let folder = good(name);
        write(&folder, "t10k", images, labels);
        assert_message(idx_digits::load(&folder), parts);
    };
    test("digits-counts", &[2, 2, 4], &[1, 2, 3], &["t10k-labels", "expected 2 labels", "found 3 labels"]);
    test("digits-range", &[2, 2, 4], &[1, 10], &["t10k-labels", "labels from 0 to 9", "10 at position 1"]);
    test("digits-rank", &[2, 8], &[1, 2], &["t10k-images", "on 3 axes", "[2, 8]"]);
    test("digits-none", &[0, 2, 4], &[], &["t10k-images", "at least one picture"]);
    test("digits-size", &[1, 4, 2], &[1], &["test pictures of 2x4", "found 4x2"]);

    let folder = good("digits-type");
    let floats = IdxArray::from_values(vec![1], &[1.0f32]).unwrap();
    idx::write(folder.join("t10k-labels-idx1-ubyte"), &floats).unwrap();
    assert_message(idx_digits::load(&folder), &["t10k-labels", "8-bit values", "F32"]);

    let path = good("digits-truncated").join("train-images-idx3-ubyte");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let result = idx_digits::load(path.parent().unwrap());
    assert!(matches!(result, Err(DataError::Format(_))));
    assert_message(result, &["train-images-idx3-ubyte", "40 bytes", "37 bytes"]);
}

#[test]
fn loads_mnist_where_it_is_present() {
    let data = std::env::var_os("BOLETE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = data.join("mnist");
    if !folder.is_dir() {
        println!("skipped: {} is not there; set BOLETE_DATA to the data folder", folder.display());
        return;
    }
    let mnist = idx_digits::load(&folder).unwrap();
    assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
    // The test part is in its original order, which begins with these well-known ten.
    assert_eq!(mnist.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let measured = mnist.train.measure_normalisation();
    assert!((measured.mean[0] - 0.1307).abs() < 1e-4 && (measured.deviation[0] - 0.3081).abs() < 1e-4);
}
