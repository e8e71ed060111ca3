//! The tests of this crate from outside, in one program so that they link once.

mod augmentation;
mod augmentation_golden;
mod drawn_digits;
mod idx_digits;
mod image_classification;
mod image_folder;
mod loader;
mod mixing;
mod support;
