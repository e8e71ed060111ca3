//! Items drawn with given weights.

use super::{Sampler, check_len};
use crate::{DataError, Fingerprint, Randomness};

/// Sets the streams of this sampler apart from all others of the same seed.
const WEIGHTED: u64 = u64::from_be_bytes(*b"WEIGHTED");

/// Draws items with a probability in proportion to their weights, anew in each epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    weights: Vec<f64>,
    count: usize,
    replacement: bool,
}

impl Weighted {
    /// `count` independent draws per epoch: an item may come several times.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a weight is negative or not finite, or `count` is above 0 and no weight is.
    pub fn with_replacement(weights: Vec<f64>, count: usize) -> Result<Self, DataError> {
        let positive = check(&weights)?;
        if count > 0 && positive == 0 {
            return Err(DataError::invalid("at least one weight above 0", "none"));
        }
        Ok(Self { weights, count, replacement: true })
    }

    /// `count` different items per epoch, drawn one after the other, each in proportion to the weights of those that
    /// are left. Heavier items tend to come first.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a weight is negative or not finite, or fewer than `count` are above 0.
    pub fn without_replacement(weights: Vec<f64>, count: usize) -> Result<Self, DataError> {
        let positive = check(&weights)?;
        if positive < count {
            return Err(DataError::invalid(
                format!("at least {count} weights above 0"),
                positive.to_string(),
            ));
        }
        Ok(Self { weights, count, replacement: false })
    }
}

/// The number of weights above 0.
fn check(weights: &[f64]) -> Result<usize, DataError> {
    if let Some(position) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(DataError::invalid(
            "finite weights of at least 0",
            format!("{} at position {position}", weights[position]),
        ));
    }
    Ok(weights.iter().filter(|&&weight| weight > 0.0).count())
}

impl Sampler for Weighted {
    fn count(&self, _len: usize) -> usize {
        self.count
    }

    fn order(&self, _len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let mut randomness = Randomness::keyed(&[WEIGHTED, seed, epoch]);
        if self.replacement {
            let table = AliasTable::new(&self.weights);
            (0..self.count).map(|_| table.draw(&mut randomness)).collect()
        } else {
            draw_without_replacement(&self.weights, self.count, &mut randomness)
        }
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        check_len("weights", self.weights.len(), len)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("weighted")
            .numbers(self.weights.iter().map(|weight| weight.to_bits()))
            .number(self.count as u64)
            .number(u64::from(self.replacement))
            .finish()
    }
}

/// The item with the largest `ln(u) / weight` is drawn first, and so on.
/// Source: P. Efraimidis, P. Spirakis, *Weighted random sampling with a reservoir*, 2006.
fn draw_without_replacement(weights: &[f64], count: usize, randomness: &mut Randomness) -> Vec<usize> {
    let mut keys: Vec<(f64, usize)> = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        // A number for every item, so that a weight of 0 does not move those of the others.
        let key = (1.0 - randomness.uniform_double()).ln() / weight;
        if weight > 0.0 {
            keys.push((key, index));
        }
    }
    keys.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    keys.into_iter().take(count).map(|(_, index)| index).collect()
}

/// Draws from a discrete distribution in constant time.
/// Source: M. Vose, *A linear algorithm for generating random numbers with a given distribution*, 1991.
struct AliasTable {
    /// For each place, the probability to stay there, and where to go otherwise.
    places: Vec<(f64, usize)>,
}

impl AliasTable {
    fn new(weights: &[f64]) -> Self {
        // Scaled first: the sum of large weights may be infinite.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        let scale = weights.len() as f64 / sum;
        let mut left: Vec<f64> = weights.iter().map(|weight| weight / largest * scale).collect();
        let mut places: Vec<(f64, usize)> = (0..weights.len()).map(|place| (1.0, place)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&place| left[place] < 1.0);
        while let (Some(&under), Some(&over)) = (small.last(), large.last()) {
            small.pop();
            places[under] = (left[under], over);
            left[over] -= 1.0 - left[under];
            if left[over] < 1.0 {
                large.pop();
                small.push(over);
            }
        }
        // What rounding leaves over is 1 but for a few units in the last place, except for items of weight 0, which
        // must never be drawn.
        let heaviest = (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(0);
        for place in small.into_iter().filter(|&place| weights[place] == 0.0) {
            places[place] = (0.0, heaviest);
        }
        Self { places }
    }

    fn draw(&self, randomness: &mut Randomness) -> usize {
        let place = randomness.below(self.places.len());
        let (stay, other) = self.places[place];
        if randomness.uniform_double() < stay { place } else { other }
    }
}
