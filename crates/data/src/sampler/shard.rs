//! The part of an epoch that one of several processes takes.

use std::sync::Arc;

use super::Sampler;
use crate::{DataError, Fingerprint};

/// What becomes of the items that cannot be dealt out evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Uneven {
    /// Items from the beginning of the epoch are repeated: every item is visited.
    #[default]
    Repeat,
    /// They are left out: no item is visited twice.
    Drop,
}

/// Every `world`-th item of another sampler's epoch, beginning with item `rank`. All ranks get the same number of
/// items, so that processes that exchange gradients after each batch never wait for one that has no more.
///
/// With batches of `n` per rank, the ranks together see in each step what one process with batches of `n * world`
/// would see (as long as no items are repeated or left out). Items are dealt out, not batches: those of
/// [`Bucketed`](super::Bucketed) are cut anew, and lengths mix where one bucket ends.
#[derive(Clone, Debug)]
pub struct Shard {
    of: Arc<dyn Sampler>,
    rank: usize,
    world: usize,
    uneven: Uneven,
}

impl Shard {
    /// What process `rank` of `world` takes of the epochs of `of`.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `rank` is not below `world`.
    pub fn new(of: Arc<dyn Sampler>, rank: usize, world: usize, uneven: Uneven) -> Result<Self, DataError> {
        if rank >= world {
            return Err(DataError::invalid(format!("a rank below {world}"), rank.to_string()));
        }
        Ok(Self { of, rank, world, uneven })
    }
}

impl Sampler for Shard {
    fn count(&self, len: usize) -> usize {
        let whole = self.of.count(len);
        match self.uneven {
            Uneven::Repeat => whole.div_ceil(self.world),
            Uneven::Drop => whole / self.world,
        }
    }

    fn order(&self, len: usize, seed: u64, epoch: u64) -> Vec<usize> {
        let whole = self.of.order(len, seed, epoch);
        (0..self.count(len)).map(|place| whole[(place * self.world + self.rank) % whole.len()]).collect()
    }

    fn check(&self, len: usize) -> Result<(), DataError> {
        self.of.check(len)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("shard")
            .number(self.of.fingerprint())
            .number(self.rank as u64)
            .number(self.world as u64)
            .number(self.uneven as u64)
            .finish()
    }
}
