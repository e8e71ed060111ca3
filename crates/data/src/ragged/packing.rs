//! Packing: several sequences in one row of a fixed length, so that little of it is padding.

use std::collections::BTreeMap;

use crate::DataError;

/// What happens to a sequence that is longer than a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Packing {
    /// It is an error.
    #[default]
    Whole,
    /// It is cut into pieces of the length of a row, each a sequence of its own.
    Cut,
}

/// Several sequences per row. All vectors are `[rows, length]`, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed<T> {
    /// The values of the sequences, one after the other, then filler.
    pub values: Vec<T>,
    /// The sequence of its row that a value belongs to, from 1; 0 where there is filler. Attention must not cross
    /// from one to another.
    pub segments: Vec<u32>,
    /// The place of a value in its sequence, from 0; 0 where there is filler.
    pub positions: Vec<u32>,
    /// Which of the given sequences are in each row, in order; with [`Packing::Cut`] one is named for each piece.
    pub sources: Vec<Vec<usize>>,
    /// Number of rows.
    pub rows: usize,
    /// Values per row.
    pub length: usize,
}

/// Packs sequences into as few rows of `length` values as best-fit decreasing finds: the longest sequence first, each
/// into the fullest row that still has room. No sequence is split between rows.
///
/// Source: H. Ding et al., *Fewer truncations improve language modeling*, ICML 2024.
///
/// # Errors
/// [`DataError::Invalid`] when `length` is 0, or a sequence is longer and `packing` is [`Packing::Whole`].
///
/// # Examples
/// ```
/// use bolete_data::{Packing, pack};
/// let packed = pack(&[&[1, 1][..], &[2, 2, 2], &[3]], 4, 0, Packing::Whole)?;
/// assert_eq!(packed.values, [2, 2, 2, 3, 1, 1, 0, 0]);
/// assert_eq!(packed.segments, [1, 1, 1, 2, 1, 1, 0, 0]);
/// assert_eq!(packed.positions, [0, 1, 2, 0, 0, 1, 0, 0]);
/// # Ok::<(), bolete_data::DataError>(())
/// ```
pub fn pack<T: Clone>(
    sequences: &[&[T]],
    length: usize,
    filler: T,
    packing: Packing,
) -> Result<Packed<T>, DataError> {
    if length == 0 {
        return Err(DataError::invalid("rows of at least 1 value", "0"));
    }
    if packing == Packing::Whole
        && let Some(long) = sequences.iter().position(|sequence| sequence.len() > length)
    {
        return Err(DataError::invalid(
            format!("sequences of at most {length} values"),
            format!("{} in sequence {long}; cut it or use longer rows", sequences[long].len()),
        ));
    }
    let mut pieces: Vec<(usize, &[T])> = sequences
        .iter()
        .enumerate()
        .flat_map(|(source, sequence)| sequence.chunks(length).map(move |piece| (source, piece)))
        .collect();
    // Stable: equal lengths stay in their order.
    pieces.sort_by_key(|(_, piece)| std::cmp::Reverse(piece.len()));

    let mut rows: Vec<Vec<(usize, &[T])>> = Vec::new();
    // Rows by the room that is left in them.
    let mut room: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (source, piece) in pieces {
        let (left, row) = match room.range_mut(piece.len()..).next() {
            Some((&left, fitting)) => {
                let row = fitting.pop().unwrap_or_default();
                if fitting.is_empty() {
                    room.remove(&left);
                }
                (left, row)
            }
            None => {
                rows.push(Vec::new());
                (length, rows.len() - 1)
            }
        };
        rows[row].push((source, piece));
        if left > piece.len() {
            room.entry(left - piece.len()).or_default().push(row);
        }
    }

    let total = rows.len() * length;
    let mut packed = Packed {
        values: Vec::with_capacity(total),
        segments: Vec::with_capacity(total),
        positions: Vec::with_capacity(total),
        sources: Vec::with_capacity(rows.len()),
        rows: rows.len(),
        length,
    };
    for row in rows {
        for (segment, (_, piece)) in row.iter().enumerate() {
            packed.values.extend_from_slice(piece);
            packed.segments.extend(std::iter::repeat_n(segment as u32 + 1, piece.len()));
            packed.positions.extend(0..piece.len() as u32);
        }
        packed.sources.push(row.into_iter().map(|(source, _)| source).collect());
        let end = packed.sources.len() * length;
        packed.values.resize(end, filler.clone());
        packed.segments.resize(end, 0);
        packed.positions.resize(end, 0);
    }
    Ok(packed)
}

/// Joins sequences to one text, with `separator` after each, and cuts it into rows of `length` values, as language
/// models are commonly trained. What does not fill a last row is left out. Rows are `[rows, length]`, row-major.
///
/// # Panics
/// If `length` is 0.
#[track_caller]
pub fn windows<T: Clone>(sequences: &[&[T]], length: usize, separator: &[T]) -> Vec<T> {
    assert!(length > 0, "expected rows of at least 1 value, found 0");
    let total: usize = sequences.iter().map(|sequence| sequence.len() + separator.len()).sum();
    let mut joined = Vec::with_capacity(total);
    for sequence in sequences {
        joined.extend_from_slice(sequence);
        joined.extend_from_slice(separator);
    }
    joined.truncate(total / length * length);
    joined
}
