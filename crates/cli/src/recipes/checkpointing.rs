//! `checkpointing`: computing again in the backward pass instead of keeping (Chen, Xu, Zhang, Guestrin, *Training deep
//! nets with sublinear memory cost*, 2016).

use std::time::Instant;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the weights and the inputs.
    seed: u64,
    /// Residual blocks.
    #[schemars(range(min = 2, max = 4096))]
    depth: usize,
    /// Features between the blocks; inside there are four times as many.
    #[schemars(range(min = 1, max = 8192))]
    width: usize,
    /// Rows of the input.
    #[schemars(range(min = 1, max = 65536))]
    batch: usize,
    /// Times that each gradient is computed; the median counts.
    #[schemars(range(min = 1, max = 1000))]
    repetitions: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 0, depth: 64, width: 64, batch: 512, repetitions: 9 }
    }
}

/// The two weights of a block.
type Block = (Tensor, Tensor);

/// x + W₂ gelu(W₁ x̂), with x̂ of mean 0 and variance 1 in each row: half a block of a transformer.
fn block((up, down): &Block, x: &Tensor) -> Tensor {
    let (weight, bias) = (Tensor::ones([x.shape()[1]], x.dtype()), Tensor::zeros([x.shape()[1]], x.dtype()));
    x + x.layer_norm(&weight, &bias, 1e-5).matmul(up).gelu().matmul(down)
}

fn blocks(config: &Config) -> Vec<Block> {
    let keys = Key::new(config.seed).split_many(2 * config.depth);
    let draw = |index: usize, rows: usize, columns: usize| {
        let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        key.normal([rows, columns], DType::F32) * (0.5 / rows as f64).sqrt()
    };
    let (width, inner) = (config.width, 4 * config.width);
    let blocks: Vec<Block> = (0..config.depth)
        .map(|layer| (draw(2 * layer, width, inner), draw(2 * layer + 1, inner, width)))
        .collect();
    eval(blocks.iter().flat_map(|(up, down)| [up, down]));
    blocks
}

/// The mean square at the end of the chain. Of `segment` blocks at a time only the input is kept; 0 keeps everything.
fn loss(blocks: &[Block], x: &Tensor, segment: usize) -> Tensor {
    let through =
        |blocks: &[Block], x: &Tensor| blocks.iter().fold(x.clone(), |x, weights| block(weights, &x));
    let last = if segment == 0 {
        through(blocks, x)
    } else {
        blocks.chunks(segment).fold(x.clone(), |x, part| {
            checkpoint(|(weights, x): &(Vec<Block>, Tensor)| through(weights, x))(&(part.to_vec(), x))
        })
    };
    last.square().mean(..)
}

/// What the gradient costs with segments of this many blocks.
struct Measured {
    segment: usize,
    /// Bytes of intermediate values at once.
    memory: usize,
    /// Bytes of everything at once, weights and gradients included.
    peak: usize,
    operations: usize,
    seconds: f64,
    gradients: Vec<Block>,
}

fn measure(config: &Config, blocks: &[Block], segment: usize) -> Measured {
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

/// The largest difference of two gradients beside the largest entry.
fn difference(left: &[Block], right: &[Block]) -> f64 {
    let pairs = left.iter().zip(right).flat_map(|(l, r)| [(&l.0, &r.0), (&l.1, &r.1)]);
    pairs.map(|(l, r)| ((l - r).abs().max(..) / r.abs().max(..)).item()).fold(0.0, f64::max)
}

/// The recipe.
pub struct Checkpointing;

impl Recipe for Checkpointing {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "checkpointing",
        about: "memory against time: values that are computed again in the backward pass instead of kept",
        group: Group::Lecture(3),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { depth: 36, repetitions: 5, ..whole },
            Setting::Smoke => Config { depth: 4, width: 8, batch: 8, repetitions: 1, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("Checkpointing")?;
        session.say(&format!(
            "A chain of {} residual blocks of {} features on {} rows. The backward pass needs what the forward pass \
             computed. Either everything is kept, or only the input of each segment of blocks, from which the rest is \
             computed a second time when the backward pass arrives there.",
            config.depth, config.width, config.batch
        ))?;
        let root = (config.depth as f64).sqrt().round() as usize;
        let mut segments = vec![0, 1, root, config.depth];
        segments.extend((1..12).map(|power| 1 << power).filter(|segment| *segment < config.depth));
        segments.sort_unstable();
        segments.dedup();
        let blocks = blocks(config);
        let mut all = Vec::new();
        for segment in segments {
            session.progress(&format!("segments of {segment} of {} blocks", config.depth))?;
            all.push(measure(config, &blocks, segment));
        }
        let everything = &all[0];
        let rows = all.iter().map(|found| {
            let kept = match found.segment {
                0 => "everything".to_owned(),
                1 => "the input of every block".to_owned(),
                segment if segment == root => format!("every √{} = {root} blocks", config.depth),
                segment => format!("every {segment} blocks"),
            };
            let differs = difference(&found.gradients, &everything.gradients);
            vec![
                kept,
                format!("{:.2}", found.memory as f64 / 1e6),
                format!("{:.2}", found.peak as f64 / 1e6),
                format!("{:.3}", found.operations as f64 / 1e9),
                format!("{:.2}", found.seconds * 1e3),
                if differs == 0.0 { "none".to_owned() } else { format!("{differs:.1e}") },
            ]
        });
        session.table(
            "What one gradient costs",
            &["kept", "values, MB", "with weights, MB", "GFLOP", "ms", "difference of gradients"],
            rows.collect(),
        )?;
        let of = |segment: usize| all.iter().find(|found| found.segment == segment).unwrap_or(everything);
        for (name, segment) in [("every block", 1), ("every √L blocks", root)] {
            let found = of(segment);
            let part = |new: f64, old: f64| new / old;
            session.result(
                &format!("memory of values, {name}"),
                part(found.memory as f64, everything.memory as f64),
                "a fraction of that without checkpoints",
            )?;
            session.result(
                &format!("operations, {name}"),
                part(found.operations as f64, everything.operations as f64),
                "4/3: three passes become four",
            )?;
            session.result(&format!("time, {name}"), part(found.seconds, everything.seconds), "about 4/3")?;
        }
        let worst =
            all.iter().map(|found| difference(&found.gradients, &everything.gradients)).fold(0.0, f64::max);
        session.result("largest difference of gradients", worst, "0 or rounding (1e-6)")?;
        session.say(
            "With a checkpoint at every block one value per block is kept, and the inside of one block. With segments of √L \
             blocks √L inputs are kept, and the insides of √L blocks while the backward pass is in them: memory grows with \
             the root of the depth. One segment over everything saves nothing, since then all is computed again at once.",
        )
    }
}

#[cfg(test)]
mod tests {
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
