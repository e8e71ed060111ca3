//! Searching for good values of a configuration: spaces, strategies, pruning, and a journal that survives a kill.
//!
//! A [`Study`] proposes values ([`Study::ask`]), is told what they gave ([`Trial`]s report on the way and end with a
//! value), and writes every word of that to a journal before it counts, so that a study goes on after a kill at any
//! moment. How trials are run is the caller's affair.
//!
//! ```
//! use bolete_train::sweep::{Goal, Space, Strategy, Study, StudyConfig};
//!
//! let folder = std::env::temp_dir().join(format!("bolete-sweep-{}", std::process::id()));
//! let config = StudyConfig {
//!     spaces: vec!["x=-5.0..5.0".parse::<Space>()?, "y=log:1e-3..1e3".parse()?],
//!     strategy: Strategy::Tpe,
//!     goal: Goal::Lowest,
//!     trials: 40,
//!     ..StudyConfig::default()
//! };
//! let mut study = Study::create(&folder, config)?;
//! while let Some(trial) = study.ask()? {
//!     let (x, y): (f64, f64) = (trial.number("x"), trial.number("y"));
//!     study.complete(trial.number, (x - 1.0).powi(2) + y.ln().powi(2))?;
//! }
//! assert!(study.leaderboard()[0].value.unwrap() < 2.0);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod importance;
mod journal;
mod pruning;
mod space;
mod study;
mod tpe;

pub use crate::trainer::Goal;
pub use importance::{correlation, importance};
pub use pruning::Pruning;
pub use space::{Domain, Space};
pub use study::{Outcome, Strategy, Study, StudyConfig, Trial};

use std::io;
use std::path::PathBuf;

/// Why a study cannot go on. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A space that cannot be understood.
    #[error(
        "expected KEY=SPACE with a space such as 0.0..0.5, log:1e-4..1e-1, int:1..6 or choice:a,b,c, found `{found}`: {reason}"
    )]
    Space {
        /// What was given.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to search.
    #[error("a sweep needs at least one KEY=SPACE")]
    NoSpace,
    /// A grid over a continuous space.
    #[error("`{key}`: a grid needs a choice or whole numbers, or a number of steps such as 0.0..1.0/5")]
    Continuous {
        /// The key.
        key: String,
    },
    /// The journal cannot be read or written.
    #[error("{}: {reason}", file.display())]
    Journal {
        /// The file.
        file: PathBuf,
        /// What is wrong, or what the operating system said.
        reason: String,
    },
    /// Another process is at it.
    #[error("{}: another process works on this sweep; wait for it, or choose another folder", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
}

impl SweepError {
    fn journal(file: &std::path::Path, reason: io::Error) -> SweepError {
        SweepError::Journal { file: file.to_path_buf(), reason: reason.to_string() }
    }
}
