//! Items by their index as a stream.

use std::sync::Arc;

use super::{Source, Stream, wrong_position};
use crate::{DataError, Fingerprint, Items};

/// All items in their order.
#[derive(Debug)]
pub struct InOrder<I>(Arc<I>);

/// The stream of [`InOrder`]; its position is the index of the next item.
#[derive(Debug)]
pub struct InOrderStream<I> {
    items: Arc<I>,
    next: usize,
}

impl<I: Items> InOrder<I> {
    /// A source of these items.
    pub fn new(items: I) -> Self {
        Self(Arc::new(items))
    }
}

impl<I: Items> Source for InOrder<I> {
    type Item = I::Item;
    type Stream = InOrderStream<I>;

    fn open(&self, _epoch: u64, from: &[u64]) -> Result<InOrderStream<I>, DataError> {
        let next = match from {
            [] => Some(0),
            [next] => usize::try_from(*next).ok().filter(|next| *next <= self.0.len()),
            _ => None,
        };
        let expected = || format!("one number up to {}", self.0.len());
        let next = next.ok_or_else(|| wrong_position("items", &expected(), from))?;
        Ok(InOrderStream { items: Arc::clone(&self.0), next })
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("in order").number(self.0.fingerprint()).finish()
    }
}

impl<I: Items> Stream for InOrderStream<I> {
    type Item = I::Item;

    fn next(&mut self) -> Result<Option<I::Item>, DataError> {
        if self.next >= self.items.len() {
            return Ok(None);
        }
        self.next += 1;
        self.items.item(self.next - 1).map(Some)
    }

    fn position(&self) -> Vec<u64> {
        vec![self.next as u64]
    }
}
