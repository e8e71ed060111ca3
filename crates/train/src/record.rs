//! What a run has written down: the lines of its metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::trainer::{Ending, EpochEnd, Progress};

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// Some steps were done.
    Progress(Progress),
    /// An evaluation.
    Evaluation {
        /// The epoch, from 1.
        epoch: u64,
        /// Updates done.
        step: u64,
        /// What was found.
        means: BTreeMap<String, f64>,
        /// Whether it was the best so far.
        is_best: bool,
        /// Seconds of training so far.
        seconds: f64,
    },
    /// An epoch was done.
    Epoch(EpochEnd),
    /// Training ended.
    Ended {
        /// How.
        ending: Ending,
        /// Updates done.
        step: u64,
        /// Seconds of training.
        seconds: f64,
    },
    /// A loss became NaN or infinite.
    NotFinite {
        /// The first such update.
        step: u64,
        /// Seconds of training.
        seconds: f64,
    },
    /// A number that a recipe found.
    Result {
        /// Its name.
        name: String,
        /// Its value.
        value: f64,
    },
}

/// The course of each measure of a run: (update, value) by name, those of evaluation with `test ` before theirs.
pub fn curves(records: &[Record]) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for record in records {
        let (prefix, step, means) = match record {
            Record::Progress(progress) => ("", progress.step, &progress.means),
            Record::Evaluation { step, means, .. } => ("test ", *step, means),
            _ => continue,
        };
        for (name, value) in means {
            curves.entry(format!("{prefix}{name}")).or_default().push((step as f64, *value));
        }
        if let Record::Progress(progress) = record {
            let mut more =
                |name: &str, value| curves.entry(name.to_owned()).or_default().push((step as f64, value));
            more("learning rate factor", progress.rate_factor);
            more("items per second", progress.items_per_second);
        }
    }
    curves
}
