//! Random numbers that are a pure function of a key.
//!
//! The generator is SplitMix64: the n-th number is a mixed `key + n * odd constant`. It is counter-based, so a key of
//! its own for each item (from seed, epoch and index) costs nothing and makes items independent of each other.
//! Source: G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.

use std::f64::consts::TAU;

/// The golden ratio times 2^64, made odd: the step between the states of one stream.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of random numbers. The same key gives the same stream on every machine and thread.
///
/// # Examples
/// ```
/// use bolete_data::Randomness;
/// let mut dice = Randomness::new(7);
/// let throw = 1 + dice.below(6);
/// assert!((1..=6).contains(&throw));
/// assert_eq!(Randomness::new(7).below(6), throw - 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Randomness {
    state: u64,
}

impl Randomness {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self::keyed(&[seed])
    }

    /// The stream of several numbers, as seed, epoch and index. Their order matters.
    pub fn keyed(key: &[u64]) -> Self {
        let state =
            key.iter().fold(key.len() as u64, |state, &part| mix(mix(state.wrapping_add(STEP)) ^ mix(part)));
        Self { state }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number from 0 to 1, without 1, in steps of 2^-24.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// A number from 0 to 1, without 1, in steps of 2^-53.
    pub fn uniform_double(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// A number of the normal distribution with mean 0 and standard deviation 1.
    /// Source: G. Box, M. Muller, *A note on the generation of random normal deviates*, 1958.
    pub fn normal(&mut self) -> f32 {
        self.normal_double() as f32
    }

    /// As [`normal`](Self::normal), in double precision: the same stream gives the same number, not rounded to single
    /// precision.
    pub fn normal_double(&mut self) -> f64 {
        // One minus, since the logarithm of 0 is infinite.
        let radius = (-2.0 * (1.0 - self.uniform_double()).ln()).sqrt();
        let angle = TAU * self.uniform_double();
        radius * angle.cos()
    }

    /// A whole number from 0 to `bound`, without `bound`; every one equally likely. 0 when `bound` is 0.
    /// Source: D. Lemire, *Fast random integer generation in an interval*, 2019.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound == 0 {
            return 0;
        }
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.uniform() < probability
    }

    /// Puts `values` in a random order; every order equally likely.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

/// A bijection of 64 bits in which every bit of the input changes each bit of the output with probability 1/2.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_paper() {
        // The first numbers of the reference implementation for the state 1234567.
        let mut stream = Randomness { state: 1_234_567 };
        assert_eq!(stream.bits(), 6_457_827_717_110_365_317);
        assert_eq!(stream.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn keys_give_streams_of_their_own() {
        let first = |key: &[u64]| Randomness::keyed(key).bits();
        let keys: &[&[u64]] = &[&[], &[0], &[0, 0], &[1, 0], &[0, 1], &[1, 2, 3], &[3, 2, 1], &[1, 2]];
        let distinct: std::collections::BTreeSet<_> = keys.iter().map(|key| first(key)).collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn moments_fit_the_distributions() {
        let mut stream = Randomness::new(3);
        let count = 200_000;
        let (mut uniform, mut normal, mut square) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..count {
            let value = stream.uniform();
            assert!((0.0..1.0).contains(&value));
            uniform += f64::from(value);
            let value = f64::from(stream.normal());
            normal += value;
            square += value * value;
        }
        // Five standard errors each.
        let bound = 5.0 / f64::from(count).sqrt();
        assert!((uniform / f64::from(count) - 0.5).abs() < bound * 0.29);
        assert!((normal / f64::from(count)).abs() < bound);
        assert!((square / f64::from(count) - 1.0).abs() < bound * 1.42);
    }

    #[test]
    fn below_is_fair_and_shuffle_is_a_permutation() {
        let mut stream = Randomness::new(5);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_eq!((stream.below(0), stream.below(1)), (0, 0));

        let mut places = [[0; 4]; 4];
        for _ in 0..40_000 {
            let mut values = [0, 1, 2, 3];
            stream.shuffle(&mut values);
            values.iter().enumerate().for_each(|(place, &value)| places[place][value] += 1);
        }
        assert!(places.as_flattened().iter().all(|count| (9_500..10_500).contains(count)), "{places:?}");
    }
}
