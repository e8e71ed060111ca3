//! Typed configurations that are put together from defaults, a file, the environment and single assignments.
//!
//! A configuration is a plain struct with `Serialize`, `Deserialize` and [`JsonSchema`]. Its documentation comments are
//! what users read, its ranges (`#[schemars(range(min = 1))]`) are checked, and a key that it does not have is an error
//! that names the nearest one. Every value that is given goes through the same check, wherever it comes from, so that a
//! mistake is told with its key, its value, what is allowed, and where it stands.
//!
//! ```
//! use bolete_train::configuration::{JsonSchema, Layers};
//! use serde::{Deserialize, Serialize};
//!
//! /// How to train.
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     /// Items per step.
//!     #[schemars(range(min = 1))]
//!     batch_size: usize,
//!     /// The learning rate.
//!     rate: f64,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Config {
//!         Config { batch_size: 64, rate: 1e-3 }
//!     }
//! }
//!
//! let mut layers = Layers::new(&Config::default());
//! layers.assign("rate=3e-4", "--set")?;
//! assert_eq!(layers.finish()?.rate, 3e-4);
//!
//! let mut layers = Layers::new(&Config::default());
//! let error = layers.assign("batchsize=32", "--set").unwrap_err();
//! assert_eq!(error.to_string(), "--set: there is no key `batchsize`; the nearest is `batch_size`");
//! let error = layers.assign("batch_size=0", "--set").unwrap_err();
//! assert_eq!(error.to_string(), "--set: `batch_size` must be a whole number of at least 1, found 0");
//! # Ok::<(), bolete_train::configuration::ConfigurationError>(())
//! ```

mod layers;
mod schema;

pub use layers::Layers;
pub use schema::{Key, keys};
pub use schemars::JsonSchema;

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be configured: any struct that is serialised, read back and has a schema.
pub trait Configuration: Serialize + DeserializeOwned + JsonSchema {}

impl<C: Serialize + DeserializeOwned + JsonSchema> Configuration for C {}

/// Why a configuration cannot be used. Each message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// A key that the configuration does not have.
    #[error("{origin}: there is no key `{key}`; {}", hint(.nearest, .known))]
    UnknownKey {
        /// Where it stands: a file, a flag, a variable.
        origin: String,
        /// The key, steps joined by dots.
        key: String,
        /// The key that it resembles most.
        nearest: Option<String>,
        /// All keys at that place.
        known: Vec<String>,
    },
    /// A value of the wrong type, or out of its range.
    #[error("{origin}: `{key}` must be {expected}, found {found}")]
    Value {
        /// Where it stands.
        origin: String,
        /// The key, steps joined by dots.
        key: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An assignment without `=`.
    #[error("{origin}: expected KEY=VALUE, such as optimizer.lr=3e-4, found `{found}`")]
    Assignment {
        /// Where it stands.
        origin: String,
        /// What was given.
        found: String,
    },
    /// A file that is not TOML.
    #[error("{}: not a TOML file ({reason})", file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// What is wrong, and in which line.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{}: cannot be read ({reason})", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// The values are right one by one, but do not make a configuration.
    #[error("the configuration is not sound: {0}")]
    Whole(String),
}

fn hint(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("the nearest is `{nearest}`"),
        None if known.is_empty() => "there are no keys at that place".to_owned(),
        None => format!("there are {}", known.join(", ")),
    }
}
