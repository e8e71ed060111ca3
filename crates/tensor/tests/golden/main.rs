//! Ops against numbers that independent implementations computed: each `NAME.json` is written by `NAME.py` beside it.

mod activation;
mod audio;
mod complex;
mod fourier;
mod read;
mod special;
