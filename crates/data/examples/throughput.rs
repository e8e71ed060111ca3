//! How many pictures a second a folder of small JPEGs gives: `throughput FOLDER [PICTURES]`, with `FOLDER/CLASS/*.jpg`.
//!
//! Each line does more than the one before: reading files, decoding them, making batches, augmenting, and all of it
//! by worker threads. Speeds are pictures a second and core.
//!
//! `cargo run --release -p bolete-data --example throughput -- FOLDER`

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bolete_data::augmentation::{ColourJitter, Crop, Flip};
use bolete_data::image_folder::{self, FolderOptions, ImageFolder};
use bolete_data::{Augmentation, DataError, Dataset, EpochRandomness, Loader, LoaderOptions};

const BATCH: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: throughput FOLDER [PICTURES]")?);
    let most: usize = arguments.next().map_or(Ok(20_000), |count| count.parse())?;

    let begin = Instant::now();
    let plain = image_folder::open(folder, &FolderOptions::default())?;
    let files = plain.len();
    println!("{files} files listed in {:.0} ms", begin.elapsed().as_secs_f64() * 1e3);
    let count = files.min(most);

    let augmentation = Augmentation::default().then(Crop::padded(4)).then(Flip::horizontal(0.5));
    let placed = plain.clone().with_augmentation(augmentation.clone());
    let jitter = ColourJitter::new(0.2, 0.2, 0.2, 0.05);
    let jittered = plain.clone().with_augmentation(augmentation.then(jitter));

    // Also brings the files into the memory of the system.
    let read = |index: usize| std::fs::read(&plain.files()[index]).map(|bytes| bytes.len());
    (0..count).try_for_each(|index| read(index).map(|_| ()))?;
    report("read", count, 1, || {
        (0..count).try_for_each(|index| read(index).map(|length| assert!(black_box(length) > 0)))
    })?;
    report("read and decode", count, 1, || {
        (0..count).try_for_each(|index| plain.image(index).map(|image| drop(black_box(image))))
    })?;
    report("batches", count, 1, || batches(&plain, count))?;
    report("batches, crop and flip", count, 1, || batches(&placed, count))?;
    report("batches, crop, flip, jitter", count, 1, || batches(&jittered, count))?;
    for workers in [1, 2] {
        let options = LoaderOptions { batch_size: BATCH, workers, ..LoaderOptions::default() };
        let loader = Loader::new(Arc::new(jittered.clone()), options)?;
        let name = format!("the same, shuffled, {workers} workers");
        report(&name, count, workers, || {
            loader
                .epoch(0)?
                .take(count.div_ceil(BATCH))
                .try_for_each(|batch| batch.map(|b| drop(black_box(b))))
        })?;
    }
    Ok(())
}

/// Batches of the first `count` pictures.
fn batches(pictures: &ImageFolder, count: usize) -> Result<(), DataError> {
    let indices: Vec<usize> = (0..count).collect();
    indices.chunks(BATCH).try_for_each(|indices| {
        black_box(pictures.batch(indices, &EpochRandomness::new(1, 0))?);
        Ok(())
    })
}

fn report<E>(
    what: &str,
    count: usize,
    workers: usize,
    mut work: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let (mut wall, mut busy) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let (begin, busy_before) = (Instant::now(), processor_seconds());
        work()?;
        wall = wall.min(begin.elapsed().as_secs_f64() * workers as f64);
        busy = busy.min(processor_seconds() - busy_before);
    }
    // Other programs take time from the clock, but not from the processor time of this one.
    let speed = |seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { f64::NAN };
    println!("{what:<34} {:>8.0} by the clock {:>8.0} by processor time", speed(wall), speed(busy));
    Ok(())
}

/// The processor time of all threads so far, as Linux counts it (in steps of 10 ms); elsewhere 0.
fn processor_seconds() -> f64 {
    let counted = std::fs::read_to_string("/proc/self/stat").ok().and_then(|line| {
        let (_, numbers) = line.rsplit_once(')')?;
        let mut ticks = numbers.split_whitespace().skip(11).map(str::parse::<f64>);
        Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / 100.0)
    });
    counted.unwrap_or(0.0)
}
