//! `double_descent`: the test error of networks of growing width, past the point where they can learn everything by heart.
//!
//! After Belkin, Hsu, Ma, Mandal, *Reconciling modern machine learning practice and the bias-variance trade-off* (2018):
//! one hidden layer, squared loss, stochastic gradient descent with momentum, nothing that regularises. Below the
//! threshold each network starts from the weights of the one before it; without that, small networks do not reach the
//! minimum they are capable of.

mod figures;

use std::path::PathBuf;

use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{ImageClassification, Normalisation, Randomness, TrainTest, idx_digits};
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pictures::SIDE;
use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with the four IDX files of MNIST, plain or .gz; without it digits are drawn.
    data: Option<PathBuf>,
    /// Decides everything random.
    seed: u64,
    /// Training pictures.
    #[schemars(range(min = 10, max = 60000))]
    train_size: usize,
    /// Test pictures.
    #[schemars(range(min = 10, max = 60000))]
    test_size: usize,
    /// The part of the training pictures that get a random label.
    #[schemars(range(min = 0.0, max = 1.0))]
    label_noise: f64,
    /// Units of the hidden layer, ascending.
    widths: Vec<usize>,
    /// Most epochs for each width.
    #[schemars(range(min = 1, max = 100000))]
    epochs: usize,
    /// Training of a width ends when its training loss is below this.
    #[schemars(range(min = 0.0))]
    enough: f64,
    /// Pictures per step.
    #[schemars(range(min = 1, max = 60000))]
    batch_size: usize,
    /// Learning rate; it falls to a tenth over the epochs.
    #[schemars(range(min = 0.0))]
    lr: f64,
    /// How much of the last velocity is kept.
    #[schemars(range(min = 0.0, max = 0.999))]
    momentum: f64,
    /// Whether networks below the threshold start from the one before them.
    reuse: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: None,
            seed: 0,
            train_size: 4000,
            test_size: 10_000,
            label_noise: 0.0,
            widths: vec![4, 6, 8, 10, 13, 20, 28, 36, 44, 50, 58, 70, 90, 128, 200, 400, 1006],
            epochs: 1000,
            enough: 5e-4,
            batch_size: 100,
            lr: 0.01,
            momentum: 0.95,
            reuse: true,
        }
    }
}

const CLASSES: usize = 10;
const INPUTS: usize = SIDE * SIDE;

/// A hidden layer with ReLU and a layer of outputs.
type Network = (Linear, Linear);

/// Parameters of a network of this width: (d + 1) H + (H + 1) K.
fn parameters(width: usize) -> usize {
    (INPUTS + 1) * width + (width + 1) * CLASSES
}

fn outputs((hidden, last): &Network, x: &Tensor) -> Tensor {
    let mut context = Context::evaluation();
    let hidden = hidden.forward(x, &mut context).relu();
    last.forward(&hidden, &mut context)
}

/// Squared distance to the targets, summed over the classes, mean over the pictures.
fn squared(outputs: &Tensor, targets: &Tensor) -> Tensor {
    (outputs - targets).square().sum(-1).mean(..)
}

/// Pictures `[n, 784]` and targets `[n, 10]`, ones and zeros.
#[derive(Clone)]
struct Digits {
    x: Tensor,
    targets: Tensor,
}

impl Digits {
    /// The first `count` pictures, with pixels from 0 to 1 less the mean of all pixels of MNIST, without which units of
    /// small networks die; a part of the labels is drawn again.
    fn new(pictures: &ImageClassification, count: usize, noise: f64, seed: u64) -> anyhow::Result<Digits> {
        let mean = Normalisation::mnist().mean[0];
        let shape = pictures.shape();
        anyhow::ensure!(
            (shape.channels, shape.height, shape.width) == (1, SIDE, SIDE),
            "the pictures are {}×{} with {} channels, but the network reads gray ones of 28×28",
            shape.height,
            shape.width,
            shape.channels
        );
        let count = count.min(pictures.labels().len());
        let pixels: Vec<f32> = (0..count)
            .flat_map(|index| pictures.pixels(index))
            .map(|pixel| f32::from(*pixel) / 255.0 - mean)
            .collect();
        let labels = Tensor::from_slice(&pictures.labels()[..count], [count]);
        let [which, what] = Key::new(seed).split();
        let labels = which.bernoulli(noise, [count]).select(what.randint(0, CLASSES as i64, [count]), labels);
        let digits = Digits {
            x: Tensor::from_vec(pixels, [count, INPUTS]),
            targets: labels.one_hot(CLASSES, DType::F32),
        };
        eval([&digits.targets]);
        Ok(digits)
    }

    /// Squared and zero-one loss of a network.
    fn losses(&self, network: &Network) -> [f64; 2] {
        let outputs = outputs(network, &self.x);
        let wrong = outputs.argmax(-1).not_equal(self.targets.argmax(-1)).cast(DType::F64).mean(..);
        [squared(&outputs, &self.targets).item(), wrong.item()]
    }
}

fn digits(config: &Config) -> anyhow::Result<(Digits, Digits)> {
    let TrainTest { train, test } = match &config.data {
        Some(folder) => idx_digits::load(folder)?,
        None => {
            let unseen = Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), config.seed]).bits();
            let draw = |count, seed| drawn_digits::draw(count, seed, &DrawOptions::default());
            TrainTest { train: draw(config.train_size, config.seed), test: draw(config.test_size, unseen) }
        }
    };
    Ok((
        Digits::new(&train, config.train_size, config.label_noise, config.seed)?,
        Digits::new(&test, config.test_size, 0.0, config.seed)?,
    ))
}

/// A network of this width whose first units are those of a smaller one, if there is one.
fn initial(config: &Config, width: usize, smaller: Option<&Network>) -> Network {
    let [first, second] = Key::new(Randomness::keyed(&[config.seed, width as u64]).bits()).split();
    let fresh: Network =
        (LinearConfig::new(INPUTS, width).init(&first), LinearConfig::new(width, CLASSES).init(&second));
    let Some((hidden, last)) = smaller else { return fresh };
    let known = hidden.weight.shape()[0];
    let below = |old: &Tensor, new: &Tensor| {
        Tensor::concatenate(&[old.clone(), new.narrow(0, known, width - known)], 0)
    };
    let beside = |old: &Tensor, new: &Tensor| {
        Tensor::concatenate(&[old.clone(), new.narrow(1, known, width - known)], 1)
    };
    let mut network = fresh;
    network.0.weight = Param::new(below(&hidden.weight, &network.0.weight));
    if let (Some(old), Some(new)) = (&hidden.bias, &network.0.bias) {
        network.0.bias = Some(Param::new(below(old, new)));
    }
    network.1.weight = Param::new(beside(&last.weight, &network.1.weight));
    network.1.bias = last.bias.clone();
    network
}

/// A width that was trained.
struct Trained {
    width: usize,
    epochs: usize,
    /// Squared and zero-one.
    train: [f64; 2],
    test: [f64; 2],
}

fn train(
    config: &Config,
    start: Network,
    train: &Digits,
    session: &mut Session,
) -> anyhow::Result<(Network, usize)> {
    let count = train.targets.shape()[0];
    let size = config.batch_size.min(count);
    let width = start.0.weight.shape()[0];
    let optimiser = SgdConfig { learning_rate: config.lr, momentum: config.momentum, ..SgdConfig::default() }
        .init(&start);
    let mut step = Step::new(|(network, optimiser, rows, rate): (Network, Sgd, Tensor, Tensor)| {
        let (x, targets) = (train.x.take(&rows, 0), train.targets.take(&rows, 0));
        let (loss, slopes) =
            value_and_grad(|network: &Network| squared(&outputs(network, &x), &targets))(&network);
        let (network, optimiser) = optimiser.with_learning_rate(rate).update(network, &slopes);
        (network, optimiser, loss)
    });
    let (mut network, mut optimiser) = (start, optimiser);
    for epoch in 0..config.epochs {
        let decay = 0.1f64.powf(epoch as f64 / config.epochs as f64);
        let rate = Tensor::scalar(config.lr * decay, DType::F64);
        let key = Key::new(Randomness::keyed(&[config.seed, width as u64, epoch as u64 + 1]).bits());
        let order = key.permutation(count);
        eval([&order]);
        let mut total = Tensor::scalar(0.0, DType::F32);
        let batches = count / size;
        for batch in 0..batches {
            let rows = order.narrow(0, batch * size, size);
            let loss;
            (network, optimiser, loss) = step.call((network, optimiser, rows, rate.clone()));
            total = total + loss;
        }
        let loss = total.item() / batches as f64;
        session.progress(&format!(
            "{width} units, epoch {} of at most {}: loss {loss:.5}",
            epoch + 1,
            config.epochs
        ))?;
        anyhow::ensure!(
            loss.is_finite(),
            "training of {width} units diverged in epoch {}: lower lr, now {}",
            epoch + 1,
            config.lr
        );
        if loss < config.enough {
            return Ok((network, epoch + 1));
        }
    }
    Ok((network, config.epochs))
}

/// The recipe.
pub struct DoubleDescent;

impl Recipe for DoubleDescent {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "double_descent",
        about: "test error against the number of parameters, past the point where everything is learned by heart",
        group: Group::Lecture(1),
        expected: "zero-one test error on 4,000 digits of MNIST: 19.3 % at 15,910 parameters, 22.7 % at the threshold \
                   of 40,000, 4.5 % at 800,000 (course: about 13, 21 and 4 to 5)",
        time: "5 to 8 min",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            // With a quarter of the pictures the threshold is at a quarter of the parameters.
            Setting::Quick => Config {
                train_size: 1000,
                test_size: 2000,
                widths: vec![2, 4, 7, 10, 13, 16, 24, 40, 100, 250],
                epochs: 600,
                ..whole
            },
            Setting::Smoke => Config {
                train_size: 100,
                test_size: 100,
                widths: vec![2, 4],
                epochs: 2,
                batch_size: 50,
                ..whole
            },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let sorted = config.widths.windows(2).all(|pair| pair[0] < pair[1]);
        anyhow::ensure!(
            sorted && config.widths.first().is_some_and(|first| *first > 0),
            "widths: at least one, from 1 on and ascending, not {:?}",
            config.widths
        );
        session.heading("Double descent")?;
        session.progress("reading digits")?;
        let (training, testing) = digits(config)?;
        let count = training.targets.shape()[0];
        let threshold = count * CLASSES;
        let kind = if config.data.is_some() { "MNIST digits" } else { "drawn digits" };
        session.say(&format!(
            "{count} {kind} and networks with one hidden layer, trained on the squared loss. There are {count} · 10 numbers to \
             be learned: from about {threshold} parameters on, a network can get all of them right."
        ))?;
        let mut all: Vec<Trained> = Vec::new();
        let mut before: Option<Network> = None;
        for width in &config.widths {
            let smaller = before.as_ref().filter(|_| config.reuse && parameters(*width) <= threshold);
            let (network, epochs) = train(config, initial(config, *width, smaller), &training, session)?;
            let found = Trained {
                width: *width,
                epochs,
                train: training.losses(&network),
                test: testing.losses(&network),
            };
            session.print(&row(&found).join("  "))?;
            session.print("\n")?;
            all.push(found);
            before = Some(network);
        }
        report(session, &all, threshold)
    }
}

fn row(found: &Trained) -> Vec<String> {
    let losses = [found.train[0], found.test[0]].map(|loss| format!("{loss:.5}"));
    let errors = [found.train[1], found.test[1]].map(|part| format!("{:.2} %", part * 100.0));
    let counts = [found.width, parameters(found.width), found.epochs].map(|count| count.to_string());
    counts.into_iter().chain(losses).chain(errors).collect()
}

fn report(session: &mut Session, all: &[Trained], threshold: usize) -> anyhow::Result<()> {
    session.table(
        "Losses by width",
        &["units", "parameters", "epochs", "squared, train", "test", "zero-one, train", "test"],
        all.iter().map(row).collect(),
    )?;
    session.figure(
        "curves",
        "Losses of trained networks against the number of their parameters.",
        &figures::curves(all, threshold),
    )?;
    let near = |wanted: usize| {
        let distance = |found: &Trained| (parameters(found.width) as f64 / wanted as f64).ln().abs();
        let nearest = all.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.filter(|found| distance(found) < 0.25)
    };
    let course = [(10_000, "about 0.13"), (40_000, "about 0.21"), (800_000, "0.04 to 0.05")];
    for (wanted, expected) in course.into_iter().filter(|_| threshold == 40_000) {
        if let Some(found) = near(wanted) {
            let name = format!("zero-one test error near {wanted} parameters");
            session.result(&name, found.test[1], &format!("{expected} in the course"))?;
        }
    }
    let squared = |found: &Trained| found.test[0];
    let before = all.iter().filter(|found| 2 * parameters(found.width) < threshold).map(squared);
    let before = before.fold(f64::INFINITY, f64::min);
    session.result("least squared test error below half of the threshold", before, "")?;
    if let Some(peak) = near(threshold) {
        session.result("squared test error at the threshold", squared(peak), "more: the peak")?;
    }
    if let Some(last) = all.last() {
        session.result("squared test error of the widest network", squared(last), "the least of all")?;
    }
    session.say(
        "Where the parameters are about as many as the numbers to be learned, there is hardly more than one network that \
         has them all right, and it has to bend wildly for that. With more parameters there are many such networks, and \
         gradient descent from small weights ends at one that bends little. How high the peak is depends on how long and \
         with which steps one trains: stopping early lowers it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_network_starts_where_the_smaller_one_ended() {
        let config = Config::default();
        let small = initial(&config, 3, None);
        let large = initial(&config, 5, Some(&small));
        assert_eq!(large.0.weight.shape()[0], 5);
        let same = (large.0.weight.narrow(0, 0, 3) - small.0.weight.tensor()).abs().max(..).item()
            + (large.1.weight.narrow(1, 0, 3) - small.1.weight.tensor()).abs().max(..).item();
        assert_eq!(same, 0.0);
        assert_eq!(parameters(1006), 799_780);
    }
}
