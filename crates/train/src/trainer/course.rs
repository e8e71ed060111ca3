//! A training under way: what is read back, recorded and saved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bolete_formats::safetensors::Metadata;
use bolete_formats::tensorboard::EventWriter;
use bolete_tensor::{DType, Step, Tensor};
use serde::{Deserialize, Serialize};

use super::carried::{Carried, Core, Given, Totals, step_of};
use super::event::{Ending, EpochEnd, Evaluated, Event, Observer, Progress, Started};
use super::{Controls, Fit, TrainError, Trainer};
use crate::evaluation::{Evaluation, Evaluator};
use crate::learner::{Learner, items};
use crate::record::{self, Record};
use crate::run_folder::RunError;
use crate::source::{Place, Source};

/// Where training is, as a checkpoint holds it beside the tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    /// The epoch under way, from 1, and the place in its data.
    epoch: u64,
    place: Place,
    /// Batches and updates done.
    batches: u64,
    step: u64,
    /// Sums since the last report, and over the epoch up to it.
    sums: Totals,
    epoch_sums: Totals,
    /// The last evaluation: its update and what was found.
    evaluated: Option<(u64, BTreeMap<String, f64>)>,
    /// The best evaluation: its update and value; and how many have been worse since.
    best: Option<(u64, f64)>,
    worse: u64,
    /// Seconds of training, and of the last evaluation.
    seconds: f64,
    evaluation_seconds: f64,
    /// Bytes of metrics that belong to this state.
    metrics: u64,
    /// Fingerprint of the data, in hexadecimal digits.
    data: String,
    /// How training ended, once it has.
    ended: Option<Ending>,
}

type Replayed<L> = Step<'static, Given<L>, Carried<<L as Learner>::State>>;

/// A training under way.
pub(super) struct Course<'a, L: Learner> {
    trainer: Trainer<'a>,
    learner: Arc<L>,
    update: Replayed<L>,
    accumulate: Replayed<L>,
    evaluator: Evaluator<L>,
    /// Taken while a step runs.
    carried: Option<Carried<L::State>>,
    position: Position,
    per_epoch: u64,
    steps: u64,
    began: Instant,
    /// Seconds of training before this process.
    before: f64,
    reported: Instant,
    waited: Duration,
    items: u64,
    last: Option<Evaluation>,
    /// The update after which the last checkpoint was taken.
    saved: Option<u64>,
    /// The same as the metrics, for TensorBoard.
    events: Option<EventWriter>,
}

const PUT_BACK: &str = "put back after every step";

impl<'a, L: Learner> Course<'a, L> {
    /// At the beginning, or where the last checkpoint of the run folder is.
    pub fn begin(
        trainer: Trainer<'a>,
        learner: Arc<L>,
        state: L::State,
        train: &dyn Source<Batch = L::Batch>,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<Course<'a, L>, TrainError> {
        let config = &trainer.config;
        let per_epoch = train.batches_per_epoch();
        let all = per_epoch.saturating_mul(config.epochs) / config.accumulate.max(1);
        let steps = config.steps.map_or(all, |steps| steps.min(all));
        let data = trainer.run.map_or_else(String::new, |_| format!("{:016x}", train.fingerprint()));
        let mut carried = Carried::new(state, config.seed);
        let mut position = Position { epoch: 1, data: data.clone(), ..Position::default() };
        let mut saved = None;
        if let Some(run) = trainer.run
            && let Some(found) = run.snapshots().load::<Core<L::State>, Position>(&carried.core)?
        {
            if found.position.data != data {
                let run = run.path().to_path_buf();
                return Err(TrainError::DataChanged { run, then: found.position.data, now: data });
            }
            for damage in &found.damaged {
                let line = format!("{damage}; going on from step {} before it", found.step);
                observer(&Event::Warning(&line), &found.tree.state).map_err(TrainError::Observer)?;
            }
            position = found.position;
            carried = Carried::restored(found.tree, &position.sums);
            saved = Some(found.step);
        }
        if let Some(run) = trainer.run {
            run.truncate_metrics(position.metrics)?;
        }
        let events = match trainer.run {
            Some(run) => Some(match saved {
                Some(step) => EventWriter::resume(run.path(), step + 1).map_err(RunError::from)?,
                None => EventWriter::create(run.path()).map_err(RunError::from)?,
            }),
            None => None,
        };
        let started = Started { resumed: saved, epochs: config.epochs, steps };
        observer(&Event::Started(&started), &carried.core.state).map_err(TrainError::Observer)?;
        let mut course = Course {
            update: Step::new(step_of(learner.clone(), true)),
            accumulate: Step::new(step_of(learner.clone(), false)),
            evaluator: Evaluator::new(learner.clone(), config.seed),
            learner,
            carried: Some(carried),
            per_epoch,
            steps,
            began: Instant::now(),
            before: position.seconds,
            reported: Instant::now(),
            waited: Duration::ZERO,
            items: 0,
            last: None,
            saved,
            events,
            position,
            trainer,
        };
        if course.saved.is_none() {
            // From here on there is always something sound to go back to.
            course.save(observer)?;
        }
        Ok(course)
    }

    /// Goes to the end.
    pub fn run(
        mut self,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<Fit<L::State>, TrainError> {
        let ending = self.epochs(train, test, observer);
        let ending = match ending {
            Ok(ending) => ending,
            Err(error) => return Err(self.rescue(error)),
        };
        if ending != Ending::Interrupted {
            self.position.ended = Some(ending);
            self.save(observer)?;
        }
        let seconds = self.seconds();
        if ending != Ending::Interrupted {
            // A run that was complete when it was resumed has evaluated in an earlier process.
            if let (None, Some(test)) = (&self.last, test) {
                let carried = self.carried.as_ref().expect(PUT_BACK);
                self.last = Some(self.evaluator.evaluate(&carried.core.state, test)?);
            }
            // A run that is interrupted goes on: its record must not say that it ended.
            self.record(&Record::Ended { ending, step: self.position.step, seconds })?;
        }
        if let Some(run) = self.trainer.run {
            record::write_csv(&run.history()?, run.path().join("metrics.csv")).map_err(RunError::from)?;
        }
        let state = self.carried.take().expect(PUT_BACK).core.state;
        let Position { step, best, .. } = self.position;
        Ok(Fit { state, ending, step, last: self.last, best })
    }

    fn epochs(
        &mut self,
        train: &dyn Source<Batch = L::Batch>,
        test: Option<&dyn Source<Batch = L::Batch>>,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<Ending, TrainError> {
        let config = self.trainer.config.clone();
        let is_due =
            |step: u64, every: Option<u64>| every.is_some_and(|every| step.is_multiple_of(every.max(1)));
        let stop = |trainer: &Trainer| trainer.controls.is_some_and(Controls::wants_stop);
        if let Some(ending) = self.position.ended {
            return Ok(ending);
        }
        while self.position.epoch <= config.epochs && self.position.ended.is_none() {
            let begin = Instant::now();
            let mut batches = train.epoch_from(self.position.epoch, &self.position.place)?;
            self.waited += begin.elapsed();
            let mut ended_within = false;
            loop {
                if self.position.step == self.steps {
                    ended_within = self.position.place.batch < self.per_epoch;
                    break;
                }
                let begin = Instant::now();
                let Some(batch) = batches.next() else { break };
                self.waited += begin.elapsed();
                let batch = batch?;
                self.position.place.batch += 1;
                self.position.place.source = batches.source_place();
                let updated = self.step(batch)?;
                let step = self.position.step;
                let is_last = self.position.place.batch == self.per_epoch || step == self.steps;
                let stopped = stop(&self.trainer);
                // Not where it is stopped: the record is that of a run that was not.
                if is_last || updated && is_due(step, Some(config.report_every)) || config.debug_nans {
                    self.report(observer)?;
                }
                if let Some(test) = test
                    && updated
                    && is_due(step, config.evaluate_every)
                {
                    self.evaluate(test, observer)?;
                    if self.has_stalled() {
                        self.position.ended = Some(Ending::Stopped);
                        return Ok(Ending::Stopped);
                    }
                }
                let asked = self.trainer.controls.is_some_and(Controls::take_save);
                if stopped || asked || updated && is_due(step, config.checkpoint_every) {
                    self.check_sound()?;
                    self.save(observer)?;
                }
                if stopped {
                    return Ok(Ending::Interrupted);
                }
            }
            drop(batches);
            self.end_epoch(test, ended_within, observer)?;
            if self.has_stalled() {
                return Ok(Ending::Stopped);
            }
            if stop(&self.trainer) && self.position.epoch <= config.epochs && self.position.step < self.steps
            {
                self.save(observer)?;
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Complete)
    }

    /// One batch; whether parameters were updated.
    fn step(&mut self, batch: L::Batch) -> Result<bool, TrainError> {
        let mut carried = self.carried.take().expect(PUT_BACK);
        if self.position.batches == 0 {
            carried.expect_measures(&*self.learner, &batch);
        }
        self.items += items(&batch) as u64;
        let is_update = (self.position.batches + 1).is_multiple_of(self.trainer.config.accumulate.max(1));
        let factor = Tensor::scalar(self.trainer.schedule.factor(self.position.step), DType::F64);
        let replayed = if is_update { &mut self.update } else { &mut self.accumulate };
        let before = self.trainer.config.debug_nans.then(|| (carried.clone(), batch.clone()));
        let carried = replayed.call((carried, batch, factor));
        let bad = before.is_some() && carried.first_bad().is_some();
        self.carried = Some(carried);
        self.position.batches += 1;
        self.position.step += u64::from(is_update);
        match before {
            Some((carried, batch)) if bad => Err(self.origin_of_nan(carried, batch, is_update)),
            _ => Ok(is_update),
        }
    }

    /// Runs the step that went wrong once more, operation by operation.
    fn origin_of_nan(&self, carried: Carried<L::State>, batch: L::Batch, is_update: bool) -> TrainError {
        let factor =
            Tensor::scalar(self.trainer.schedule.factor(self.position.step.saturating_sub(1)), DType::F64);
        let function = step_of(self.learner.clone(), is_update);
        let origin = crate::origin::first_non_finite(function, (carried, batch, factor));
        match self.not_finite() {
            TrainError::NotFinite { step, epoch, rate_factor, saved, .. } => {
                TrainError::NotFinite { step, epoch, rate_factor, saved, origin }
            }
            error => error,
        }
    }

    fn carried(&self) -> &Carried<L::State> {
        self.carried.as_ref().expect(PUT_BACK)
    }

    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// Writes down what happened.
    fn record(&mut self, record: &Record) -> Result<(), TrainError> {
        let Some(run) = self.trainer.run else { return Ok(()) };
        run.append_metrics(record)?;
        if let Some(events) = &mut self.events {
            let (step, values) = record::curves_of(record);
            let tagged: Vec<(String, f64)> =
                values.into_iter().map(|(name, value)| (name.replacen("test ", "test/", 1), value)).collect();
            let scalars = tagged.iter().map(|(name, value)| (name.as_str(), *value));
            events.scalars(step, scalars).map_err(RunError::from)?;
        }
        Ok(())
    }

    fn tell(&self, event: &Event, observer: &mut Observer<'_, L::State>) -> Result<(), TrainError> {
        observer(event, &self.carried().core.state).map_err(TrainError::Observer)
    }

    fn check_sound(&self) -> Result<(), TrainError> {
        if self.carried().first_bad().is_some() { Err(self.not_finite()) } else { Ok(()) }
    }

    fn not_finite(&self) -> TrainError {
        let accumulate = self.trainer.config.accumulate.max(1);
        let batch = self.carried().first_bad().unwrap_or(self.position.batches).max(1);
        let step = batch.div_ceil(accumulate);
        TrainError::NotFinite {
            step,
            epoch: (batch - 1) / self.per_epoch.max(1) + 1,
            rate_factor: self.trainer.schedule.factor(step - 1),
            saved: self.trainer.run.zip(self.saved).map(|(run, step)| (run.snapshots().file(step), step)),
            origin: None,
        }
    }

    /// Reads the sums back and records them.
    fn report(&mut self, observer: &mut Observer<'_, L::State>) -> Result<(), TrainError> {
        self.check_sound()?;
        let totals = self.carried.as_mut().expect(PUT_BACK).take_totals();
        if totals.values().all(|(_, weight)| *weight == 0.0) && !totals.is_empty() {
            // Nothing since the last report.
            return Ok(());
        }
        for (name, (total, weight)) in &totals {
            let sum = self.position.epoch_sums.entry(name.clone()).or_default();
            sum.0 += total;
            sum.1 += weight;
        }
        let since = self.reported.elapsed().as_secs_f64().max(1e-9);
        let seconds = self.seconds();
        let done = self.position.step.max(1) as f64;
        let left = self.steps.saturating_sub(self.position.step) as f64;
        let progress = Progress {
            epoch: self.position.epoch,
            epochs: self.trainer.config.epochs,
            step: self.position.step,
            steps: self.steps,
            means: means(&totals),
            rate_factor: self.trainer.schedule.factor(self.position.step.saturating_sub(1)),
            items_per_second: self.items as f64 / since,
            waiting: self.waited.as_secs_f64() / since,
            seconds,
            seconds_left: seconds / done * left,
        };
        self.items = 0;
        self.waited = Duration::ZERO;
        self.reported = Instant::now();
        self.record(&Record::Progress(progress.clone()))?;
        self.tell(&Event::Progress(&progress), observer)
    }

    fn evaluate(
        &mut self,
        test: &dyn Source<Batch = L::Batch>,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<(), TrainError> {
        self.tell(&Event::Evaluating, observer)?;
        let begin = Instant::now();
        let carried = self.carried.as_ref().expect(PUT_BACK);
        let evaluation = self.evaluator.evaluate(&carried.core.state, test)?;
        self.position.evaluation_seconds = begin.elapsed().as_secs_f64();
        let monitor = &self.trainer.config.monitor;
        let Some(value) = evaluation.means.get(&monitor.measure).copied() else {
            return Err(TrainError::NoSuchMeasure {
                measure: monitor.measure.clone(),
                known: evaluation.means.keys().cloned().collect::<Vec<_>>().join(", "),
            });
        };
        if evaluation.means.iter().any(|(name, value)| name.ends_with("loss") && !value.is_finite()) {
            // The last update went wrong: no training step has used its weights yet.
            return Err(self.not_finite());
        }
        let margin = self.trainer.config.early_stopping.map_or(0.0, |stopping| stopping.margin);
        let is_best = self.position.best.is_none_or(|(_, best)| monitor.is_better(value, best, margin));
        if is_best {
            self.position.best = Some((self.position.step, value));
            self.position.worse = 0;
            if let Some(run) = self.trainer.run {
                run.save_best(&self.learner.model(&self.carried().core.state), &self.metadata())?;
            }
        } else {
            self.position.worse += 1;
        }
        let (epoch, step, seconds) = (self.position.epoch, self.position.step, self.seconds());
        self.position.evaluated = Some((step, evaluation.means.clone()));
        self.record(&Record::Evaluation { epoch, step, means: evaluation.means.clone(), is_best, seconds })?;
        let evaluated = Evaluated { epoch, step, evaluation: &evaluation, is_best, seconds };
        self.tell(&Event::Evaluated(&evaluated), observer)?;
        self.last = Some(evaluation);
        // Evaluation is not counted as time of training steps.
        self.reported += begin.elapsed();
        Ok(())
    }

    fn has_stalled(&self) -> bool {
        self.trainer.config.early_stopping.is_some_and(|stopping| self.position.worse >= stopping.patience)
    }

    /// The end of an epoch, or of training within one.
    fn end_epoch(
        &mut self,
        test: Option<&dyn Source<Batch = L::Batch>>,
        ended_within: bool,
        observer: &mut Observer<'_, L::State>,
    ) -> Result<(), TrainError> {
        // A stream may have ended before it was thought to.
        self.report(observer)?;
        let config = &self.trainer.config;
        // A run that was resumed may have evaluated in an earlier process.
        let is_evaluated = |course: &Self| matches!(course.position.evaluated, Some((step, _)) if step == course.position.step);
        if let Some(test) = test
            && (config.evaluate_every.is_none() || !is_evaluated(self) && self.position.step == self.steps)
        {
            self.evaluate(test, observer)?;
        }
        let end = EpochEnd {
            epoch: self.position.epoch,
            epochs: self.trainer.config.epochs,
            step: self.position.step,
            means: means(&std::mem::take(&mut self.position.epoch_sums)),
            test: self
                .position
                .evaluated
                .clone()
                .filter(|(step, _)| *step == self.position.step)
                .map(|(_, means)| means),
            seconds: self.seconds(),
        };
        self.record(&Record::Epoch(end.clone()))?;
        self.tell(&Event::Epoch(&end), observer)?;
        if ended_within {
            self.position.ended = Some(Ending::Complete);
        } else {
            self.position.epoch += 1;
            self.position.place = Place::default();
        }
        if self.trainer.config.checkpoint_every.is_none() {
            self.check_sound()?;
            self.save(observer)?;
        }
        Ok(())
    }

    fn metadata(&self) -> Metadata {
        Metadata::from([("step".to_owned(), self.position.step.to_string())])
    }

    /// Writes a checkpoint and the model.
    fn save(&mut self, observer: &mut Observer<'_, L::State>) -> Result<(), TrainError> {
        let Some(run) = self.trainer.run else { return Ok(()) };
        let position = Position {
            sums: self.carried().totals(),
            seconds: self.seconds(),
            metrics: run.metrics_bytes(),
            ..self.position.clone()
        };
        let step = position.step;
        run.snapshots().save(step, &self.carried().core, &position, self.trainer.config.keep_every)?;
        self.saved = Some(step);
        run.save_model(&self.learner.model(&self.carried().core.state), &self.metadata())?;
        self.tell(&Event::Saved { step }, observer)
    }

    /// Saves what is sound before an error is handed on.
    fn rescue(&mut self, error: TrainError) -> TrainError {
        match &error {
            TrainError::NotFinite { step, .. } => {
                let seconds = self.seconds();
                // The training has failed already; a record that cannot be written changes nothing of that.
                let _ = self.record(&Record::NotFinite { step: *step, seconds });
            }
            TrainError::Data(_) | TrainError::Observer(_) => {
                let sound = self.carried.as_ref().is_some_and(|carried| carried.first_bad().is_none());
                if sound {
                    let _ = self.save(&mut |_, _| Ok(()));
                }
            }
            _ => {}
        }
        if let Some(controls) = self.trainer.controls {
            controls.save.store(false, Ordering::Relaxed);
        }
        error
    }
}

/// Means of sums that have a weight.
fn means(totals: &Totals) -> BTreeMap<String, f64> {
    totals
        .iter()
        .filter(|(_, (_, weight))| *weight != 0.0)
        .map(|(name, (total, weight))| (name.clone(), total / weight))
        .collect()
}
