//! The epoch loop of supervised classification.
//!
//! A training step (forward pass, cross-entropy, gradients, clipping, update) is one [`Step`](bolete_tensor::Step): planned once and
//! replayed, with model and optimiser moved through it so that their memory is overwritten. Loss and accuracy add up
//! inside of the step and are read every few steps only, so that a device never waits for the host.

mod course;
mod step;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use bolete_data::{DataError, Dataset, Loader};
use bolete_nn::{Module, Optimiser, Schedule};
use serde::Serialize;

use crate::evaluation::{Evaluation, LabelledBatch};
use crate::run_folder::{RunError, RunFolder};
use course::Course;
use step::Carried;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainerConfig {
    /// Number of times that every item is seen.
    pub epochs: u64,
    /// The learning rate where the schedule's factor is 1.
    pub learning_rate: f64,
    /// Its factor over the updates.
    pub schedule: Schedule,
    /// The largest norm of all gradients together; longer ones are scaled down.
    pub clip_norm: Option<f64>,
    /// The part of the target's probability that is spread evenly over all classes, from 0 to 1.
    pub label_smoothing: f64,
    /// Number of steps between two reports, at least 1.
    pub report_every: u64,
    /// Decides the randomness of the model in training, such as dropout.
    pub seed: u64,
}

impl Default for TrainerConfig {
    /// One epoch, learning rate 0.001, constant; no clipping, no smoothing; a report every 20 steps; seed 0.
    fn default() -> TrainerConfig {
        TrainerConfig {
            epochs: 1,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            clip_norm: None,
            label_smoothing: 0.0,
            report_every: 20,
            seed: 0,
        }
    }
}

/// Trains classifiers. What happens on the way goes to an observer, to the run folder if there is one, and nowhere
/// else.
///
/// ```
/// use std::sync::Arc;
/// use bolete_data::{Loader, LoaderOptions, drawn_digits};
/// use bolete_nn::{AdamConfig, Flatten, LinearConfig, Sequential, UpdateRule};
/// use bolete_tensor::Key;
/// use bolete_train::{Event, Trainer, TrainerConfig};
///
/// let digits = Arc::new(drawn_digits::draw(200, 1, &drawn_digits::DrawOptions::default()));
/// let loader = Loader::new(digits, LoaderOptions { batch_size: 50, ..Default::default() })?;
/// let layer = LinearConfig::new(28 * 28, 10).init(&Key::new(0));
/// let model = Sequential::new([Flatten::default().into(), layer.into()]);
/// let optimiser = AdamConfig::default().init(&model);
///
/// let trainer = Trainer::new(TrainerConfig { epochs: 3, learning_rate: 0.003, ..Default::default() });
/// let fit = trainer.fit(model, optimiser, &loader, Some(&loader), &mut |event| {
///     if let Event::Epoch(epoch) = event {
///         println!("epoch {}: loss {:.3}", epoch.epoch, epoch.train_loss);
///     }
///     Ok(())
/// })?;
/// assert!(fit.last.unwrap().accuracy > 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trainer<'a> {
    config: TrainerConfig,
    run: Option<&'a RunFolder>,
    stop: Option<&'a AtomicBool>,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done.
    Complete,
    /// It was told to stop, and stopped after this many steps.
    Interrupted {
        /// Number of steps done.
        step: u64,
    },
}

/// What a training gives.
#[derive(Clone, Debug)]
pub struct Fit<M, O> {
    /// The trained model.
    pub model: M,
    /// The optimiser in its last state.
    pub optimiser: O,
    /// Whether all epochs were done.
    pub ending: Ending,
    /// The evaluation after the last whole epoch, if there was one and there was test data.
    pub last: Option<Evaluation>,
}

/// Where a training is. Loss and accuracy are those of the batches since the last report, as the model saw them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Number of all epochs.
    pub epochs: u64,
    /// Steps done.
    pub step: u64,
    /// Number of all steps.
    pub steps: u64,
    /// Mean loss in nats.
    pub loss: f64,
    /// Part of the items whose class was found.
    pub accuracy: f64,
    /// The last learning rate.
    pub learning_rate: f64,
    /// Items per second since the last report, without evaluation.
    pub items_per_second: f64,
    /// Seconds since the start.
    pub seconds: f64,
    /// Seconds until the end, if all goes on at the present speed.
    pub seconds_left: f64,
}

/// What an epoch gave.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEnd {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Number of all epochs.
    pub epochs: u64,
    /// Steps done.
    pub step: u64,
    /// Mean loss over the epoch, while the model changed.
    pub train_loss: f64,
    /// Part of the items whose class was found, while the model changed.
    pub train_accuracy: f64,
    /// The model after the epoch on the test data.
    pub test: Option<Evaluation>,
    /// Seconds since the start.
    pub seconds: f64,
}

/// What an observer is told.
#[derive(Debug)]
pub enum Event<'a> {
    /// Some steps are done.
    Progress(&'a Progress),
    /// The test data is about to be gone through.
    Evaluating,
    /// An epoch is done and the weights are saved.
    Epoch(&'a EpochEnd),
}

/// Sees what happens. An error ends the training; the weights are saved first.
pub type Observer<'a> = dyn FnMut(Event) -> io::Result<()> + 'a;

/// Why a training ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The loss became NaN or infinite.
    #[error(
        "the loss became NaN or infinite at step {step} (epoch {epoch}, learning rate {learning_rate:.3e}); {}, try a \
         smaller learning rate",
        saved.as_ref().map_or_else(
            || "the weights were not saved".to_owned(),
            |(path, step)| format!("the weights of step {step}, which were still sound, are in {}", path.display())
        )
    )]
    NotFinite {
        /// The first step whose loss was not finite, from 1.
        step: u64,
        /// Its epoch, from 1.
        epoch: u64,
        /// Its learning rate.
        learning_rate: f64,
        /// Where the last weights known to give a finite loss are, and after which step they were taken.
        saved: Option<(PathBuf, u64)>,
    },
    /// There is nothing to learn from.
    #[error(
        "the training data make no batch: {items} items in batches of {batch_size}; use a smaller batch size"
    )]
    NoBatch {
        /// Number of items.
        items: usize,
        /// Items per batch.
        batch_size: usize,
    },
    /// A batch could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run folder could not be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The observer gave up.
    #[error("the progress cannot be shown ({0})")]
    Observer(#[source] io::Error),
}

impl<'a> Trainer<'a> {
    /// A trainer that keeps everything in memory.
    pub fn new(config: TrainerConfig) -> Trainer<'a> {
        Trainer { config, run: None, stop: None }
    }

    /// Records metrics and weights in a run folder.
    pub fn with_run(self, run: &'a RunFolder) -> Trainer<'a> {
        Trainer { run: Some(run), ..self }
    }

    /// Stops after the running step once `stop` is true, as after Ctrl-C. The weights are saved.
    pub fn with_stop(self, stop: &'a AtomicBool) -> Trainer<'a> {
        Trainer { stop: Some(stop), ..self }
    }

    /// Trains `model` on batches of `train`, and evaluates it on `test` after every epoch.
    ///
    /// # Errors
    /// [`TrainError`]; whatever it is, the run folder then holds the last sound weights if it takes them.
    pub fn fit<M, O, D>(
        &self,
        model: M,
        optimiser: O,
        train: &Loader<D>,
        test: Option<&Loader<D>>,
        observer: &mut Observer<'_>,
    ) -> Result<Fit<M, O>, TrainError>
    where
        M: Module + Clone + 'static,
        O: Optimiser + Clone + 'static,
        D: Dataset + 'static,
        D::Batch: LabelledBatch + 'static,
    {
        let per_epoch = train.batches_per_epoch() as u64;
        if per_epoch == 0 && self.config.epochs > 0 {
            let (items, batch_size) = (train.dataset().len(), train.options().batch_size);
            return Err(TrainError::NoBatch { items, batch_size });
        }
        let mut course = Course::new(*self, model, optimiser, per_epoch);
        let ended = course.run(train, test, observer);
        let (ending, last) = match ended {
            Ok(ended) => ended,
            Err(error) => return Err(course.rescue(error)),
        };
        let Carried { model, optimiser, .. } = course.finish();
        Ok(Fit { model, optimiser, ending, last })
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}
