//! Data sets made of others.

use std::sync::Arc;

use crate::support::assert_message;
use bolete_data::augmentation::{Crop, Flip};
use bolete_data::{
    Augmentation, Collated, Concatenated, DataError, Dataset, EpochRandomness, Gather, ImageBatch,
    ImageClassification, Mapped, Padded, Padding, Subset, drawn_digits, pad,
};

fn digits(seed: u64) -> Arc<ImageClassification> {
    let digits = drawn_digits::draw(20, seed, &drawn_digits::DrawOptions::default());
    Arc::new(digits.with_augmentation(Augmentation::of(Crop::padded(2)).then(Flip::horizontal(0.5))))
}

fn randomness() -> EpochRandomness {
    EpochRandomness::new(4, 1)
}

#[test]
fn a_subset_has_the_items_of_the_whole() {
    let whole = digits(1);
    let subset = Subset::new(Arc::clone(&whole), vec![7, 3, 7]).unwrap();
    assert_eq!(subset.len(), 3);
    let of_subset = subset.batch(&[2, 1], &randomness()).unwrap();
    assert_eq!(of_subset, whole.batch(&[7, 3], &randomness()).unwrap());
    assert_ne!(subset.fingerprint(), whole.fingerprint());
    assert_ne!(subset.fingerprint(), Subset::new(Arc::clone(&whole), vec![7, 7, 3]).unwrap().fingerprint());
    assert_message(Subset::new(whole, vec![20]), &["indices below 20", "found 20"]);
}

#[test]
fn concatenated_batches_keep_the_order_that_was_asked_for() {
    let both = Concatenated::new(vec![digits(1), digits(2), digits(1)]);
    assert_eq!((both.len(), both.locate(19), both.locate(20)), (60, (0, 19), (1, 0)));
    let order = [25, 3, 59, 40, 20, 25];
    let batch = both.batch(&order, &randomness()).unwrap();
    let single: Vec<ImageBatch> =
        order.iter().map(|&index| both.batch(&[index], &randomness()).unwrap()).collect();
    let rows: Vec<(usize, usize)> = (0..order.len()).map(|part| (part, 0)).collect();
    assert_eq!(batch, ImageBatch::gather(&single, &rows));
    assert_eq!(batch.labels, [5, 3, 9, 0, 0, 5]);
    // The same picture in the first and the last part is changed in two ways.
    let twins = both.batch(&[4, 44], &randomness()).unwrap();
    assert_ne!(twins.images[..784], twins.images[784..]);
    assert_ne!(both.fingerprint(), Concatenated::new(vec![digits(2), digits(1), digits(1)]).fingerprint());
    assert!(Concatenated::<ImageClassification>::new(Vec::new()).is_empty());
}

#[test]
fn mapped_batches_go_through_the_function() {
    let halves = |batch: ImageBatch| Ok(batch.labels.iter().map(|label| label / 2).collect::<Vec<_>>());
    let mapped = Mapped::new(digits(1), "halves 1", halves);
    assert_eq!(mapped.batch(&[4, 5, 11], &randomness()).unwrap(), [2, 2, 0]);
    assert_ne!(mapped.fingerprint(), Mapped::new(digits(1), "halves 2", halves).fingerprint());
    let failing = Mapped::new(digits(1), "", |_| Err::<(), _>(DataError::Other("no such thing".into())));
    assert_message(failing.batch(&[0], &randomness()), &["no such thing"]);
}

#[test]
fn collated_items_have_their_own_randomness() {
    let words: Vec<String> = ["a", "bird", "in", "the", "hand"].map(String::from).to_vec();
    let collated = Collated::new(Arc::new(words), "padded 1", |items| {
        let bytes: Vec<&[u8]> = items.iter().map(|(word, _)| word.as_bytes()).collect();
        let noise: Vec<f32> = items.iter().map(|(_, randomness)| randomness.clone().normal()).collect();
        Ok((pad(&bytes, 0, Padding::Longest)?, noise))
    });
    let (padded, noise): (Padded<u8>, Vec<f32>) = collated.batch(&[1, 0], &randomness()).unwrap();
    assert_eq!((padded.values.as_slice(), padded.length), (&b"birda\0\0\0"[..], 4));
    assert_eq!(noise, [randomness().item(1).normal(), randomness().item(0).normal()]);
    let both =
        Padded::gather(&[padded, collated.batch(&[2], &randomness()).unwrap().0], &[(1, 0), (0, 1), (0, 0)]);
    assert_eq!((both.values.as_slice(), &both.lengths[..]), (&b"in\0\0a\0\0\0bird"[..], &[2, 1, 4][..]));
}
