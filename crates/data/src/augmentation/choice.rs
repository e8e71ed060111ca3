//! Changes that happen now and then, and choices between changes.

use std::sync::Arc;

use super::{Augment, Stage};
use crate::Randomness;

/// A change that happens with a probability. Several as one: put them in an [`Augmentation`](super::Augmentation).
#[derive(Clone, Debug)]
pub struct Sometimes {
    probability: f32,
    change: Arc<dyn Augment>,
}

impl Sometimes {
    /// `change`, with this probability.
    pub fn new(probability: f32, change: impl Augment + 'static) -> Self {
        Self { probability, change: Arc::new(change) }
    }
}

impl Augment for Sometimes {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        if randomness.chance(self.probability) {
            self.change.augment(stage, randomness);
        }
    }
}

/// One of several changes, or a few of them in the order in which they were given. By default there are none.
///
/// # Examples
/// ```
/// use bolete_data::augmentation::{Affine, OneOf, Perspective};
/// let some = OneOf::default().or(2.0, Affine::rotation(10.0)).or(1.0, Perspective::default());
/// ```
#[derive(Clone, Debug)]
pub struct OneOf {
    changes: Vec<(f32, Arc<dyn Augment>)>,
    count: usize,
}

impl Default for OneOf {
    fn default() -> Self {
        Self { changes: Vec::new(), count: 1 }
    }
}

impl OneOf {
    /// A further change. Weights say how often each is chosen, against each other.
    ///
    /// # Panics
    /// If the weight is not above 0 and finite.
    #[track_caller]
    pub fn or(mut self, weight: f32, change: impl Augment + 'static) -> Self {
        assert!(weight > 0.0 && weight.is_finite(), "a weight must be above 0 and finite, not {weight}");
        self.changes.push((weight, Arc::new(change)));
        self
    }

    /// Chooses `count` different changes instead of one; all, where there are fewer.
    pub fn choose(self, count: usize) -> Self {
        Self { count, ..self }
    }
}

impl Augment for OneOf {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        let mut chosen = vec![false; self.changes.len()];
        for _ in 0..self.count.min(self.changes.len()) {
            let left = || self.changes.iter().enumerate().filter(|&(index, _)| !chosen[index]);
            let sum: f32 = left().map(|(_, (weight, _))| weight).sum();
            let mut place = randomness.uniform() * sum;
            let mut choice = left().next_back().map_or(0, |(index, _)| index);
            for (index, (weight, _)) in left() {
                if place < *weight {
                    choice = index;
                    break;
                }
                place -= weight;
            }
            chosen[choice] = true;
        }
        for (_, (_, change)) in chosen.iter().zip(&self.changes).filter(|(chosen, _)| **chosen) {
            change.augment(stage, randomness);
        }
    }
}
