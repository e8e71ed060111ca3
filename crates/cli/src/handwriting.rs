//! Handwritten digits, and classifiers that learn to read them, as many recipes have them.

use std::path::Path;
use std::sync::Arc;

use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{
    ImageClassification, Loader, LoaderOptions, Normalisation, Randomness, TrainTest, idx_digits,
};
use bolete::prelude::*;
use bolete::train::{
    AnyOptimiser, Classification, Evaluation, Evaluator, Event, Fit, OptimiserConfig, Supervised,
    SupervisedState, TrainerConfig,
};

use crate::pictures::SIDE;
use crate::session::Session;
use crate::terminal;

/// Digits as many as MNIST has, drawn where there are no files.
const WHOLE: (usize, usize) = (60_000, 10_000);

/// Training and test digits: the first of the IDX files in `folder`, or drawn ones without it. A size of `None` takes
/// all of the files, or as many drawn ones as MNIST has.
///
/// # Errors
/// If the files cannot be read or have pictures of another size than 28×28.
pub fn load(
    folder: Option<&Path>,
    train_size: Option<usize>,
    test_size: Option<usize>,
    seed: u64,
) -> anyhow::Result<TrainTest> {
    let Some(folder) = folder else {
        let train = drawn(train_size.unwrap_or(WHOLE.0), seed);
        return Ok(TrainTest { train, test: unseen(test_size.unwrap_or(WHOLE.1), seed, 0) });
    };
    let first = |all: ImageClassification, size: Option<usize>| match size {
        Some(size) if size < all.labels().len() => all.select(&(0..size).collect::<Vec<_>>()),
        _ => all,
    };
    let TrainTest { train, test } = idx_digits::load(folder)?;
    check(&train, folder)?;
    check(&test, folder)?;
    Ok(TrainTest { train: first(train, train_size), test: first(test, test_size) })
}

/// Test digits: those of the IDX files in `folder`, or this many drawn ones that no training with any seed has seen.
///
/// # Errors
/// As [`load`].
pub fn load_tests(folder: Option<&Path>, size: usize, seed: u64) -> anyhow::Result<ImageClassification> {
    let Some(folder) = folder else { return Ok(unseen(size, seed, 1)) };
    let tests = idx_digits::load_part(folder, idx_digits::Part::Test)?;
    check(&tests, folder)?;
    Ok(tests)
}

fn drawn(count: usize, seed: u64) -> ImageClassification {
    drawn_digits::draw(count, seed, &DrawOptions { wobble: 0.042, shift: 0.5, ..DrawOptions::default() })
}

/// Drawn with a seed that is far from all that people choose, and another one for the test of the training (0) and for
/// later tests (1).
fn unseen(count: usize, seed: u64, purpose: u64) -> ImageClassification {
    drawn(count, Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), seed, purpose]).bits())
}

fn check(digits: &ImageClassification, folder: &Path) -> anyhow::Result<()> {
    let shape = digits.shape();
    anyhow::ensure!(
        (shape.channels, shape.height, shape.width) == (1, SIDE, SIDE),
        "{}: expected gray pictures of 28×28, found {}×{} with {} channels",
        folder.display(),
        shape.height,
        shape.width,
        shape.channels
    );
    Ok(())
}

/// Where digits come from, in words.
pub fn origin(folder: Option<&Path>) -> String {
    folder.map_or_else(|| "drawn by this program".to_owned(), |folder| format!("from {}", folder.display()))
}

/// All pictures as `f32` from 0 to 1, `[n, 784]`, and their classes `[n]`.
pub fn tensors(digits: &ImageClassification) -> (Tensor, Tensor) {
    let count = digits.labels().len();
    let pixels: Vec<u8> = (0..count).flat_map(|index| digits.pixels(index).iter().copied()).collect();
    let pixels = Tensor::from_vec(pixels, [count, SIDE * SIDE]).cast(DType::F32) / 255.0;
    (pixels, Tensor::from_slice(digits.labels(), [count]))
}

/// How a network learns to read digits.
pub struct Classifier<'a> {
    /// How parameters follow gradients.
    pub optimizer: &'a OptimiserConfig,
    /// How long and how often.
    pub trainer: &'a TrainerConfig,
    /// Pictures per step.
    pub batch_size: usize,
    /// The part of the target's probability that is spread over all classes.
    pub label_smoothing: f64,
    /// Decides order, augmentation and dropout.
    pub seed: u64,
}

type State = SupervisedState<Sequential, AnyOptimiser>;

impl Classifier<'_> {
    fn learner(&self) -> Supervised<Sequential, (Tensor, Tensor), AnyOptimiser> {
        let learner = Classification { label_smoothing: self.label_smoothing }.learner();
        let learner = if self.trainer.accumulate > 1 { learner.accumulating() } else { learner };
        match self.optimizer.clip_norm {
            Some(maximum) => learner.clip_norm(maximum),
            None => learner,
        }
    }

    /// Trains a network `[batch, 1, 28, 28]` to ten logits and tells how well it reads. `panel` makes the text that the
    /// dashboard shows beside the curves after each evaluation.
    ///
    /// # Errors
    /// Whatever ends the training early.
    pub fn fit(
        &self,
        session: &mut Session,
        model: &Sequential,
        digits: TrainTest,
        expected: &str,
        panel: impl Fn(&Sequential) -> Option<String>,
    ) -> anyhow::Result<Fit<State>> {
        let learned = digits.train.labels().len();
        let options = LoaderOptions {
            batch_size: self.batch_size,
            drop_last: learned >= self.batch_size,
            workers: 1,
            // More than the scheduler of a busy machine lets a thread wait.
            prefetch: 16,
            seed: self.seed,
            ..LoaderOptions::default()
        };
        let train = Loader::new(Arc::new(normalised(digits.train)), options)?;
        let test = in_order(digits.test)?;
        let learner = self.learner();
        let state = learner.state(model.clone(), self.optimizer.init(model));
        let updates = train.batches_per_epoch() as u64 * self.trainer.epochs / self.trainer.accumulate;
        let trainer = TrainerConfig { seed: self.seed, ..self.trainer.clone() };
        let schedule = self.optimizer.schedule(updates);
        let watch = &mut |event: &Event, state: &State| {
            Ok(if let Event::Evaluated(_) = event { panel(state.used()) } else { None })
        };
        let learner = Arc::new(learner);
        let fit = session.fit(&learner, state, &train, Some(&test), &trainer, schedule, watch)?;
        let evaluation = fit.last.clone().unwrap_or_default();
        session.print(&terminal::evaluation(&evaluation))?;
        if let Some(accuracy) = evaluation.means.get("accuracy") {
            session.result("test accuracy", *accuracy, expected)?;
        }
        Ok(fit)
    }

    /// Tests a network on digits.
    ///
    /// # Errors
    /// If the digits cannot be read.
    pub fn evaluate(&self, model: &Sequential, digits: ImageClassification) -> anyhow::Result<Evaluation> {
        let learner = self.learner();
        let state = learner.state(model.clone(), self.optimizer.init(model));
        Ok(Evaluator::new(Arc::new(learner), 0).evaluate(&state, &in_order(digits)?)?)
    }
}

/// Brought to the range that networks work in.
fn normalised(digits: ImageClassification) -> ImageClassification {
    digits.with_normalisation(Normalisation::mnist())
}

fn in_order(digits: ImageClassification) -> anyhow::Result<Loader<ImageClassification>> {
    let options = LoaderOptions { batch_size: 500, shuffle: false, workers: 1, ..LoaderOptions::default() };
    Ok(Loader::new(Arc::new(normalised(digits)), options)?)
}
