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

mod combined;
mod download;
mod extract;
mod ragged;
mod readers;
mod records;
mod sampler;
mod server;
mod split;
mod stream;
mod synthetic;
