//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::recipe::{EvalRequest, Given, Setting};

/// Trains, evaluates and uses networks.
#[derive(Debug, Parser)]
#[command(
    name = "bolete",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  bolete list                                     what there is, by lecture and application
  bolete train digits                             draw digits and learn to read them, under a minute
  bolete train digits --data DIR --set trainer.epochs=5
  bolete lecture 4                                the experiments of a lecture on one page
  bolete eval --run runs/digits-1 --data DIR      test the network of a run on other data
  bolete sweep digits --tpe optimizer.lr=log:1e-4..1e-1 --trials 20

Environment:
  BOLETE_THREADS=N       threads to compute with (also --threads); results do not depend on it
  BOLETE_SET='k=v;k=v'   values for the configuration of recipes, below those of --set
  BOLETE_TRACE=FILE.json a record of every kernel, for chrome://tracing or ui.perfetto.dev"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a recipe: train a network, or do an experiment
    #[command(
        arg_required_else_help = true,
        visible_alias = "run",
        after_help = "\
Examples:
  bolete train digits
  bolete train digits --data data/mnist --set trainer.epochs=3 --seed 7
  bolete train digits --config mine.toml --set optimizer.lr=3e-4
  bolete train --resume runs/digits-1             go on exactly where a run stopped or was killed
  bolete train spiral --setting quick             less than the full thing"
    )]
    Train(TrainOptions),
    /// Test the network of a run
    #[command(after_help = "\
Examples:
  bolete eval --run runs/digits-1                 on freshly drawn digits
  bolete eval --run runs/digits-1 --data DIR      on the test part of IDX files
  bolete eval --run runs/digits-1 --best          the weights of the best evaluation")]
    Eval(EvalOptions),
    /// Use the network of a run on files
    #[command(after_help = "\
Examples:
  bolete predict --run runs/digits-1 seven.png
  bolete predict --run runs/digits-1 scans/*.jpg  any size, dark on light or light on dark")]
    Predict(PredictOptions),
    /// List the recipes
    #[command(after_help = "Examples:\n  bolete list")]
    List,
    /// Explain a recipe: configuration, data, model, expected numbers and time
    #[command(after_help = "Examples:\n  bolete describe digits\n  bolete describe digits --setting quick")]
    Describe(DescribeOptions),
    /// Run the experiments of a lecture and put them on one page
    #[command(after_help = "\
Examples:
  bolete lecture 4                                quick: under three minutes on two cores
  bolete lecture 2 --setting full                 with all numbers")]
    Lecture(LectureOptions),
}

/// Options of `train`.
#[derive(Debug, Args)]
pub struct TrainOptions {
    /// The recipe; `bolete list` names them
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub recipe: Option<String>,
    /// Values of the configuration
    #[command(flatten)]
    pub values: Values,
    /// Folder for all that the run leaves; must be new or empty [default: runs/RECIPE-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub run: Option<PathBuf>,
    /// Go on with the run in this folder, with the configuration that it has
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "seed", "data", "setting"])]
    pub resume: Option<PathBuf>,
    /// Threads to compute with [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Look for NaN and infinity after every step and name the operation that made the first
    #[arg(long)]
    pub debug_nans: bool,
    /// Plain lines instead of the dashboard
    #[arg(long)]
    pub plain: bool,
}

/// Values of a configuration.
#[derive(Debug, Args)]
pub struct Values {
    /// How much is done
    #[arg(long, value_enum, default_value_t = Setting::Full)]
    pub setting: Setting,
    /// A value of the configuration, such as optimizer.lr=3e-4; `bolete describe RECIPE` lists the keys
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A TOML file with values of the configuration
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// The same as --set seed=N: decides everything random
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The same as --set data=DIR: a folder with the data, for those who have them
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Values {
    /// All values in their order, later ones over earlier ones.
    pub fn given(&self) -> Given {
        let quoted = |path: &PathBuf| toml_text(&path.to_string_lossy());
        let seed = self.seed.map(|seed| (format!("seed={seed}"), "--seed".to_owned()));
        let data = self.data.as_ref().map(|data| (format!("data={}", quoted(data)), "--data".to_owned()));
        let set = self.set.iter().map(|assignment| (assignment.clone(), "--set".to_owned()));
        Given { files: self.config.clone(), assignments: seed.into_iter().chain(data).chain(set).collect() }
    }
}

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Options of `eval`.
#[derive(Debug, Args)]
pub struct EvalOptions {
    /// Folder of the run, as `train` named it at its end
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Folder with data, of which the test part is used; without it the recipe makes some
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Chooses the data that are made, which are never those of the training
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Number of items that are made
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = items)]
    pub test_size: usize,
    /// Test the weights of the best evaluation instead of the last ones
    #[arg(long)]
    pub best: bool,
    /// Threads to compute with
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

impl EvalOptions {
    /// What is asked of the recipe.
    pub fn request(&self) -> EvalRequest {
        EvalRequest { data: self.data.clone(), seed: self.seed, test_size: self.test_size, best: self.best }
    }
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictOptions {
    /// Folder of the run, as `train` named it at its end
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Files that the recipe can use, such as pictures
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Threads to compute with
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// Options of `describe`.
#[derive(Debug, Args)]
pub struct DescribeOptions {
    /// The recipe
    pub recipe: String,
    /// Values of the configuration
    #[command(flatten)]
    pub values: Values,
}

/// Options of `lecture`.
#[derive(Debug, Args)]
pub struct LectureOptions {
    /// The number of the lecture
    pub number: u8,
    /// How much is done
    #[arg(long, value_enum, default_value_t = Setting::Quick)]
    pub setting: Setting,
    /// Only these recipes of it
    #[arg(long, value_name = "RECIPE")]
    pub only: Vec<String>,
    /// A folder with real data, such as MNIST; without it the recipes make or download theirs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder for the page and all that it is made of; must be new or empty [default: runs/lecture-N-M]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Threads to compute with
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// A number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    at_most(positive(text)?, 512)
}

/// A number of items. More than this would not fit into the memory of most machines.
pub fn items(text: &str) -> Result<usize, String> {
    at_most(positive(text)?, 1_000_000)
}

fn at_most(number: usize, most: usize) -> Result<usize, String> {
    if number <= most { Ok(number) } else { Err(format!("expected at most {most}")) }
}

/// A whole number of at least 1.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("expected at least 1".to_string()),
        Ok(number) => Ok(number),
        Err(_) => Err("expected a whole number".to_string()),
    }
}
