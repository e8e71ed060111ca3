//! `digits`: a network of the LeNet type that learns to read handwritten digits.
//!
//! The network is that of LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition* (1998),
//! with today's parts: ReLU, max pooling, dropout, AdamW.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bolete::data::augmentation::Crop;
use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{
    Augmentation, ImageClassification, Loader, LoaderOptions, Normalisation, Randomness, TrainTest,
    idx_digits,
};
use bolete::prelude::*;

use bolete::train::{
    AnyOptimiser, Classification, Evaluator, Event, Goal, Monitor, OptimiserConfig, RunFolder, ScheduleKind,
    Supervised, SupervisedState,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, EvalRequest, Group, Recipe, Setting};
use crate::session::Session;
use crate::{pictures, terminal};

/// The seed of drawings of which no training has seen any: far from all seeds that people choose, and another one for
/// the test of the training (0) and for later tests (1).
fn unseen(seed: u64, purpose: u64) -> u64 {
    Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), seed, purpose]).bits()
}

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random: first weights, order, dropout, the drawn digits.
    seed: u64,
    /// Training pictures: the first of the files, or drawn ones; without it all, or 58,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    train_size: Option<usize>,
    /// Test pictures: the first of the files, or drawn ones; without it all, or 10,000 drawn.
    #[schemars(range(min = 1, max = 1000000))]
    test_size: Option<usize>,
    /// Pictures per step.
    #[schemars(range(min = 1, max = 100000))]
    batch_size: usize,
    /// Pictures are moved by up to this many pixels in training.
    #[schemars(range(max = 10))]
    shift: usize,
    /// Channels of the two convolutions.
    channels: [usize; 2],
    /// Units of the hidden layer.
    #[schemars(range(min = 1, max = 16384))]
    hidden: usize,
    /// The part of the hidden units that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.95))]
    dropout: f64,
    /// The part of the target's probability that is spread over all classes.
    #[schemars(range(min = 0.0, max = 0.9))]
    label_smoothing: f64,
    /// How parameters follow gradients.
    optimizer: OptimiserConfig,
    /// How long and how often.
    trainer: TrainerConfig,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            train_size: None,
            test_size: None,
            batch_size: 64,
            shift: 1,
            channels: [16, 32],
            hidden: 128,
            dropout: 0.25,
            label_smoothing: 0.0,
            optimizer: OptimiserConfig {
                lr: 2e-3,
                schedule: ScheduleKind::Cosine,
                warm_up: 0.05,
                last: 0.01,
                ..OptimiserConfig::default()
            },
            trainer: TrainerConfig {
                epochs: 3,
                monitor: Monitor { measure: "accuracy".to_owned(), goal: Goal::Highest },
                ..TrainerConfig::default()
            },
        }
    }
}

/// The recipe.
pub struct Digits;

impl Recipe for Digits {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "digits",
        about: "read handwritten digits: a LeNet-type network, on drawn digits or on IDX files such as MNIST",
        group: Group::Application("image recognition"),
        expected: "99.3 % of MNIST's test digits after 3 epochs; 98.6 % of unseen drawn ones",
        time: "under a minute",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        let (train_size, test_size, epochs) = match setting {
            Setting::Full => return whole,
            Setting::Quick => (10_000, 2_000, 2),
            Setting::Smoke => (400, 100, 1),
        };
        let trainer = TrainerConfig { epochs, ..whole.trainer.clone() };
        Config { train_size: Some(train_size), test_size: Some(test_size), trainer, ..whole }
    }

    fn describe(config: &Config) -> anyhow::Result<String> {
        let source = match &config.data {
            Some(folder) => format!("the IDX files in {}", folder.display()),
            None => "digits that are drawn, nothing to download".to_owned(),
        };
        let summary = summarise(&network(config), [1, 1, pictures::SIDE, pictures::SIDE]);
        Ok(format!("Data: {source}; gray pictures of 28×28\n\n{summary}"))
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let TrainTest { train, test } = pictures_for(config)?;
        let (train, test) = (Arc::new(train), Arc::new(test));
        let model = network(config);
        let summary = summarise(&model, [1, 1, pictures::SIDE, pictures::SIDE]);
        session.preformatted("Model", &summary.to_string())?;
        let kind = if config.data.is_some() { "" } else { "drawn " };
        let (learned, tested) = (train.labels().len(), test.labels().len());
        session.say(&format!("{learned} {kind}digits to learn from, {tested} to test on."))?;

        let loading = LoaderOptions {
            batch_size: config.batch_size,
            drop_last: learned >= config.batch_size,
            workers: 1,
            // More than the scheduler of a busy machine lets a thread wait.
            prefetch: 16,
            seed: config.seed,
            ..LoaderOptions::default()
        };
        let train = Loader::new(train, loading)?;
        let tests = test_loader(&test)?;
        let learner = learner(config);
        let state = learner.state(model.clone(), config.optimizer.init(&model));
        let total = train.batches_per_epoch() as u64 * config.trainer.epochs / config.trainer.accumulate;
        let trainer = TrainerConfig { seed: config.seed, ..config.trainer.clone() };
        let schedule = config.optimizer.schedule(total);
        let learner = learner.into();
        let (all, few) = (&*test, 3);
        let watch = &mut |event: &Event, state: &SupervisedState<Sequential, AnyOptimiser>| {
            Ok(matches!(event, Event::Evaluated(_)).then(|| some(state.used(), all, few)))
        };
        let fit = session.fit_watched(&learner, state, &train, Some(&tests), &trainer, schedule, watch)?;
        let evaluation = fit.last.unwrap_or_default();
        session.print(&terminal::evaluation(&evaluation))?;
        if let Some(accuracy) = evaluation.means.get("accuracy") {
            session.result("test accuracy", *accuracy, "0.993 on MNIST, 0.986 on drawn digits")?;
        }
        session.print(&format!("\n{}", some(fit.state.used(), &test, 6)))?;
        let run = session.run().path().display().to_string();
        session.print(&format!(
            "\nThe run is in {run}. Next:\n  bolete eval --run {run} --data DIR\n  bolete predict --run {run} FILE.png\n"
        ))
    }

    fn evaluate(config: &Config, run: &RunFolder, request: &EvalRequest) -> anyhow::Result<()> {
        let model = trained(config, run, request.best)?;
        let test = match &request.data {
            Some(folder) => idx_digits::load_part(folder, idx_digits::Part::Test)?,
            None => drawn(request.test_size, unseen(request.seed, 1)),
        };
        let test = Arc::new(prepared(test)?);
        let learner = learner(config);
        let state = learner.state(model.clone(), config.optimizer.init(&model));
        let evaluation = Evaluator::new(learner.into(), 0).evaluate(&state, &test_loader(&test)?)?;
        let source =
            request.data.as_deref().map_or("drawn digits".to_string(), |folder| folder.display().to_string());
        terminal::print(&format!("{} pictures of {source}\n", test.labels().len()))?;
        terminal::print(&terminal::evaluation(&evaluation))
    }

    fn predict(config: &Config, run: &RunFolder, files: &[PathBuf]) -> anyhow::Result<()> {
        let model = trained(config, run, false)?;
        let mut failures = Vec::new();
        for file in files {
            match predict_one(&model, file) {
                Ok(line) => terminal::print(&line)?,
                Err(error) => failures.push(error),
            }
        }
        // The pictures that can be read are read; then the first failure decides how the command ends.
        let more = failures.len().saturating_sub(1);
        match failures.into_iter().next() {
            None => Ok(()),
            Some(error) if more == 0 => Err(error),
            Some(error) => Err(error.context(format!(
                "{} of {} pictures could not be read, the first",
                more + 1,
                files.len()
            ))),
        }
    }
}

/// Classification with the configured extras.
fn learner(config: &Config) -> Supervised<Sequential, (Tensor, Tensor), AnyOptimiser> {
    let learner = Classification { label_smoothing: config.label_smoothing }.learner();
    let learner = if config.trainer.accumulate > 1 { learner.accumulating() } else { learner };
    match config.optimizer.clip_norm {
        Some(maximum) => learner.clip_norm(maximum),
        None => learner,
    }
}

/// Two convolutions with pooling, two fully connected layers: `[batch, 1, 28, 28]` to ten logits.
fn network(config: &Config) -> Sequential {
    let [first, second, third, fourth] = Key::new(config.seed).split();
    let convolution = |input: usize, output: usize, key: &Key| {
        let config = Conv2dConfig { padding: Padding::Same, ..Conv2dConfig::new(input, output, [5, 5]) };
        Layer::from(config.init(key))
    };
    let [c1, c2] = config.channels;
    Sequential::new([
        convolution(1, c1, &first),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        convolution(c1, c2, &second),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        Flatten::default().into(),
        LinearConfig::new(7 * 7 * c2, config.hidden).init(&third).into(),
        Activation::Relu.into(),
        Dropout { probability: config.dropout }.into(),
        LinearConfig::new(config.hidden, 10).init(&fourth).into(),
    ])
}

/// Training and test pictures.
fn pictures_for(config: &Config) -> anyhow::Result<TrainTest> {
    let first = |all: ImageClassification, size: Option<usize>| match size {
        Some(size) if size < all.labels().len() => all.select(&(0..size).collect::<Vec<_>>()),
        _ => all,
    };
    let TrainTest { train, test } = match &config.data {
        Some(folder) => {
            let TrainTest { train, test } = idx_digits::load(folder)?;
            TrainTest { train: first(train, config.train_size), test: first(test, config.test_size) }
        }
        None => TrainTest {
            train: drawn(config.train_size.unwrap_or(58_000), config.seed),
            test: drawn(config.test_size.unwrap_or(10_000), unseen(config.seed, 0)),
        },
    };
    let (train, test) = (prepared(train)?, prepared(test)?);
    let train = train.with_augmentation(Augmentation::of(Crop::padded(config.shift)));
    Ok(TrainTest { train, test })
}

fn drawn(count: usize, seed: u64) -> ImageClassification {
    drawn_digits::draw(count, seed, &DrawOptions { wobble: 0.042, shift: 0.5, ..DrawOptions::default() })
}

/// Brought to the range that the network works in; files of another size than 28×28 are refused.
fn prepared(pictures: ImageClassification) -> anyhow::Result<ImageClassification> {
    let shape = pictures.shape();
    anyhow::ensure!(
        (shape.channels, shape.height, shape.width) == (1, pictures::SIDE, pictures::SIDE),
        "the pictures are {}×{} with {} channels, but the network reads gray ones of 28×28",
        shape.height,
        shape.width,
        shape.channels
    );
    Ok(pictures.with_normalisation(Normalisation::mnist()))
}

/// A loader that goes through test pictures in order.
fn test_loader(pictures: &Arc<ImageClassification>) -> anyhow::Result<Loader<ImageClassification>> {
    let options = LoaderOptions { batch_size: 500, shuffle: false, workers: 1, ..LoaderOptions::default() };
    Ok(Loader::new(pictures.clone(), options)?)
}

/// A few test digits with what the network takes them for, as text.
fn some(model: &Sequential, test: &ImageClassification, count: usize) -> String {
    let shown: Vec<usize> = (0..test.labels().len().min(count)).collect();
    let probabilities = probabilities(model, shown.iter().map(|index| test.pixels(*index)));
    let columns = shown.iter().zip(&probabilities).map(|(index, probabilities)| {
        let best = best(probabilities);
        let mark = if i64::try_from(best).ok() == Some(test.labels()[*index]) { "" } else { " ✗" };
        (test.pixels(*index), format!("{best} ({:.0} %){mark}", probabilities[best] * 100.0))
    });
    terminal::pictures(&columns.collect::<Vec<_>>(), pictures::SIDE)
}

/// The probability of each digit for gray pictures of 28×28, white on black.
fn probabilities<'a>(model: &Sequential, images: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<f32>> {
    let normalisation = Normalisation::mnist();
    let (mean, deviation) = (normalisation.mean[0], normalisation.deviation[0]);
    let pixels: Vec<f32> =
        images.flatten().map(|pixel| (f32::from(*pixel) / 255.0 - mean) / deviation).collect();
    let count = pixels.len() / (pictures::SIDE * pictures::SIDE);
    let images = Tensor::from_vec(pixels, [count, 1, pictures::SIDE, pictures::SIDE]);
    let probabilities = model.forward(&images, &mut Context::evaluation()).softmax(-1).to_vec::<f32>();
    probabilities.chunks(10).map(<[f32]>::to_vec).collect()
}

fn best(probabilities: &[f32]) -> usize {
    (0..probabilities.len()).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0)
}

/// The network of a run.
fn trained(config: &Config, run: &RunFolder, best: bool) -> anyhow::Result<Sequential> {
    anyhow::ensure!(
        config.channels.iter().all(|size| (1..=1 << 14).contains(size)),
        "{}: the configuration asks for convolutions of {:?} channels, which cannot be",
        run.path().display(),
        config.channels
    );
    let file = if best { run.best_path() } else { run.model_path() };
    Ok(bolete::train::checkpoint::load(file, &network(config))?)
}

fn predict_one(model: &Sequential, file: &Path) -> anyhow::Result<String> {
    let image = pictures::digit(file)?;
    let probabilities = probabilities(model, std::iter::once(image.as_slice())).remove(0);
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let said: Vec<String> =
        order[..3].iter().map(|digit| format!("{digit} ({:.1} %)", probabilities[*digit] * 100.0)).collect();
    Ok(format!("{}: {}, then {}\n", file.display(), said[0], said[1..].join(", ")))
}
