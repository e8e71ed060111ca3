//! Record files, shards and caches, good and damaged.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{assert_message, folder};
use bolete_data::records::{self, Cached, RecordFile, Shards};
use bolete_data::{DataError, Items, Randomness};

fn records(count: usize) -> Vec<Vec<u8>> {
    let mut randomness = Randomness::new(count as u64);
    (0..count).map(|_| (0..randomness.below(50)).map(|_| randomness.below(256) as u8).collect()).collect()
}

fn write(path: &Path, records: &[Vec<u8>]) {
    records::write(path, 77, records.iter().map(Ok)).unwrap();
}

#[test]
fn records_come_back_as_they_were() {
    let path = folder("records").join("set.records");
    for count in [0, 1, 2, 100] {
        let written = records(count);
        write(&path, &written);
        let file = RecordFile::open(&path).unwrap();
        assert_eq!((file.len(), file.is_empty(), file.fingerprint()), (count, count == 0, 77));
        for (record, bytes) in written.iter().enumerate() {
            assert_eq!(file.get(record).unwrap(), bytes);
        }
        assert_message(file.get(count), &["records below", &format!("found {count}")]);
    }
}

#[test]
fn every_damaged_byte_is_found_out() {
    let path = folder("records-damaged").join("set.records");
    let written = records(7);
    write(&path, &written);
    let good = fs::read(&path).unwrap();
    for place in 0..good.len() {
        for flip in [1, 0x80] {
            let mut bytes = good.clone();
            bytes[place] ^= flip;
            // Another file, since the old one is mapped elsewhere in no test but could be.
            let path = path.with_file_name("damaged.records");
            fs::write(&path, bytes).unwrap();
            let read = RecordFile::open(&path)
                .and_then(|file| (0..file.len()).map(|index| file.get(index).map(<[u8]>::to_vec)).collect());
            let read: Result<Vec<_>, _> = read;
            let message = read.map(drop).expect_err(&format!("byte {place} of {}", good.len())).to_string();
            assert!(message.contains("damaged.records") && !message.contains('\n'), "{message}");
        }
    }
    for length in 0..good.len() {
        let path = path.with_file_name("short.records");
        fs::write(&path, &good[..length]).unwrap();
        assert!(RecordFile::open(&path).is_err(), "{length} bytes");
    }
    fs::write(&path, "a letter").unwrap();
    assert_message(RecordFile::open(&path), &["set.records", "a record file", "another kind of file"]);
    assert_message(RecordFile::open(path.with_file_name("absent")), &["absent"]);
}

#[test]
fn a_failing_record_leaves_the_older_file() {
    let path = folder("records-failing").join("set.records");
    write(&path, &records(3));
    let failing = (0..5).map(|index| match index {
        4 => Err(DataError::Other("no fifth".into())),
        _ => Ok(vec![0u8; 10]),
    });
    assert_message(records::write(&path, 1, failing), &["no fifth"]);
    assert_eq!(RecordFile::open(&path).unwrap().len(), 3);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn shards_are_one_set() {
    let folder = folder("shards");
    let written = records(23);
    assert_eq!(records::write_shards(&folder, "set", 5, 10, written.iter().map(Ok)).unwrap(), 3);
    let shards = Shards::open(&folder, "set").unwrap();
    assert_eq!((shards.len(), shards.files().len(), Items::fingerprint(&shards)), (23, 3, 5));
    for (record, bytes) in written.iter().enumerate() {
        assert_eq!(shards.get(record).unwrap(), bytes);
    }
    assert_message(shards.get(23), &["records below 23"]);
    drop(shards);

    write(&folder.join("set-00001.records"), &records(10));
    let parts = &["set-00001.records", "10 records with the checksum"];
    assert_message(Shards::open(&folder, "set"), parts);
    fs::remove_file(folder.join("set-00002.records")).unwrap();
    records::write_shards(&folder, "set", 5, 30, written.iter().map(Ok)).unwrap();
    assert_eq!(Shards::open(&folder, "set").unwrap().files().len(), 1);
    // An interrupted writer leaves no list, and so no set.
    let failing = (0..25).map(|index| match index {
        24 => Err(DataError::Other("interrupted".into())),
        _ => Ok(vec![0u8; 10]),
    });
    assert_message(records::write_shards(&folder, "set", 5, 10, failing), &["interrupted"]);
    assert_message(Shards::open(&folder, "set"), &["set.shards"]);
    assert_message(
        records::write_shards(&folder, "set", 5, 0, written.iter().map(Ok)),
        &["at least 1 record"],
    );
    assert_eq!(records::write_shards(&folder, "none", 5, 9, records(0).iter().map(Ok)).unwrap(), 0);
    assert!(Shards::open(&folder, "none").unwrap().is_empty());
}

/// Texts that count how often they are made.
struct Expensive {
    texts: Vec<String>,
    made: AtomicUsize,
}

impl Items for Expensive {
    type Item = String;

    fn len(&self) -> usize {
        self.texts.len()
    }

    fn item(&self, index: usize) -> Result<String, DataError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(self.texts[index].clone())
    }

    fn fingerprint(&self) -> u64 {
        self.texts.fingerprint()
    }
}

#[test]
fn a_cache_is_made_once_for_each_data() {
    let path = folder("cache").join("texts.records");
    let items = |texts: &[&str]| Expensive {
        texts: texts.iter().map(|text| text.to_string()).collect(),
        made: AtomicUsize::new(0),
    };
    let first = items(&["to", "be", "or"]);
    for _ in 0..2 {
        let cached = records::cache(&first, &path).unwrap();
        assert_eq!((cached.len(), cached.item(2).unwrap().as_str()), (3, "or"));
        assert_eq!(cached.fingerprint(), first.fingerprint());
        assert_eq!(first.made.load(Ordering::Relaxed), 3);
    }
    let second = items(&["not", "to"]);
    assert_message(Cached::<String>::open(&path, second.fingerprint()), &["texts.records", "fingerprint"]);
    assert_eq!(records::cache(&second, &path).unwrap().item(0).unwrap(), "not");
    assert_eq!(second.made.load(Ordering::Relaxed), 2);

    // Bytes that are whole, but of another type.
    records::write(&path, second.fingerprint(), [Ok(b"ok".to_vec()), Ok(vec![0xff])]).unwrap();
    let cached = records::cache(&second, &path).unwrap();
    assert_message(cached.item(1), &["texts.records", "in record 1", "no UTF-8 at byte 0"]);
    // What is not a cache is left alone.
    fs::write(&path, "precious").unwrap();
    assert_message(records::cache(&second, &path), &["texts.records", "another kind of file"]);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}
