//! What a gradient costs, by how many blocks lie between the values that are kept.

use std::time::Instant;

use bolete::prelude::*;

use super::Config;
use super::blocks::{Block, blocks, loss};

/// What the gradient costs with segments of this many blocks.
pub(super) struct Measured {
    pub segment: usize,
    /// Bytes of intermediate values at once.
    pub memory: usize,
    /// Bytes of everything at once, weights and gradients included.
    pub peak: usize,
    pub operations: usize,
    pub seconds: f64,
    pub gradients: Vec<Block>,
}

/// Takes the gradient again and again.
pub(super) fn measure(config: &Config, blocks: &[Block], segment: usize) -> Measured {
    let x = Key::new(config.seed + 1).normal([config.batch, config.width], DType::F32);
    eval([&x]);
    let mut step = Step::new(move |(blocks, x): (Vec<Block>, Tensor)| {
        value_and_grad(|blocks: &Vec<Block>| loss(blocks, &x, segment))(&blocks)
    });
    let (_, gradients) = step.call((blocks.to_vec(), x.clone()));
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..config.repetitions {
        let before = Instant::now();
        step.call((blocks.to_vec(), x.clone()));
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let report = step.report().expect("the step has been called");
    Measured {
        segment,
        memory: report.arena_bytes,
        peak: report.peak_bytes,
        operations: report.operations,
        seconds: times[times.len() / 2],
        gradients,
    }
}

/// Bytes of values for a depth: everything kept, the input of every block, that of every √depth blocks.
pub(super) struct Growth {
    pub depth: usize,
    pub memory: [usize; 3],
}

/// The root of a depth, rounded.
pub(super) fn root(depth: usize) -> usize {
    (depth as f64).sqrt().round() as usize
}

/// The memory at this depth, with an eighth of the rows.
pub(super) fn growth(config: &Config, depth: usize) -> Growth {
    let config = Config { depth, batch: config.batch.div_ceil(8), repetitions: 1, ..config.clone() };
    let blocks = blocks(&config);
    Growth { depth, memory: [0, 1, root(depth)].map(|segment| measure(&config, &blocks, segment).memory) }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::difference;
    use super::*;

    #[test]
    fn checkpoints_save_memory_and_change_nothing() {
        let config = Config { depth: 9, width: 16, batch: 64, repetitions: 1, ..Config::default() };
        let blocks = blocks(&config);
        let [all, every, root] = [0, 1, 3].map(|segment| measure(&config, &blocks, segment));
        assert!(
            every.memory < all.memory && root.memory < all.memory,
            "{} {} {}",
            all.memory,
            every.memory,
            root.memory
        );
        for found in [&every, &root] {
            let more = found.operations as f64 / all.operations as f64;
            assert!((1.1..1.5).contains(&more), "{more} times the operations");
            assert!(difference(&found.gradients, &all.gradients) < 1e-5);
        }
    }
}
