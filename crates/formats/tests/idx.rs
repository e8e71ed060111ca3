//! IDX files, good and damaged.

mod support;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use bolete_formats::idx::{self, IdxArray, IdxElement};
use flate2::Compression;
use flate2::write::GzEncoder;
use support::{assert_message, folder};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn small() -> Vec<u8> {
    vec![0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]
}

#[test]
fn every_type_survives_a_round_trip_plain_and_compressed() {
    let folder = folder("idx-round-trip");
    let arrays = [
        IdxArray::from_values(vec![2, 3], &[0u8, 1, 2, 253, 254, 255]).unwrap(),
        IdxArray::from_values(vec![2], &[-128i8, 127]).unwrap(),
        IdxArray::from_values(vec![1, 2], &[i16::MIN, i16::MAX]).unwrap(),
        IdxArray::from_values(vec![2, 1, 1], &[i32::MIN, 16_777_216]).unwrap(),
        IdxArray::from_values(vec![3], &[0.5f32, f32::INFINITY, -0.0]).unwrap(),
        IdxArray::from_values(vec![1], &[std::f64::consts::PI]).unwrap(),
        IdxArray::from_values::<u8>(vec![0, 5], &[]).unwrap(),
    ];
    for array in arrays {
        let path = folder.join("array");
        idx::write(&path, &array).unwrap();
        assert_eq!(idx::read(&path).unwrap(), array);
        // The name does not say that it is compressed.
        idx::write_gzip(&path, &array).unwrap();
        assert_eq!(idx::read(&path).unwrap(), array);
    }
}

#[test]
fn values_are_big_endian() {
    let array = idx::parse(&[0, 0, 0x0C, 1, 0, 0, 0, 2, 0, 0, 1, 0, 255, 255, 255, 254], "x").unwrap();
    assert_eq!(array.element, IdxElement::I32);
    assert_eq!(array.values::<i32>(), Some(vec![256, -2]));
    assert_eq!(array.values::<u8>(), None);
    assert_eq!(array.to_i64(), Some(vec![256, -2]));
    assert_eq!(array.to_f64(), [256.0, -2.0]);
    assert_eq!(array.len(), 2);
    assert_eq!(IdxArray::from_values(vec![1], &[1.5f32]).unwrap().to_i64(), None);
}

#[test]
fn damaged_headers_are_named() {
    let with = |index: usize, value: u8| {
        let mut bytes = small();
        bytes[index] = value;
        bytes
    };
    assert_message(idx::parse(b"", "f"), &["f: not a valid IDX file", "header", "ends inside it"]);
    assert_message(idx::parse(&small()[..9], "f"), &["header", "ends inside it"]);
    assert_message(idx::parse(&with(0, 1), "f"), &["two zero bytes", "[01, 00, 08, 02]"]);
    assert_message(idx::parse(&with(2, 0x0a), "f"), &["type code", "0a"]);
    assert_message(idx::parse(&with(3, 0), "f"), &["1 to 16 axes", "0 axes"]);
    assert_message(idx::parse(&with(3, 17), "f"), &["1 to 16 axes", "17 axes"]);
    assert_message(idx::parse(b"\x89PNG\r\n\x1a\n", "f"), &["two zero bytes"]);
}

#[test]
fn a_wrong_length_is_named() {
    let bytes = small();
    assert_message(idx::parse(&bytes[..17], "f"), &["expected 18 bytes for the shape [2, 3]", "found 17"]);
    let mut longer = bytes.clone();
    longer.push(0);
    assert_message(idx::parse(&longer, "f"), &["expected 18 bytes", "found 19"]);

    assert_message(idx::parse(&gzip(&bytes[..17]), "f"), &["expected 18 bytes", "found 17"]);
    assert_message(
        idx::parse(&gzip(&longer), "f"),
        &["expected 18 bytes", "more bytes after the last value"],
    );
}

#[test]
fn damaged_gzip_is_named() {
    let good = gzip(&small());
    assert_message(idx::parse(&good[..good.len() - 1], "f"), &["truncated gzip data"]);
    assert_message(idx::parse(&good[..12], "f"), &["f: not a valid IDX file"]);
    let mut checksum = good.clone();
    *checksum.iter_mut().rev().nth(5).unwrap() ^= 1;
    assert_message(idx::parse(&checksum, "f"), &["checksum"]);
    let mut trailing = good;
    trailing.extend_from_slice(b"garbage");
    assert_message(idx::parse(&trailing, "f"), &["gzip"]);
}

#[test]
fn a_header_cannot_ask_for_more_than_the_file_holds() {
    let huge = [0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 0];
    assert_message(idx::parse(&huge, "f"), &["found"]);
    assert_message(idx::parse(&gzip(&huge), "f"), &["found"]);
    let overflow = [&[0, 0, 14, 4][..], &[255; 16]].concat();
    assert_message(idx::parse(&overflow, "f"), &["fits the memory"]);
    // An axis of length 0 makes the array empty, whatever the others say.
    let empty = [&[0, 0, 14, 5][..], &[255; 16], &[0; 4]].concat();
    assert!(idx::parse(&empty, "f").unwrap().is_empty());

    // A bomb: a small file that unpacks to far more than its header says.
    let mut bomb = small();
    bomb.resize(50 << 20, 0);
    assert_message(idx::parse(&gzip(&bomb), "f"), &["expected 18 bytes", "more bytes"]);
}

#[test]
fn limits_and_missing_files_are_named() {
    let folder = folder("idx-limits");
    let path = folder.join("six");
    fs::write(&path, small()).unwrap();
    assert_message(idx::read_bounded(&path, 5), &["too large", "at most 5 bytes", "6 bytes"]);
    assert!(idx::read_bounded(&path, 6).is_ok());
    assert_message(idx::read(folder.join("absent")), &["absent: cannot be read"]);
    assert_message(idx::read(&folder), &["not a regular file"]);
}

#[test]
fn arrays_that_do_not_fit_the_format_are_refused() {
    assert_message(IdxArray::from_values(vec![3], &[1u8, 2]), &["3 bytes", "2 bytes"]);
    assert_message(IdxArray::from_values(vec![], &[1u8]), &["1 to 16 axes", "0 axes"]);
    assert_message(IdxArray::from_values::<u8>(vec![0, 1 << 32], &[]), &["4294967295", "4294967296"]);
    let broken = IdxArray { element: IdxElement::U8, shape: vec![2], bytes: vec![] };
    let path = folder("idx-refused").join("file");
    assert_message(idx::write(&path, &broken), &["no file was touched"]);
    assert!(!path.exists());
}

#[test]
fn reads_mnist_where_it_is_present() {
    let data = std::env::var_os("BOLETE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("mnist/t10k-images-idx3-ubyte.gz");
    if !path.exists() {
        println!("skipped: {} is not there; set BOLETE_DATA to the data folder", path.display());
        return;
    }
    let images = idx::read(&path).unwrap();
    assert_eq!((images.element, images.shape), (IdxElement::U8, vec![10_000, 28, 28]));
    // The sum of all pixels, counted with NumPy.
    let total: u64 = images.bytes.iter().map(|&pixel| u64::from(pixel)).sum();
    assert_eq!(total, MNIST_TEST_PIXEL_SUM);
}

const MNIST_TEST_PIXEL_SUM: u64 = 264923200;
