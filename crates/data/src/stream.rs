//! Data that comes one item after the other, with an end that is not known before: text, files of records, whatever
//! another program writes.
//!
//! A [`Source`] opens the stream of an epoch, at its beginning or at a position that was saved. A position is a list
//! of plain numbers. Sources are put together from others:
//!
//! | source | gives |
//! |---|---|
//! | [`InOrder`] | the items of any [`Items`], as of a record file |
//! | [`Lines`] | the lines of a text file |
//! | [`Interleaved`] | items of several sources in turn, the sources in a random order |
//! | [`WindowShuffled`] | the items of another source, shuffled within a window |
//!
//! A [`StreamLoader`] makes batches of a source, on worker threads.

mod in_order;
mod interleaved;
mod lines;
mod loader;
mod reader;
mod window_shuffled;

use crate::DataError;

#[cfg(doc)]
use crate::Items;

pub use in_order::{InOrder, InOrderStream};
pub use interleaved::{Interleaved, InterleavedStream};
pub use lines::{LineStream, Lines};
pub use loader::{StreamEpoch, StreamLoader, StreamOptions, StreamPosition};
pub use window_shuffled::{WindowShuffled, WindowShuffledStream};

/// Opens streams: one for each epoch.
///
/// # Examples
/// ```
/// use bolete_data::DataError;
/// use bolete_data::stream::{Source, Stream};
///
/// /// The powers of two as far as they go.
/// struct Powers;
///
/// struct PowerStream(u64);
///
/// impl Stream for PowerStream {
///     type Item = u64;
///
///     fn next(&mut self) -> Result<Option<u64>, DataError> {
///         let power = 1u64.checked_shl(self.0 as u32);
///         self.0 += 1;
///         Ok(power)
///     }
///
///     fn position(&self) -> Vec<u64> {
///         vec![self.0]
///     }
/// }
///
/// impl Source for Powers {
///     type Item = u64;
///     type Stream = PowerStream;
///
///     fn open(&self, _epoch: u64, from: &[u64]) -> Result<PowerStream, DataError> {
///         Ok(PowerStream(from.first().copied().unwrap_or(0)))
///     }
///
///     fn fingerprint(&self) -> u64 {
///         1
///     }
/// }
/// ```
pub trait Source: Send + Sync {
    /// What comes.
    type Item: Send;
    /// A stream of it.
    type Stream: Stream<Item = Self::Item>;

    /// The stream of an epoch, from a position of a stream of the same epoch on; from the beginning where `from` is
    /// empty. A function of the epoch and the position only.
    ///
    /// # Errors
    /// What keeps it from being opened; [`DataError::Invalid`] when the position is not one of this source.
    fn open(&self, epoch: u64, from: &[u64]) -> Result<Self::Stream, DataError>;

    /// A hash of the data and of all that decides what comes; see [`Dataset::fingerprint`](crate::Dataset::fingerprint).
    fn fingerprint(&self) -> u64;
}

/// Items in order.
pub trait Stream: Send {
    /// What comes.
    type Item: Send;

    /// The next item, or nothing at the end.
    ///
    /// # Errors
    /// Whatever keeps it from being read. The stream is of no use afterwards.
    fn next(&mut self) -> Result<Option<Self::Item>, DataError>;

    /// Where the stream is: what [`Source::open`] needs to go on with the item that comes next.
    fn position(&self) -> Vec<u64>;
}

/// The error of a position that is not one of a source.
fn wrong_position(source: &str, expected: &str, found: &[u64]) -> DataError {
    let shown = &found[..found.len().min(8)];
    DataError::invalid(
        format!("a position in {source}: {expected}"),
        format!("{shown:?}; the data has changed since the position was saved"),
    )
}
