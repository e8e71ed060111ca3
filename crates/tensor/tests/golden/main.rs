//! Ops against numbers that independent implementations computed: each `NAME.json` is written by `NAME.py` beside it.

mod complex;
mod ctc;
mod linalg;
mod read;
