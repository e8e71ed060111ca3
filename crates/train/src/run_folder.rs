//! The folder that a training run leaves behind.
//!
//! | file | holds |
//! |---|---|
//! | `config.json` | the name of the recipe and its full configuration, the seed included |
//! | `environment.json` | what the run is made on |
//! | `metrics.jsonl` | what was measured, one JSON object per line, in the order of time ([`Record`]) |
//! | `checkpoints/` | where training can go on exactly ([`Snapshots`]) |
//! | `model.safetensors` | the weights to be used, by path, of the last checkpoint |
//! | `best.safetensors` | those of the best evaluation |
//! | `lock` | held while a process writes to the folder, so that no other does |
//!
//! Nothing is ever half-written: configuration and weights are replaced as a whole, and a line of metrics that does
//! not fit on the disk is taken back.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bolete_formats::safetensors::Metadata;
use bolete_formats::{FormatError, atomic};
use bolete_tensor::Tree;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::checkpoint;
use crate::record::Record;
use crate::snapshot::Snapshots;

const CONFIG: &str = "config.json";
const METRICS: &str = "metrics.jsonl";
const MODEL: &str = "model.safetensors";
const BEST: &str = "best.safetensors";
const LOCK: &str = "lock";
const ENVIRONMENT: &str = "environment.json";

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
    /// Held by the process that trains; let go of by the system however that ends.
    lock: Option<Arc<File>>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A process is at it.
    Running,
    /// It came to its end.
    Complete,
    /// It was stopped or killed, and can be resumed.
    Unfinished,
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
        let lock = Some(lock(path)?);
        let run = RunFolder { path: path.to_path_buf(), recipe: recipe.to_owned(), lock };
        run.write_config(config)?;
        Ok(run)
    }

    /// Opens the folder of a run that shall go on.
    ///
    /// # Errors
    /// [`RunError::NotARun`] when it is not there or has no configuration, [`RunError::Busy`] when a process is at it
    /// already.
    pub fn resume(path: impl AsRef<Path>) -> Result<RunFolder, RunError> {
        let run = RunFolder::open_any(path)?;
        Ok(RunFolder { lock: Some(lock(&run.path)?), ..run })
    }

    /// Opens the folder of a run for reading, however far it has come.
    ///
    /// # Errors
    /// [`RunError::NotARun`] when it is not there, not a folder, or has no configuration, and [`RunError::Config`] when
    /// the configuration is not one.
    pub fn open_any(path: impl AsRef<Path>) -> Result<RunFolder, RunError> {
        let path = path.as_ref();
        RunFolder::look(path, &[CONFIG])?;
        let ConfigFile { recipe, .. } = read_config::<serde_json::Value>(path)?;
        Ok(RunFolder { path: path.to_path_buf(), recipe, lock: None })
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
        RunFolder::create(RunFolder::free_name(parent, recipe)?, recipe, config)
    }

    /// Makes the first free folder of `parent/name-1`, `parent/name-2`, …, after the last that there is: numbers tell the
    /// order.
    ///
    /// # Errors
    /// [`RunError::Create`] when the system refuses.
    pub fn free_name(parent: impl AsRef<Path>, name: &str) -> Result<PathBuf, RunError> {
        let parent = parent.as_ref();
        fs::create_dir_all(parent).map_err(|reason| RunError::create(parent, reason))?;
        // Also where an earlier one was deleted.
        let taken = fs::read_dir(parent).map_err(|reason| RunError::create(parent, reason))?;
        let last = taken
            .filter_map(|entry| {
                entry.ok()?.file_name().to_str()?.strip_prefix(name)?.strip_prefix('-')?.parse().ok()
            })
            .max()
            .unwrap_or(0u64);
        for number in last.saturating_add(1).. {
            let path = parent.join(format!("{name}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
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
        let run = RunFolder::open_any(&path)?;
        RunFolder::look(&run.path, &[CONFIG, MODEL])?;
        Ok(run)
    }

    /// Whether the folder is there with these files.
    fn look(path: &Path, files: &[&str]) -> Result<(), RunError> {
        let not_a_run = |found: &str| RunError::NotARun { path: path.to_path_buf(), found: found.to_owned() };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_a_run("nothing there")),
            Err(error) => return Err(not_a_run(&error.to_string())),
            Ok(metadata) if !metadata.is_dir() => return Err(not_a_run("a file, not a folder")),
            Ok(_) => {}
        }
        let missing: Vec<&str> = files.iter().copied().filter(|name| !path.join(name).is_file()).collect();
        if !missing.is_empty() {
            return Err(not_a_run(&format!("no {} in it", missing.join(" and no "))));
        }
        Ok(())
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the recipe that made the run.
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// How far it has come.
    pub fn status(&self) -> Status {
        let running = self.lock.is_none()
            && File::open(self.path.join(LOCK))
                .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
        let ended = |record: &Record| matches!(record, Record::Ended { .. });
        if running {
            Status::Running
        } else if self.history().is_ok_and(|records| records.iter().any(ended)) {
            Status::Complete
        } else {
            Status::Unfinished
        }
    }

    /// Removes a new folder in which nothing has been found yet, so that it is not in the way of the next try.
    pub fn discard_if_empty(self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        let names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        if names.iter().all(|name| name == CONFIG || name == LOCK || name == ENVIRONMENT) {
            // What cannot be removed is in the way, and told of when it is.
            let _ = fs::remove_dir_all(&self.path);
        }
    }

    /// The checkpoints.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::of(&self.path)
    }

    /// Where the weights of the best evaluation are.
    pub fn best_path(&self) -> PathBuf {
        self.path.join(BEST)
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

    /// Writes down what the run is made on.
    ///
    /// # Errors
    /// [`RunError::Write`] naming the file.
    pub fn write_environment(&self, environment: &impl Serialize) -> Result<(), RunError> {
        let path = self.path.join(ENVIRONMENT);
        Ok(atomic::write(path, |out| Ok(serde_json::to_writer_pretty(out, environment)?))?)
    }

    /// What the run is made on, where that was written down.
    pub fn environment(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&fs::read(self.path.join(ENVIRONMENT)).ok()?).ok()
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

    /// What was written down, in the order of time. A last line that is not whole, as after a power cut, is left out.
    ///
    /// # Errors
    /// [`RunError::Config`] naming the first line that is not a record.
    pub fn history(&self) -> Result<Vec<Record>, RunError> {
        let file = self.metrics_path();
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunError::Config { file, reason: error.to_string() }),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let read = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| RunError::Config {
                file: file.clone(),
                reason: format!("line {}: {error}", number + 1),
            })
        };
        whole.lines().enumerate().map(read).collect()
    }

    /// Bytes of metrics so far.
    pub(crate) fn metrics_bytes(&self) -> u64 {
        fs::metadata(self.metrics_path()).map_or(0, |metadata| metadata.len())
    }

    /// Takes back the metrics after this many bytes: those of steps that are done again.
    pub(crate) fn truncate_metrics(&self, bytes: u64) -> Result<(), RunError> {
        let file = self.metrics_path();
        if self.metrics_bytes() <= bytes {
            return Ok(());
        }
        let truncate = || OpenOptions::new().write(true).open(&file)?.set_len(bytes);
        truncate().map_err(|reason| RunError::Metrics { file: file.clone(), reason })
    }

    /// Writes the weights of the best evaluation, replacing earlier ones as a whole.
    ///
    /// # Errors
    /// [`RunError::Write`] naming the file.
    pub fn save_best(&self, model: &impl Tree, metadata: &Metadata) -> Result<(), RunError> {
        Ok(checkpoint::save(self.best_path(), model, metadata)?)
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

/// Takes the lock of a folder.
fn lock(path: &Path) -> Result<Arc<File>, RunError> {
    let refused = |reason| RunError::create(path, reason);
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
    let file = open.map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(Arc::new(file)),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy { path: path.to_path_buf() }),
        Err(TryLockError::Error(reason)) => Err(refused(reason)),
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
    /// Another process is at it.
    #[error("{}: another process is training in this folder; wait for it, or choose another folder", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
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
