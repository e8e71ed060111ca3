//! Several sources in turn.

use std::sync::Arc;

use super::{Source, Stream, wrong_position};
use crate::{DataError, Fingerprint, epoch_order};

/// Items of several sources, as of the shards of a large data set, in turn: `width` of them are open at a time, and
/// each gives one item per round; one that has ended makes room for the next. The sources come in their order, or in
/// a random one in each epoch.
#[derive(Clone, Debug)]
pub struct Interleaved<S> {
    sources: Arc<Vec<S>>,
    width: usize,
    seed: Option<u64>,
}

/// The stream of [`Interleaved`]; its position is the number of sources that were opened, the place whose turn it is,
/// and for each open source its place in the order and its own position after its length.
#[derive(Debug)]
pub struct InterleavedStream<S: Source> {
    sources: Arc<Vec<S>>,
    order: Vec<usize>,
    epoch: u64,
    width: usize,
    opened: usize,
    turn: usize,
    /// Places in the order, and their streams.
    open: Vec<(usize, S::Stream)>,
}

impl<S: Source> Interleaved<S> {
    /// Items of these sources in turn, in their order, `width` of them at a time (at least 1).
    pub fn new(sources: Vec<S>, width: usize) -> Self {
        Self { sources: Arc::new(sources), width: width.max(1), seed: None }
    }

    /// The same with the sources in another random order in each epoch.
    pub fn shuffled(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }
}

impl<S: Source> Source for Interleaved<S> {
    type Item = S::Item;
    type Stream = InterleavedStream<S>;

    fn open(&self, epoch: u64, from: &[u64]) -> Result<InterleavedStream<S>, DataError> {
        let count = self.sources.len();
        let order = match self.seed {
            Some(seed) => epoch_order(count, seed, epoch),
            None => (0..count).collect(),
        };
        let mut stream = InterleavedStream {
            sources: Arc::clone(&self.sources),
            order,
            epoch,
            width: self.width,
            opened: 0,
            turn: 0,
            open: Vec::new(),
        };
        if !from.is_empty() {
            stream.restore(from)?;
        }
        Ok(stream)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("interleaved")
            .numbers(self.sources.iter().map(|source| source.fingerprint()))
            .number(self.width as u64)
            .number(u64::from(self.seed.is_some()))
            .number(self.seed.unwrap_or(0))
            .finish()
    }
}

impl<S: Source> InterleavedStream<S> {
    fn restore(&mut self, from: &[u64]) -> Result<(), DataError> {
        let count = self.sources.len();
        let wrong = || wrong_position("interleaved sources", &format!("of {count} sources"), from);
        let small = |number: u64| usize::try_from(number).ok().filter(|number| *number <= count);
        let [opened, turn, rest @ ..] = from else { return Err(wrong()) };
        let mut rest = rest;
        self.opened = small(*opened).ok_or_else(wrong)?;
        self.turn = small(*turn).ok_or_else(wrong)?;
        while let [place, length, behind @ ..] = rest {
            let place = small(*place).filter(|place| *place < self.opened).ok_or_else(wrong)?;
            let length =
                usize::try_from(*length).ok().filter(|length| *length <= behind.len()).ok_or_else(wrong)?;
            let (position, behind) = behind.split_at(length);
            let stream = self.sources[self.order[place]].open(self.epoch, position)?;
            self.open.push((place, stream));
            rest = behind;
        }
        if !rest.is_empty() || self.open.len() > self.width || self.turn > self.open.len() {
            return Err(wrong());
        }
        Ok(())
    }

    /// Opens the next source at a place among the open ones, if there is one left.
    fn open_next(&mut self, at: usize) -> Result<bool, DataError> {
        let Some(&source) = self.order.get(self.opened) else { return Ok(false) };
        let stream = self.sources[source].open(self.epoch, &[])?;
        self.open.insert(at, (self.opened, stream));
        self.opened += 1;
        Ok(true)
    }
}

impl<S: Source> Stream for InterleavedStream<S> {
    type Item = S::Item;

    fn next(&mut self) -> Result<Option<S::Item>, DataError> {
        loop {
            // At first, and wherever one has ended.
            while self.open.len() < self.width && self.open_next(self.open.len())? {}
            if self.open.is_empty() {
                return Ok(None);
            }
            if self.turn >= self.open.len() {
                self.turn = 0;
            }
            if let Some(item) = self.open[self.turn].1.next()? {
                self.turn += 1;
                return Ok(Some(item));
            }
            self.open.remove(self.turn);
            self.open_next(self.turn)?;
        }
    }

    fn position(&self) -> Vec<u64> {
        let mut numbers = vec![self.opened as u64, self.turn as u64];
        for (place, stream) in &self.open {
            let position = stream.position();
            numbers.extend([*place as u64, position.len() as u64]);
            numbers.extend(position);
        }
        numbers
    }
}
