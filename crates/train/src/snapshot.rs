//! The checkpoints of a run: where training can go on exactly.
//!
//! A checkpoint is one safetensors file, `step-N.safetensors`, with all tensors and, as text, all else. It is written
//! beside its place and renamed, so that it is whole or not there, and carries a checksum. The last two are kept; when the
//! last is damaged, the one before takes its place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bolete_formats::safetensors::{self, Entry, Metadata};
use bolete_tensor::Tree;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::{self, LoadError};
use crate::run_folder::RunError;

/// The version of what is in a checkpoint.
const VERSION: &str = "2";

/// Ordinary checkpoints that are kept.
const KEPT: usize = 2;

/// The folder with the checkpoints of a run.
#[derive(Clone, Debug)]
pub struct Snapshots {
    folder: PathBuf,
}

/// A checkpoint that was read.
pub(crate) struct Snapshot<T, P> {
    pub tree: T,
    pub position: P,
    pub step: u64,
    /// What was wrong with later ones, a line each.
    pub damaged: Vec<String>,
}

impl Snapshots {
    pub(crate) fn of(run: &Path) -> Snapshots {
        Snapshots { folder: run.join("checkpoints") }
    }

    /// The updates after which there are checkpoints, in order.
    pub fn steps(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let step = |name: &str| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok();
        let mut steps: Vec<u64> =
            entries.filter_map(|entry| step(entry.ok()?.file_name().to_str()?)).collect();
        steps.sort_unstable();
        steps
    }

    /// The file of the checkpoint after this update.
    pub fn file(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:09}.safetensors"))
    }

    /// Writes a checkpoint and removes those that are no longer needed.
    pub(crate) fn save<T: Tree>(
        &self,
        step: u64,
        tree: &T,
        position: &impl Serialize,
        keep_every: Option<u64>,
    ) -> Result<(), RunError> {
        fs::create_dir_all(&self.folder)
            .map_err(|reason| RunError::Create { path: self.folder.clone(), reason })?;
        // TOML has infinities and NaN, which a measure may be.
        let position = toml::to_string(position)
            .map_err(io::Error::other)
            .map_err(|reason| RunError::Metrics { file: self.file(step), reason })?;
        let entries = checkpoint::entries(tree);
        let metadata = Metadata::from([
            ("checksum".to_owned(), format!("{:08x}", checksum(&entries, &position))),
            ("position".to_owned(), position),
            ("version".to_owned(), VERSION.to_owned()),
        ]);
        safetensors::write(self.file(step), &entries, &metadata)?;
        let kept_for_good = |step: u64| keep_every.is_some_and(|every| step.is_multiple_of(every));
        let steps = self.steps();
        let ordinary: Vec<u64> = steps.into_iter().filter(|step| !kept_for_good(*step)).collect();
        for old in &ordinary[..ordinary.len().saturating_sub(KEPT)] {
            // One too many does no harm.
            let _ = fs::remove_file(self.file(*old));
        }
        Ok(())
    }

    /// The last checkpoint that is whole; `None` when there is none at all.
    ///
    /// # Errors
    /// [`LoadError::Mismatch`] when it is of another model; what is wrong with the last one when all are damaged.
    pub(crate) fn load<T: Tree, P: DeserializeOwned>(
        &self,
        like: &T,
    ) -> Result<Option<Snapshot<T, P>>, LoadError> {
        let mut damaged = Vec::new();
        let mut first = None;
        for step in self.steps().into_iter().rev() {
            let file = self.file(step);
            match read(&file, like) {
                Ok((tree, position)) => return Ok(Some(Snapshot { tree, position, step, damaged })),
                Err(LoadError::Mismatch(mismatch)) => return Err(LoadError::Mismatch(mismatch)),
                Err(error) => {
                    damaged.push(error.to_string());
                    first.get_or_insert(error);
                }
            }
        }
        first.map_or(Ok(None), Err)
    }
}

fn read<T: Tree, P: DeserializeOwned>(file: &Path, like: &T) -> Result<(T, P), LoadError> {
    let damaged = |reason: &str| LoadError::Damaged { file: file.to_path_buf(), reason: reason.to_owned() };
    let content = safetensors::read(file)?;
    let position = content.metadata.get("position").ok_or_else(|| damaged("it has no position"))?.clone();
    let version = content.metadata.get("version").map_or("none", String::as_str);
    if version != VERSION {
        return Err(damaged(&format!("it is of version {version}, this program reads version {VERSION}")));
    }
    let expected = content.metadata.get("checksum").map_or("", String::as_str);
    if format!("{:08x}", checksum(&content.entries, &position)) != expected {
        return Err(damaged("its checksum is wrong"));
    }
    let position = toml::from_str(&position).map_err(|error| damaged(&error.to_string()))?;
    Ok((checkpoint::from_file(file, content, like)?, position))
}

/// CRC-32 of names, bytes and text.
fn checksum(entries: &[Entry], position: &str) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries {
        hash.update(entry.name.as_bytes());
        hash.update(&entry.bytes);
    }
    hash.update(position.as_bytes());
    hash.finalize()
}
