//! Prints the results of several programs side by side: `compare ours.json torch.json jax.json …`.
//!
//! The first file is compared with the others. For each workload a peer counts with its fastest mode; the ratio is the
//! time of the fastest peer over that of the first file, so that above 1 the first file is ahead.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use bench::results::{Measured, Results};
use clap::Parser;

/// Prints a table of workloads and programs, with the ratio to the fastest of the others.
#[derive(Parser)]
#[command(name = "compare", version)]
struct Arguments {
    /// Files of results, that of Bolete first. Several files of one program count as one, each workload with the smallest
    /// median.
    #[arg(required = true, num_args = 2..)]
    files: Vec<PathBuf>,
    /// Compares tenth percentiles instead of medians.
    #[arg(long)]
    p10: bool,
    /// Compares the most memory held instead of times.
    #[arg(long, conflicts_with = "p10")]
    memory: bool,
}

/// Whether a mode computes in half precision, which is compared with its like only.
fn is_half(mode: &str) -> bool {
    matches!(mode, "bf16" | "autocast")
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let all: Vec<Results> = arguments.files.iter().map(|path| Results::read(path)).collect::<Result<_>>()?;
    let value = |measured: &Measured| match (arguments.memory, arguments.p10) {
        (true, _) => measured.peak_rss_mib,
        (_, true) => measured.p10_ms,
        _ => measured.median_ms,
    };
    // Programs in the order of the files, and for each workload the best value.
    let mut programs: Vec<String> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    let mut best: BTreeMap<(String, String), f64> = BTreeMap::new();
    for results in &all {
        let program = format!("{} {}", results.peer, results.version).trim().to_owned();
        if !programs.contains(&program) {
            programs.push(program.clone());
        }
        for measured in &results.results {
            // Another layout of memory is a mode of its own name.
            let name = measured.name.trim_end_matches("_cl");
            let row = if is_half(&measured.mode) { format!("{name}, bf16") } else { name.to_owned() };
            if !rows.contains(&row) {
                rows.push(row.clone());
            }
            if let Some(value) = value(measured) {
                let known = best.entry((row, program.clone())).or_insert(f64::INFINITY);
                *known = known.min(value);
            }
        }
    }
    let (own, peers) = programs.split_first().expect("there are two files at least");
    ensure!(!peers.is_empty(), "all files are of {own}: there is nothing to compare with");
    let unit = if arguments.memory { "MiB" } else { "ms" };
    print!("| workload, {unit} | {own} |");
    peers.iter().for_each(|peer| print!(" {peer} |"));
    println!(" ratio |");
    println!("|---|{}", "---:|".repeat(peers.len() + 2));
    let mut ratios = Vec::new();
    for row in &rows {
        let of = |program: &String| best.get(&(row.clone(), program.clone())).copied();
        let Some(ours) = of(own) else { continue };
        let fastest = peers.iter().filter_map(of).fold(f64::INFINITY, f64::min);
        let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), digits);
        print!("| {row} | {} |", digits(ours));
        for peer in peers {
            match of(peer) {
                Some(time) if time == fastest => print!(" **{}** |", digits(time)),
                time => print!(" {} |", show(time)),
            }
        }
        if fastest.is_finite() {
            ratios.push(fastest / ours);
            println!(" {:.2} |", fastest / ours);
        } else {
            println!(" – |");
        }
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp();
    let ahead = ratios.iter().filter(|ratio| **ratio >= 1.0).count();
    println!("\n{} workloads, ahead on {ahead}, geometric mean of the ratios {mean:.2}", ratios.len());
    Ok(())
}

/// Three digits that count.
fn digits(value: f64) -> String {
    match value {
        0.0..0.1 => format!("{value:.4}"),
        0.1..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
