//! Folders of pictures, good and damaged.

use std::fs;
use std::path::Path;

use crate::support::{assert_message, folder};
use bolete_data::augmentation::{CentreCrop, Crop, GaussianNoise};
use bolete_data::image_folder::{self, Colour, Corrupt, FolderOptions};
use bolete_data::{Augmentation, Dataset, EpochRandomness};
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

    let options = FolderOptions { width: 4, height: 2, corrupt: Corrupt::Skip, ..FolderOptions::default() };
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
    let options = FolderOptions { corrupt: Corrupt::Skip, ..FolderOptions::default() };
    let load = || image_folder::load(&folder, &options);
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

#[test]
fn a_corrupt_picture_is_one_clear_error_or_counted() {
    let folder = folder("pictures-corrupt");
    for (index, name) in ["cat/a.png", "cat/c.png", "dog/a.png", "dog/b.png"].into_iter().enumerate() {
        picture(folder.join(name), 3, index as u8);
    }
    fs::write(folder.join("cat/b.jpg"), b"\xff\xd8\xff\xe0 cut off").unwrap();
    let message = ["cat/b.jpg", "not a valid JPEG file", "truncated", "replace or remove the file"];
    assert_message(image_folder::load(&folder, &FolderOptions::default()), &message);

    let refuse = image_folder::open(&folder, &FolderOptions::default()).unwrap();
    assert_eq!((refuse.labels(), refuse.class_names().len()), (&[0, 0, 0, 1, 1][..], 2));
    assert!(refuse.files().is_sorted());
    let randomness = EpochRandomness::new(1, 0);
    assert_message(refuse.batch(&[0, 1, 2], &randomness), &message);
    assert_eq!(refuse.batch(&[0, 2], &randomness).unwrap().labels, [0, 0]);
    assert_message(refuse.batch(&[5], &randomness), &["indices below 5"]);

    let skip = FolderOptions { corrupt: Corrupt::Skip, ..FolderOptions::default() };
    let skip = image_folder::open(&folder, &skip).unwrap();
    for epoch in 0..2 {
        let batch = skip.batch(&[3, 1, 0], &EpochRandomness::new(1, epoch)).unwrap();
        assert_eq!((batch.batch, batch.labels), (2, vec![1, 0]));
        assert_eq!(batch.images[0], 2.0 / 255.0);
        assert_eq!(batch.images.len(), 2 * 3 * 32 * 32);
    }
    assert_eq!(skip.skipped().len(), 1);
    assert!(skip.skipped()[0].path.ends_with("cat/b.jpg"));
    assert_message(skip.batch(&[1], &randomness), &message);
}

#[test]
fn decoding_when_needed_gives_what_loading_gives() {
    let folder = folder("pictures-lazy");
    for (name, value) in [("a/x.png", 200), ("b/y.png", 100), ("b/z.png", 50)] {
        picture(folder.join(name), 3, value);
    }
    let augmentation = || Augmentation::of(Crop::padded(2)).then(GaussianNoise { deviation: 9.0.into() });
    let options = FolderOptions { width: 5, height: 4, ..FolderOptions::default() };
    let loaded = image_folder::load(&folder, &options).unwrap().dataset.with_augmentation(augmentation());
    let opened = image_folder::open(&folder, &options).unwrap().with_augmentation(augmentation());
    let randomness = EpochRandomness::new(3, 1);
    assert_eq!(loaded.batch(&[2, 0], &randomness).unwrap(), opened.batch(&[2, 0], &randomness).unwrap());
    // In the sizes of the files, of which the augmentation makes one.
    Picture::new(2, 9, 1, vec![7; 18]).unwrap().write_png(folder.join("b/a.png")).unwrap();
    let opened = image_folder::open(&folder, &options).unwrap().with_original_sizes();
    assert_message(opened.batch(&[0, 1], &randomness), &["pictures of 6x8 after augmentation", "9x2"]);
    let opened = opened.with_augmentation(Augmentation::of(CentreCrop::of(3, 3)));
    assert_eq!(opened.batch(&[0, 1], &randomness).unwrap().images.len(), 2 * 3 * 9);
}
