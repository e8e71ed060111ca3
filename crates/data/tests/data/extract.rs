//! Archives, good, damaged and hostile.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::folder;
use bolete_data::download::{ExtractLimits, extract_tar_gz, gunzip};

fn header(path: &str, kind: tar::EntryType, size: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    // Written directly, since the writer refuses what a hostile archive may have.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o777);
    header.set_size(size as u64);
    header.set_cksum();
    header
}

fn archive(path: &Path, entries: &[(&str, tar::EntryType, &[u8])]) {
    let mut builder = tar::Builder::new(GzEncoder::new(File::create(path).unwrap(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = header(name, *kind, content.len());
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
        }
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

fn set(name: &str, entries: &[(&str, tar::EntryType, &[u8])]) -> (PathBuf, PathBuf) {
    let folder = folder(name);
    archive(&folder.join("set.tar.gz"), entries);
    (folder.join("set.tar.gz"), folder.join("out"))
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn assert_refused(paths: &(PathBuf, PathBuf), limits: &ExtractLimits, parts: &[&str]) {
    let message = extract_tar_gz(&paths.0, &paths.1, limits).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    for part in parts.iter().copied().chain(["set.tar.gz: cannot be unpacked"]) {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
    let left: Vec<_> =
        fs::read_dir(paths.0.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["set.tar.gz"], "something was left behind");
}

#[test]
fn plain_archives_are_unpacked() {
    let (from, to) = set(
        "extract-good",
        &[
            ("./", tar::EntryType::Directory, b""),
            ("set/", tar::EntryType::Directory, b""),
            ("set/a.bin", FILE, b"one"),
            ("./set/deep/b.bin", FILE, &[7; 100_000]),
            ("set/empty", FILE, b""),
        ],
    );
    extract_tar_gz(&from, &to, &ExtractLimits::default()).unwrap();
    assert_eq!(fs::read(to.join("set/a.bin")).unwrap(), b"one");
    assert_eq!(fs::read(to.join("set/deep/b.bin")).unwrap(), [7; 100_000]);
    assert!(to.join("set/empty").is_file());
    let again = extract_tar_gz(&from, &to, &ExtractLimits::default()).unwrap_err().to_string();
    assert!(again.contains("is there"), "{again}");
}

#[test]
fn hostile_entries_are_refused() {
    let limits = ExtractLimits::default();
    for (number, name) in ["../evil", "set/../../evil", "/etc/evil"].into_iter().enumerate() {
        let paths = set(&format!("extract-traversal-{number}"), &[("a", FILE, b"x"), (name, FILE, b"evil")]);
        assert_refused(&paths, &limits, &["expected entries within the folder, found", name]);
        assert!(!paths.0.parent().unwrap().join("evil").exists());
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo, tar::EntryType::Char] {
        let paths = set(&format!("extract-kind-{kind:?}"), &[("trap", kind, b"")]);
        assert_refused(&paths, &limits, &["expected files and folders, found \"trap\" of the kind"]);
    }
}

#[test]
fn limits_hold() {
    let zeros = vec![0; 1_000_000];
    let paths = set("extract-bomb", &[("a", FILE, &zeros), ("b", FILE, &zeros)]);
    let small = ExtractLimits { bytes: 1_500_000, ..ExtractLimits::default() };
    assert_refused(&paths, &small, &["expected at most 1500000 bytes when unpacked, found more"]);
    let few = ExtractLimits { entries: 1, ..ExtractLimits::default() };
    assert_refused(&paths, &few, &["expected at most 1 entries, found more"]);
}

#[test]
fn damaged_archives_are_refused() {
    let entries: &[(&str, tar::EntryType, &[u8])] = &[("a", FILE, &[5; 5000])];
    for (number, damage) in [0usize, 1, 2].into_iter().enumerate() {
        let paths = set(&format!("extract-damaged-{number}"), entries);
        let mut bytes = fs::read(&paths.0).unwrap();
        match damage {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes[0] = 0,
            // The checksum at the end of the gzip file.
            _ => {
                let place = bytes.len() - 6;
                bytes[place] ^= 1;
            }
        }
        fs::write(&paths.0, bytes).unwrap();
        assert_refused(&paths, &ExtractLimits::default(), &[]);
    }
}

#[test]
fn a_single_file_is_unpacked_whole_or_not_at_all() {
    let folder = folder("extract-gz");
    let (from, to) = (folder.join("words.gz"), folder.join("words"));
    let mut encoder = GzEncoder::new(File::create(&from).unwrap(), Compression::fast());
    encoder.write_all(&[b'a'; 100_000]).unwrap();
    encoder.finish().unwrap();
    gunzip(&from, &to, 100_000).unwrap();
    assert_eq!(fs::read(&to).unwrap(), [b'a'; 100_000]);
    let message = gunzip(&from, &to, 99_999).unwrap_err().to_string();
    assert!(message.contains("words.gz: cannot be unpacked: expected at most 99999 bytes"), "{message}");
    let bytes = fs::read(&from).unwrap();
    fs::write(&from, &bytes[..bytes.len() - 3]).unwrap();
    let message = gunzip(&from, &to, 200_000).unwrap_err().to_string();
    assert!(message.contains("expected a whole gzip file"), "{message}");
    // The older file is untouched.
    assert_eq!(fs::read(&to).unwrap().len(), 100_000);
    assert!(gunzip(&folder.join("absent"), &to, 1).unwrap_err().to_string().contains("cannot be stored"));
}
