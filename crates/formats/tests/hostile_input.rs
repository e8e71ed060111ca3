//! Thousands of damaged files for each reader: none may panic, and none may take much more memory than the file.
//!
//! The allocator of this test refuses to hold more than [`MOST_BYTES`] in all, which ends the process, so a huge
//! allocation cannot pass unseen. The damage comes from a fixed sequence: a failure shows the same way every time.

use std::alloc::System;
use std::io::Write;
use std::panic::catch_unwind;

use bolete_formats::idx;
use bolete_formats::picture::{self, Limits, Picture};
use bolete_formats::safetensors::{self, Entry, Metadata, SafeDtype};
use cap::Cap;

const MOST_BYTES: usize = 64 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MOST_BYTES);

const INPUTS: u64 = 20_000;

/// SplitMix64: Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// `bytes` with one to four kinds of damage.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(8)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
                2 => bytes.iter_mut().skip(at).take(1 + at % 4).for_each(|byte| *byte = 0xff),
                3 => bytes.iter_mut().skip(at).take(1 + at % 4).for_each(|byte| *byte = 0),
                4 => drop(bytes.drain(at.min(end)..end)),
                5 => bytes.insert(at, self.next() as u8),
                6 => {
                    // A digit or a bracket where the header of safetensors has one.
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = b"0123456789[]{},:\"-."[self.below(19)];
                    }
                }
                _ => bytes.extend_from_within(at.min(end)..end),
            }
        }
        bytes
    }
}

/// Runs `read` on damaged copies of the `seeds`. Says how many of them were still accepted.
fn run(seeds: &[Vec<u8>], read: impl Fn(&[u8]) -> bool + std::panic::RefUnwindSafe) -> u64 {
    let mut numbers = Numbers(1);
    (0..INPUTS)
        .map(|round| {
            let bytes = numbers.damage(&seeds[round as usize % seeds.len()]);
            let accepted = catch_unwind(|| read(&bytes));
            u64::from(
                accepted.unwrap_or_else(|_| panic!("input {round} made the reader panic: {bytes:02x?}")),
            )
        })
        .sum()
}

#[test]
fn no_damage_makes_a_reader_panic_or_take_much_memory() {
    let plain = [&[0, 0, 12, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[7; 96]].concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let accepted = run(&[plain, encoder.finish().unwrap()], |bytes| idx::parse(bytes, "f").is_ok());
    assert!((1..INPUTS).contains(&accepted), "IDX: {accepted} accepted");

    let entry = |name: &str, dtype: SafeDtype, shape: &[usize]| Entry {
        name: name.to_string(),
        dtype,
        shape: shape.to_vec(),
        bytes: vec![1; dtype.byte_length(shape).unwrap()],
    };
    let entries = [entry("a.weight", SafeDtype::F32, &[2, 3]), entry("b", SafeDtype::U8, &[5])];
    let metadata = Metadata::from([("by".to_string(), "bolete".to_string())]);
    let seeds = [
        safetensors::encode(&entries, &metadata).unwrap(),
        safetensors::encode(&entries[..1], &Metadata::new()).unwrap(),
    ];
    let accepted = run(&seeds, |bytes| safetensors::parse(bytes, "f").is_ok());
    assert!((1..INPUTS).contains(&accepted), "safetensors: {accepted} accepted");

    let pixels: Vec<u8> = (0..24 * 16 * 3).map(|index| (index * 5 % 256) as u8).collect();
    let mut png = Vec::new();
    Picture::new(24, 16, 3, pixels.clone()).unwrap().encode_png(&mut png).unwrap();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .encode(&pixels, 24, 16, image::ExtendedColorType::Rgb8)
        .unwrap();
    for (name, seed) in [("PNG", png), ("JPEG", jpeg)] {
        let accepted = run(&[seed], |bytes| picture::decode(bytes, "f", &Limits::default()).is_ok());
        assert!((1..INPUTS).contains(&accepted), "{name}: {accepted} accepted");
    }
}
