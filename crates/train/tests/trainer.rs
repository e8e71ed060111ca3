//! The epoch loop: what it learns, when it stops, and what it leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bolete_data::{DataError, Dataset, EpochRandomness, Loader, LoaderOptions};
use bolete_nn::{
    Activation, AdamConfig, BatchNormConfig, Dropout, LinearConfig, Schedule, Sequential, SgdConfig,
    UpdateRule,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{Key, Tensor};
use bolete_train::{Ending, Evaluator, Event, LabelledBatch, RunFolder, TrainError, Trainer, TrainerConfig};

/// Points `[n, 2]`, and whether their coordinates have the same sign.
struct Quadrants {
    len: usize,
    /// The item whose coordinates are NaN.
    broken: Option<usize>,
}

struct Points(Vec<f32>, Vec<i64>);

impl LabelledBatch for Points {
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

#[test]
fn learns_reports_and_repeats_itself() {
    let config = TrainerConfig {
        epochs: 20,
        learning_rate: 0.02,
        schedule: Schedule::Cosine { warm_up: 10, total: 420, last: 0.0 },
        clip_norm: Some(1.0),
        label_smoothing: 0.05,
        report_every: 8,
        seed: 5,
    };
    // 1,020 items: the last batch of an epoch has 20.
    let (train, test) = (loader(1020, None, true), loader(330, None, false));
    let fit = || {
        let (mut steps, mut epochs) = (Vec::new(), Vec::new());
        let fit = Trainer::new(config)
            .fit(network(), AdamConfig::default().init(&network()), &train, Some(&test), &mut |event| {
                match event {
                    Event::Progress(progress) => steps.push(progress.step),
                    Event::Epoch(end) => epochs.push(end.train_loss),
                    Event::Evaluating => {}
                }
                Ok(())
            })
            .expect("the training is sound");
        (fit, steps, epochs)
    };
    let (first, steps, epochs) = fit();
    assert_eq!(steps[..4], [8, 16, 21, 24], "a report every 8 steps and at the end of an epoch of 21");
    assert_eq!((steps.last(), epochs.len()), (Some(&420), 20));
    assert_eq!(first.ending, Ending::Complete);
    let last = first.last.expect("there are test data");
    assert_eq!(last.confusion.total(), 330);
    assert!(last.accuracy > 0.9, "accuracy {}", last.accuracy);
    // The same again outside of the loop; statistics of batch normalisation came along.
    let again = Evaluator::new().evaluate(&first.model, &test).expect("the data are sound");
    assert_eq!(again, last);
    assert_eq!(bytes(&first.model), bytes(&fit().0.model), "the same seed gives the same bits");
}

#[test]
fn a_flag_stops_it_after_the_running_step() {
    let stop = AtomicBool::new(false);
    let config = TrainerConfig { epochs: 100, report_every: 3, ..TrainerConfig::default() };
    let fit = Trainer::new(config)
        .with_stop(&stop)
        .fit(network(), SgdConfig::default().init(&network()), &loader(500, None, true), None, &mut |event| {
            if matches!(event, Event::Progress(progress) if progress.step == 6) {
                stop.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
        .expect("stopping is no error");
    assert_eq!(fit.ending, Ending::Interrupted { step: 7 });
}

#[test]
fn a_loss_that_is_nan_names_its_step_and_keeps_sound_weights() {
    let folder = std::env::temp_dir().join(format!("bolete-trainer-nan-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let run = RunFolder::create(&folder, "quadrants", &serde_json::json!({})).expect("a new run");
    let config = TrainerConfig { epochs: 1, report_every: 4, ..TrainerConfig::default() };
    // In order, item 725 is in the 15th batch. Reports come at 4, 8, 12 and 16.
    let error = Trainer::new(config)
        .with_run(&run)
        .fit(
            network(),
            SgdConfig::default().init(&network()),
            &loader(1000, Some(725), false),
            None,
            &mut |_| Ok(()),
        )
        .expect_err("a batch is NaN");
    let TrainError::NotFinite { step, epoch, saved: Some((path, taken)), .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*step, *epoch, *taken), (15, 1, 12));
    assert_eq!(*path, run.model_path());
    let model = run.load_model(&network()).expect("the weights are whole");
    let finite =
        model.leaves().iter().all(|leaf| leaf.dtype().is_integer() || leaf.is_finite().all(..).item() != 0.0);
    assert!(finite, "weights that are not finite were saved");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

#[test]
fn nothing_to_learn_from_is_told() {
    let error = Trainer::new(TrainerConfig::default())
        .fit(network(), SgdConfig::default().init(&network()), &loader(0, None, true), None, &mut |_| Ok(()))
        .expect_err("there is nothing to learn from");
    assert!(matches!(error, TrainError::NoBatch { items: 0, batch_size: 50 }), "{error}");
}

#[test]
fn an_observer_that_fails_ends_it_with_the_weights_saved() {
    let folder = std::env::temp_dir().join(format!("bolete-trainer-observer-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let run = RunFolder::create(&folder, "quadrants", &serde_json::json!({})).expect("a new run");
    let config = TrainerConfig { epochs: 5, report_every: 2, ..TrainerConfig::default() };
    let refuse = &mut |_: Event| Err(std::io::Error::other("no more paper"));
    let error = Trainer::new(config)
        .with_run(&run)
        .fit(network(), SgdConfig::default().init(&network()), &loader(500, None, true), None, refuse)
        .expect_err("the observer gave up");
    assert!(error.to_string().contains("no more paper"), "{error}");
    run.load_model(&network()).expect("the weights were saved");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}
