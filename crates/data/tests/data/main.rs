//! The tests of this crate from outside, in one program so that they link once.

mod drawn_digits;
mod idx_digits;
mod image_classification;
mod image_folder;
mod loader;
mod support;

mod combined;
mod download;
mod extract;
mod ragged;
mod readers;
mod sampler;
mod server;
mod split;
mod synthetic;
