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
    /// Search for good values of a configuration
    #[command(
        arg_required_else_help = true,
        after_help = "\
Examples:
  bolete sweep digits --setting quick --tpe optimizer.lr=log:1e-4..1e-1 batch_size=choice:32,64,128 --trials 20
  bolete sweep digits --grid optimizer.kind=choice:sgd,adam optimizer.lr=choice:1e-3,1e-2
  bolete sweep --resume runs/sweep-digits-1       go on where it was stopped"
    )]
    Sweep(SweepOptions),
    /// List, filter, tag and delete runs
    #[command(after_help = "\
Examples:
  bolete runs                                     all runs in runs/
  bolete runs list --recipe digits --only 'test accuracy>0.98' --sort 'test accuracy'
  bolete runs tag good runs/digits-3
  bolete runs delete runs/digits-1 runs/digits-2 --yes")]
    Runs(RunsOptions),
    /// Download a data set, to be used with --data
    #[command(after_help = "\
Examples:
  bolete download                                 what there is
  bolete download mnist                           into the cache folder; prints where
  bolete download mnist --to data                 into data/mnist

Environment:
  BOLETE_CACHE=DIR       the cache folder")]
    Download(DownloadOptions),
    /// Write the report of a run, or of several beside each other, as one page
    #[command(
        arg_required_else_help = true,
        after_help = "\
Examples:
  bolete report runs/digits-1                     runs/digits-1/report.html
  bolete report runs/digits-1 runs/digits-2 --out compared.html"
    )]
    Report(ReportOptions),
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

/// Options of `sweep`.
#[derive(Debug, Args)]
pub struct SweepOptions {
    /// The recipe
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub recipe: Option<String>,
    /// Search by the tree-structured Parzen estimator: KEY=log:1e-4..1e-1, KEY=0.0..0.5, KEY=int:1..6, KEY=choice:a,b
    #[arg(long, value_name = "KEY=SPACE", num_args = 1.., group = "strategy")]
    pub tpe: Vec<String>,
    /// Search at random
    #[arg(long, value_name = "KEY=SPACE", num_args = 1.., group = "strategy")]
    pub random: Vec<String>,
    /// Try all combinations
    #[arg(long, value_name = "KEY=SPACE", num_args = 1.., group = "strategy")]
    pub grid: Vec<String>,
    /// Trials; of a grid at most all combinations
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = positive)]
    pub trials: usize,
    /// Trials at the same time; each gets its share of the cores
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub parallel: usize,
    /// What is to be best: a measure of evaluation such as 'test loss', or a result of the recipe [default: what the trainer monitors]
    #[arg(long, value_name = "NAME")]
    pub objective: Option<String>,
    /// The higher the objective, the better
    #[arg(long, requires = "objective")]
    pub highest: bool,
    /// Let bad trials run to their end instead of stopping those that are worse than the median
    #[arg(long)]
    pub no_pruning: bool,
    /// Values of the configuration that all trials have
    #[command(flatten)]
    pub values: Values,
    /// Folder for the sweep; must be new or empty [default: runs/sweep-RECIPE-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub run: Option<PathBuf>,
    /// Go on with the sweep in this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "seed", "data", "setting", "strategy"])]
    pub resume: Option<PathBuf>,
}

/// Options of `runs`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsOptions {
    /// What to do with them; without it they are listed
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Where they are
    #[arg(long = "in", value_name = "DIR", default_value = "runs", global = true)]
    pub folder: PathBuf,
    /// Which
    #[command(flatten)]
    pub filter: RunsFilter,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List them
    List(RunsFilter),
    /// Put a tag on them
    Tag {
        /// The tag
        tag: String,
        /// Folders of runs
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// Take the tag away instead
        #[arg(long)]
        remove: bool,
    },
    /// Delete them
    Delete {
        /// Folders of runs
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// Without being asked
        #[arg(long)]
        yes: bool,
    },
}

/// Which runs.
#[derive(Debug, Default, Args)]
pub struct RunsFilter {
    /// Only those of this recipe
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<String>,
    /// Only those with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only those that are running, complete or unfinished
    #[arg(long, value_name = "STATUS", value_parser = ["running", "complete", "unfinished"])]
    pub status: Option<String>,
    /// Only those whose value is on this side of a number: 'test accuracy>0.9'
    #[arg(long, value_name = "NAME>VALUE")]
    pub only: Vec<String>,
    /// The highest value of this name first
    #[arg(long, value_name = "NAME")]
    pub sort: Option<String>,
}

/// Options of `download`.
#[derive(Debug, Args)]
pub struct DownloadOptions {
    /// The data set; without it all are listed
    pub name: Option<String>,
    /// The folder in which that of the data set is made [default: the cache folder]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The page [default: report.html in the folder of a single run, else comparison.html]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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
