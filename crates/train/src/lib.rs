//! Training: from a model, an optimiser and data to a run folder with weights and a record.
//!
//! | module | holds |
//! |---|---|
//! | [`trainer`] | the epoch loop of supervised classification |
//! | [`evaluation`] | loss and confusion matrix of a model on a data set |
//! | [`metrics`] | accumulators that merge: means, confusion, ranking, calibration, regression, text |
//! | [`checkpoint`] | any tree of tensors to a safetensors file and back, by path |
//! | [`weights`] | weights of other programs into any tree, by path, and back |
//! | [`rate_finder`] | one short run that shows which learning rates are of use |
//! | [`run_folder`] | configuration, metrics and weights of one training run |
//!
//! Nothing here prints. A trainer tells an observer what happens; what is shown, and where, is the caller's affair.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod evaluation;
pub mod metrics;
pub mod rate_finder;
pub mod run_folder;
pub mod trainer;
pub mod weights;

pub use checkpoint::LoadError;
pub use evaluation::{Evaluation, Evaluator, LabelledBatch};
pub use metrics::{
    Averaging, Bleu, BleuSmoothing, Calibration, CalibrationBin, Confusion, ErrorRate, Mean, Metric,
    Perplexity, PrecisionRecallPoint, Ranking, Regression, RocPoint, TopK,
};
pub use run_folder::{RunError, RunFolder};
pub use trainer::{Ending, EpochEnd, Event, Fit, Progress, TrainError, Trainer, TrainerConfig};
