//! Why training ends early.

use std::io;
use std::path::PathBuf;

use bolete_data::DataError;

use crate::checkpoint::LoadError;
use crate::rate_finder::RateFinderError;
use crate::run_folder::RunError;

/// Why training ended early. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A loss became NaN or infinite.
    #[error(
        "the loss became NaN or infinite at step {step} (epoch {epoch}, learning rate factor {rate_factor:.3e}); {}{}",
        saved.as_ref().map_or_else(
            || "nothing was saved before".to_owned(),
            |(path, step)| format!("the checkpoint of step {step}, which is sound, is {}", path.display())
        ),
        origin.as_ref().map_or_else(
            || "; try a smaller learning rate, or --debug-nans to see where it comes from".to_owned(),
            |origin| format!("; {origin}")
        )
    )]
    NotFinite {
        /// The first update whose loss was not finite, from 1.
        step: u64,
        /// Its epoch, from 1.
        epoch: u64,
        /// Its factor of the learning rate.
        rate_factor: f64,
        /// The last checkpoint, and after which update it was taken.
        saved: Option<(PathBuf, u64)>,
        /// Which operation made the first value that is not finite, where that was looked for.
        origin: Option<String>,
    },
    /// There is nothing to learn from.
    #[error("the training data make no batch; use a smaller batch size or more data")]
    NoBatch,
    /// A batch could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run folder could not be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint does not fit.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The data are not those that the run began with.
    #[error(
        "{}: the training data are not those that the run began with (their fingerprint was {then} and is \
         {now}); put the data back, or begin a new run",
        run.display()
    )]
    DataChanged {
        /// The run folder.
        run: PathBuf,
        /// The fingerprint at the beginning.
        then: String,
        /// The fingerprint now.
        now: String,
    },
    /// The monitored measure does not exist.
    #[error("nothing is measured as `{measure}`, which decides what is best; there are {known}")]
    NoSuchMeasure {
        /// The name.
        measure: String,
        /// Those that there are.
        known: String,
    },
    /// A search for the learning rate that cannot be.
    #[error(transparent)]
    RateFinder(#[from] RateFinderError),
    /// The observer gave up.
    #[error("the progress cannot be shown ({0})")]
    Observer(#[source] io::Error),
}
