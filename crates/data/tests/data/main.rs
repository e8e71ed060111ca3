//! The tests of this crate from outside, in one program so that they link once.

mod drawn_digits;
mod idx_digits;
mod image_classification;
mod image_folder;
mod loader;
mod support;

mod combined;
mod ragged;
mod sampler;
mod split;
