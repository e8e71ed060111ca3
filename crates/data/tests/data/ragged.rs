//! Padding and packing of sequences of different lengths.

use crate::support::assert_message;
use bolete_data::{Packing, Padding, Randomness, pack, pad, windows};

fn sequences(count: usize, longest: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut randomness = Randomness::new(seed);
    let mut next = 0;
    (0..count)
        .map(|_| {
            (0..1 + randomness.below(longest))
                .map(|_| {
                    next += 1;
                    next
                })
                .collect()
        })
        .collect()
}

fn borrowed(sequences: &[Vec<u32>]) -> Vec<&[u32]> {
    sequences.iter().map(Vec::as_slice).collect()
}

#[test]
fn padded_rows_hold_their_sequences() {
    let ragged = sequences(20, 13, 1);
    let longest = ragged.iter().map(Vec::len).max().unwrap();
    for (padding, length) in [
        (Padding::Longest, longest),
        (Padding::Multiple(8), longest.div_ceil(8) * 8),
        (Padding::Exactly(40), 40),
        (Padding::Truncate(40), longest),
        (Padding::Truncate(5), 5),
    ] {
        let padded = pad(&borrowed(&ragged), 0, padding).unwrap();
        assert_eq!((padded.batch, padded.length, padded.values.len()), (20, length, 20 * length));
        for (row, sequence) in ragged.iter().enumerate() {
            assert_eq!(padded.row(row), &sequence[..sequence.len().min(length)]);
        }
        let mask = padded.mask();
        assert!(padded.values.iter().zip(&mask).all(|(value, own)| (*value != 0) == *own));
        let own = mask.iter().filter(|own| **own).count() as f64;
        assert!((padded.waste() - (1.0 - own / mask.len() as f64)).abs() < 1e-12);
    }
    assert_eq!(pad::<u8>(&[], 0, Padding::Longest).unwrap().batch, 0);
    assert_eq!(pad(&[&[][..], &[]], 1u8, Padding::Longest).unwrap().lengths, [0, 0]);
    let message = &["sequences of at most 3", "one of"];
    assert_message(pad(&borrowed(&ragged), 0, Padding::Exactly(3)), message);
    assert_message(pad(&borrowed(&ragged), 0, Padding::Multiple(0)), &["a multiple of at least 1"]);
}

#[test]
fn packed_rows_hold_every_sequence_whole() {
    let ragged = sequences(300, 40, 2);
    let packed = pack(&borrowed(&ragged), 64, 0, Packing::Whole).unwrap();
    let mut seen = vec![false; ragged.len()];
    for row in 0..packed.rows {
        let range = row * 64..(row + 1) * 64;
        let (values, segments) = (&packed.values[range.clone()], &packed.segments[range.clone()]);
        let positions = &packed.positions[range];
        for (segment, &source) in packed.sources[row].iter().enumerate() {
            let places: Vec<usize> = (0..64).filter(|&place| segments[place] == segment as u32 + 1).collect();
            let found: Vec<u32> = places.iter().map(|&place| values[place]).collect();
            assert_eq!(found, ragged[source]);
            assert!(places.iter().enumerate().all(|(k, &place)| positions[place] == k as u32));
            assert!(!std::mem::replace(&mut seen[source], true));
        }
        assert!((0..64).all(|place| (segments[place] == 0) == (values[place] == 0)));
    }
    assert!(seen.iter().all(|seen| *seen));
    // Best fit decreasing needs at most 11/9 of the best number of rows and one more.
    let least = ragged.iter().map(Vec::len).sum::<usize>().div_ceil(64);
    assert!(packed.rows <= least * 11 / 9 + 1, "{} rows for at least {least}", packed.rows);
}

#[test]
fn long_sequences_are_refused_or_cut() {
    let ragged = sequences(5, 1, 3);
    let long: Vec<u32> = (1..=10).collect();
    let mut all = borrowed(&ragged);
    all.push(&long);
    assert_message(pack(&all, 4, 0, Packing::Whole), &["at most 4 values", "10 in sequence 5"]);
    let packed = pack(&all, 4, 0, Packing::Cut).unwrap();
    let mut pieces: Vec<u32> = packed.values.iter().copied().filter(|value| *value != 0).collect();
    pieces.sort_unstable();
    assert_eq!(pieces.len(), 15);
    assert_eq!(packed.sources.concat().iter().filter(|&&source| source == 5).count(), 3);
    assert_message(pack(&all, 0, 0, Packing::Cut), &["rows of at least 1 value"]);
    assert_eq!(pack::<u8>(&[], 4, 0, Packing::Cut).unwrap().rows, 0);
}

#[test]
fn windows_join_and_cut() {
    assert_eq!(windows(&[&[1, 2, 3][..], &[4], &[5, 6]], 4, &[0]), [1, 2, 3, 0, 4, 0, 5, 6]);
    assert!(windows(&[&[1][..]], 4, &[0]).is_empty());
}
