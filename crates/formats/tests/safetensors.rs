//! safetensors files, good and damaged.

mod support;

use std::fs;

use bolete_formats::safetensors::{self, Entry, Metadata, SafeDtype};
use support::{assert_message, folder};

fn entry(name: &str, dtype: SafeDtype, shape: &[usize]) -> Entry {
    let bytes = (0..dtype.byte_length(shape).unwrap()).map(|index| index as u8).collect();
    Entry { name: name.to_string(), dtype, shape: shape.to_vec(), bytes }
}

/// A file with this header and `data` bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn every_type_survives_a_round_trip() {
    let path = folder("safetensors-round-trip").join("model.safetensors");
    let mut entries: Vec<_> =
        SafeDtype::ALL.iter().map(|&dtype| entry(dtype.name(), dtype, &[2, 4])).collect();
    entries.push(entry("scalar", SafeDtype::F64, &[]));
    entries.push(entry("empty", SafeDtype::F32, &[3, 0]));
    entries.push(entry("quote \" and newline \n and ü", SafeDtype::I64, &[1]));
    let metadata = Metadata::from([("format".to_string(), "bolete \"1\"".to_string())]);
    safetensors::write(&path, &entries, &metadata).unwrap();

    let file = safetensors::read(&path).unwrap();
    assert_eq!(file.metadata, metadata);
    assert_eq!(file.entries.len(), entries.len());
    assert!(file.entries.is_sorted_by_key(|entry| entry.name.as_str()));
    for entry in &entries {
        assert_eq!(file.get(&entry.name), Some(entry));
    }
    assert_eq!(file.get("absent"), None);

    let bytes = fs::read(&path).unwrap();
    let header_bytes = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert_eq!(header_bytes % 8, 0);
    for info in safetensors::read_header(&path).unwrap().entries {
        assert_eq!(
            (8 + header_bytes + info.begin) * 8 % info.dtype.bits().next_power_of_two(),
            0,
            "{info:?}"
        );
    }
    entries.reverse();
    assert_eq!(safetensors::encode(&entries, &metadata).unwrap(), bytes);
}

#[test]
fn borrowed_bytes_can_be_written() {
    let bytes = [1u8, 2];
    let entry = Entry { name: "a".to_string(), dtype: SafeDtype::U8, shape: vec![2], bytes: &bytes[..] };
    let file = safetensors::encode(&[entry], &Metadata::new()).unwrap();
    assert_eq!(safetensors::parse(&file, "f").unwrap().entries[0].bytes, bytes);
}

#[test]
fn a_foreign_layout_is_read() {
    // Data in another order than the names, spaces, and no padding.
    let header = r#"{ "a": {"shape":[1],"dtype":"U8","data_offsets":[2,3]}, "b":{"dtype":"I16","shape":[],"data_offsets":[0,2]}}"#;
    let mut bytes = file(header, 0);
    bytes.extend_from_slice(&[1, 2, 3]);
    let read = safetensors::parse(&bytes, "f").unwrap();
    assert_eq!(read.get("a").unwrap().bytes, [3]);
    assert_eq!(read.get("b").unwrap().bytes, [1, 2]);
    assert!(safetensors::parse(&file("{}", 0), "f").unwrap().entries.is_empty());
}

#[test]
fn damaged_files_are_named() {
    let one = |dtype: &str, shape: &str, offsets: &str, data: usize| {
        file(&format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#), data)
    };
    let parse = |bytes: &[u8]| safetensors::parse(bytes, "f");
    assert!(parse(&one("F32", "[2]", "[0,8]", 8)).is_ok());

    assert_message(parse(b"1234567"), &["f: not a valid safetensors file", "at least 8 bytes", "7 bytes"]);
    assert_message(parse(&[255; 20]), &["a header of at most 12 bytes", "18446744073709551615"]);
    assert_message(parse(&file("", 0)), &["JSON"]);
    assert_message(parse(&file("[]", 0)), &["an object with an entry for each array"]);
    assert_message(parse(&file("{\"a\":", 0)), &["JSON"]);
    assert_message(parse(&file("{}  x", 0)), &["trailing"]);
    assert_message(parse(&one("F99", "[2]", "[0,8]", 8)), &["a known dtype for \"w\"", "\"F99\""]);
    assert_message(parse(&one("F32", "[3]", "[0,8]", 8)), &["12 bytes for \"w\"", "0 to 8"]);
    assert_message(parse(&one("F32", "[2]", "[8,0]", 8)), &["8 bytes for \"w\"", "8 to 0"]);
    assert_message(parse(&one("F32", "[-2]", "[0,8]", 8)), &["JSON"]);
    assert_message(parse(&one("F32", "[2.5]", "[0,8]", 8)), &["JSON"]);
    assert_message(parse(&one("F32", "[2]", "[0,8,9]", 8)), &["JSON"]);
    assert_message(parse(&one("F4", "[3]", "[0,1]", 1)), &["whole bytes"]);
    assert_message(parse(&one("F32", "[4294967296,4294967296]", "[0,0]", 0)), &["fits memory"]);
    assert_message(parse(&one("U8", &format!("{:?}", vec![1; 33]), "[0,1]", 1)), &["at most 32 lengths"]);
    assert_message(parse(&one("F32", "[2]", "[0,8]", 7)), &["8 bytes of data", "7 bytes", "truncated"]);
    assert_message(parse(&one("F32", "[2]", "[0,8]", 9)), &["8 bytes of data", "9 bytes"]);
    assert_message(parse(&one("F32", "[2]", "[4,12]", 12)), &["\"w\" at byte 0", "byte 4", "hole"]);
    assert_message(parse(&file(r#"{"w":{"dtype":"U8","shape":[0]}}"#, 0)), &["data_offsets"]);
    assert_message(
        parse(&file(r#"{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}"#, 0)),
        &["unknown field"],
    );
}

#[test]
fn overlaps_and_duplicates_are_refused() {
    let a = r#""a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}"#;
    let b = r#""b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}"#;
    assert_message(
        safetensors::parse(&file(&format!("{{{a},{b}}}"), 3), "f"),
        &["\"b\" at byte 2", "overlap"],
    );
    assert_message(safetensors::parse(&file(&format!("{{{a},{a}}}"), 2), "f"), &["\\\"a\\\" twice"]);
    let twice = r#"{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}"#;
    assert_message(safetensors::parse(&file(twice, 0), "f"), &["duplicate field"]);
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert_message(safetensors::parse(&file(&deep, 0), "f"), &["JSON"]);
}

#[test]
fn entries_that_do_not_fit_are_refused() {
    let path = folder("safetensors-refused").join("file");
    let write = |entries: &[Entry]| safetensors::write(&path, entries, &Metadata::new());
    let good = entry("a", SafeDtype::F32, &[2]);
    assert_message(write(&[good.clone(), good.clone()]), &["every name once", "\"a\" twice"]);
    assert_message(write(&[Entry { shape: vec![3], ..good.clone() }]), &["12 bytes for \"a\"", "8 bytes"]);
    assert_message(write(&[Entry { shape: vec![usize::MAX, 2], ..good.clone() }]), &["fits memory"]);
    assert_message(write(&[Entry { name: "__metadata__".into(), ..good }]), &["reserve"]);
    assert!(!path.exists());
    assert_message(safetensors::read(&path), &["file: cannot be read"]);
}
