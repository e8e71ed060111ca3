//! Ops against numbers that independent implementations computed: each `NAME.json` is written by `NAME.py` beside it.

mod activation;
mod attention;
mod audio;
mod complex;
mod ctc;
mod fourier;
mod image;
mod image_sampling;
mod linalg;
mod order;
mod read;
mod special;
