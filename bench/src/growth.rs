//! How the costs of a small language model grow with what it is made of: the time of a training step with the batch, the
//! depth and the length of the context, and the time of planning with the nodes of the graph.
//!
//! `cargo run --release -p bench --bin growth`

use std::hint::black_box;
use std::time::Instant;

use bench::workloads::Growing;
use bolete::prelude::*;
use bolete::tensor::graph::print::nodes;
use bolete::tensor::plan::report::report;

/// Rounds of all sizes of a table, so that a slow moment of the machine does not hit one of them alone.
const ROUNDS: usize = 7;
/// Steps of a size in a round.
const STEPS: usize = 4;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds of a step of each size, medians.
fn milliseconds(sizes: &[Growing]) -> Vec<f64> {
    let mut steps: Vec<_> = sizes.iter().map(Growing::training).collect();
    let mut times = vec![Vec::new(); sizes.len()];
    for round in 0..=ROUNDS {
        for (step, times) in steps.iter_mut().zip(&mut times) {
            for turn in 0..STEPS {
                let start = Instant::now();
                black_box(step.step());
                // The first round plans; the first step of a turn finds the caches of another size.
                if round > 0 && turn > 0 {
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Prints the times of sizes and what they are for each unit, and for each unit more than in the size before.
fn table(title: &str, unit: &str, sizes: &[Growing], count: impl Fn(&Growing) -> usize) {
    println!("{title}");
    println!("{unit:>10} {:>10} {:>14} {:>24}", "ms", "ms for each", "ms for each one more");
    let times = milliseconds(sizes);
    let mut before: Option<(usize, f64)> = None;
    for (size, time) in sizes.iter().zip(times) {
        let count = count(size);
        let more = before
            .map_or(String::new(), |(fewer, less)| format!("{:.4}", (time - less) / (count - fewer) as f64));
        println!("{count:>10} {time:>10.2} {:>14.4} {more:>24}", time / count as f64);
        before = Some((count, time));
    }
}

fn planning() {
    println!("planning the loss and all gradients, for the first time");
    println!("{:>10} {:>10} {:>10} {:>16}", "layers", "nodes", "ms", "ms for 1000");
    for layers in [2, 4, 8, 16, 32] {
        // Another length is another graph, which no plan is kept for.
        let times = (0..5).map(|turn| {
            let gradients = Growing { layers, batch: 2, length: 16 + turn }.gradients();
            let references: Vec<&Tensor> = gradients.iter().collect();
            let count = nodes(&references).iter().filter(|node| !node.is_evaluated).count();
            let start = Instant::now();
            black_box(report(&references));
            (count, start.elapsed().as_secs_f64() * 1e3)
        });
        let (counts, times): (Vec<usize>, Vec<f64>) = times.unzip();
        let (count, time) = (counts[0], median(times));
        println!("{layers:>10} {count:>10} {time:>10.2} {:>16.2}", time * 1e3 / count as f64);
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("planning") {
        return planning();
    }
    let of = |layers, batch, length| Growing { layers, batch, length };
    table(
        "batch, 4 layers of 128, sequences of 64 tokens",
        "batch",
        &[4, 8, 16, 32, 64].map(|batch| of(4, batch, 64)),
        |size| size.batch,
    );
    table(
        "depth, 12 sequences of 64 tokens",
        "layers",
        &[2, 4, 8, 16].map(|layers| of(layers, 12, 64)),
        |size| size.layers,
    );
    table(
        "context, 2048 tokens in all, 4 layers",
        "length",
        &[32, 64, 128, 256, 512].map(|length| of(4, 2048 / length, length)),
        |size| size.length,
    );
    planning();
}
