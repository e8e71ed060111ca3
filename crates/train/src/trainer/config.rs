//! How long, how often, until when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to train: all that does not depend on the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainerConfig {
    /// Times that all training data are seen.
    #[schemars(range(min = 0, max = 1000000000))]
    pub epochs: u64,
    /// Updates after which training ends, whatever the epochs say.
    #[schemars(range(min = 1))]
    pub steps: Option<u64>,
    /// Updates between two evaluations; without it one after every epoch.
    #[schemars(range(min = 1))]
    pub evaluate_every: Option<u64>,
    /// Updates between two checkpoints; without it one after every epoch.
    #[schemars(range(min = 1))]
    pub checkpoint_every: Option<u64>,
    /// Checkpoints at multiples of this many updates are kept for good; of the others the last two.
    #[schemars(range(min = 1))]
    pub keep_every: Option<u64>,
    /// Updates between two reports.
    #[schemars(range(min = 1))]
    pub report_every: u64,
    /// Batches whose gradients make one update.
    #[schemars(range(min = 1, max = 65536))]
    pub accumulate: u64,
    /// The measure that decides which model is the best.
    pub monitor: Monitor,
    /// When to end because nothing improves.
    pub early_stopping: Option<EarlyStopping>,
    /// Looks at every step for NaN and infinity and names the operation that made the first. Slow.
    pub debug_nans: bool,
    /// Decides the randomness of training, such as dropout.
    pub seed: u64,
}

impl Default for TrainerConfig {
    /// One epoch, a report every 20 updates, an evaluation and a checkpoint per epoch, the lowest loss is best; seed 0.
    fn default() -> TrainerConfig {
        TrainerConfig {
            epochs: 1,
            steps: None,
            evaluate_every: None,
            checkpoint_every: None,
            keep_every: None,
            report_every: 20,
            accumulate: 1,
            monitor: Monitor::default(),
            early_stopping: None,
            debug_nans: false,
            seed: 0,
        }
    }
}

/// A measure of evaluation, and which way is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Monitor {
    /// The name of the measure.
    pub measure: String,
    /// Which way is better.
    pub goal: Goal,
}

impl Default for Monitor {
    /// The lowest loss.
    fn default() -> Monitor {
        Monitor { measure: "loss".to_owned(), goal: Goal::Lowest }
    }
}

impl Monitor {
    /// Whether a value is better than another, by at least `margin`.
    pub fn is_better(&self, value: f64, than: f64, margin: f64) -> bool {
        match self.goal {
            Goal::Lowest => value < than - margin,
            Goal::Highest => value > than + margin,
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The lower, the better.
    Lowest,
    /// The higher, the better.
    Highest,
}

/// When to end because nothing improves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStopping {
    /// Evaluations without an improvement after which training ends.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// What counts as an improvement must be larger than this.
    #[schemars(range(min = 0.0))]
    pub margin: f64,
}

impl Default for EarlyStopping {
    /// Five evaluations, any improvement.
    fn default() -> EarlyStopping {
        EarlyStopping { patience: 5, margin: 0.0 }
    }
}
