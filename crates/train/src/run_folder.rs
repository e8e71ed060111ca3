//! The folder that a training run leaves behind.
//!
//! | file | holds |
//! |---|---|
//! | `config.json` | the name of the recipe and its full configuration, the seed included |
//! | `metrics.jsonl` | what was measured, one JSON object per line, in the order of time |
//! | `model.safetensors` | the weights, by path |
//!
//! Nothing is ever half-written: configuration and weights are replaced as a whole, and a line of metrics that does
//! not fit on the disk is taken back.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bolete_formats::safetensors::Metadata;
use bolete_formats::{FormatError, atomic};
use bolete_tensor::Tree;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::checkpoint;

const CONFIG: &str = "config.json";
const METRICS: &str = "metrics.jsonl";
const MODEL: &str = "model.safetensors";

/// A run folder that exists and belongs to a recipe.
///
/// ```
/// use bolete_nn::LinearConfig;
/// use bolete_tensor::Key;
/// use bolete_train::RunFolder;
///
/// let path = std::env::temp_dir().join(format!("bolete-run-{}", std::process::id()));
/// let run = RunFolder::create(&path, "line", &serde_json::json!({ "seed": 0 }))?;
/// run.append_metrics(&serde_json::json!({ "step": 1, "loss": 0.5 }))?;
/// let model = LinearConfig::new(1, 1).init(&Key::new(0));
/// run.save_model(&model, &Default::default())?;
///
/// let run = RunFolder::open(&path)?;
/// assert_eq!(run.recipe(), "line");
/// let model = run.load_model(&model)?;
/// # std::fs::remove_dir_all(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    recipe: String,
}

/// `config.json`.
#[derive(Serialize, Deserialize)]
struct ConfigFile<C> {
    recipe: String,
    config: C,
}

impl RunFolder {
    /// Makes the folder, its parents included, and writes the configuration. A folder that exists must be empty: the
    /// record of another run is never overwritten.
    ///
    /// # Errors
    /// [`RunError::Occupied`] when something is there already, [`RunError::Create`] when the system refuses the
    /// folder, [`RunError::Write`] when it refuses the file.
    pub fn create(
        path: impl AsRef<Path>,
        recipe: &str,
        config: &impl Serialize,
    ) -> Result<RunFolder, RunError> {
        let path = path.as_ref();
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(RunError::occupied(path, "a file of that name"));
            }
            Ok(_) => {
                let mut entries = fs::read_dir(path).map_err(|reason| RunError::create(path, reason))?;
                if path.join(CONFIG).exists() {
                    return Err(RunError::occupied(path, "another run"));
                }
                if entries.next().is_some() {
                    return Err(RunError::occupied(path, "a folder with other files"));
                }
            }
            Err(_) => fs::create_dir_all(path).map_err(|reason| RunError::create(path, reason))?,
        }
        let run = RunFolder { path: path.to_path_buf(), recipe: recipe.to_owned() };
        run.write_config(config)?;
        Ok(run)
    }

    /// As [`create`](RunFolder::create), in the first free folder of `parent/recipe-1`, `parent/recipe-2`, …
    ///
    /// # Errors
    /// As [`create`](RunFolder::create).
    pub fn create_numbered(
        parent: impl AsRef<Path>,
        recipe: &str,
        config: &impl Serialize,
    ) -> Result<RunFolder, RunError> {
        let parent = parent.as_ref();
        fs::create_dir_all(parent).map_err(|reason| RunError::create(parent, reason))?;
        // After the last one, also where an earlier one was deleted: numbers tell the order.
        let taken = fs::read_dir(parent).map_err(|reason| RunError::create(parent, reason))?;
        let last = taken
            .filter_map(|entry| {
                entry.ok()?.file_name().to_str()?.strip_prefix(recipe)?.strip_prefix('-')?.parse().ok()
            })
            .max()
            .unwrap_or(0u64);
        for number in last.saturating_add(1).. {
            let path = parent.join(format!("{recipe}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return RunFolder::create(path, recipe, config),
                // Another run was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(reason) => return Err(RunError::create(&path, reason)),
            }
        }
        Err(RunError::occupied(parent, "as many runs as there are numbers"))
    }

    /// Opens the folder of a finished or interrupted run.
    ///
    /// # Errors
    /// [`RunError::NotARun`] when it is not there, not a folder, or a file is missing from it, and
    /// [`RunError::Config`] when the configuration is not one.
    pub fn open(path: impl AsRef<Path>) -> Result<RunFolder, RunError> {
        let path = path.as_ref();
        let not_a_run = |found: &str| RunError::NotARun { path: path.to_path_buf(), found: found.to_owned() };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_a_run("nothing there")),
            Err(error) => return Err(not_a_run(&error.to_string())),
            Ok(metadata) if !metadata.is_dir() => return Err(not_a_run("a file, not a folder")),
            Ok(_) => {}
        }
        let missing: Vec<&str> =
            [CONFIG, MODEL].into_iter().filter(|name| !path.join(name).is_file()).collect();
        if !missing.is_empty() {
            return Err(not_a_run(&format!("no {} in it", missing.join(" and no "))));
        }
        let ConfigFile { recipe, .. } = read_config::<serde_json::Value>(path)?;
        Ok(RunFolder { path: path.to_path_buf(), recipe })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the recipe that made the run.
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Where the weights are.
    pub fn model_path(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// Where the metrics are.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`RunError::Config`] when the file is not JSON or not of this type.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, RunError> {
        read_config(&self.path).map(|file| file.config)
    }

    fn write_config(&self, config: &impl Serialize) -> Result<(), RunError> {
        let file = ConfigFile { recipe: self.recipe.clone(), config };
        atomic::write(self.path.join(CONFIG), |out| {
            serde_json::to_writer_pretty(&mut *out, &file)?;
            out.write_all(b"\n")
        })?;
        Ok(())
    }

    /// Adds a line to the metrics. When the disk takes only a part of it, that part is removed again.
    ///
    /// # Errors
    /// [`RunError::Metrics`] naming the file and what the operating system said.
    pub fn append_metrics(&self, metrics: &impl Serialize) -> Result<(), RunError> {
        let file = self.metrics_path();
        let append = || -> io::Result<()> {
            let mut line = serde_json::to_vec(metrics)?;
            line.push(b'\n');
            // Opened anew for each line: there are few, and the file can be moved or watched in between.
            let mut out = OpenOptions::new().append(true).create(true).open(&file)?;
            let before = out.metadata()?.len();
            out.write_all(&line).inspect_err(|_| {
                // The first failure is on its way to the caller; a second one would only hide it.
                let _ = out.set_len(before);
            })
        };
        append().map_err(|reason| RunError::Metrics { file: file.clone(), reason })
    }

    /// Writes the weights, replacing earlier ones as a whole.
    ///
    /// # Errors
    /// [`RunError::Write`] naming the file.
    pub fn save_model(&self, model: &impl Tree, metadata: &Metadata) -> Result<(), RunError> {
        Ok(checkpoint::save(self.model_path(), model, metadata)?)
    }

    /// Reads the weights into a model of the form of `like`.
    ///
    /// # Errors
    /// As [`checkpoint::load`].
    pub fn load_model<M: Tree>(&self, like: &M) -> Result<M, LoadError> {
        checkpoint::load(self.model_path(), like)
    }
}

fn read_config<C: DeserializeOwned>(folder: &Path) -> Result<ConfigFile<C>, RunError> {
    let file = folder.join(CONFIG);
    let broken = |reason: String| RunError::Config { file: file.clone(), reason };
    let text = fs::read(&file).map_err(|error| broken(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))
}

/// Why a run folder cannot be used. Each message is one line: the path, what was found, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Something is in the way.
    #[error("{}: a new run needs a new or empty folder, but there is {found}; choose another name or remove it", path.display())]
    Occupied {
        /// The folder that was to be.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The system refused to make the folder.
    #[error("{}: the run folder cannot be made ({reason}); choose a place that you may write to", path.display())]
    Create {
        /// The folder that was to be.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// The system refused to write a file of the folder; an older one is untouched.
    #[error(transparent)]
    Write(#[from] FormatError),
    /// The system refused to write a line of metrics; the earlier ones are untouched.
    #[error("{}: cannot be written ({reason}); check free space and permissions", file.display())]
    Metrics {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// Not the folder of a run that got as far as weights.
    #[error(
        "{}: expected the folder of a training run, with {CONFIG} and {MODEL}, found {found}; give the folder that \
         `train` named at its end",
        path.display()
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The configuration is damaged or of another recipe or version.
    #[error("{}: not the configuration of a run ({reason}); use a run folder as it was written", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong, and in which line.
        reason: String,
    },
}

impl RunError {
    fn occupied(path: &Path, found: &'static str) -> RunError {
        RunError::Occupied { path: path.to_path_buf(), found }
    }

    fn create(path: &Path, reason: io::Error) -> RunError {
        RunError::Create { path: path.to_path_buf(), reason }
    }
}
