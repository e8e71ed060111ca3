//! Padding: every sequence is a row, filled up to a common length.

use crate::{DataError, Gather};

/// How long the rows of a padded batch are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Padding {
    /// As long as the longest sequence of the batch.
    #[default]
    Longest,
    /// As long as the longest sequence, rounded up to a multiple of this: few different shapes, so that few plans are
    /// made.
    Multiple(usize),
    /// Of this length. A longer sequence is an error.
    Exactly(usize),
    /// Of at most this length: as long as the longest sequence, those that are longer are cut at their end.
    Truncate(usize),
}

/// Sequences of different lengths as rows of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Padded<T> {
    /// `[batch, length]`, row-major.
    pub values: Vec<T>,
    /// The number of true values in each row; what follows is padding. `[batch]`.
    pub lengths: Vec<usize>,
    /// Number of rows.
    pub batch: usize,
    /// Values per row.
    pub length: usize,
}

impl<T> Padded<T> {
    /// Which values are true ones and not padding; `[batch, length]`, row-major.
    pub fn mask(&self) -> Vec<bool> {
        let row = |&length: &usize| (0..self.length).map(move |place| place < length);
        self.lengths.iter().flat_map(row).collect()
    }

    /// A row without its padding.
    ///
    /// # Panics
    /// If `row` is not below the number of rows.
    #[track_caller]
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.length..row * self.length + self.lengths[row]]
    }

    /// The part of all values that is padding, from 0 to 1.
    pub fn waste(&self) -> f64 {
        if self.values.is_empty() {
            return 0.0;
        }
        1.0 - self.lengths.iter().sum::<usize>() as f64 / self.values.len() as f64
    }
}

/// Makes each sequence a row, filled up with `filler`.
///
/// # Errors
/// [`DataError::Invalid`] when a sequence is longer than [`Padding::Exactly`] allows, or the multiple is 0.
///
/// # Examples
/// ```
/// use bolete_data::{Padding, pad};
/// let padded = pad(&[&[1, 2, 3][..], &[4]], 0, Padding::Multiple(4))?;
/// assert_eq!(padded.values, [1, 2, 3, 0, 4, 0, 0, 0]);
/// assert_eq!(padded.lengths, [3, 1]);
/// # Ok::<(), bolete_data::DataError>(())
/// ```
pub fn pad<T: Clone>(sequences: &[&[T]], filler: T, padding: Padding) -> Result<Padded<T>, DataError> {
    let longest = sequences.iter().map(|sequence| sequence.len()).max().unwrap_or(0);
    let length = match padding {
        Padding::Longest => longest,
        Padding::Multiple(0) => return Err(DataError::invalid("a multiple of at least 1", "0")),
        Padding::Multiple(of) => longest.next_multiple_of(of),
        Padding::Exactly(length) if longest > length => {
            return Err(DataError::invalid(
                format!("sequences of at most {length} values"),
                format!("one of {longest}; cut it or allow for more"),
            ));
        }
        Padding::Exactly(length) => length,
        Padding::Truncate(most) => longest.min(most),
    };
    let mut values = Vec::with_capacity(sequences.len() * length);
    let mut lengths = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let kept = sequence.len().min(length);
        values.extend_from_slice(&sequence[..kept]);
        values.resize(lengths.len() * length + length, filler.clone());
        lengths.push(kept);
    }
    Ok(Padded { values, batch: lengths.len(), lengths, length })
}

impl<T: Clone + Default> Gather for Padded<T> {
    /// Rows are filled up with the default of `T` where the parts differ in length.
    fn gather(parts: &[Self], rows: &[(usize, usize)]) -> Self {
        let chosen: Vec<&[T]> = rows.iter().map(|&(part, row)| parts[part].row(row)).collect();
        let length = parts.iter().map(|part| part.length).max().unwrap_or(0);
        match pad(&chosen, T::default(), Padding::Exactly(length)) {
            Ok(padded) => padded,
            Err(error) => unreachable!("no row is longer than its batch: {error}"),
        }
    }
}
