//! Folders of pictures, good and damaged.

use std::fs;
use std::path::Path;

use crate::support::{assert_message, folder};
use bolete_data::Dataset;
use bolete_data::image_folder::{self, Colour, FolderOptions};
use bolete_formats::picture::Picture;

fn picture(path: impl AsRef<Path>, channels: usize, value: u8) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    Picture::new(8, 6, channels, vec![value; 48 * channels]).unwrap().write_png(path).unwrap();
}

#[test]
fn loads_sorted_classes_and_skips_corrupt_pictures() {
    let folder = folder("pictures-good");
    picture(folder.join("dog/b.PNG"), 3, 10);
    picture(folder.join("dog/a.jpeg"), 1, 20); // The content says what it is, not the name.
    picture(folder.join("cat/x.jpg"), 4, 128);
    picture(folder.join(".hidden/x.png"), 1, 0);
    fs::write(folder.join("cat/broken.png"), b"\x89PNG\r\n\x1a\nrubbish").unwrap();
    fs::write(folder.join("cat/notes.txt"), "not a picture").unwrap();
    fs::write(folder.join("README"), "not a class").unwrap();

    let options = FolderOptions { width: 4, height: 2, colour: Colour::Rgb, ..FolderOptions::default() };
    let data = image_folder::load(&folder, &options).unwrap();
    assert_eq!(data.dataset.class_names(), ["cat", "dog"]);
    assert_eq!(data.dataset.labels(), [0, 1, 1]);
    assert_eq!(data.dataset.pixels(1), [20; 24]);
    assert_eq!(data.skipped.len(), 1);
    assert!(data.skipped[0].path.ends_with("cat/broken.png"));
    assert!(
        data.skipped[0].reason.contains("broken.png: not a valid PNG file"),
        "{}",
        data.skipped[0].reason
    );

    let gray = FolderOptions { colour: Colour::Gray, ..options };
    let data = image_folder::load(&folder, &gray).unwrap();
    // 128 at an opacity of 128/255 over white.
    assert_eq!((data.dataset.shape().channels, data.dataset.pixels(0)), (1, &[191; 8][..]));
}

#[test]
fn channels_become_planes() {
    let folder = folder("pictures-planes");
    fs::create_dir_all(folder.join("a")).unwrap();
    Picture::new(2, 1, 3, vec![1, 2, 3, 4, 5, 6]).unwrap().write_png(folder.join("a/x.png")).unwrap();
    let options = FolderOptions { width: 2, height: 1, ..FolderOptions::default() };
    let data = image_folder::load(&folder, &options).unwrap();
    assert_eq!(data.dataset.pixels(0), [1, 4, 2, 5, 3, 6]);
    assert_eq!(data.dataset.len(), 1);
}

#[test]
fn empty_and_missing_folders_are_named() {
    let folder = folder("pictures-empty");
    let load = || image_folder::load(&folder, &FolderOptions::default());
    assert_message(load(), &["pictures-empty", "a folder of pictures for each class", "no folders"]);
    fs::create_dir(folder.join("cat")).unwrap();
    assert_message(load(), &["cat", "at least one PNG or JPEG", "found none"]);
    fs::write(folder.join("cat/x.png"), "rubbish").unwrap();
    assert_message(load(), &["cat", "1 that cannot be read", "x.png"]);
    picture(folder.join("cat/y.png"), 1, 0);
    assert!(load().is_ok());
    let absent = image_folder::load(folder.join("absent"), &FolderOptions::default());
    assert_message(absent, &["absent: the folder cannot be read"]);
    let zero = FolderOptions { width: 0, ..FolderOptions::default() };
    assert_message(image_folder::load(&folder, &zero), &["sides above 0"]);
}
