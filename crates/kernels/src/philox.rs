//! Random numbers by position: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as
//! 1, 2, 3* (2011).
//!
//! A block of four words is a function of a 64-bit key and a 128-bit counter, whose low half numbers the blocks of a
//! stream and whose high half, the domain, numbers the streams of a key. Word `i` of a stream is word `i % 4` of block
//! `i / 4`: any part of a stream can be produced anywhere, by any thread and any instruction set, with the same bits.

use super::isa::{Instructions, Isa, Kernel};

/// The four words of a block.
pub type Block = [u32; 4];

/// The domain that [`derive_key`] draws from. Callers' own domains stay below [`FIRST_RESERVED_DOMAIN`].
const SPLIT_DOMAIN: u64 = u64::MAX;
/// The domain that [`permutation`] draws from.
const PERMUTATION_DOMAIN: u64 = u64::MAX - 1;
/// From here on, domains belong to this module.
pub const FIRST_RESERVED_DOMAIN: u64 = u64::MAX - 255;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Words that the conversions below draw at a time.
const CHUNK: usize = 256;

/// One block.
#[inline(always)]
pub fn block(key: u64, index: u64, domain: u64) -> Block {
    let mut counter = [index as u32, (index >> 32) as u32, domain as u32, (domain >> 32) as u32];
    let mut round_key = [key as u32, (key >> 32) as u32];
    for _ in 0..ROUNDS {
        let first = u64::from(counter[0]) * u64::from(MULTIPLIERS[0]);
        let second = u64::from(counter[2]) * u64::from(MULTIPLIERS[1]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ round_key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ round_key[1],
            first as u32,
        ];
        round_key = [round_key[0].wrapping_add(WEYL[0]), round_key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// Words `first..first + out.len()` of a stream. The loop over whole blocks is what the compiler vectorises.
#[inline(always)]
fn fill(key: u64, domain: u64, first: u64, out: &mut [u32]) {
    let skipped = (first % 4) as usize;
    let mut index = first / 4;
    let head = if skipped == 0 { 0 } else { (4 - skipped).min(out.len()) };
    let (start, rest) = out.split_at_mut(head);
    if head != 0 {
        start.copy_from_slice(&block(key, index, domain)[skipped..skipped + head]);
        index = index.wrapping_add(1);
    }
    let (blocks, end) = rest.as_chunks_mut::<4>();
    for (offset, words) in blocks.iter_mut().enumerate() {
        *words = block(key, index.wrapping_add(offset as u64), domain);
    }
    if !end.is_empty() {
        let words = block(key, index.wrapping_add(blocks.len() as u64), domain);
        end.copy_from_slice(&words[..end.len()]);
    }
}

struct Bits<'a> {
    key: u64,
    domain: u64,
    first: u64,
    out: &'a mut [u32],
}

impl Kernel for Bits<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        fill(self.key, self.domain, self.first, self.out);
    }
}

/// Words `first_index..first_index + out.len()` of a stream.
pub fn fill_bits(isa: Isa, key: u64, domain: u64, first_index: u64, out: &mut [u32]) {
    isa.run(Bits { key, domain, first: first_index, out });
}

/// `out[i]` made of the `WORDS` words from `(first + i) * WORDS` on.
struct Converted<'a, T, F, const WORDS: usize> {
    key: u64,
    domain: u64,
    first: u64,
    out: &'a mut [T],
    convert: F,
}

impl<'a, T, F: Fn([u32; WORDS]) -> T, const WORDS: usize> Converted<'a, T, F, WORDS> {
    fn new(key: u64, domain: u64, first: u64, out: &'a mut [T], convert: F) -> Self {
        Converted { key, domain, first, out, convert }
    }
}

impl<T, F: Fn([u32; WORDS]) -> T, const WORDS: usize> Kernel for Converted<'_, T, F, WORDS> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let mut words = [0; CHUNK];
        let mut position = self.first.wrapping_mul(WORDS as u64);
        for out in self.out.chunks_mut(CHUNK / WORDS) {
            let words = &mut words[..out.len() * WORDS];
            fill(self.key, self.domain, position, words);
            for (out, words) in out.iter_mut().zip(words.as_chunks::<WORDS>().0) {
                *out = (self.convert)(*words);
            }
            position = position.wrapping_add(words.len() as u64);
        }
    }
}

/// A multiple of 2^-24 in `0..1` from a word.
#[inline(always)]
pub fn uniform_f32(word: u32) -> f32 {
    // Through i32, which vectors can convert.
    (word >> 8) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

/// A multiple of 2^-53 in `0..1` from two words.
#[inline(always)]
pub fn uniform_f64(words: [u32; 2]) -> f64 {
    const HIGH: f64 = 1.0 / (1u64 << 32) as f64;
    const LOW: f64 = 1.0 / (1u64 << 53) as f64;
    f64::from(words[1]) * HIGH + f64::from(words[0] >> 11) * LOW
}

/// A number in `0..bound` from two words. Numbers differ in probability by less than 2^-64, which keeps element and
/// position of a stream together; [`Stream::below`] is exactly uniform. `bound` 0 gives 0.
#[inline(always)]
pub fn uniform_below(words: [u32; 2], bound: u64) -> u64 {
    let word = u64::from(words[0]) | u64::from(words[1]) << 32;
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

/// Element `i` is [`uniform_f32`] of word `first_index + i` of the stream.
pub fn fill_uniform_f32(isa: Isa, key: u64, domain: u64, first_index: u64, out: &mut [f32]) {
    let kernel = Converted::new(
        key,
        domain,
        first_index,
        out,
        #[inline(always)]
        |[word]: [u32; 1]| uniform_f32(word),
    );
    isa.run(kernel);
}

/// Element `i` is [`uniform_f64`] of words `2 (first_index + i)` and the next.
pub fn fill_uniform_f64(isa: Isa, key: u64, domain: u64, first_index: u64, out: &mut [f64]) {
    let kernel = Converted::new(
        key,
        domain,
        first_index,
        out,
        #[inline(always)]
        |words: [u32; 2]| uniform_f64(words),
    );
    isa.run(kernel);
}

/// Element `i` is [`uniform_below`] `bound` of words `2 (first_index + i)` and the next, plus `low`.
pub fn fill_uniform_i64(
    isa: Isa,
    key: u64,
    domain: u64,
    first_index: u64,
    low: i64,
    bound: u64,
    out: &mut [i64],
) {
    let kernel = Converted::new(
        key,
        domain,
        first_index,
        out,
        #[inline(always)]
        |words: [u32; 2]| low.wrapping_add_unsigned(uniform_below(words, bound)),
    );
    isa.run(kernel);
}

/// The key of the `index`-th child of `key`: as good as independent of it and of its other children.
pub fn derive_key(key: u64, index: u64) -> u64 {
    let words = block(key, index, SPLIT_DOMAIN);
    u64::from(words[0]) | u64::from(words[1]) << 32
}

/// A stream read from its start, one number after the other.
#[derive(Clone, Debug)]
pub struct Stream {
    key: u64,
    domain: u64,
    next_block: u64,
    words: Block,
    used: usize,
}

impl Stream {
    /// The stream of a key and a domain.
    pub fn new(key: u64, domain: u64) -> Stream {
        Stream { key, domain, next_block: 0, words: [0; 4], used: 4 }
    }

    /// The next word.
    #[inline]
    pub fn next_word(&mut self) -> u32 {
        if self.used == self.words.len() {
            self.words = block(self.key, self.next_block, self.domain);
            self.next_block = self.next_block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A number in `0..bound`, all with the same probability (Lemire, *Fast random integer generation in an interval*,
    /// 2019). Draws two words, and two more each time that it has to reject.
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        loop {
            let low = u64::from(self.next_word());
            let product = u128::from(low | u64::from(self.next_word()) << 32) * u128::from(bound);
            // 2^64 mod bound of the low halves would favour some results; only then is the division needed.
            let fraction = product as u64;
            if fraction >= bound || fraction >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }
}

/// Fills `out` with the numbers from 0 on in random order, all orders with the same probability (Fisher and Yates).
pub fn permutation(key: u64, out: &mut [i64]) {
    for (index, value) in out.iter_mut().enumerate() {
        *value = index as i64;
    }
    let mut stream = Stream::new(key, PERMUTATION_DOMAIN);
    for last in (1..out.len()).rev() {
        out.swap(last, stream.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 1.14, `kat_vectors`: counter, key, result.
    const KNOWN: [([u32; 4], [u32; 2], Block); 3] = [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];

    fn join(low: u32, high: u32) -> u64 {
        u64::from(low) | u64::from(high) << 32
    }

    #[test]
    fn known_answers() {
        for (counter, key, expected) in KNOWN {
            let (key, index, domain) =
                (join(key[0], key[1]), join(counter[0], counter[1]), join(counter[2], counter[3]));
            assert_eq!(block(key, index, domain), expected);
        }
        for &isa in Isa::available() {
            let mut words = [0; 64];
            fill_bits(isa, 0, 0, 0, &mut words);
            assert_eq!(words[..4], KNOWN[0].2);
        }
    }

    #[test]
    fn every_part_of_a_stream_has_the_same_bits() {
        // Close to where the low word of the counter overflows.
        let origin = 4 * (u64::from(u32::MAX) - 10) + 1;
        let expected: Vec<u32> =
            (origin..origin + 300).map(|i| block(7, i / 4, 9)[(i % 4) as usize]).collect();
        for &isa in Isa::available() {
            for (start, length) in (0..40).flat_map(|start| (0..40).map(move |length| (start, length * 6))) {
                let mut words = vec![0; length];
                fill_bits(isa, 7, 9, origin + start as u64, &mut words);
                assert_eq!(words, expected[start..start + length], "{isa:?} {start} {length}");
            }
            let (mut narrow, mut wide, mut integers) = (vec![0.0; 700], vec![0.0; 700], vec![0; 700]);
            fill_uniform_f32(isa, 7, 9, 5, &mut narrow);
            fill_uniform_f64(isa, 7, 9, 5, &mut wide);
            fill_uniform_i64(isa, 7, 9, 5, -3, 10, &mut integers);
            for i in 0..700u64 {
                let word = |i: u64| block(7, i / 4, 9)[(i % 4) as usize];
                let pair = [word(2 * (i + 5)), word(2 * (i + 5) + 1)];
                let bits = join(pair[0], pair[1]);
                assert_eq!(narrow[i as usize], (word(i + 5) >> 8) as f32 / 16_777_216.0);
                assert_eq!(wide[i as usize], (bits >> 11) as f64 / 9_007_199_254_740_992.0);
                assert_eq!(integers[i as usize], uniform_below(pair, 10) as i64 - 3);
            }
        }
    }

    #[test]
    fn extremes_stay_below_one() {
        assert_eq!((uniform_f32(0), uniform_f64([0, 0])), (0.0, 0.0));
        assert_eq!(uniform_f32(u32::MAX), 1.0 - f32::EPSILON / 2.0);
        assert_eq!(uniform_f64([u32::MAX; 2]), 1.0 - f64::EPSILON / 2.0);
        assert_eq!(uniform_below([u32::MAX; 2], 10), 9);
    }

    #[test]
    fn moments_are_those_of_the_uniform_distribution() {
        let mut values = vec![0.0f32; 1 << 20];
        fill_uniform_f32(Isa::detected(), 3, 0, 0, &mut values);
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 2e-3 && (square - 1.0 / 3.0).abs() < 2e-3, "{mean} {square}");
    }

    #[test]
    fn permutations_are_uniform() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..24_000 {
            let mut order = [0; 4];
            permutation(derive_key(1, seed), &mut order);
            *counts.entry(order).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
        permutation(1, &mut []);
    }
}
