//! Reading a stream in order.

use super::{Stream, StreamPosition};
use crate::loader::catch_panic;
use crate::{DataError, EpochRandomness, Randomness};

/// Cuts a stream into the items of batches.
pub(super) struct Reader<S> {
    stream: S,
    position: StreamPosition,
    batch_size: usize,
    drop_last: bool,
    randomness: EpochRandomness,
    ended: bool,
}

/// The items of a batch with their random streams, or why they could not be read; and the position behind them.
pub(super) struct Raw<T> {
    number: u64,
    items: Result<Vec<(T, Randomness)>, DataError>,
    after: StreamPosition,
}

impl<S: Stream> Reader<S> {
    pub fn new(
        stream: S,
        position: StreamPosition,
        batch_size: usize,
        drop_last: bool,
        randomness: EpochRandomness,
    ) -> Self {
        Self { stream, position, batch_size, drop_last, randomness, ended: false }
    }

    /// The next batch, or nothing at the end or after an error.
    pub fn read(&mut self) -> Option<Raw<S::Item>> {
        if self.ended {
            return None;
        }
        let number = self.position.batches;
        let items = catch_panic(number as usize, || self.items());
        let wanted = if self.drop_last { self.batch_size } else { 1 };
        match &items {
            Ok(items) => {
                self.ended = items.len() < self.batch_size;
                if items.len() < wanted {
                    return None;
                }
                self.position.batches += 1;
                self.position.items += items.len() as u64;
                self.position.source = self.stream.position();
            }
            Err(_) => self.ended = true,
        }
        Some(Raw { number, items, after: self.position.clone() })
    }

    fn items(&mut self) -> Result<Vec<(S::Item, Randomness)>, DataError> {
        let mut items = Vec::with_capacity(self.batch_size.min(1 << 16));
        while items.len() < self.batch_size {
            let Some(item) = self.stream.next()? else { break };
            let number = self.position.items as usize + items.len();
            items.push((item, self.randomness.item(number)));
        }
        Ok(items)
    }
}

impl<T> Raw<T> {
    /// Puts the batch together.
    pub fn collate<B>(
        self,
        collate: impl Fn(Vec<(T, Randomness)>) -> Result<B, DataError>,
    ) -> Result<(B, StreamPosition), DataError> {
        let items = self.items?;
        let batch = catch_panic(self.number as usize, || collate(items))?;
        Ok((batch, self.after))
    }
}
