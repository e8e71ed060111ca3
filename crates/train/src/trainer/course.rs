//! A training under way: what is read back, recorded and saved.

use std::time::Instant;

use bolete_data::{Dataset, Loader};
use bolete_formats::safetensors::Metadata;
use bolete_nn::{Module, Optimiser};
use bolete_tensor::{Step, Tree};
use serde::Serialize;

use super::step::{Carried, training_step};
use super::{Ending, EpochEnd, Event, Observer, Progress, TrainError, Trainer};
use crate::evaluation::{Evaluation, Evaluator, LabelledBatch};
use crate::run_folder::RunError;

/// What adds up over some steps.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    /// Loss times items.
    pub loss: f64,
    /// Items whose class was found.
    pub correct: f64,
    pub items: f64,
}

impl Totals {
    fn add(&mut self, other: Totals) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.items += other.items;
    }
}

/// A line of the metrics.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Record<'a> {
    Progress(&'a Progress),
    Epoch {
        epoch: u64,
        step: u64,
        train_loss: f64,
        train_accuracy: f64,
        test_loss: Option<f64>,
        test_accuracy: Option<f64>,
        seconds: f64,
    },
    Interrupted {
        step: u64,
        seconds: f64,
    },
    NotFinite {
        step: u64,
        seconds: f64,
    },
}

impl Trainer<'_> {
    fn record(&self, metrics: &impl Serialize) -> Result<(), RunError> {
        self.run.map_or(Ok(()), |run| run.append_metrics(metrics))
    }

    fn save(&self, model: &impl Tree, step: u64) -> Result<(), RunError> {
        let metadata = Metadata::from([("step".to_owned(), step.to_string())]);
        self.run.map_or(Ok(()), |run| run.save_model(model, &metadata))
    }
}

/// A training under way.
pub(super) struct Course<'a, M, O> {
    trainer: Trainer<'a>,
    steps: u64,
    step: u64,
    per_epoch: u64,
    /// Weights that are known to give a finite loss (or the first ones), and after which step they were taken.
    sound: (u64, M),
    /// Weights of the last report, sound once a further step has had a finite loss.
    candidate: Option<(u64, M)>,
    /// Taken while a step runs.
    carried: Option<Carried<M, O>>,
    epoch: Totals,
    started: Instant,
    reported: Instant,
    training_seconds: f64,
    evaluation_seconds: f64,
}

impl<'a, M, O> Course<'a, M, O>
where
    M: Module + Clone + 'static,
    O: Optimiser + Clone + 'static,
{
    pub fn new(trainer: Trainer<'a>, model: M, optimiser: O, per_epoch: u64) -> Course<'a, M, O> {
        Course {
            trainer,
            steps: per_epoch.saturating_mul(trainer.config.epochs),
            step: 0,
            per_epoch,
            sound: (0, model.clone()),
            candidate: None,
            carried: Some(Carried::new(model, optimiser, trainer.config.seed)),
            epoch: Totals::default(),
            started: Instant::now(),
            reported: Instant::now(),
            training_seconds: 0.0,
            evaluation_seconds: 0.0,
        }
    }

    /// Model and optimiser as they are.
    pub fn finish(mut self) -> Carried<M, O> {
        self.carried.take().expect("put back after every step")
    }

    pub fn run<D>(
        &mut self,
        train: &Loader<D>,
        test: Option<&Loader<D>>,
        observer: &mut Observer<'_>,
    ) -> Result<(Ending, Option<Evaluation>), TrainError>
    where
        D: Dataset + 'static,
        D::Batch: LabelledBatch + 'static,
    {
        let config = self.trainer.config;
        let mut step = Step::new(training_step::<M, O>(&config));
        let mut evaluator: Option<Evaluator<M>> = None;
        let mut last = None;
        for epoch in 1..=config.epochs {
            self.epoch = Totals::default();
            for batch in train.epoch(epoch)? {
                let (inputs, labels) = batch?.into_tensors();
                let carried = self.carried.take().expect("put back after every step");
                let rate = config.learning_rate * config.schedule.factor(self.step);
                self.carried = Some(step.call((carried.with_learning_rate(rate), inputs, labels)));
                self.step += 1;
                let stopped = self.trainer.is_stopped();
                let due = self.step.is_multiple_of(config.report_every.max(1));
                if stopped || due || self.step == epoch * self.per_epoch {
                    let progress = self.report(epoch)?;
                    observer(Event::Progress(&progress)).map_err(TrainError::Observer)?;
                }
                if stopped {
                    return Ok((self.interrupt()?, last));
                }
            }
            if let Some(test) = test {
                observer(Event::Evaluating).map_err(TrainError::Observer)?;
                let begin = Instant::now();
                let evaluator = evaluator.get_or_insert_default();
                let evaluation = evaluator.evaluate(self.model(), test)?;
                if !evaluation.loss.is_finite() {
                    // The last update went wrong: no training step has used its weights yet.
                    let rate = config.learning_rate * config.schedule.factor(self.step - 1);
                    return Err(TrainError::NotFinite {
                        step: self.step,
                        epoch,
                        learning_rate: rate,
                        saved: None,
                    });
                }
                last = Some(evaluation);
                self.evaluation_seconds = begin.elapsed().as_secs_f64();
                self.reported = Instant::now();
            }
            let end = self.end_epoch(epoch, last.clone())?;
            observer(Event::Epoch(&end)).map_err(TrainError::Observer)?;
            if self.trainer.is_stopped() && epoch < config.epochs {
                return Ok((self.interrupt()?, last));
            }
        }
        if config.epochs == 0 {
            self.trainer.save(self.model(), self.step)?;
        }
        Ok((Ending::Complete, last))
    }

    /// Saves what is sound before an error is handed on, and puts into the error where that is.
    pub fn rescue(&mut self, error: TrainError) -> TrainError {
        match error {
            TrainError::NotFinite { step, epoch, learning_rate, .. } => {
                let seconds = self.started.elapsed().as_secs_f64();
                // The training has failed already; a record or weights that cannot be written change nothing of that.
                let _ = self.trainer.record(&Record::NotFinite { step, seconds });
                let (taken, model) = &self.sound;
                let written = self.trainer.save(model, *taken).is_ok();
                let run = self.trainer.run.filter(|_| written);
                let saved = run.map(|run| (run.model_path(), *taken));
                TrainError::NotFinite { step, epoch, learning_rate, saved }
            }
            TrainError::Data(_) | TrainError::Observer(_) | TrainError::Run(_) => {
                let sound = (self.sound.0, &self.sound.1);
                let current = self.carried.as_ref().filter(|carried| carried.first_bad().is_none());
                let (step, model) = current.map_or(sound, |carried| (self.step, &carried.model));
                let _ = self.trainer.save(model, step);
                error
            }
            TrainError::NoBatch { .. } => error,
        }
    }

    fn model(&self) -> &M {
        &self.carried.as_ref().expect("put back after every step").model
    }

    /// Reads the sums back and records them.
    fn report(&mut self, epoch: u64) -> Result<Progress, TrainError> {
        let config = self.trainer.config;
        let rate = |step: u64| config.learning_rate * config.schedule.factor(step.saturating_sub(1));
        let carried = self.carried.as_mut().expect("put back after every step");
        let totals = carried.take_totals();
        if let Some(step) = carried.first_bad() {
            // The weights of the last report were used for the step after it.
            if let Some(sound) = self.candidate.take_if(|(taken, _)| *taken + 1 < step) {
                self.sound = sound;
            }
            let epoch = (step - 1) / self.per_epoch + 1;
            return Err(TrainError::NotFinite { step, epoch, learning_rate: rate(step), saved: None });
        }
        // The weights of the last report have given a finite loss since.
        let current = (self.step, carried.model.clone());
        if let Some(sound) = self.candidate.replace(current) {
            self.sound = sound;
        }
        self.epoch.add(totals);
        let seconds_since = self.reported.elapsed().as_secs_f64();
        self.reported = Instant::now();
        self.training_seconds += seconds_since;
        let per_step = self.training_seconds / self.step as f64;
        let evaluations = (config.epochs + 1 - epoch) as f64;
        let progress = Progress {
            epoch,
            epochs: config.epochs,
            step: self.step,
            steps: self.steps,
            loss: totals.loss / totals.items,
            accuracy: totals.correct / totals.items,
            learning_rate: rate(self.step),
            items_per_second: totals.items / seconds_since.max(1e-9),
            seconds: self.started.elapsed().as_secs_f64(),
            seconds_left: per_step * (self.steps - self.step) as f64 + evaluations * self.evaluation_seconds,
        };
        self.trainer.record(&Record::Progress(&progress))?;
        Ok(progress)
    }

    fn interrupt(&mut self) -> Result<Ending, TrainError> {
        let seconds = self.started.elapsed().as_secs_f64();
        self.trainer.save(self.model(), self.step)?;
        self.trainer.record(&Record::Interrupted { step: self.step, seconds })?;
        Ok(Ending::Interrupted { step: self.step })
    }

    fn end_epoch(&mut self, epoch: u64, test: Option<Evaluation>) -> Result<EpochEnd, TrainError> {
        self.trainer.save(self.model(), self.step)?;
        let end = EpochEnd {
            epoch,
            epochs: self.trainer.config.epochs,
            step: self.step,
            train_loss: self.epoch.loss / self.epoch.items,
            train_accuracy: self.epoch.correct / self.epoch.items,
            test,
            seconds: self.started.elapsed().as_secs_f64(),
        };
        self.trainer.record(&Record::Epoch {
            epoch,
            step: end.step,
            train_loss: end.train_loss,
            train_accuracy: end.train_accuracy,
            test_loss: end.test.as_ref().map(|test| test.loss),
            test_accuracy: end.test.as_ref().map(|test| test.accuracy),
            seconds: end.seconds,
        })?;
        Ok(end)
    }
}
