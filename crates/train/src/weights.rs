//! Weights of other programs into any tree of tensors, by path, and back.
//!
//! ```
//! use bolete_nn::LinearConfig;
//! use bolete_tensor::Key;
//! use bolete_train::weights::{self, LoadOptions};
//!
//! let path = std::env::temp_dir().join(format!("bolete-weights-{}.npz", std::process::id()));
//! let layer = LinearConfig::new(3, 2).init(&Key::new(0));
//! weights::save(&layer, &path)?;
//!
//! // The names in the file are `weight` and `bias`, those of the model `head.weight` and `head.bias`.
//! let other = std::collections::BTreeMap::from([("head".to_string(), LinearConfig::new(3, 2).init(&Key::new(1)))]);
//! let options = LoadOptions { add_prefix: "head.".to_string(), ..LoadOptions::default() };
//! let (loaded, report) = weights::load_into(&other, &path, &options)?;
//! assert_eq!(loaded["head"].weight.to_vec::<f32>(), layer.weight.to_vec::<f32>());
//! assert_eq!(report.loaded, ["head.weight", "head.bias"]);
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod names;

use std::collections::BTreeMap;
use std::path::Path;

use bolete_formats::safetensors::{self, Metadata};
use bolete_formats::weights::{WeightFile, open};
use bolete_formats::{Array, ElementType, FormatError, npy};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Tensor, Tree};

use crate::checkpoint::{LoadError, Mismatch, describe, entries, little_endian};

/// All tensors of a file by name: safetensors, an index of several (`model.safetensors.index.json`), what
/// `torch.save` wrote, GGUF (quantised tensors as `f32`) or npz, told apart by content.
///
/// # Errors
/// [`FormatError`] when the file cannot be read, is damaged, or holds values of a type that is not computed with.
pub fn load(path: impl AsRef<Path>) -> Result<BTreeMap<String, Tensor>, FormatError> {
    let file = open(path)?;
    file.names().into_iter().map(|name| read(&file, &name).map(|tensor| (name, tensor))).collect()
}

/// How the names and types of a file are brought to those of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Only tensors whose names begin with this are taken, and it is taken off.
    pub strip_prefix: String,
    /// Pairs of patterns: a name of the first form gets the second. Patterns are compared step by step between dots;
    /// `*` stands for any one step and `**` for any number of steps; what they stand for takes the places of `*` and of
    /// `**` in the second, each kind in order. The first pair that fits is used: `("layers.*.fc.**", "blocks.*.feed_forward.**")`.
    pub rename: Vec<(String, String)>,
    /// Put before every name at last.
    pub add_prefix: String,
    /// Patterns of names (as they are in the file) that are left out and not missed.
    pub ignore: Vec<String>,
    /// Whether everything must fit: a name that is missing, unexpected or of another shape is an error. Otherwise what
    /// fits is loaded, and the rest of the model stays as it was.
    pub strict: bool,
    /// Whether floats and integers of another size are converted to those of the model.
    pub convert: bool,
}

impl Default for LoadOptions {
    /// Names as they are, strict, converting types; PyTorch's count of batches, which no layer here has, is left out.
    fn default() -> LoadOptions {
        LoadOptions {
            strip_prefix: String::new(),
            rename: Vec::new(),
            add_prefix: String::new(),
            ignore: vec!["**.num_batches_tracked".to_string()],
            strict: true,
            convert: true,
        }
    }
}

/// What became of the names of a file and of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Leaves that were loaded, by path.
    pub loaded: Vec<String>,
    /// Those of them whose type was converted, each with both types.
    pub converted: Vec<String>,
    /// Leaves that the file does not have, each with its type and shape.
    pub missing: Vec<String>,
    /// Names of the file that the model does not have, renamed.
    pub unexpected: Vec<String>,
    /// Leaves of another type or shape in the file, each with both.
    pub different: Vec<String>,
    /// Names of the file that were left out as the options say.
    pub ignored: Vec<String>,
}

/// Loads a file (see [`load`]) into a model of any form, by path.
///
/// # Errors
/// [`LoadError::Format`] when the file cannot be read or is damaged, or two of its names become the same;
/// [`LoadError::Mismatch`], with everything that does not fit, when the loading is strict.
pub fn load_into<T: Tree>(
    model: &T,
    path: impl AsRef<Path>,
    options: &LoadOptions,
) -> Result<(T, LoadReport), LoadError> {
    let path = path.as_ref();
    let file = open(path)?;
    let mut report = LoadReport::default();
    let mut found = BTreeMap::new();
    let mut twice = Vec::new();
    for name in file.names() {
        match names::renamed(&name, options) {
            None => report.ignored.push(name),
            Some(renamed) => {
                if let Some(other) = found.insert(renamed.clone(), name.clone()) {
                    twice.push(format!("{other} and {name} both become {renamed}"));
                }
            }
        }
    }
    if !twice.is_empty() {
        let mismatch = Mismatch { file: path.to_path_buf(), different: twice, ..Mismatch::default() };
        return Err(LoadError::Mismatch(mismatch));
    }

    let mut tensors = Vec::new();
    for leaf in model.named_leaves() {
        let (dtype, shape) = (leaf.tensor.dtype(), leaf.tensor.shape());
        tensors.push(leaf.tensor.clone());
        let Some(name) = found.remove(&leaf.path) else {
            report.missing.push(format!("{} ({})", leaf.path, describe(dtype, shape)));
            continue;
        };
        let tensor = read(&file, &name)?;
        let same_kind = tensor.dtype().is_float() == dtype.is_float()
            && tensor.dtype().is_integer() == dtype.is_integer();
        let convertible = tensor.dtype() == dtype || options.convert && same_kind;
        if tensor.shape() != shape || !convertible {
            let (expected, found) = (describe(dtype, shape), describe(tensor.dtype(), tensor.shape()));
            report.different.push(format!("{}: expected {expected}, found {found}", leaf.path));
            continue;
        }
        let last = tensors.len() - 1;
        if tensor.dtype() == dtype {
            tensors[last] = tensor;
        } else {
            report.converted.push(format!("{}: {} to {dtype}", leaf.path, tensor.dtype()));
            tensors[last] = tensor.cast(dtype);
        }
        report.loaded.push(leaf.path);
    }
    report.unexpected = found.into_keys().collect();
    let fits = report.missing.is_empty() && report.unexpected.is_empty() && report.different.is_empty();
    if options.strict && !fits {
        return Err(LoadError::Mismatch(Mismatch {
            file: path.to_path_buf(),
            missing: report.missing,
            unexpected: report.unexpected,
            different: report.different,
        }));
    }
    Ok((model.with_leaves(tensors), report))
}

/// Writes the leaves of a model by path: as npz where the name ends with `.npz`, else as safetensors.
///
/// # Errors
/// [`FormatError::Write`] when the disk refuses, [`FormatError::Unwritable`] for `bf16` in npz, which has no such type.
pub fn save<T: Tree>(model: &T, path: impl AsRef<Path>) -> Result<(), FormatError> {
    let path = path.as_ref();
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) {
        return safetensors::write(path, &entries(model), &Metadata::new());
    }
    let arrays = entries(model).into_iter().filter_map(|entry| {
        let element = ElementType::reading(entry.dtype)?;
        Some((entry.name, Array { element, shape: entry.shape, bytes: entry.bytes }))
    });
    npy::write_npz(path, &arrays.collect(), false)
}

/// Writes the leaves of a model into safetensors files of at most `most_bytes` of data each (more only where a single
/// leaf is larger) and their index, whose name must end with `.safetensors.index.json`.
///
/// # Errors
/// As [`save`].
pub fn save_sharded<T: Tree>(
    model: &T,
    index: impl AsRef<Path>,
    most_bytes: usize,
) -> Result<(), FormatError> {
    safetensors::write_sharded(index, &entries(model), &Metadata::new(), most_bytes)
}

fn read(file: &WeightFile, name: &str) -> Result<Tensor, FormatError> {
    let Some(array) = file.read(name) else {
        unreachable!("{name} is one of the names of this file");
    };
    let Array { element, shape, bytes } = array?;
    let dtype = match element {
        ElementType::Bool => DType::Bool,
        ElementType::U8 => DType::U8,
        ElementType::I32 => DType::I32,
        ElementType::I64 => DType::I64,
        ElementType::F16 => DType::F16,
        ElementType::Bf16 => DType::BF16,
        ElementType::F32 => DType::F32,
        ElementType::F64 => DType::F64,
    };
    let bytes = little_endian(bytes, dtype);
    Ok(Tensor::from_bytes(&bytes, shape, dtype).expect("a reader's bytes are those of its shape"))
}
