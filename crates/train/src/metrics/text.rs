//! How close texts are: shared n-grams (BLEU) and edits (word and character error rates).

use std::collections::HashMap;
use std::hash::Hash;

use super::Metric;

/// What BLEU makes of n-gram lengths of which none is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum BleuSmoothing {
    /// The score is 0.
    #[default]
    None,
    /// This is added to shared and all n-grams longer than 1 (Lin, Och 2004).
    Add(f64),
    /// Counts of none are taken as ½, ¼, ⅛, … (method 3 of Chen, Cherry 2014).
    Exponential,
}

/// The bilingual evaluation understudy of a corpus (Papineni et al. 2002), from 0 to 1: the geometric mean of the parts of
/// n-grams, of lengths 1 to some `n`, that occur in a reference too, times a penalty for being shorter. Tokens may be
/// anything that can be compared.
///
/// ```
/// use bolete_train::{Bleu, Metric};
/// let mut bleu = Bleu::new(2);
/// let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
/// bleu.add(&words("the cat sat"), &[&words("the cat sat down")]);
/// assert!((bleu.value().unwrap() - (-1f64 / 3.0).exp()).abs() < 1e-12); // all found, but too short
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bleu {
    smoothing: BleuSmoothing,
    /// Shared and all n-grams by length.
    counts: Vec<(u64, u64)>,
    candidate: u64,
    reference: u64,
}

impl Bleu {
    /// With n-grams up to `n`, 4 in the paper.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn new(n: usize) -> Bleu {
        assert!(n > 0, "Bleu: n-grams need a length of at least 1");
        Bleu { smoothing: BleuSmoothing::None, counts: vec![(0, 0); n], candidate: 0, reference: 0 }
    }

    /// With something done about n-grams of which none is shared.
    pub fn with_smoothing(self, smoothing: BleuSmoothing) -> Bleu {
        Bleu { smoothing, ..self }
    }

    /// Takes in a candidate and its references, of which there must be one.
    ///
    /// # Panics
    /// If there is no reference.
    #[track_caller]
    pub fn add<T: Eq + Hash>(&mut self, candidate: &[T], references: &[&[T]]) {
        let distance = |reference: &&&[T]| (reference.len().abs_diff(candidate.len()), reference.len());
        let closest = references.iter().min_by_key(distance).expect("Bleu: a candidate needs a reference");
        self.candidate += candidate.len() as u64;
        self.reference += closest.len() as u64;
        for (index, (shared, all)) in self.counts.iter_mut().enumerate() {
            let length = index + 1;
            let mut allowed: HashMap<&[T], u64> = HashMap::new();
            for reference in references {
                for (gram, count) in grams(reference, length) {
                    let known = allowed.entry(gram).or_default();
                    *known = count.max(*known);
                }
            }
            for (gram, count) in grams(candidate, length) {
                *shared += count.min(allowed.get(gram).copied().unwrap_or(0));
                *all += count;
            }
        }
    }
}

/// How often each run of `length` tokens occurs.
fn grams<T: Eq + Hash>(tokens: &[T], length: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    for gram in tokens.windows(length) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

impl Metric for Bleu {
    #[track_caller]
    fn merge(&mut self, other: &Bleu) {
        assert!(
            self.counts.len() == other.counts.len(),
            "Bleu: n-grams up to {} and up to {} do not merge",
            self.counts.len(),
            other.counts.len()
        );
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = (count.0 + more.0, count.1 + more.1);
        }
        self.candidate += other.candidate;
        self.reference += other.reference;
    }

    /// The score; `None` where no candidate has a token.
    fn value(&self) -> Option<f64> {
        if self.candidate == 0 {
            return None;
        }
        let (mut sum, mut missing) = (0.0, 1.0);
        for (index, (shared, all)) in self.counts.iter().enumerate() {
            let (shared, all) = (*shared as f64, *all as f64);
            let precision = match self.smoothing {
                BleuSmoothing::Add(amount) if index > 0 => (shared + amount) / (all + amount),
                BleuSmoothing::Exponential if shared == 0.0 && all > 0.0 => {
                    missing /= 2.0;
                    missing / all
                }
                _ if all == 0.0 => 0.0,
                _ => shared / all,
            };
            sum += precision.ln();
        }
        let penalty = (1.0 - self.reference as f64 / self.candidate as f64).min(0.0);
        Some((sum / self.counts.len() as f64 + penalty).exp())
    }
}

/// Edits per token of the references: the word error rate of speech recognition, or with characters the character error
/// rate. Above 1 where more is inserted than there was.
///
/// ```
/// use bolete_train::{ErrorRate, Metric};
/// let mut rate = ErrorRate::default();
/// rate.add_words("the quick brown fox", "the quick brawn fox jumps");
/// assert_eq!(rate.value(), Some(0.5));
/// assert_eq!((rate.substitutions, rate.deletions, rate.insertions), (1, 0, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorRate {
    /// Tokens taken for another.
    pub substitutions: u64,
    /// Tokens missed.
    pub deletions: u64,
    /// Tokens made up.
    pub insertions: u64,
    /// Tokens of the references.
    pub tokens: u64,
}

impl ErrorRate {
    /// Takes in the fewest edits that make the hypothesis of the reference (Levenshtein 1966). Time grows with the product
    /// of the lengths.
    pub fn add<T: PartialEq>(&mut self, reference: &[T], hypothesis: &[T]) {
        /// Edits of the best way to a cell: substitutions, deletions, insertions.
        type Edits = [u64; 3];
        let cost = |edits: &Edits| edits.iter().sum::<u64>();
        let mut row: Vec<Edits> = (0..=hypothesis.len() as u64).map(|inserted| [0, 0, inserted]).collect();
        for (index, token) in reference.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = [0, index as u64 + 1, 0];
            for (column, other) in hypothesis.iter().enumerate() {
                let above = row[column + 1];
                let [s, d, i] = diagonal;
                let replaced = if token == other { diagonal } else { [s + 1, d, i] };
                let deleted = [above[0], above[1] + 1, above[2]];
                let before = row[column];
                let inserted = [before[0], before[1], before[2] + 1];
                diagonal = above;
                row[column + 1] =
                    [replaced, deleted, inserted].into_iter().min_by_key(cost).expect("three ways");
            }
        }
        let [substitutions, deletions, insertions] = row[hypothesis.len()];
        let tokens = reference.len() as u64;
        self.merge(&ErrorRate { substitutions, deletions, insertions, tokens });
    }

    /// Takes in texts word by word, words being what white space separates.
    pub fn add_words(&mut self, reference: &str, hypothesis: &str) {
        let words = |text| str::split_whitespace(text).collect::<Vec<_>>();
        self.add(&words(reference), &words(hypothesis));
    }

    /// Takes in texts character by character.
    pub fn add_characters(&mut self, reference: &str, hypothesis: &str) {
        self.add(&reference.chars().collect::<Vec<_>>(), &hypothesis.chars().collect::<Vec<_>>());
    }
}

impl Metric for ErrorRate {
    fn merge(&mut self, other: &ErrorRate) {
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
        self.tokens += other.tokens;
    }

    /// Edits per token; `None` where the references have no tokens.
    fn value(&self) -> Option<f64> {
        let edits = self.substitutions + self.deletions + self.insertions;
        super::part(edits, self.tokens)
    }
}
