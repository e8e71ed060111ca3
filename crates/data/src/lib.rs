//! Data sets of Bolete, and the way from them to batches.
//!
//! A [`Dataset`] makes batches of the items that it is asked for. A [`Loader`] decides which: it shuffles with a
//! seed, cuts the order into batches and lets worker threads make them ahead of time. [`ImageClassification`] is the
//! data set of labelled pictures in memory; it comes from
//!
//! | function | source |
//! |---|---|
//! | [`idx_digits::load`] | the four files of MNIST and its kin |
//! | [`image_folder::load`] | a folder of pictures per class; [`image_folder::open`] decodes them when needed |
//! | [`drawn_digits::draw`] | digits that Bolete draws itself, nothing to download |
//! | [`cifar::load_10`], [`cifar::load_100`] | the binary versions of CIFAR |
//!
//! | what | where |
//! |---|---|
//! | which items, in which order and batches | [`sampler`] |
//! | parts for training, validation and testing | [`split`], [`Subset`] |
//! | data sets made of others | [`Concatenated`], [`Mapped`], [`Collated`] |
//! | sequences of different lengths | [`pad`], [`pack`], [`windows`], [`sampler::Bucketed`] |
//! | data that does not fit into memory | [`stream`], [`records`] |
//! | data sets that can be downloaded | [`catalogue`], [`download`] |
//! | running text, a graph, small sets made by equations | [`CharacterText`], [`cora`], [`synthetic`] |
//! | whether data has changed | [`Fingerprint`], [`Loader::fingerprint`] |
//!
//! [`augmentation`] has the random changes of pictures, and of boxes, masks and keypoints in them.
//!
//! What a batch holds depends on the seed, the epoch and the data only, never on the number of threads: all
//! randomness comes from [`Randomness`], whose numbers are a pure function of a key.
#![forbid(unsafe_code)]

mod ahead;
pub mod augmentation;
mod dataset;
pub mod drawn_digits;
mod error;
pub mod idx_digits;
mod image_classification;
pub mod image_folder;
mod loader;
mod order;
mod randomness;

pub mod catalogue;
mod character_text;
pub mod cifar;
pub mod cora;
pub mod download;
mod fingerprint;
mod ragged;
pub mod records;
pub mod sampler;
pub mod split;
pub mod stream;
pub mod synthetic;

pub use character_text::{CharacterText, TextSplit, TokenBatch, Vocabulary};
pub use fingerprint::Fingerprint;
pub use ragged::{Packed, Packing, Padded, Padding, pack, pad, windows};

pub use augmentation::Augmentation;
pub use dataset::{Collated, Concatenated, Dataset, EpochRandomness, Gather, Items, Mapped, Subset};
pub use error::DataError;
pub use image_classification::{ImageBatch, ImageClassification, ImageShape, Normalisation, TrainTest};
pub use loader::{Epoch, Loader, LoaderOptions};
pub use order::epoch_order;
pub use randomness::Randomness;
