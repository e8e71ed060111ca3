//! The loader: order, workers, errors and an early end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bolete_data::{
    DataError, Dataset, EpochRandomness, ImageClassification, ImageShape, Loader, LoaderOptions,
    Normalisation, epoch_order,
};

/// Numbers with noise; counts the batches that were made, and fails where told to.
#[derive(Debug, Default)]
struct Numbers {
    len: usize,
    made: AtomicUsize,
    panic_at: Option<usize>,
    fail_at: Option<usize>,
    pause: Duration,
}

impl Dataset for Numbers {
    type Batch = Vec<(usize, f32)>;

    fn len(&self) -> usize {
        self.len
    }

    fn batch(&self, indices: &[usize], randomness: &EpochRandomness) -> Result<Self::Batch, DataError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        // Later batches are often finished sooner.
        std::thread::sleep(self.pause + Duration::from_micros(indices[0] as u64 * 37 % 400));
        if self.panic_at.is_some_and(|index| indices.contains(&index)) {
            std::panic::resume_unwind(Box::new("the item\nis broken".to_string()));
        }
        if self.fail_at.is_some_and(|index| indices.contains(&index)) {
            return Err(DataError::Other("the file has gone".into()));
        }
        Ok(indices.iter().map(|&index| (index, randomness.item(index).normal())).collect())
    }
}

fn options(workers: usize) -> LoaderOptions {
    LoaderOptions { batch_size: 7, workers, prefetch: 3, seed: 5, ..LoaderOptions::default() }
}

fn loader(numbers: Numbers, options: LoaderOptions) -> Loader<Numbers> {
    Loader::new(Arc::new(numbers), options).unwrap()
}

fn all(loader: &Loader<Numbers>, epoch: u64) -> Vec<Vec<(usize, f32)>> {
    loader.epoch(epoch).unwrap().map(Result::unwrap).collect()
}

#[test]
fn batches_do_not_depend_on_the_number_of_workers() {
    let of = |workers| all(&loader(Numbers { len: 200, ..Numbers::default() }, options(workers)), 2);
    let inline = of(0);
    assert_eq!(inline.len(), 29);
    for workers in [1, 2, 5, 40] {
        assert_eq!(of(workers), inline, "{workers} workers");
    }
}

#[test]
fn an_epoch_goes_on_from_any_batch_with_the_same_bits() {
    let whole = all(&loader(Numbers { len: 60, ..Numbers::default() }, options(2)), 3);
    for workers in [0, 1, 3] {
        let loader = loader(Numbers { len: 60, ..Numbers::default() }, options(workers));
        for first in 0..=whole.len() {
            let mut epoch = loader.epoch_from(3, first).unwrap();
            assert_eq!(epoch.position(), first);
            let rest: Vec<_> = epoch.by_ref().map(Result::unwrap).collect();
            assert_eq!(rest, whole[first..], "from {first} with {workers} workers");
            assert_eq!(epoch.position(), whole.len());
        }
        let message = loader.epoch_from(3, whole.len() + 1).err().unwrap().to_string();
        assert!(message.contains("a first batch of at most 9") && message.contains("found 10"), "{message}");
    }
}

#[test]
fn waiting_is_measured() {
    let slow = || Numbers { len: 21, pause: Duration::from_millis(10), ..Numbers::default() };
    let inline = loader(slow(), options(0));
    let mut epoch = inline.epoch(0).unwrap();
    assert_eq!(epoch.waited(), Duration::ZERO);
    epoch.by_ref().for_each(drop);
    // Three batches of at least 10 ms each, made while the consumer waits.
    assert!(epoch.waited() >= Duration::from_millis(30), "{:?}", epoch.waited());
}

#[test]
fn the_fingerprint_is_that_of_the_data_and_of_what_decides_the_batches() {
    let pictures = |value: u8, name: &str| {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let names = vec!["a".to_string(), name.to_string()];
        ImageClassification::new(vec![1, 2, 3, value], shape, vec![0, 1], names).unwrap()
    };
    let of = |data: ImageClassification, options| Loader::new(Arc::new(data), options).unwrap().fingerprint();
    let same = of(pictures(4, "b"), options(1));
    assert_eq!(of(pictures(4, "b"), LoaderOptions { prefetch: 9, ..options(5) }), same);
    let others = [
        of(pictures(5, "b"), options(1)),
        of(pictures(4, "c"), options(1)),
        of(pictures(4, "b").select(&[1, 0]), options(1)),
        of(pictures(4, "b").select(&[0]), options(1)),
        of(pictures(4, "b").with_normalisation(Normalisation::mnist()), options(1)),
        of(pictures(4, "b"), LoaderOptions { seed: 6, ..options(1) }),
        of(pictures(4, "b"), LoaderOptions { batch_size: 8, ..options(1) }),
        of(pictures(4, "b"), LoaderOptions { drop_last: true, ..options(1) }),
        of(pictures(4, "b"), LoaderOptions { shuffle: false, ..options(1) }),
    ];
    let distinct: BTreeSet<u64> = others.into_iter().chain([same]).collect();
    assert_eq!(distinct.len(), 10);
}

#[test]
fn noise_does_not_depend_on_the_batch_size() {
    let of = |batch_size| {
        let options = LoaderOptions { batch_size, ..options(0) };
        let mut items = all(&loader(Numbers { len: 50, ..Numbers::default() }, options), 0).concat();
        items.sort_by_key(|item| item.0);
        items
    };
    assert_eq!(of(3), of(50));
}

#[test]
fn every_epoch_and_seed_has_an_order_of_its_own() {
    assert_eq!(epoch_order(100, 1, 2), epoch_order(100, 1, 2));
    assert_ne!(epoch_order(100, 1, 2), epoch_order(100, 1, 3));
    assert_ne!(epoch_order(100, 1, 2), epoch_order(100, 2, 2));
    let loader = loader(Numbers { len: 50, ..Numbers::default() }, options(2));
    assert_eq!(all(&loader, 4), all(&loader, 4));
    assert_ne!(all(&loader, 4), all(&loader, 5));
}

#[test]
fn every_item_comes_once() {
    for (shuffle, drop_last, len, count) in [(true, false, 50, 50), (true, true, 50, 49), (false, true, 6, 0)]
    {
        let options = LoaderOptions { shuffle, drop_last, ..options(2) };
        let loader = loader(Numbers { len, ..Numbers::default() }, options);
        let mut items: Vec<_> = all(&loader, 0).concat().into_iter().map(|item| item.0).collect();
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), count);
        assert_eq!(loader.batches_per_epoch(), count.div_ceil(7));
    }
    let ordered = LoaderOptions { shuffle: false, ..options(3) };
    let items = all(&loader(Numbers { len: 20, ..Numbers::default() }, ordered), 1).concat();
    assert!(items.is_sorted_by_key(|item| item.0));
}

#[test]
fn an_empty_data_set_has_no_batches() {
    assert!(all(&loader(Numbers::default(), options(2)), 0).is_empty());
}

#[test]
fn a_batch_size_of_zero_is_refused() {
    let options = LoaderOptions { batch_size: 0, ..LoaderOptions::default() };
    let message = Loader::new(Arc::new(Numbers::default()), options).unwrap_err().to_string();
    assert!(message.contains("a batch size of at least 1"), "{message}");
}

#[test]
fn a_panic_and_an_error_end_the_epoch_in_their_place() {
    for workers in [0, 1, 3] {
        let ordered = LoaderOptions { shuffle: false, ..options(workers) };
        let panics = loader(Numbers { len: 70, panic_at: Some(30), ..Numbers::default() }, ordered.clone());
        let results: Vec<_> = panics.epoch(0).unwrap().collect();
        assert_eq!(results.len(), 5, "{workers} workers");
        let message = results[4].as_ref().unwrap_err().to_string();
        assert!(message.contains("batch 4 panicked (the item is broken)"), "{message}");

        let fails = loader(Numbers { len: 70, fail_at: Some(0), ..Numbers::default() }, ordered);
        let results: Vec<_> = fails.epoch(0).unwrap().collect();
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].as_ref().unwrap_err().to_string(), "the file has gone");
    }
}

#[test]
fn workers_run_ahead_no_further_than_the_prefetch_and_stop_when_dropped() {
    let numbers = Numbers { len: 7_000, pause: Duration::from_millis(2), ..Numbers::default() };
    let loader = loader(numbers, options(2));
    let mut epoch = loader.epoch(0).unwrap();
    epoch.next().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    // Three that wait, with the one that was taken or in its place.
    let made = loader.dataset().made.load(Ordering::SeqCst);
    assert!((3..=4).contains(&made), "{made} were made");

    let begin = Instant::now();
    drop(epoch);
    assert!(begin.elapsed() < Duration::from_secs(1));
    // Nobody holds the data set any more: the threads have ended.
    assert_eq!(Arc::strong_count(loader.dataset()), 1);
}
