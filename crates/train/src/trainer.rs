//! The loop around a [`Learner`]: epochs, reports, evaluation, checkpoints, and going on exactly where it stopped.
//!
//! A step is one [`Step`]: planned once and replayed, with the state moved through it so that its
//! memory is overwritten. What is measured adds up inside of the step and is read every few steps only, so that a device
//! never waits for the host.
//!
//! **Exact resume.** A checkpoint holds all that decides how training goes on: the learner's state (models, optimisers,
//! averages), the key of the randomness, the sums of what was measured, the position in the data, the best evaluation so
//! far. Batches are a pure function of the data, the seed and their number. So a run that was killed at any moment and
//! goes on from its last checkpoint ends with the same bits as one that was not.

mod carried;
mod config;
mod course;
mod error;
mod event;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use config::{EarlyStopping, Goal, Monitor, TrainerConfig};
pub use error::TrainError;
pub use event::{Ending, EpochEnd, Evaluated, Event, Observer, Progress, Started};

use bolete_nn::Schedule;
use bolete_tensor::{DType, Step, Tensor};

use crate::evaluation::Evaluation;
use crate::learner::Learner;
use crate::rate_finder::{RateCurve, RateFinder, find_rate};
use crate::run_folder::RunFolder;
use crate::source::{Place, Source};
use carried::{Carried, step_of};
use course::Course;

/// What somebody outside of the loop wants of it; each is looked at after every step.
#[derive(Debug, Default)]
pub struct Controls {
    /// Saves and ends. Shared, so that a signal can set it.
    pub stop: Arc<AtomicBool>,
    /// Saves a checkpoint, once.
    pub save: AtomicBool,
}

impl Controls {
    fn wants_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn take_save(&self) -> bool {
        self.save.load(Ordering::Relaxed) && self.save.swap(false, Ordering::Relaxed)
    }
}

/// Trains. What happens on the way goes to an observer, to the run folder if there is one, and nowhere else.
///
/// ```
/// use std::sync::Arc;
/// use bolete_data::{Loader, LoaderOptions, drawn_digits};
/// use bolete_nn::{AdamConfig, Flatten, LinearConfig, Sequential, UpdateRule};
/// use bolete_tensor::Key;
/// use bolete_train::{Classification, Event, Trainer, TrainerConfig};
///
/// let digits = Arc::new(drawn_digits::draw(200, 1, &drawn_digits::DrawOptions::default()));
/// let loader = Loader::new(digits, LoaderOptions { batch_size: 50, ..Default::default() })?;
/// let layer = LinearConfig::new(28 * 28, 10).init(&Key::new(0));
/// let model = Sequential::new([Flatten::default().into(), layer.into()]);
/// let optimiser = AdamConfig { learning_rate: 0.003, ..Default::default() }.init(&model);
///
/// let learner = Classification::default().learner();
/// let state = learner.state(model, optimiser);
/// let trainer = Trainer::new(TrainerConfig { epochs: 3, ..Default::default() });
/// let fit = trainer.fit(&learner.into(), state, &loader, Some(&loader), &mut |event, _| {
///     if let Event::Epoch(epoch) = event {
///         println!("epoch {}: loss {:.3}", epoch.epoch, epoch.means["loss"]);
///     }
///     Ok(())
/// })?;
/// assert!(fit.last.unwrap()["accuracy"] > 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Trainer<'a> {
    config: TrainerConfig,
    schedule: Schedule,
    run: Option<&'a RunFolder>,
    controls: Option<&'a Controls>,
}

/// What training gives.
#[derive(Clone)]
pub struct Fit<S> {
    /// The last state.
    pub state: S,
    /// Whether training ended on its own.
    pub ending: Ending,
    /// Number of updates done.
    pub step: u64,
    /// The last evaluation, if there was test data.
    pub last: Option<Evaluation>,
    /// The best evaluation by the monitored measure: its step and value.
    pub best: Option<(u64, f64)>,
}

impl<S> fmt::Debug for Fit<S> {
    /// Without the state, which is large.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fit")
            .field("ending", &self.ending)
            .field("step", &self.step)
            .field("last", &self.last.as_ref().map(|last| &last.means))
            .field("best", &self.best)
            .finish_non_exhaustive()
    }
}

impl<'a> Trainer<'a> {
    /// A trainer that keeps everything in memory, with a constant learning rate.
    pub fn new(config: TrainerConfig) -> Trainer<'a> {
        Trainer { config, schedule: Schedule::Constant, run: None, controls: None }
    }

    /// Lets the factor of the learning rate follow a schedule over the updates.
    pub fn with_schedule(self, schedule: Schedule) -> Trainer<'a> {
        Trainer { schedule, ..self }
    }

    /// Records metrics, checkpoints and models in a run folder, and goes on from the last checkpoint in it.
    pub fn with_run(self, run: &'a RunFolder) -> Trainer<'a> {
        Trainer { run: Some(run), ..self }
    }

    /// Lets somebody else stop the training, as after Ctrl-C, or ask for a checkpoint.
    pub fn with_controls(self, controls: &'a Controls) -> Trainer<'a> {
        Trainer { controls: Some(controls), ..self }
    }

    /// Trains on the batches of `train`, and evaluates on `test` after every epoch or as often as is configured.
    ///
    /// # Errors
    /// [`TrainError`]; whatever it is, the last checkpoint of the run folder is whole.
    pub fn fit<L: Learner>(
        &self,
        learner: &Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<Fit<L::State>, TrainError> {
        if train.batches_per_epoch() == 0 && self.config.epochs > 0 {
            return Err(TrainError::NoBatch);
        }
        Course::begin(self.clone(), learner.clone(), state, train, observer)?.run(train, test, observer)
    }

    /// Trains for some steps with a learning rate that grows, and shows what that does to the loss. The rates of `finder`
    /// are factors of the learner's own rate; the state is left alone. Gradients are not accumulated.
    ///
    /// # Errors
    /// [`TrainError::RateFinder`] for settings that make no sweep, [`TrainError::NoSuchMeasure`] for a learner that
    /// measures no `loss`, [`TrainError::Data`] when a batch cannot be made.
    pub fn find_rate<L: Learner>(
        &self,
        learner: &Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        finder: &RateFinder,
    ) -> Result<RateCurve, TrainError> {
        let mut step = Step::new(step_of(learner.clone(), true));
        let mut carried = Some(Carried::new(state, self.config.seed));
        let mut batches = train.epoch_from(1, &Place::default())?;
        let (mut epoch, mut first, mut failure) = (1, true, None);
        let curve = find_rate(finder, |factor| {
            let mut next = batches.next();
            if next.is_none() {
                epoch += 1;
                match train.epoch_from(epoch, &Place::default()) {
                    Ok(more) => batches = more,
                    Err(error) => failure = Some(TrainError::Data(error)),
                }
                next = batches.next();
            }
            let batch = match next {
                Some(Ok(batch)) => batch,
                Some(Err(error)) => {
                    failure = Some(TrainError::Data(error));
                    return f64::NAN;
                }
                None => {
                    failure.get_or_insert(TrainError::NoBatch);
                    return f64::NAN;
                }
            };
            let mut before = carried.take().expect("put back after every step");
            if std::mem::take(&mut first) {
                before.expect_measures(&**learner, &batch);
            }
            let mut after = step.call((before, batch, Tensor::scalar(factor, DType::F64)));
            let totals = after.take_totals();
            carried = Some(after);
            match totals.get("loss") {
                Some((total, weight)) => total / weight,
                None => {
                    let known = totals.keys().cloned().collect::<Vec<_>>().join(", ");
                    failure = Some(TrainError::NoSuchMeasure { measure: "loss".to_owned(), known });
                    f64::NAN
                }
            }
        })?;
        failure.map_or(Ok(curve), Err)
    }
}
