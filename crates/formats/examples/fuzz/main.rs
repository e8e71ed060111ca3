//! A fuzzer for every reader, in one process:
//!
//! ```text
//! cargo run --release -p bolete-formats --example fuzz -- [--reader NAME] [--inputs N] [--seed S] [--from K]
//! ```
//!
//! Each input is a small valid file with damage (see `mutate`); its number and the seed determine it. A reader fails
//! if it panics, holds more memory at once than its bound for the size of the file (see `readers`), or works longer
//! than ten seconds. Each failure is told with the number of its input, so that `--from K --inputs 1` repeats it.
//! Without `--reader` all readers run, one after another.

mod memory;
mod mutate;
mod readers;
mod run;
mod seeds;

use std::cell::Cell;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memory::Counting;
use readers::readers;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The input that is being read, told to the watchdog.
static CURRENT: AtomicU64 = AtomicU64::new(0);

struct Options {
    reader: Option<String>,
    inputs: u64,
    seed: u64,
    from: u64,
}

fn options() -> Result<Options, String> {
    let mut options = Options { reader: None, inputs: 100_000, seed: 1, from: 0 };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number =
            || value.replace('_', "").parse().map_err(|_| format!("{name}: {value} is not a number"));
        match name.as_str() {
            "--reader" => options.reader = Some(value),
            "--inputs" => options.inputs = number()?,
            "--seed" => options.seed = number()?,
            "--from" => options.from = number()?,
            _ => return Err(format!("{name}: expected --reader, --inputs, --seed or --from")),
        }
    }
    Ok(options)
}

/// Ends the process when one input takes longer than ten seconds.
fn watch() {
    std::thread::spawn(|| {
        let mut last = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let current = CURRENT.load(Ordering::Relaxed);
            if current != last.0 {
                last = (current, Instant::now());
            } else if last.1.elapsed() > Duration::from_secs(10) {
                eprintln!("HANG: input {current} takes longer than 10 seconds");
                std::process::exit(1);
            }
        }
    });
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let chosen: Vec<_> = readers()
        .into_iter()
        .filter(|reader| options.reader.as_deref().is_none_or(|name| name == reader.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = readers().into_iter().map(|reader| reader.name).collect();
        eprintln!("no such reader; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    watch();
    // Panics of readers are told by the run, with the number of their input; that of a single input in full.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if options.inputs == 1 || !run::READING.with(Cell::get) {
            usual(panic);
        }
    }));
    let mut failed = false;
    println!("reader         inputs     /s  accepted  memory/size  of bound  slowest");
    for reader in &chosen {
        let begin = Instant::now();
        let outcome = run::run(reader, options.seed, options.from..options.from + options.inputs, |number| {
            CURRENT.store(number, Ordering::Relaxed);
        });
        println!(
            "{:<12} {:>8} {:>6.0}  {:>7.2}%  {:>11.1}  {:>7.1}%  {:>5.1} ms",
            reader.name,
            outcome.inputs,
            outcome.inputs as f64 / begin.elapsed().as_secs_f64(),
            100.0 * outcome.accepted as f64 / outcome.inputs.max(1) as f64,
            outcome.worst_ratio,
            100.0 * outcome.worst_share,
            1000.0 * outcome.slowest.as_secs_f64(),
        );
        for failure in &outcome.failures {
            println!("  FAILED: {failure}");
        }
        failed |= !outcome.failures.is_empty();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
