//! Shuffling what does not fit into memory.

use super::{Source, Stream, wrong_position};
use crate::{DataError, Fingerprint, Randomness};

/// Sets the streams of windows apart from all others of the same seed.
const WINDOW: u64 = u64::from_be_bytes(*b"WINDOW\0\0");

/// The items of another source, shuffled in windows: `window` items are read, given in a random order, then the next
/// ones. Another order in each epoch.
///
/// A window rather than a buffer from which random items are taken, because a window can be restored exactly by
/// reading it again; its position is a few numbers. Items do not mix across windows, so put shards in a random order
/// with [`Interleaved::shuffled`](super::Interleaved::shuffled) before it.
#[derive(Clone, Debug)]
pub struct WindowShuffled<S> {
    source: S,
    window: usize,
    seed: u64,
}

/// The stream of [`WindowShuffled`]; its position is the number of the window, how many of its items were given, and
/// the position of the source at which it begins.
#[derive(Debug)]
pub struct WindowShuffledStream<S: Stream> {
    source: S,
    window: usize,
    seed: u64,
    epoch: u64,
    number: u64,
    begin: Vec<u64>,
    given: usize,
    /// What is left of the window, the next item last.
    left: Vec<S::Item>,
}

impl<S: Source> WindowShuffled<S> {
    /// The items of `source`, shuffled within each `window` of them (at least 1).
    pub fn new(source: S, window: usize, seed: u64) -> Self {
        Self { source, window: window.max(1), seed }
    }
}

impl<S: Source> Source for WindowShuffled<S> {
    type Item = S::Item;
    type Stream = WindowShuffledStream<S::Stream>;

    fn open(&self, epoch: u64, from: &[u64]) -> Result<Self::Stream, DataError> {
        let (number, given, begin) = match from {
            [] => (0, 0, from),
            [number, given, begin @ ..] => (*number, *given, begin),
            _ => return Err(wrong_position("windows", "at least two numbers", from)),
        };
        let mut stream = WindowShuffledStream {
            source: self.source.open(epoch, begin)?,
            window: self.window,
            seed: self.seed,
            epoch,
            number,
            begin: begin.to_vec(),
            given: 0,
            left: Vec::new(),
        };
        if given > 0 {
            stream.fill()?;
            let keep = usize::try_from(given).ok().and_then(|given| stream.left.len().checked_sub(given));
            let size = stream.left.len();
            let wrong =
                || wrong_position("windows", &format!("at most {size} items given of a window"), from);
            stream.left.truncate(keep.ok_or_else(wrong)?);
            stream.given = given as usize;
        }
        Ok(stream)
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("window shuffled")
            .number(self.source.fingerprint())
            .number(self.window as u64)
            .number(self.seed)
            .finish()
    }
}

impl<S: Stream> WindowShuffledStream<S> {
    /// Reads the next window.
    fn fill(&mut self) -> Result<(), DataError> {
        self.begin = self.source.position();
        self.given = 0;
        while self.left.len() < self.window {
            match self.source.next()? {
                Some(item) => self.left.push(item),
                None => break,
            }
        }
        Randomness::keyed(&[WINDOW, self.seed, self.epoch, self.number]).shuffle(&mut self.left);
        Ok(())
    }
}

impl<S: Stream> Stream for WindowShuffledStream<S> {
    type Item = S::Item;

    fn next(&mut self) -> Result<Option<S::Item>, DataError> {
        if self.left.is_empty() {
            if self.given > 0 {
                self.number += 1;
            }
            self.fill()?;
        }
        let item = self.left.pop();
        self.given += usize::from(item.is_some());
        Ok(item)
    }

    fn position(&self) -> Vec<u64> {
        let mut numbers = vec![self.number, self.given as u64];
        // Before the first window is read, the source has not moved.
        let begin = if self.given > 0 { self.begin.clone() } else { self.source.position() };
        numbers.extend(begin);
        numbers
    }
}
