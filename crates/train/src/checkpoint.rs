//! Any tree of tensors to a safetensors file and back, by path.
//!
//! Each leaf becomes an entry under its path, such as `first.weight`. Loading goes into a tree of the same form, made
//! with any values, and compares names, shapes and types before anything is taken over.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use bolete_formats::FormatError;
use bolete_formats::safetensors::{self, Entry, Metadata, SafeDtype, SafeFile};
use bolete_tensor::tree::{NamedLeaf, TreeExt};
use bolete_tensor::{DType, Shape, Tensor, Tree, eval_tree};

/// Writes the leaves of a tree, with free text beside them. The file is either complete or, after an error, what it
/// was before.
///
/// # Errors
/// [`FormatError`] naming the file and what the operating system said.
///
/// # Examples
/// ```
/// use bolete_nn::LinearConfig;
/// use bolete_tensor::Key;
/// use bolete_train::checkpoint;
///
/// let path = std::env::temp_dir().join(format!("bolete-checkpoint-{}.safetensors", std::process::id()));
/// let layer = LinearConfig::new(3, 2).init(&Key::new(0));
/// checkpoint::save(&path, &layer, &Default::default())?;
///
/// let other = LinearConfig::new(3, 2).init(&Key::new(1));
/// let loaded = checkpoint::load(&path, &other)?;
/// assert_eq!(loaded.weight.to_vec::<f32>(), layer.weight.to_vec::<f32>());
///
/// let error = checkpoint::load(&path, &LinearConfig::new(4, 2).init(&Key::new(0))).unwrap_err();
/// assert!(error.to_string().contains("weight: expected f32 [2, 4], found F32 [2, 3]"), "{error}");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save<T: Tree>(path: impl AsRef<Path>, tree: &T, metadata: &Metadata) -> Result<(), FormatError> {
    safetensors::write(path, &entries(tree), metadata)
}

/// The leaves as entries of a file.
pub(crate) fn entries<T: Tree>(tree: &T) -> Vec<Entry> {
    // All at once, so that pending leaves share their work.
    eval_tree(tree);
    let entry = |leaf: NamedLeaf<'_>| Entry {
        name: leaf.path,
        dtype: to_file(leaf.tensor.dtype()),
        shape: leaf.tensor.shape().to_vec(),
        bytes: little_endian(leaf.tensor.to_bytes(), leaf.tensor.dtype()),
    };
    tree.named_leaves().into_iter().map(entry).collect()
}

/// Reads a file that [`save`] wrote (or another program) into a tree of the form of `like`.
///
/// # Errors
/// [`LoadError::Format`] when the file cannot be read or is damaged; [`LoadError::Mismatch`], with everything that
/// does not fit, when its entries are not those of the tree.
pub fn load<T: Tree>(path: impl AsRef<Path>, like: &T) -> Result<T, LoadError> {
    load_with_metadata(path, like).map(|(tree, _)| tree)
}

/// As [`load`], with the free text of the file.
///
/// # Errors
/// As [`load`].
pub fn load_with_metadata<T: Tree>(path: impl AsRef<Path>, like: &T) -> Result<(T, Metadata), LoadError> {
    let path = path.as_ref();
    let file = safetensors::read(path)?;
    let metadata = file.metadata.clone();
    Ok((from_file(path, file, like)?, metadata))
}

/// The tree in a file that was read.
pub(crate) fn from_file<T: Tree>(path: &Path, file: SafeFile, like: &T) -> Result<T, LoadError> {
    let mut found: BTreeMap<String, Entry> =
        file.entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let mut mismatch = Mismatch { file: path.to_path_buf(), ..Mismatch::default() };
    let mut tensors = Vec::new();
    for leaf in like.named_leaves() {
        let expected = describe(leaf.tensor.dtype(), leaf.tensor.shape());
        let Some(entry) = found.remove(&leaf.path) else {
            mismatch.missing.push(format!("{} ({expected})", leaf.path));
            continue;
        };
        if entry.dtype != to_file(leaf.tensor.dtype()) || entry.shape != **leaf.tensor.shape() {
            let found = describe(entry.dtype, &entry.shape.into());
            mismatch.different.push(format!("{}: expected {expected}, found {found}", leaf.path));
            continue;
        }
        let bytes = little_endian(entry.bytes, leaf.tensor.dtype());
        match Tensor::from_bytes(&bytes, leaf.tensor.shape(), leaf.tensor.dtype()) {
            Ok(tensor) => tensors.push(tensor),
            Err(reason) => mismatch.different.push(format!("{}: {reason}", leaf.path)),
        }
    }
    mismatch.unexpected = found
        .into_values()
        .map(|entry| format!("{} ({} {:?})", entry.name, entry.dtype, entry.shape))
        .collect();
    if mismatch.missing.is_empty() && mismatch.unexpected.is_empty() && mismatch.different.is_empty() {
        Ok(like.with_leaves(tensors))
    } else {
        Err(LoadError::Mismatch(mismatch))
    }
}

/// Why weights could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read or is damaged.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A checkpoint is damaged.
    #[error("{}: the checkpoint is damaged: {reason}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is sound, but holds another model.
    #[error(transparent)]
    Mismatch(Mismatch),
}

/// All differences between the entries of a file and the leaves of a tree. The message is one line; it names the first
/// few of each kind and counts the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch {
    /// The file.
    pub file: PathBuf,
    /// Leaves without an entry, each with its type and shape.
    pub missing: Vec<String>,
    /// Entries without a leaf, each with its type and shape.
    pub unexpected: Vec<String>,
    /// Entries of another type or shape than their leaf, each with both.
    pub different: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: the weights are not those of this model: ", self.file.display())?;
        let kinds = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("of another shape or type", &self.different),
        ];
        let mut parts = Vec::new();
        for (kind, entries) in kinds.into_iter().filter(|kind| !kind.1.is_empty()) {
            const SHOWN: usize = 8;
            let mut part = format!("{} {kind}: ", entries.len());
            part += &entries[..entries.len().min(SHOWN)].join(", ");
            if entries.len() > SHOWN {
                part += &format!(" and {} more", entries.len() - SHOWN);
            }
            parts.push(part);
        }
        write!(formatter, "{}; load them into the model that they were saved from", parts.join("; "))
    }
}

pub(crate) fn describe(dtype: impl fmt::Display, shape: &Shape) -> String {
    format!("{dtype} {shape}")
}

fn to_file(dtype: DType) -> SafeDtype {
    match dtype {
        DType::Bool => SafeDtype::Bool,
        DType::U8 => SafeDtype::U8,
        DType::I32 => SafeDtype::I32,
        DType::I64 => SafeDtype::I64,
        DType::F16 => SafeDtype::F16,
        DType::BF16 => SafeDtype::Bf16,
        DType::F32 => SafeDtype::F32,
        DType::F64 => SafeDtype::F64,
    }
}

/// Between the byte order of this machine and that of files, either way.
pub(crate) fn little_endian(mut bytes: Vec<u8>, dtype: DType) -> Vec<u8> {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    bytes
}
