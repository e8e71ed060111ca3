//! What the tests of this crate share.

use std::path::PathBuf;

use bolete_data::DataError;

/// An empty folder of this name, under the build folder.
pub fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The message of an error, which must be one line that contains every one of `parts`.
pub fn assert_message<T>(result: Result<T, DataError>, parts: &[&str]) {
    let Err(error) = result else { panic!("no error, but expected {parts:?}") };
    let message = error.to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}
