//! Times the workloads: `cargo run --release -p bench --bin bench -- --json ours.json`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use bench::peak::Peak;
use bench::results::{Measured, Results};
use bench::timing::Rule;
use bench::workload::{Count, Mode, Workload};
use bench::workloads;
use bolete::tensor::plan::report::{KernelReport, Report};
use bolete_kernels::isa::Isa;
use bolete_kernels::threads::Pool;
use clap::Parser;

/// Times the workloads on which Bolete is compared with other frameworks.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// Names of workloads, separated by commas; `*` stands for anything. `peak` measures the machine itself.
    #[arg(long, default_value = "*", value_delimiter = ',')]
    only: Vec<String>,
    /// Modes, separated by commas: `plain` and, for some workloads, `bf16`.
    #[arg(long, default_value = "plain,bf16", value_delimiter = ',')]
    modes: Vec<String>,
    /// Threads, the calling one included.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where to write the results.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Prints the names and does nothing else.
    #[arg(long)]
    list: bool,
    /// Multiplies two matrices of 2 × 2, prints the product, and waits for the end of the input.
    #[arg(long)]
    startup: bool,
    /// Prints what each plan is made of.
    #[arg(long)]
    plans: bool,
    /// Steps before the clock starts.
    #[arg(long, default_value_t = 5)]
    warmup: usize,
    /// Least number of timed steps.
    #[arg(long, default_value_t = 20)]
    min_steps: usize,
    /// Least time, in seconds.
    #[arg(long, default_value_t = 1.0)]
    min_time: f64,
    /// Most time, in seconds.
    #[arg(long, default_value_t = 10.0)]
    max_time: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.startup {
        return startup();
    }
    let workloads = workloads::all();
    let wanted = |name: &str| arguments.only.iter().any(|pattern| fits(pattern, name));
    if arguments.list {
        workloads.iter().filter(|workload| wanted(workload.name)).for_each(|one| println!("{}", one.name));
        return Ok(());
    }
    let any = wanted("peak") || workloads.iter().any(|workload| wanted(workload.name));
    ensure!(any, "no workload is called {}; --list shows all", arguments.only.join(" or "));
    bolete::tensor::set_threads(arguments.threads);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    println!("# bolete {version} threads={}", arguments.threads);
    let machine = Machine::measure(arguments.threads);
    if wanted("peak") {
        peak(arguments.threads);
    }
    let mut results =
        Results { peer: "bolete".to_owned(), version, threads: arguments.threads, results: Vec::new() };
    for workload in workloads.iter().filter(|workload| wanted(workload.name)) {
        for mode in workload.modes {
            if !arguments.modes.iter().any(|wanted| wanted == mode.name()) {
                continue;
            }
            results.results.push(measure(workload, *mode, &arguments, &machine));
            if let Some(path) = &arguments.json {
                results.write(path)?;
            }
        }
    }
    Ok(())
}

/// Times one workload, prints its line, and returns what was measured.
fn measure(workload: &Workload, mode: Mode, arguments: &Arguments, machine: &Machine) -> Measured {
    let rule = Rule {
        warm_up: arguments.warmup,
        least_steps: arguments.min_steps,
        least_time: Duration::from_secs_f64(arguments.min_time),
        most_time: Duration::from_secs_f64(arguments.max_time),
    };
    reset_peak_memory();
    let mut repeated = (workload.make)(mode);
    let times = rule.time(|| repeated.step());
    let reports = repeated.report();
    let mut measured = Measured {
        name: workload.name.to_owned(),
        mode: mode.name().to_owned(),
        median_ms: Some(times.median),
        p10_ms: Some(times.p10),
        p90_ms: Some(times.p90),
        n: Some(times.steps),
        first_ms: Some(times.first),
        processor_ms: Some(times.processor),
        planned_operations: Some(reports.iter().map(|report| report.operations as f64).sum()),
        planned_bytes: Some(reports.iter().map(|report| report.bytes_moved as f64).sum()),
        roofline_ms: Some(reports.iter().map(|report| machine.least_milliseconds(report)).sum()),
        peak_rss_mib: peak_memory(),
        ..Measured::default()
    };
    let seconds = times.median * 1e-3;
    let rate = match workload.count {
        Count::Steps => String::new(),
        Count::Operations(operations) => show(&mut measured.gflops, operations / seconds * 1e-9, "gflops"),
        Count::Bytes(bytes) => show(&mut measured.gbs, bytes / seconds * 1e-9, "gbs"),
        Count::Tokens(tokens) => show(&mut measured.tokens_s, tokens / seconds, "tokens_s"),
    };
    println!(
        "{}[{}] {:.4} {:.4} {:.4} n={} first_ms={:.0} cpu_ms={:.3} roofline={:.0}%{rate}",
        workload.name,
        mode.name(),
        times.median,
        times.p10,
        times.p90,
        times.steps,
        times.first,
        times.processor,
        measured.roofline_ms.unwrap_or(0.0) / times.median * 100.0,
    );
    if arguments.plans {
        reports.iter().take(1).for_each(|report| print!("{report}"));
    }
    measured
}

fn show(place: &mut Option<f64>, rate: f64, name: &str) -> String {
    *place = Some(rate);
    format!(" {name}={rate:.1}")
}

/// The limits that plans are held against.
struct Machine {
    f32: f64,
    bf16: f64,
    bandwidth: f64,
}

impl Machine {
    /// Bytes that the last cache is taken to hold: traffic of smaller plans does not reach memory.
    const CACHE: usize = 32 << 20;

    fn measure(threads: usize) -> Machine {
        let (pool, isa) = (Pool::new(threads), Isa::detected());
        let measure = |peak: Peak| peak.measure(&pool, isa);
        Machine { f32: measure(Peak::F32), bf16: measure(Peak::Bf16), bandwidth: measure(Peak::Copy) }
    }

    /// Milliseconds for the kernels one after the other, none faster than the limit of its kind.
    fn least_milliseconds(&self, report: &Report) -> f64 {
        let in_cache = report.peak_bytes <= Machine::CACHE;
        let least = |kernel: &KernelReport| {
            let peak = if kernel.half_precision { self.bf16 } else { self.f32 };
            let computing = kernel.operations as f64 / peak;
            let moving = if in_cache { 0.0 } else { kernel.bytes as f64 / self.bandwidth };
            computing.max(moving) * 1e-6
        };
        report.kernels.iter().map(least).sum()
    }
}

/// Prints the limits of the machine on one thread and on all.
fn peak(threads: usize) {
    let isa = Isa::detected();
    println!("peak ({isa:?})");
    for peak in Peak::ALL {
        let [alone, all] = [1, threads].map(|threads| peak.measure(&Pool::new(threads), isa));
        println!("  {:40} 1 thread {alone:8.1}   {threads} threads {all:8.1}", peak.name());
    }
}

fn startup() -> Result<()> {
    let a = bolete::prelude::Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    println!("{:?}", a.matmul(&a).to_vec::<f32>());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.is_char_boundary(at) && fits(rest, &tail[at..]))
        }),
    }
}

/// Makes the system count the process's peak memory anew; where it cannot, the count goes on.
fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that the process has held, in MiB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}
