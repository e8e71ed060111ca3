//! How many batches per second a loader makes: `cargo run --release -p bolete-data --example loader_throughput [FOLDER]`.
//!
//! FOLDER has the four files of MNIST; without it, drawn digits are taken.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bolete_data::augmentation::Crop;
use bolete_data::drawn_digits::{self, DrawOptions};
use bolete_data::records::RecordFile;
use bolete_data::stream::{InOrder, StreamLoader, StreamOptions};
use bolete_data::{Augmentation, Dataset, ImageClassification, Loader, LoaderOptions, idx_digits, records};

fn main() -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let pictures = match std::env::args().nth(1) {
        Some(folder) => idx_digits::load(folder)?.train,
        None => drawn_digits::draw(60_000, 0, &DrawOptions::default()),
    };
    println!("{} pictures, read or drawn in {:.3} s", pictures.len(), begin.elapsed().as_secs_f64());

    let begin = Instant::now();
    let fingerprint = pictures.fingerprint();
    println!("fingerprint {fingerprint:016x} in {:.2} ms", milliseconds(begin.elapsed()));

    let shifted = pictures.clone().with_augmentation(Augmentation::of(Crop::padded(2)));
    for (name, data) in [("as they are", &pictures), ("shifted", &shifted)] {
        for batch_size in [64, 256] {
            for workers in [0, 1, 2] {
                measure(name, data, batch_size, workers)?;
            }
        }
    }
    for (name, data) in [("as they are", &pictures), ("shifted", &shifted)] {
        processor_time(name, data)?;
    }
    waiting(&pictures)?;
    streaming(&pictures)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The fastest of nine epochs, which other work on the machine disturbs least.
fn measure(
    name: &str,
    data: &ImageClassification,
    batch_size: usize,
    workers: usize,
) -> Result<(), Box<dyn Error>> {
    let options = LoaderOptions { batch_size, workers, ..LoaderOptions::default() };
    let loader = Loader::new(Arc::new(data.clone()), options)?;
    let mut times = Vec::new();
    for epoch in 0..9 {
        let begin = Instant::now();
        for batch in loader.epoch(epoch)? {
            std::hint::black_box(batch?);
        }
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{name}, batches of {batch_size}, {workers} workers: {:.0} batches/s, {:.2} million pictures/s",
        loader.batches_per_epoch() as f64 / times[0],
        data.len() as f64 / times[0] / 1e6,
    );
    Ok(())
}

/// What a batch costs on this thread, on a machine that says so: other work does not count.
fn processor_time(name: &str, data: &ImageClassification) -> Result<(), Box<dyn Error>> {
    let spent = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    let loader =
        Loader::new(Arc::new(data.clone()), LoaderOptions { workers: 0, ..LoaderOptions::default() })?;
    let before = spent();
    for batch in loader.epoch(0)? {
        std::hint::black_box(batch?);
    }
    if let (Some(before), Some(after)) = (before, spent()) {
        let each = (after - before) as f64 / 1e3 / loader.batches_per_epoch() as f64;
        println!("{name}, batches of 64: {each:.1} µs of a core each, {:.0} per second and core", 1e6 / each);
    }
    Ok(())
}

/// How long a consumer waits that computes 1 ms for each batch.
fn waiting(data: &ImageClassification) -> Result<(), Box<dyn Error>> {
    for workers in [1, 2] {
        let options = LoaderOptions { workers, ..LoaderOptions::default() };
        let loader = Loader::new(Arc::new(data.clone()), options)?;
        let begin = Instant::now();
        let mut epoch = loader.epoch(0)?;
        for batch in epoch.by_ref() {
            let batch = batch?;
            let busy = Instant::now();
            while busy.elapsed() < Duration::from_millis(1) {
                std::hint::black_box(&batch);
            }
        }
        let share = 100.0 * epoch.waited().as_secs_f64() / begin.elapsed().as_secs_f64();
        println!("steps of 1 ms, {workers} workers: waited {share:.2} % of the time");
    }
    Ok(())
}

/// The same pictures from a record file.
fn streaming(data: &ImageClassification) -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("bolete-throughput-{}.records", std::process::id()));
    let begin = Instant::now();
    records::write(&path, 0, (0..data.len()).map(|index| Ok(data.pixels(index))))?;
    println!("record file written in {:.1} ms", milliseconds(begin.elapsed()));
    let result = read_back(&path);
    std::fs::remove_file(&path)?;
    result
}

fn read_back(path: &Path) -> Result<(), Box<dyn Error>> {
    let collate = |items: Vec<(Vec<u8>, _)>| {
        let values = items.iter().flat_map(|(pixels, _)| pixels.iter().map(|&value| f32::from(value)));
        Ok(values.collect::<Vec<f32>>())
    };
    for workers in [0, 1, 2] {
        let options = StreamOptions { workers, ..StreamOptions::default() };
        let loader = StreamLoader::new(InOrder::new(RecordFile::open(path)?), "floats 1", collate, options)?;
        let begin = Instant::now();
        let mut batches = 0;
        for batch in loader.epoch(0)? {
            std::hint::black_box(batch?);
            batches += 1;
        }
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "streamed records, batches of 64, {workers} workers: {:.0} batches/s",
            f64::from(batches) / seconds
        );
    }
    Ok(())
}
