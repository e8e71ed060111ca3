//! Reading handwritten digits with a network of the LeNet type (LeCun et al. 1998).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bolete::data::augmentation::Crop;
use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{
    Augmentation, ImageClassification, Loader, LoaderOptions, Normalisation, Randomness, TrainTest,
    idx_digits,
};
use bolete::prelude::*;
use bolete::train::trainer::Ending;
use bolete::train::{Evaluator, RunFolder};
use serde::{Deserialize, Serialize};

use crate::arguments::{self, EvalOptions, positive, rate};
use crate::{Interrupted, pictures, recipes, terminal};

/// What the recipe is called.
pub const NAME: &str = "digits";
/// What it does.
pub const ABOUT: &str =
    "read handwritten digits: a LeNet-type network, on drawn digits or on IDX files such as MNIST";

/// The seed of drawings of which no training has seen any: far from all seeds that people choose, and another one for
/// the test of the training (0) and for later tests (1).
fn unseen(seed: u64, purpose: u64) -> u64 {
    Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), seed, purpose]).bits()
}

/// Options of `train digits`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder for configuration, metrics and weights; must be new or empty [default: runs/digits-N]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Decides everything random: first weights, order, dropout, the drawn digits
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Times that every training picture is seen
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epochs: u64,
    /// Pictures per step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    batch_size: usize,
    /// Highest learning rate; it rises over the first steps and falls along a cosine
    #[arg(long, value_name = "RATE", default_value_t = 0.002, value_parser = rate)]
    lr: f64,
    /// Threads to compute with [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// Training pictures: the first N of the files, or N drawn ones [default: all, or 58000 drawn]
    #[arg(long, value_name = "N", value_parser = arguments::pictures)]
    train_size: Option<usize>,
    /// Test pictures: the first N of the files, or N drawn ones [default: all, or 10000 drawn]
    #[arg(long, value_name = "N", value_parser = arguments::pictures)]
    test_size: Option<usize>,
}

/// The whole configuration of a run, as it stands in the run folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    data: Option<PathBuf>,
    seed: u64,
    epochs: u64,
    batch_size: usize,
    learning_rate: f64,
    weight_decay: f64,
    train_size: Option<usize>,
    test_size: Option<usize>,
    /// Pictures are moved by up to this many pixels in training.
    shift: usize,
    channels: [usize; 2],
    hidden: usize,
    dropout: f64,
}

impl From<&Options> for Config {
    fn from(options: &Options) -> Config {
        Config {
            data: options.data.clone(),
            seed: options.seed,
            epochs: options.epochs,
            batch_size: options.batch_size,
            learning_rate: options.lr,
            weight_decay: 0.01,
            train_size: options.train_size,
            test_size: options.test_size,
            shift: 1,
            channels: [16, 32],
            hidden: 128,
            dropout: 0.25,
        }
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

fn loader(
    pictures: &Arc<ImageClassification>,
    options: LoaderOptions,
) -> anyhow::Result<Loader<ImageClassification>> {
    Ok(Loader::new(pictures.clone(), options)?)
}

/// A loader that goes through test pictures in order.
fn test_loader(pictures: &Arc<ImageClassification>) -> anyhow::Result<Loader<ImageClassification>> {
    loader(
        pictures,
        LoaderOptions { batch_size: 500, shuffle: false, workers: 1, ..LoaderOptions::default() },
    )
}

/// `bolete train digits`.
pub fn train(options: Options) -> anyhow::Result<()> {
    recipes::use_threads(options.threads);
    let stop = recipes::stop_on_interrupt()?;
    let config = Config::from(&options);
    let model = network(&config);
    let TrainTest { train, test } = pictures_for(&config)?;
    let (train, test) = (Arc::new(train), Arc::new(test));
    // Only now that the data are sound: a run folder without a run would be in the way.
    let run = match &options.run {
        Some(path) => RunFolder::create(path, NAME, &config)?,
        None => RunFolder::create_numbered("runs", NAME, &config)?,
    };
    let kind = if config.data.is_some() { "" } else { "drawn " };
    terminal::print(&format!(
        "{}\n{} {kind}digits to learn from, {} to test on; the run is in {}\n",
        summarise(&model, [1, 1, pictures::SIDE, pictures::SIDE]),
        train.labels().len(),
        test.labels().len(),
        run.path().display()
    ))?;

    let loading = LoaderOptions {
        batch_size: config.batch_size,
        drop_last: train.labels().len() >= config.batch_size,
        workers: 1,
        seed: config.seed,
        ..LoaderOptions::default()
    };
    let train = loader(&train, loading)?;
    let total = train.batches_per_epoch() as u64 * config.epochs;
    let trainer = Trainer::new(TrainerConfig {
        epochs: config.epochs,
        learning_rate: config.learning_rate,
        schedule: Schedule::Cosine { warm_up: (total / 20).min(200), total, last: 0.01 },
        report_every: 20,
        seed: config.seed,
        ..TrainerConfig::default()
    });
    let optimiser = AdamWConfig { weight_decay: config.weight_decay, ..AdamWConfig::default() }.init(&model);
    let tests = test_loader(&test)?;
    let mut live = terminal::Live::new();
    let fit = trainer
        .with_run(&run)
        .with_stop(&stop)
        .fit(model, optimiser, &train, Some(&tests), &mut |event| live.show(&event))
        .inspect_err(|_| terminal::end_line())?;
    if let Ending::Interrupted { step } = fit.ending {
        let saved = run.model_path();
        terminal::print(&format!(
            "\ninterrupted after step {step}; the weights are in {}\n",
            saved.display()
        ))?;
        return Err(Interrupted.into());
    }
    if let Some(evaluation) = &fit.last {
        terminal::print(&terminal::evaluation(evaluation))?;
    }
    show_some(&fit.model, &test)?;
    terminal::print(&format!(
        "\nThe run is in {0}. Next:\n  bolete eval --run {0} --data DIR\n  bolete predict --run {0} FILE.png\n",
        run.path().display()
    ))
}

/// A few test digits with what the network takes them for.
fn show_some(model: &Sequential, test: &ImageClassification) -> anyhow::Result<()> {
    let shown: Vec<usize> = (0..test.labels().len().min(6)).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let probabilities = probabilities(model, shown.iter().map(|index| test.pixels(*index)));
    let columns = shown.iter().zip(&probabilities).map(|(index, probabilities)| {
        let best = best(probabilities);
        let mark = if i64::try_from(best).ok() == Some(test.labels()[*index]) { "" } else { " ✗" };
        (test.pixels(*index), format!("{best} ({:.0} %){mark}", probabilities[best] * 100.0))
    });
    terminal::print(&format!("\n{}", terminal::pictures(&columns.collect::<Vec<_>>(), pictures::SIDE)))
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
fn trained(run: &RunFolder) -> anyhow::Result<Sequential> {
    let config: Config = run.config()?;
    anyhow::ensure!(
        config.channels.iter().chain([&config.hidden]).all(|size| (1..=1 << 14).contains(size)),
        "{}: the configuration asks for layers of {:?} channels and {} units, which cannot be",
        run.path().display(),
        config.channels,
        config.hidden
    );
    Ok(run.load_model(&network(&config))?)
}

/// `bolete eval` for a run of this recipe.
pub fn evaluate(run: &RunFolder, options: &EvalOptions) -> anyhow::Result<()> {
    let model = trained(run)?;
    let test = match &options.data {
        Some(folder) => idx_digits::load_part(folder, idx_digits::Part::Test)?,
        None => drawn(options.test_size, unseen(options.seed, 1)),
    };
    let test = Arc::new(prepared(test)?);
    let evaluation = Evaluator::new().evaluate(&model, &test_loader(&test)?)?;
    let source =
        options.data.as_deref().map_or("drawn digits".to_string(), |folder| folder.display().to_string());
    terminal::print(&format!("{} pictures of {source}\n", test.labels().len()))?;
    terminal::print(&terminal::evaluation(&evaluation))
}

/// `bolete predict` for a run of this recipe.
pub fn predict(run: &RunFolder, files: &[PathBuf]) -> anyhow::Result<()> {
    let model = trained(run)?;
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

fn predict_one(model: &Sequential, file: &Path) -> anyhow::Result<String> {
    let image = pictures::digit(file)?;
    let probabilities = probabilities(model, std::iter::once(image.as_slice())).remove(0);
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let said: Vec<String> =
        order[..3].iter().map(|digit| format!("{digit} ({:.1} %)", probabilities[*digit] * 100.0)).collect();
    Ok(format!("{}: {}, then {}\n", file.display(), said[0], said[1..].join(", ")))
}
