//! Files are complete or untouched.

mod support;

use std::fs;
use std::io;

use bolete_formats::atomic;
use support::{assert_message, folder};

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn replaces_the_whole_file() {
    let folder = folder("atomic-replaces");
    let path = folder.join("file");
    atomic::write(&path, |out| out.write_all(b"first, and longer")).unwrap();
    atomic::write(&path, |out| out.write_all(b"second")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_else() {
    let folder = folder("atomic-failure");
    let path = folder.join("file");
    fs::write(&path, "old").unwrap();
    let full = atomic::write(&path, |out| {
        out.write_all(&[0; 1 << 20])?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_message(full, &[path.to_str().unwrap(), "cannot be written", "nothing was changed"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let folder = folder("atomic-panic");
    let path = folder.join("file");
    let caught =
        std::panic::catch_unwind(|| atomic::write(&path, |_| std::panic::resume_unwind(Box::new("stop"))));
    assert!(caught.is_err());
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn names_the_path_of_a_missing_or_forbidden_folder() {
    let folder = folder("atomic-missing");
    let path = folder.join("absent").join("file");
    assert_message(atomic::write(&path, |_| Ok(())), &["absent/file", "cannot be written"]);
    assert_message(atomic::write(&folder, |_| Ok(())), &["it is a folder"]);
    assert_message(atomic::write("/", |_| Ok(())), &["cannot be written"]);
    assert_message(atomic::write("", |_| Ok(())), &["cannot be written"]);
}

#[cfg(unix)]
#[test]
fn respects_modes_links_and_devices() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = folder("atomic-unix");
    let (path, link) = (folder.join("file"), folder.join("link"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    atomic::write(&link, |out| out.write_all(b"new")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    assert_message(atomic::write(&path, |_| Ok(())), &["write-protected"]);
    assert_eq!(fs::read(&path).unwrap(), b"new");

    if std::path::Path::new("/dev/full").exists() {
        assert_message(atomic::write("/dev/full", |out| out.write_all(b"x")), &["/dev/full", "space"]);
    }
}
