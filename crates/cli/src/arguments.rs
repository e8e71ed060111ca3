//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::recipes::digits;

/// Trains, evaluates and uses networks.
#[derive(Debug, Parser)]
#[command(
    name = "bolete",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  bolete train digits                             draw digits and learn to read them, under a minute
  bolete train digits --data DIR --epochs 3       learn from IDX files, such as MNIST's
  bolete eval --run runs/digits-1 --data DIR      test the network of a run on other data
  bolete predict --run runs/digits-1 photo.png    read the digit in a picture
  bolete list                                     what can be trained

Environment:
  BOLETE_THREADS=N       threads to compute with (also --threads); results do not depend on it
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
    /// Train a network by a recipe
    #[command(
        arg_required_else_help = true,
        after_help = "\
Examples:
  bolete train digits
  bolete train digits --data data/mnist --epochs 3 --seed 7
  bolete train digits --run runs/small --train-size 5000 --lr 0.002"
    )]
    Train {
        /// The recipe.
        #[command(subcommand)]
        recipe: Recipe,
    },
    /// Test the network of a run
    #[command(after_help = "\
Examples:
  bolete eval --run runs/digits-1                 on freshly drawn digits
  bolete eval --run runs/digits-1 --data DIR      on the test part of IDX files")]
    Eval(EvalOptions),
    /// Read the digits in pictures
    #[command(after_help = "\
Examples:
  bolete predict --run runs/digits-1 seven.png
  bolete predict --run runs/digits-1 scans/*.jpg  any size, dark on light or light on dark")]
    Predict(PredictOptions),
    /// List the recipes
    #[command(after_help = "Examples:\n  bolete list")]
    List,
}

/// The recipes, each with its options.
#[derive(Debug, Subcommand)]
pub enum Recipe {
    /// Read handwritten digits: a LeNet-type network on digits that bolete draws itself, or on IDX files
    #[command(after_help = "\
Examples:
  bolete train digits                             58,000 drawn digits, no files needed
  bolete train digits --data data/mnist           the four IDX files of MNIST, plain or .gz
  bolete train digits --seed 7 --threads 1        the same weights on any number of threads")]
    Digits(digits::Options),
}

/// Options of `eval`.
#[derive(Debug, Args)]
pub struct EvalOptions {
    /// Folder of the run, as `train` named it at its end
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Folder with IDX files, of which the test part is used; without it digits are drawn
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Chooses the drawn digits, which are never those of the training
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Number of drawn digits
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = pictures)]
    pub test_size: usize,
    /// Threads to compute with
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictOptions {
    /// Folder of the run, as `train` named it at its end
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// PNG or JPEG pictures of one digit each
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Threads to compute with
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// A number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    at_most(positive(text)?, 512)
}

/// A number of pictures. More than this would not fit into the memory of most machines.
pub fn pictures(text: &str) -> Result<usize, String> {
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

/// A learning rate: a finite number above 0.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("expected a number above 0, such as 0.001".to_string()),
    }
}
