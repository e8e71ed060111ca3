//! A number that tells whether data is still the same.

use xxhash_rust::xxh3::Xxh3;

/// Hashes what a data set consists of to 64 bits, so that a resumed run can tell whether its data has changed.
///
/// The hash is XXH3 (Y. Collet, *xxHash*): fast, the same on every machine, and no protection against somebody who
/// changes data on purpose. Every part is hashed with its length, so that `"ab", "c"` differs from `"a", "bc"`.
///
/// # Examples
/// ```
/// use bolete_data::Fingerprint;
/// let of = |text: &str| Fingerprint::new("text").bytes(text.as_bytes()).number(3).finish();
/// assert_eq!(of("to be"), of("to be"));
/// assert_ne!(of("to be"), of("not to be"));
/// ```
#[derive(Clone)]
pub struct Fingerprint(Xxh3);

impl Fingerprint {
    /// Begins with what is hashed, as "labelled pictures": the same bytes in two kinds of data set differ.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self(Xxh3::new()).bytes(kind.as_bytes())
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// Adds numbers and their count.
    #[must_use]
    pub fn numbers(mut self, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        self.0.update(&(numbers.len() as u64).to_le_bytes());
        // In blocks, since a call of the hash for every eight bytes costs more than the hash.
        let mut block = [0; 1024];
        let mut filled = 0;
        for number in numbers {
            block[filled..filled + 8].copy_from_slice(&number.to_le_bytes());
            filled += 8;
            if filled == block.len() {
                self.0.update(&block);
                filled = 0;
            }
        }
        self.0.update(&block[..filled]);
        self
    }

    /// Adds indices and their count.
    #[must_use]
    pub fn indices(self, indices: &[usize]) -> Self {
        self.numbers(indices.iter().map(|&index| index as u64))
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(self) -> u64 {
        self.0.digest()
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Fingerprint({:016x})", self.0.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[&[u8]]| {
            parts.iter().fold(Fingerprint::new("x"), |hash, part| hash.bytes(part)).finish()
        };
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b""]), of(&[]));
        assert_ne!(Fingerprint::new("x").finish(), Fingerprint::new("y").finish());
    }

    #[test]
    fn numbers_are_hashed_in_one_way() {
        for count in [0, 1, 127, 128, 129, 1000u64] {
            let one_by_one = (0..count).fold(Fingerprint::new("n").number(count), Fingerprint::number);
            let at_once = Fingerprint::new("n").numbers((0..count as usize).map(|number| number as u64));
            assert_eq!(one_by_one.finish(), at_once.finish(), "{count}");
        }
    }

    #[test]
    fn the_hash_does_not_change_between_versions() {
        // XXH3 of the empty text and of "abc" as the reference implementation gives them.
        assert_eq!(xxhash_rust::xxh3::xxh3_64(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(xxhash_rust::xxh3::xxh3_64(b"abc"), 0x78af_5f94_892f_3950);
    }
}
