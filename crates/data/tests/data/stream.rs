//! Streams: order, positions, workers and errors.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{assert_message, folder};
use bolete_data::records::{self, Shards};
use bolete_data::stream::*;
use bolete_data::{DataError, Randomness};

fn words(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

fn source(prefix: &str, count: usize) -> InOrder<Vec<String>> {
    InOrder::new(words(prefix, count))
}

fn all<S: Stream>(mut stream: S) -> Vec<S::Item> {
    std::iter::from_fn(|| stream.next().unwrap()).collect()
}

/// From every position the rest must be what comes from the beginning, also when it is opened again and again.
fn assert_resumes<S: Source<Item = String>>(source: &S, epoch: u64) -> Vec<String> {
    let whole = all(source.open(epoch, &[]).unwrap());
    let mut stream = source.open(epoch, &[]).unwrap();
    let mut hopping = source.open(epoch, &[]).unwrap();
    for place in 0..=whole.len() {
        let position = stream.position();
        assert_eq!(all(source.open(epoch, &position).unwrap()), whole[place..], "from {position:?}");
        assert_eq!(hopping.next().unwrap(), stream.next().unwrap());
        hopping = source.open(epoch, &hopping.position()).unwrap();
    }
    assert!(stream.next().unwrap().is_none(), "an end stays an end");
    whole
}

#[test]
fn sources_go_on_from_every_position() {
    assert_eq!(assert_resumes(&source("a", 4), 0), ["a0", "a1", "a2", "a3"]);
    let mixed = || vec![source("a", 5), source("b", 0), source("c", 2), source("d", 7), source("e", 1)];
    let interleaved = Interleaved::new(mixed(), 2);
    let order = assert_resumes(&interleaved, 0);
    assert_eq!(order[..8], ["a0", "c0", "a1", "c1", "a2", "d0", "a3", "d1"]);
    let shuffled = Interleaved::new(mixed(), 3).shuffled(9);
    let windows = WindowShuffled::new(Interleaved::new(mixed(), 3).shuffled(9), 4, 1);
    let mut orders: Vec<Vec<String>> = Vec::new();
    for epoch in 0..3 {
        orders.push(assert_resumes(&shuffled, epoch));
        orders.push(assert_resumes(&windows, epoch));
    }
    for order in &mut orders {
        let before = order.clone();
        order.sort();
        assert_eq!(order.len(), 15, "{before:?}");
        order.dedup();
        assert_eq!(order.len(), 15, "{before:?}");
    }
    assert_ne!(all(windows.open(0, &[]).unwrap()), all(windows.open(1, &[]).unwrap()));
    assert_resumes(&WindowShuffled::new(source("a", 0), 3, 0), 0);
    assert_resumes(&WindowShuffled::new(source("a", 6), 3, 0), 0);
    assert_resumes(&Interleaved::new(Vec::<InOrder<Vec<String>>>::new(), 3), 0);
}

#[test]
fn windows_mix_their_items_only() {
    let order = all(WindowShuffled::new(source("", 100), 10, 3).open(0, &[]).unwrap());
    for (window, items) in order.chunks(10).enumerate() {
        assert!(items.iter().all(|item| item.parse::<usize>().unwrap() / 10 == window));
    }
    assert_ne!(order, words("", 100));
}

#[test]
fn positions_of_other_data_are_refused() {
    let parts = &["a position in", "the data has changed since the position was saved"];
    assert_message(source("a", 3).open(0, &[4]), parts);
    assert_message(source("a", 3).open(0, &[1, 2]), parts);
    assert_message(WindowShuffled::new(source("a", 3), 2, 0).open(0, &[0]), parts);
    assert_message(WindowShuffled::new(source("a", 3), 2, 0).open(0, &[0, 5, 2]), parts);
    let both = Interleaved::new(vec![source("a", 3), source("b", 3)], 2);
    for position in [
        &[1][..],
        &[3, 0],
        &[2, 0, 0],
        &[1, 0, 1, 1, 0],
        &[2, 0, 0, 9, 1],
        &[2, 2, 0, 1, 1],
        &[2, 0, 0, 1, 7],
    ] {
        assert_message(both.open(0, position), parts);
    }
    assert_message(StreamPosition::from_numbers(&[1, 2]), parts);
}

#[test]
fn fingerprints_tell_sources_apart() {
    let base = || source("a", 5);
    let mut prints = vec![
        base().fingerprint(),
        source("b", 5).fingerprint(),
        Interleaved::new(vec![base()], 1).fingerprint(),
        Interleaved::new(vec![base()], 2).fingerprint(),
        Interleaved::new(vec![base()], 2).shuffled(0).fingerprint(),
        WindowShuffled::new(base(), 2, 0).fingerprint(),
        WindowShuffled::new(base(), 3, 0).fingerprint(),
        WindowShuffled::new(base(), 2, 1).fingerprint(),
    ];
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 8);
}

#[test]
fn lines_are_read_with_their_positions() {
    let path = folder("stream-lines").join("text.txt");
    fs::write(&path, "one\r\n\nthr\u{e9}e\nlast").unwrap();
    let lines = Lines::new(&path);
    assert_eq!(assert_resumes(&lines, 0), ["one", "", "thr\u{e9}e", "last"]);
    let before = lines.fingerprint();
    fs::write(&path, "one\n").unwrap();
    assert_ne!(lines.fingerprint(), before);
    assert_message(lines.open(0, &[5, 1]), &["a byte up to 4"]);
    fs::write(&path, b"fine\n\xff\xfe\n").unwrap();
    let mut stream = lines.open(0, &[]).unwrap();
    assert_eq!(stream.next().unwrap().as_deref(), Some("fine"));
    assert_message(stream.next(), &["text.txt", "UTF-8", "byte 0 of line 2"]);
    let short = Lines::new(&path).with_longest(3).open(0, &[]).unwrap().next();
    assert_message(short, &["at most 3 bytes in line 1"]);
    assert_message(Lines::new(path.with_file_name("absent")).open(0, &[]), &["absent"]);
}

type Batch = Vec<(String, u64)>;

fn pair(items: Vec<(String, Randomness)>) -> Result<Batch, DataError> {
    Ok(items.into_iter().map(|(item, mut randomness)| (item, randomness.bits())).collect())
}

fn options(workers: usize) -> StreamOptions {
    StreamOptions { batch_size: 4, workers, prefetch: 3, seed: 8, ..StreamOptions::default() }
}

#[test]
fn batches_of_a_stream_do_not_depend_on_workers_or_where_one_begins() {
    // The shards of a data set, in turn and shuffled.
    let folder = folder("stream-shards");
    let texts = words("word", 50);
    records::write_shards(&folder, "words", 1, 12, texts.iter().map(Ok)).unwrap();
    let load = |workers| {
        let shards = Shards::open(&folder, "words").unwrap();
        let shards = shards.into_files().into_iter().map(InOrder::new).collect();
        let source = WindowShuffled::new(Interleaved::new(shards, 2).shuffled(3), 10, 4);
        let collate = |items: Vec<(Vec<u8>, Randomness)>| {
            // Later batches are often finished sooner.
            std::thread::sleep(Duration::from_micros(u64::from(items[0].0[4]) * 37 % 400));
            pair(items.into_iter().map(|(item, random)| (String::from_utf8(item).unwrap(), random)).collect())
        };
        StreamLoader::new(source, "words 1", collate, options(workers)).unwrap()
    };
    let whole: Vec<Batch> = load(0).epoch(2).unwrap().map(Result::unwrap).collect();
    assert_eq!((whole.len(), whole.concat().len()), (13, 50));
    let other: Vec<Batch> = load(0).epoch(3).unwrap().map(Result::unwrap).collect();
    assert_ne!(whole, other);
    for workers in [0, 1, 2, 5] {
        let loader = load(workers);
        assert_eq!(loader.fingerprint(), load(0).fingerprint());
        let mut epoch = loader.epoch(2).unwrap();
        for taken in 0..=whole.len() {
            let position = StreamPosition::from_numbers(&epoch.position().to_numbers()).unwrap();
            assert_eq!((position.batches as usize, &position), (taken, epoch.position()));
            let rest: Vec<Batch> = loader.epoch_from(&position).unwrap().map(Result::unwrap).collect();
            assert_eq!(rest, whole[taken..], "{workers} workers");
            assert_eq!(epoch.next().map(Result::unwrap).as_ref(), whole.get(taken));
        }
        assert!(epoch.next().is_none());
    }
}

#[test]
fn a_last_batch_is_kept_or_left_out() {
    for (count, drop_last, sizes) in
        [(10, false, vec![4, 4, 2]), (10, true, vec![4, 4]), (8, true, vec![4, 4]), (0, false, vec![])]
    {
        for workers in [0, 2] {
            let options = StreamOptions { drop_last, ..options(workers) };
            let loader = StreamLoader::new(source("a", count), "", pair, options).unwrap();
            let found: Vec<usize> = loader.epoch(0).unwrap().map(|batch| batch.unwrap().len()).collect();
            assert_eq!(found, sizes);
        }
    }
    let none = StreamOptions { batch_size: 0, ..options(0) };
    assert_message(StreamLoader::new(source("a", 1), "", pair, none), &["a batch size of at least 1"]);
}

/// Fails or panics at an item; counts what was read.
struct Trouble {
    at: usize,
    panic: bool,
    read: Arc<AtomicUsize>,
}

struct TroubleStream(usize, bool, usize, Arc<AtomicUsize>);

impl Source for Trouble {
    type Item = String;
    type Stream = TroubleStream;

    fn open(&self, _epoch: u64, _from: &[u64]) -> Result<TroubleStream, DataError> {
        Ok(TroubleStream(self.at, self.panic, 0, Arc::clone(&self.read)))
    }

    fn fingerprint(&self) -> u64 {
        0
    }
}

impl Stream for TroubleStream {
    type Item = String;

    fn next(&mut self) -> Result<Option<String>, DataError> {
        self.3.fetch_add(1, Ordering::SeqCst);
        self.2 += 1;
        match self.2 > self.0 {
            true if self.1 => std::panic::resume_unwind(Box::new("the stream broke")),
            true => Err(DataError::Other("the line went dead".into())),
            false => Ok(Some(self.2.to_string())),
        }
    }

    fn position(&self) -> Vec<u64> {
        vec![self.2 as u64]
    }
}

#[test]
fn errors_and_panics_end_the_epoch_in_their_place() {
    for workers in [0, 1, 3] {
        for (panic, message) in [(false, "the line went dead"), (true, "batch 2 panicked (the stream broke)")]
        {
            let trouble = Trouble { at: 10, panic, read: Arc::default() };
            let loader = StreamLoader::new(trouble, "", pair, options(workers)).unwrap();
            let results: Vec<_> = loader.epoch(0).unwrap().collect();
            assert_eq!(results.len(), 3, "{workers} workers");
            assert!(results[2].as_ref().unwrap_err().to_string().contains(message));
        }
        let failing = |items: Vec<(String, Randomness)>| match items[0].0.as_str() {
            "a4" => std::panic::resume_unwind(Box::new("cannot be put together")),
            _ => Ok(()),
        };
        let loader = StreamLoader::new(source("a", 20), "", failing, options(workers)).unwrap();
        let results: Vec<_> = loader.epoch(0).unwrap().collect();
        assert_eq!(results.len(), 2);
        assert!(results[1].as_ref().unwrap_err().to_string().contains("batch 1 panicked"));
    }
}

#[test]
fn workers_read_no_further_than_the_prefetch_and_stop_when_dropped() {
    let read = Arc::new(AtomicUsize::new(0));
    let trouble = Trouble { at: usize::MAX, panic: false, read: Arc::clone(&read) };
    let loader = StreamLoader::new(trouble, "", pair, options(2)).unwrap();
    let mut epoch = loader.epoch(0).unwrap();
    epoch.next().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    // Three batches that wait, four items each, with the one that was taken or in its place.
    let read_by_now = read.load(Ordering::SeqCst);
    assert!([12, 16].contains(&read_by_now), "{read_by_now} were read");
    drop(epoch);
    drop(loader);
    assert_eq!(Arc::strong_count(&read), 1);
}
