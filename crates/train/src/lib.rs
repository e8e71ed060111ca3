//! Training: from a model, an optimiser and data to a run folder with weights and a record.
//!
//! | module | holds |
//! |---|---|
//! | [`configuration`] | typed configurations: defaults, files, the environment, assignments, all checked |
//! | [`learner`] | what one step of training does: a model with a loss, or anything else |
//! | [`source`] | where batches come from, seen from the trainer |
//! | [`sweep`] | searching for good values of a configuration |
//! | [`trainer`] | the loop: epochs, reports, evaluation, checkpoints, exact resume |
//! | [`optimisation`] | optimiser and schedule as configuration |
//! | [`evaluation`] | what is measured of a state on a data set |
//! | [`metrics`] | accumulators that merge: means, confusion, ranking, calibration, regression, text |
//! | [`checkpoint`] | any tree of tensors to a safetensors file and back, by path |
//! | [`snapshot`] | the checkpoints of a run, where training goes on exactly |
//! | [`weights`] | weights of other programs into any tree, by path, and back |
//! | [`rate_finder`] | one short run that shows which learning rates are of use |
//! | [`run_folder`], [`record`], [`findings`] | what a run leaves behind |
//!
//! Nothing here prints. A trainer tells an observer what happens; what is shown, and where, is the caller's affair.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod configuration;
pub mod evaluation;
pub mod findings;
pub mod learner;
pub mod metrics;
pub mod optimisation;
mod origin;
pub mod rate_finder;
pub mod record;
pub mod run_folder;
pub mod snapshot;
pub mod source;
pub mod sweep;
pub mod trainer;
pub mod weights;

pub use checkpoint::LoadError;
pub use evaluation::{Evaluation, Evaluator};
pub use findings::{Findings, Part};
pub use learner::{Classification, Learner, Measures, Moment, Probe, Supervised, SupervisedState};
pub use metrics::{
    Averaging, Bleu, BleuSmoothing, Calibration, CalibrationBin, Confusion, ErrorRate, Mean, Metric,
    Perplexity, PrecisionRecallPoint, Ranking, Regression, RocPoint, TopK,
};
pub use optimisation::{AnyOptimiser, OptimiserConfig, OptimiserKind, ScheduleKind};
pub use rate_finder::{RateCurve, RateFinder};
pub use record::Record;
pub use run_folder::{RunError, RunFolder, Status};
pub use source::{Fixed, Generated, IntoTensors, Place, Source, Streamed};
pub use trainer::{
    Controls, EarlyStopping, Ending, EpochEnd, Event, Fit, Goal, Monitor, Progress, TrainError, Trainer,
    TrainerConfig,
};
