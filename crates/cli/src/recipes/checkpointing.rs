//! `checkpointing`: computing again in the backward pass instead of keeping (Chen, Xu, Zhang, Guestrin, *Training deep
//! nets with sublinear memory cost*, 2016).

mod blocks;
mod cost;
mod figures;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use blocks::blocks;
use cost::{growth, measure, root};

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
    /// Depths over which the growth of memory is shown, with an eighth of the rows.
    depths: Vec<usize>,
    /// Times that each gradient is computed; the median counts.
    #[schemars(range(min = 1, max = 1000))]
    repetitions: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            depth: 64,
            width: 64,
            batch: 512,
            depths: vec![4, 16, 36, 64, 100, 144, 256],
            repetitions: 9,
        }
    }
}

/// The recipe.
pub struct Checkpointing;

impl Recipe for Checkpointing {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "checkpointing",
        about: "memory against time: values that are computed again in the backward pass instead of kept",
        group: Group::Lecture(3),
        expected: "with a checkpoint at every block a tenth of the memory for 1.17 times the operations; at every √L blocks 1.3 \
                   times; gradients equal bit by bit",
        time: "20 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { depth: 36, depths: vec![4, 16, 36, 64], repetitions: 5, ..whole },
            Setting::Smoke => {
                Config { depth: 4, width: 8, batch: 8, depths: vec![2, 4], repetitions: 1, ..whole }
            }
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        anyhow::ensure!(
            config.depths.iter().all(|depth| (2..=4096).contains(depth)),
            "depths: from 2 to 4096 each, not {:?}",
            config.depths
        );
        session.heading("Checkpointing")?;
        session.say(&format!(
            "A chain of {} residual blocks of {} features on {} rows. The backward pass needs what the forward pass \
             computed. Either everything is kept, or only the input of each segment of blocks, from which the rest is \
             computed a second time when the backward pass arrives there.",
            config.depth, config.width, config.batch
        ))?;
        let blocks = blocks(config);
        let mut all = Vec::new();
        for segment in segments(config.depth) {
            session.progress(&format!("segments of {segment} of {} blocks", config.depth))?;
            all.push(measure(config, &blocks, segment));
        }
        tables::costs(config, session, &all)?;
        tables::parts(config, session, &all)?;
        session.figure(
            "exchange",
            "Memory, operations and time of one gradient, by how many blocks lie between the values that are kept.",
            &figures::exchange(&all, root(config.depth)),
        )?;
        let mut grown = Vec::new();
        for depth in &config.depths {
            session.progress(&format!("{depth} blocks"))?;
            grown.push(growth(config, *depth));
        }
        session.figure("growth", "The memory of values while the chain grows.", &figures::growth(&grown))?;
        let value = 4 * config.batch * config.width;
        session.say(&format!(
            "With a checkpoint at every block one value per block is kept, and the inside of one block, which is {:.0} times as \
             large. With segments of √L blocks √L inputs are kept, and the insides of √L blocks while the backward pass is in \
             them: memory grows with the root of the depth, so that deep chains gain most. One segment over everything saves \
             nothing, since then all is computed again at once. A forward pass is a third of the work, so the operations \
             grow by up to a third; the last product of each segment is not computed again, because the backward pass does \
             not need its value.",
            all[0].memory as f64 / (config.depth * value) as f64
        ))
    }
}

/// Lengths of the segments that are tried, ascending: 0, which keeps everything, powers of two, √depth, and the depth.
fn segments(depth: usize) -> Vec<usize> {
    let mut segments = vec![0, 1, root(depth), depth];
    segments.extend((1..12).map(|power| 1 << power).filter(|segment| *segment < depth));
    segments.sort_unstable();
    segments.dedup();
    segments
}
