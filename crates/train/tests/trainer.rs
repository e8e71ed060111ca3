//! The loop: what it learns, when it stops, what it leaves behind, and that it goes on exactly where it was.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bolete_data::{DataError, Dataset, EpochRandomness, Loader, LoaderOptions};
use bolete_nn::{
    Activation, Adam, AdamConfig, Averaging, BatchNormConfig, Context, CrossEntropy, Dropout, LinearConfig,
    Module, Precision, Schedule, Sequential, UpdateRule,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Tensor};
use bolete_train::{
    Classification, Controls, EarlyStopping, Ending, EpochEnd, Evaluator, Event, Fit, Goal, IntoTensors,
    Measures, Monitor, Record, RunFolder, Streamed, Supervised, SupervisedState, TrainError, Trainer,
    TrainerConfig,
};

/// Points `[n, 2]`, and whether their coordinates have the same sign.
#[derive(Debug)]
struct Quadrants {
    len: usize,
    /// The item whose coordinates are NaN.
    broken: Option<usize>,
}

struct Points(Vec<f32>, Vec<i64>);

impl IntoTensors for Points {
    type Tensors = (Tensor, Tensor);

    fn into_tensors(self) -> (Tensor, Tensor) {
        let count = self.1.len();
        (Tensor::from_vec(self.0, [count, 2]), Tensor::from(self.1))
    }
}

impl Dataset for Quadrants {
    type Batch = Points;

    fn len(&self) -> usize {
        self.len
    }

    fn batch(&self, indices: &[usize], _: &EpochRandomness) -> Result<Points, DataError> {
        let mut points = Points(Vec::new(), Vec::new());
        for index in indices {
            let mut randomness = bolete_data::Randomness::keyed(&[*index as u64]);
            let (x, y) = (randomness.between(-1.0, 1.0), randomness.between(-1.0, 1.0));
            points.0.extend(if self.broken == Some(*index) { [f32::NAN; 2] } else { [x, y] });
            points.1.push(i64::from(x * y > 0.0));
        }
        Ok(points)
    }
}

fn loader(len: usize, broken: Option<usize>, shuffle: bool) -> Loader<Quadrants> {
    let options = LoaderOptions { batch_size: 50, shuffle, ..LoaderOptions::default() };
    Loader::new(Arc::new(Quadrants { len, broken }), options).expect("the options are sound")
}

fn network() -> Sequential {
    let [first, second] = Key::new(1).split();
    Sequential::new([
        LinearConfig::new(2, 32).init(&first).into(),
        BatchNormConfig::new(32).init().into(),
        Activation::Relu.into(),
        Dropout { probability: 0.1 }.into(),
        LinearConfig::new(32, 2).init(&second).into(),
    ])
}

fn bytes(model: &Sequential) -> Vec<Vec<u8>> {
    model.leaves().iter().map(Tensor::to_bytes).collect()
}

type Learner = Supervised<Sequential, (Tensor, Tensor), Adam>;
type State = SupervisedState<Sequential, Adam>;

fn learner() -> Learner {
    Classification { label_smoothing: 0.05 }.learner().clip_norm(1.0)
}

fn state(learner: &Learner) -> State {
    let optimiser = AdamConfig { learning_rate: 0.02, ..AdamConfig::default() }.init(&network());
    learner.state(network(), optimiser)
}

/// A run folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bolete-trainer-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn run(&self) -> RunFolder {
        RunFolder::create(&self.0, "quadrants", &serde_json::json!({})).expect("a new run")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Trains without looking.
fn fit(
    trainer: &Trainer,
    learner: Learner,
    train: &Loader<Quadrants>,
    test: Option<&Loader<Quadrants>>,
) -> Result<Fit<State>, TrainError> {
    let state = state(&learner);
    let test = test.map(|test| test as &dyn bolete_train::Source<Batch = (Tensor, Tensor)>);
    trainer.fit(&Arc::new(learner), state, train, test, &mut |_, _| Ok(()))
}

#[test]
fn learns_reports_and_repeats_itself() {
    let config = TrainerConfig { epochs: 20, report_every: 8, seed: 5, ..TrainerConfig::default() };
    // 1,020 items: the last batch of an epoch has 20.
    let (train, test) = (loader(1020, None, true), loader(330, None, false));
    let trainer = Trainer::new(config).with_schedule(Schedule::Cosine { warm_up: 10, total: 420, last: 0.0 });
    let learner = Arc::new(learner());
    let (mut steps, mut epochs) = (Vec::new(), Vec::new());
    let first = trainer
        .fit(&learner, state(&learner), &train, Some(&test), &mut |event, _| {
            match event {
                Event::Progress(progress) => steps.push(progress.step),
                Event::Epoch(end) => epochs.push(end.means["loss"]),
                _ => {}
            }
            Ok(())
        })
        .expect("the training is sound");
    assert_eq!(steps[..4], [8, 16, 21, 24], "a report every 8 steps and at the end of an epoch of 21");
    assert_eq!((steps.last(), epochs.len(), first.step), (Some(&420), 20, 420));
    assert_eq!(first.ending, Ending::Complete);
    let last = first.last.clone().expect("there are test data");
    let confusion = last.confusion().expect("classes were collected");
    assert_eq!(confusion.total(), 330);
    assert!(last["accuracy"] > 0.9, "accuracy {}", last["accuracy"]);
    assert!((confusion.accuracy().expect("of 330") - last["accuracy"]).abs() < 1e-6);
    // The same again outside of the loop; statistics of batch normalisation came along.
    let again = Evaluator::new(learner.clone(), 5).evaluate(&first.state, &test).expect("the data are sound");
    assert_eq!(again.means, last.means);
    let second = fit(&trainer, self::learner(), &train, None).expect("the training is sound");
    assert_eq!(bytes(&first.state.model), bytes(&second.state.model), "the same seed gives the same bits");
}

#[test]
fn a_flag_stops_it_after_the_running_step() {
    let controls = Controls::default();
    let config = TrainerConfig { epochs: 100, report_every: 3, ..TrainerConfig::default() };
    let learner = Arc::new(learner());
    let fit = Trainer::new(config)
        .with_controls(&controls)
        .fit(&learner, state(&learner), &loader(500, None, true), None, &mut |event, _| {
            if matches!(event, Event::Progress(progress) if progress.step == 6) {
                controls.stop.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
        .expect("stopping is no error");
    assert_eq!((fit.ending, fit.step), (Ending::Interrupted, 7));
}

/// All that a state holds, bit by bit.
fn everything(state: &State) -> Vec<Vec<u8>> {
    state.leaves().iter().map(Tensor::to_bytes).collect()
}

/// A line of the record without what depends on the clock.
fn without_times(mut record: Record) -> String {
    match &mut record {
        Record::Progress(progress) => {
            (progress.items_per_second, progress.waiting) = (0.0, 0.0);
            (progress.seconds, progress.seconds_left) = (0.0, 0.0);
        }
        Record::Epoch(EpochEnd { seconds, .. })
        | Record::Evaluation { seconds, .. }
        | Record::Ended { seconds, .. } => *seconds = 0.0,
        _ => {}
    }
    format!("{record:?}")
}

/// Measures something that is infinite, as a perplexity may be.
fn unbounded() -> Learner {
    let loss = |model: &Sequential,
                (inputs, labels): &(Tensor, Tensor),
                context: &mut Context,
                measures: &mut Measures| {
        measures.mean("perplexity", &Tensor::scalar(f64::INFINITY, DType::F64), 1.0);
        CrossEntropy::default().of(&model.forward(inputs, context), labels)
    };
    Supervised::new(loss).clip_norm(1.0)
}

/// Stops a run after this many steps and lets a new trainer go on, until it is complete.
fn in_pieces(
    config: &TrainerConfig,
    learner: fn() -> Learner,
    every: u64,
    name: &str,
) -> (Fit<State>, Vec<String>) {
    let folder = Folder::new(name);
    drop(folder.run());
    let (train, test) = (loader(520, None, true), loader(90, None, false));
    for _ in 0..100 {
        let run = RunFolder::resume(&folder.0).expect("the run goes on");
        let controls = Controls::default();
        let learner = Arc::new(learner());
        let mut steps = 0;
        let fit = Trainer::new(config.clone())
            .with_schedule(Schedule::Cosine { warm_up: 3, total: 40, last: 0.1 })
            .with_run(&run)
            .with_controls(&controls)
            .fit(&learner, state(&learner), &train, Some(&test), &mut |event, _| {
                if matches!(event, Event::Progress(_)) {
                    steps += 1;
                    controls.stop.store(steps == every, Ordering::Relaxed);
                }
                Ok(())
            })
            .expect("the training is sound");
        if fit.ending != Ending::Interrupted {
            let records = run.history().expect("the record is whole");
            let steps: Vec<u64> = records
                .iter()
                .filter_map(|record| match record {
                    Record::Evaluation { step, .. } => Some(*step),
                    _ => None,
                })
                .collect();
            assert!(steps.is_sorted_by(|a, b| a < b), "an evaluation stands twice: {steps:?}");
            return (fit, records.into_iter().map(without_times).collect());
        }
    }
    panic!("it never ends");
}

#[test]
fn a_run_in_pieces_ends_with_the_bits_of_one_that_was_not_stopped() {
    let plain: fn() -> Learner = learner;
    let accumulating: fn() -> Learner = || learner().accumulating();
    let averaged: fn() -> Learner =
        || learner().average(Averaging::Exponential { decay: 0.99 }).precision(Precision::bf16());
    for (name, learner, accumulate, evaluate_every) in [
        ("plain", plain, 1, 4),
        // With an evaluation at the end of each epoch of 11 steps.
        ("unbounded", unbounded as fn() -> Learner, 1, 11),
        ("accumulating", accumulating, 3, 4),
        ("averaged", averaged, 1, 4),
    ] {
        let config = TrainerConfig {
            epochs: 4,
            report_every: 1,
            evaluate_every: Some(evaluate_every),
            accumulate,
            seed: 3,
            ..TrainerConfig::default()
        };
        let (whole, expected) = in_pieces(&config, learner, u64::MAX, &format!("{name}-whole"));
        for every in [1, 5] {
            let (pieces, record) = in_pieces(&config, learner, every, &format!("{name}-{every}"));
            assert_eq!(everything(&pieces.state), everything(&whole.state), "{name}, stopped every {every}");
            assert_eq!(pieces.best, whole.best, "{name}");
            assert_eq!(record, expected, "{name}, stopped every {every}");
            assert_eq!(
                pieces.last.expect("there are test data").means,
                whole.last.clone().expect("there are test data").means
            );
        }
    }
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let folder = Folder::new("damaged");
    let config = TrainerConfig { epochs: 2, checkpoint_every: Some(4), ..TrainerConfig::default() };
    let train = loader(500, None, true);
    let whole = {
        let run = folder.run();
        fit(&Trainer::new(config.clone()).with_run(&run), learner(), &train, None).expect("sound")
    };
    let run = RunFolder::resume(&folder.0).expect("nobody is at it");
    assert_eq!(run.snapshots().steps(), [16, 20], "the last two are kept");
    let last = run.snapshots().file(20);
    let sound = fs::read(&last).expect("it can be read");
    // One bit of a weight; the file cut short; nothing at all.
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    for broken in [&flipped[..], &sound[..sound.len() / 3], &[]] {
        fs::write(&last, broken).expect("it can be written");
        let learner = Arc::new(learner());
        let (mut warnings, mut began) = (Vec::new(), None);
        let again = Trainer::new(config.clone())
            .with_run(&run)
            .fit(&learner, state(&learner), &train, None, &mut |event, _| {
                match event {
                    Event::Warning(line) => warnings.push((*line).to_owned()),
                    Event::Started(started) => began = started.resumed,
                    _ => {}
                }
                Ok(())
            })
            .expect("the one before is sound");
        assert_eq!((warnings.len(), began), (1, Some(16)), "{warnings:?}");
        assert!(warnings[0].contains("step-000000020") && warnings[0].contains("step 16"), "{warnings:?}");
        assert_eq!(everything(&again.state), everything(&whole.state));
    }
    for step in [16, 20] {
        fs::write(run.snapshots().file(step), b"rubbish").expect("it can be written");
    }
    let error =
        fit(&Trainer::new(config).with_run(&run), learner(), &train, None).expect_err("all are damaged");
    assert!(error.to_string().contains("step-000000020"), "{error}");
}

#[test]
fn another_architecture_or_other_data_are_refused() {
    let folder = Folder::new("changed");
    let config = TrainerConfig::default();
    let run = folder.run();
    let trainer = Trainer::new(config).with_run(&run);
    fit(&trainer, learner(), &loader(500, None, true), None).expect("sound");
    let error = fit(&trainer, learner(), &loader(501, None, true), None).expect_err("other data");
    assert!(matches!(error, TrainError::DataChanged { .. }), "{error}");
    let averaged = learner().average(Averaging::Equal);
    let error = fit(&trainer, averaged, &loader(500, None, true), None).expect_err("another form");
    assert!(error.to_string().contains("missing") && error.to_string().contains("average"), "{error}");
    let error = RunFolder::resume(&folder.0).expect_err("the folder is in use");
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn a_loss_that_is_nan_names_its_step_and_keeps_a_sound_checkpoint() {
    let folder = Folder::new("nan");
    let run = folder.run();
    let config = TrainerConfig { report_every: 4, checkpoint_every: Some(6), ..TrainerConfig::default() };
    // In order, item 725 is in the 15th batch. Reports come at 4, 8, 12 and 16.
    let train = loader(1000, Some(725), false);
    let error =
        fit(&Trainer::new(config).with_run(&run), learner(), &train, None).expect_err("a batch is NaN");
    let TrainError::NotFinite { step, epoch, saved: Some((path, taken)), .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*step, *epoch, *taken), (15, 1, 12));
    assert_eq!(*path, run.snapshots().file(12));
    let model = run.load_model(&network()).expect("the weights are whole");
    let finite =
        model.leaves().iter().all(|leaf| leaf.dtype().is_integer() || leaf.is_finite().all(..).item() != 0.0);
    assert!(finite, "weights that are not finite were saved");
}

#[test]
fn it_ends_early_when_nothing_improves_and_keeps_the_best() {
    let folder = Folder::new("early");
    let run = folder.run();
    let config = TrainerConfig {
        epochs: 60,
        monitor: Monitor { measure: "accuracy".to_owned(), goal: Goal::Highest },
        early_stopping: Some(EarlyStopping { patience: 2, margin: 0.0 }),
        ..TrainerConfig::default()
    };
    let (train, test) = (loader(500, None, true), loader(200, None, false));
    let fit = self::fit(&Trainer::new(config.clone()).with_run(&run), learner(), &train, Some(&test))
        .expect("sound");
    assert_eq!(fit.ending, Ending::Stopped);
    let (best, value) = fit.best.expect("there were evaluations");
    assert_eq!(fit.step, best + 20, "two epochs after the best");
    let found = run.history().expect("the record is whole").into_iter().find_map(|record| match record {
        Record::Evaluation { step, means, .. } if step == best => Some(means["accuracy"]),
        _ => None,
    });
    assert_eq!(found, Some(value));
    assert!(run.best_path().is_file());
    let unknown = Monitor { measure: "acuracy".to_owned(), goal: Goal::Highest };
    let config = TrainerConfig { monitor: unknown, ..config };
    let error =
        self::fit(&Trainer::new(config), learner(), &train, Some(&test)).expect_err("no such measure");
    assert!(error.to_string().contains("acuracy") && error.to_string().contains("accuracy, loss"), "{error}");
}

#[test]
fn accumulating_gradients_is_a_larger_batch() {
    // In double precision the sums differ by rounding only. No dropout, no statistics of batches.
    let model = || {
        let [first, second] = Key::new(1).split();
        let model = Sequential::new([
            LinearConfig::new(2, 8).init(&first).into(),
            Activation::Tanh.into(),
            LinearConfig::new(8, 2).init(&second).into(),
        ]);
        bolete_nn::cast_floats(&model, DType::F64)
    };
    let learner = || {
        Supervised::<Sequential, (Tensor, Tensor), Adam>::new(|model, (x, labels), context, _| {
            use bolete_nn::Module;
            model.forward(&x.cast(DType::F64), context).cross_entropy(labels).mean(..)
        })
    };
    let train = |batch_size: usize, accumulate: u64| {
        let options = LoaderOptions { batch_size, shuffle: false, ..LoaderOptions::default() };
        let data = Loader::new(Arc::new(Quadrants { len: 480, broken: None }), options).expect("sound");
        let learner = if accumulate > 1 { learner().accumulating() } else { learner() };
        let state = learner.state(model(), AdamConfig::default().init(&model()));
        let config = TrainerConfig { epochs: 3, accumulate, ..TrainerConfig::default() };
        Trainer::new(config).fit(&Arc::new(learner), state, &data, None, &mut |_, _| Ok(())).expect("sound")
    };
    let (large, small) = (train(120, 1), train(30, 4));
    assert_eq!((large.step, small.step), (12, 12));
    for (a, b) in large.state.model.leaves().iter().zip(small.state.model.leaves()) {
        let difference = (a - b).abs().max(..).item();
        assert!(difference < 1e-12, "{difference}");
    }
}

#[test]
fn nothing_to_learn_from_is_told() {
    let error = fit(&Trainer::new(TrainerConfig::default()), learner(), &loader(0, None, true), None)
        .expect_err("there is nothing to learn from");
    assert!(matches!(error, TrainError::NoBatch), "{error}");
}

#[test]
fn an_observer_that_fails_ends_it_with_a_checkpoint() {
    let folder = Folder::new("observer");
    let run = folder.run();
    let config = TrainerConfig { epochs: 5, report_every: 2, ..TrainerConfig::default() };
    let learner = Arc::new(learner());
    let refuse = &mut |event: &Event, _: &State| match event {
        Event::Progress(_) => Err(std::io::Error::other("no more paper")),
        _ => Ok(()),
    };
    let error = Trainer::new(config)
        .with_run(&run)
        .fit(&learner, state(&learner), &loader(500, None, true), None, refuse)
        .expect_err("the observer gave up");
    assert!(error.to_string().contains("no more paper"), "{error}");
    run.load_model(&network()).expect("the weights were saved");
    assert_eq!(run.snapshots().steps(), [0, 2]);
}

#[test]
fn a_stream_goes_on_where_it_was_and_may_end_early() {
    use bolete_data::stream::{InOrder, StreamLoader, StreamOptions};

    let folder = Folder::new("stream");
    drop(folder.run());
    // 430 numbers: 9 batches where the epoch says 12.
    let source = || {
        let numbers: Vec<String> = (0..430).map(|number| number.to_string()).collect();
        let collate = |items: Vec<(String, bolete_data::Randomness)>| {
            let numbers: Vec<f32> = items.iter().map(|(item, _)| item.parse().expect("a number")).collect();
            let points: Vec<f32> = numbers.iter().flat_map(|number| [number.sin(), number.cos()]).collect();
            let labels: Vec<i64> = numbers.iter().map(|number| i64::from(number % 7.0 > 3.0)).collect();
            Ok((Tensor::from_vec(points, [labels.len(), 2]), Tensor::from(labels)))
        };
        let options = StreamOptions { batch_size: 50, ..StreamOptions::default() };
        let loader =
            StreamLoader::new(InOrder::new(numbers), "points 1", collate, options).expect("sound options");
        Streamed::new(loader, 12)
    };
    let config = TrainerConfig { epochs: 3, report_every: 2, seed: 1, ..TrainerConfig::default() };
    let run_on = |run: Option<&RunFolder>, stop_after: u64| {
        let controls = Controls::default();
        let learner = Arc::new(learner());
        let trainer = Trainer::new(config.clone()).with_controls(&controls);
        let trainer = match run {
            Some(run) => trainer.with_run(run),
            None => trainer,
        };
        let mut reports = 0;
        let mut batches = Vec::new();
        let fit = trainer
            .fit(&learner, state(&learner), &source(), None, &mut |event, _| {
                match event {
                    Event::Progress(progress) => {
                        reports += 1;
                        batches.push(progress.step);
                        controls.stop.store(reports == stop_after, Ordering::Relaxed);
                    }
                    Event::Epoch(end) => assert_eq!(end.step, 9 * end.epoch),
                    _ => {}
                }
                Ok(())
            })
            .expect("the stream is sound");
        (fit, batches)
    };
    let (whole, batches) = run_on(None, u64::MAX);
    assert_eq!((whole.ending, whole.step), (Ending::Complete, 27));
    assert_eq!(batches[..6], [2, 4, 6, 8, 9, 10], "what is left is reported when the stream ends");
    for _ in 0..100 {
        let run = RunFolder::resume(&folder.0).expect("the run goes on");
        let (fit, _) = run_on(Some(&run), 1);
        if fit.ending == Ending::Complete {
            assert_eq!(everything(&fit.state), everything(&whole.state));
            return;
        }
    }
    panic!("it never ends");
}
