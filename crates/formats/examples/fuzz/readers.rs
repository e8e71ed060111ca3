//! The readers, each with valid files to begin from and a bound of its memory.

use bolete_formats::csv::CsvOptions;
use bolete_formats::picture::{self, Limits};
use bolete_formats::{csv, gguf, idx, npy, numbers, safetensors, tensorboard, tiff, torch, wav};

use crate::seeds;

/// A reader under test.
pub struct Reader {
    pub name: &'static str,
    pub seeds: Vec<Vec<u8>>,
    /// The most memory is `per_byte` for each byte of the file, and `constant`.
    pub per_byte: usize,
    pub constant: usize,
    /// Whether the bytes are a valid file.
    pub read: fn(&[u8]) -> bool,
}

/// What pictures may take.
const LIMITS: Limits = Limits { side: 16_384, bytes: 1 << 20 };

/// Messages, tables of the decoders, and what grows in steps.
const SMALL: usize = 16 << 10;
/// The state of a deflate decoder.
const INFLATE: usize = 128 << 10;

pub fn readers() -> Vec<Reader> {
    let reader = |name, seeds, per_byte, constant, read| Reader { name, seeds, per_byte, constant, read };
    vec![
        reader("idx", seeds::idx(), 2, INFLATE + (2 << 20), |bytes| idx::parse(bytes, "f").is_ok()),
        reader("npy", seeds::npy(), 6, SMALL, |bytes| npy::parse(bytes, "f").is_ok()),
        reader("npz", seeds::npz(), 64, INFLATE + (1 << 20), |bytes| npy::parse_npz(bytes, "f").is_ok()),
        reader("csv", seeds::csv(), 160, SMALL, |bytes| {
            let semicolons = CsvOptions { delimiter: b';', ..CsvOptions::default() };
            csv::parse(bytes, "f", &CsvOptions::default()).is_ok()
                | csv::parse(bytes, "f", &semicolons).is_ok()
        }),
        reader("numbers", seeds::numbers(), 16, SMALL, |bytes| {
            numbers::parse(bytes, "f", &Default::default()).is_ok()
        }),
        reader("safetensors", seeds::safetensors(), 64, SMALL, |bytes| {
            let Ok(file) = safetensors::view(bytes, "f") else { return false };
            file.entries().keys().for_each(|name| drop(file.read(name)));
            safetensors::parse(bytes, "f").is_ok()
        }),
        reader("index", seeds::index(), 64, SMALL, |bytes| safetensors::parse_index(bytes, "f").is_ok()),
        reader("torch", seeds::torch(), 160, SMALL + (1 << 20), |bytes| {
            let Ok(file) = torch::parse(bytes, "f") else { return false };
            file.tensors().keys().for_each(|name| drop(file.read(name)));
            true
        }),
        reader("gguf", seeds::gguf(), 64, SMALL, |bytes| {
            let Ok(file) = gguf::parse(bytes, "f") else { return false };
            file.tensors().keys().for_each(|name| drop(file.read(name)));
            true
        }),
        reader("png", seeds::png(), 64, INFLATE + (4 << 20), |bytes| {
            picture::decode(bytes, "f", &LIMITS).is_ok()
        }),
        reader("jpeg", seeds::jpeg(), 64, SMALL + (4 << 20), |bytes| {
            picture::decode(bytes, "f", &LIMITS).is_ok()
        }),
        reader("gif", seeds::gif(), 64, SMALL + (4 << 20), |bytes| {
            picture::decode_gif(bytes, "f", &LIMITS).is_ok()
        }),
        reader("events", seeds::events(), 8, SMALL, |bytes| tensorboard::parse(bytes, "f").is_ok()),
        // As checksums would tell of nearly all damage, what they protect is damaged before they are made.
        reader("event", seeds::event(), 160, SMALL, |bytes| {
            tensorboard::parse(&tensorboard::frame(bytes), "f").is_ok()
        }),
        reader("wav", seeds::wav(), 4, SMALL, |bytes| wav::parse(bytes, "f").is_ok()),
        reader("tiff", seeds::tiff(), 4 * 2731, INFLATE, |bytes| tiff::parse(bytes, "f").is_ok()),
    ]
}
