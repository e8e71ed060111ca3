//! What an observer is told.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::evaluation::Evaluation;
use crate::record::{numbers, optional_numbers};

/// Sees what happens, with the state as it is. An error ends the training; a checkpoint is saved first.
pub type Observer<'a, S> = dyn FnMut(&Event, &S) -> io::Result<()> + 'a;

/// What happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins or goes on.
    Started(&'a Started),
    /// Something that is not as it should be, but does not end the training. One line.
    Warning(&'a str),
    /// Some steps are done.
    Progress(&'a Progress),
    /// The test data are about to be gone through.
    Evaluating,
    /// The test data were gone through.
    Evaluated(&'a Evaluated<'a>),
    /// An epoch is done.
    Epoch(&'a EpochEnd),
    /// A checkpoint is written.
    Saved {
        /// After this update.
        step: u64,
    },
}

/// How training begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Started {
    /// The update after which it goes on, where it does.
    pub resumed: Option<u64>,
    /// Number of all epochs.
    pub epochs: u64,
    /// Number of all updates.
    pub steps: u64,
}

/// Where training is. The means are those of the batches since the last report, as the model saw them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Number of all epochs.
    pub epochs: u64,
    /// Updates done.
    pub step: u64,
    /// Number of all updates.
    pub steps: u64,
    /// What was measured.
    #[serde(deserialize_with = "numbers")]
    pub means: BTreeMap<String, f64>,
    /// The factor of the learning rate.
    pub rate_factor: f64,
    /// Items per second since the last report, without evaluation.
    pub items_per_second: f64,
    /// The part of that time that was spent waiting for data, from 0 to 1.
    pub waiting: f64,
    /// Seconds of training so far, over all parts of a run that was resumed.
    pub seconds: f64,
    /// Seconds until the end, if all goes on at the present speed.
    pub seconds_left: f64,
}

/// An evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated<'a> {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Updates done.
    pub step: u64,
    /// What was found.
    pub evaluation: &'a Evaluation,
    /// Whether it is the best so far.
    pub is_best: bool,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// What an epoch gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochEnd {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Number of all epochs.
    pub epochs: u64,
    /// Updates done.
    pub step: u64,
    /// What was measured over the epoch, while the model changed.
    #[serde(deserialize_with = "numbers")]
    pub means: BTreeMap<String, f64>,
    /// Means of the evaluation at its end, where there was one.
    #[serde(deserialize_with = "optional_numbers")]
    pub test: Option<BTreeMap<String, f64>>,
    /// Seconds of training so far.
    pub seconds: f64,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All is done.
    Complete,
    /// Nothing has improved for long.
    Stopped,
    /// It was told to stop.
    Interrupted,
}
