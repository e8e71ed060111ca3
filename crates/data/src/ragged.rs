//! Sequences of different lengths in one batch: padding and packing.

mod packing;
mod padding;

pub use packing::{Packed, Packing, pack, windows};
pub use padding::{Padded, Padding, pad};
