//! PyTorch's files: what `torch.save` wrote, as arrays by path.
//!
//! ```text
//! since 1.6  a ZIP archive: NAME/data.pkl (a pickle), NAME/data/0, NAME/data/1, … (storages), NAME/byteorder
//! before     five pickles (magic number, version, system, object, keys of storages), then the storages
//! ```
//!
//! A pickle is a program, and running a foreign one is running foreign code. The machine here knows only how to put
//! together tensors, dictionaries, lists, tuples, numbers and texts. A file that asks for anything else is refused
//! with its name; nothing of it is ever executed. So a saved state dict can be read and a saved module cannot.
//!
//! Dictionaries, lists and tuples are flattened to paths, steps joined by dots: `optimizer.state.0.exp_avg`. Views
//! (transposed, sliced, expanded) are laid out row by row when read.
//!
//! Memory: opening takes at most 160 times the size of the pickle. Each array is made only when it is asked for, and
//! all together are at most [`MOST_EXPANSION`] times the size of the file (and 1 MiB).
//!
//! Source: `torch/serialization.py` and `torch/_utils.py` of PyTorch; `pickletools.py` of Python.

mod archive;
mod flatten;
mod legacy;
mod machine;
mod object;
mod opcode;
mod rebuild;

pub use flatten::TorchValue;
pub use object::TorchTensor;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Context, quoted};
use crate::{Array, FormatError, MappedFile};
use archive::Storages;
use flatten::Flat;

/// How many times the size of the file all of its arrays together may take. Tensors that share memory or repeat it
/// are laid out each for itself.
pub const MOST_EXPANSION: usize = 16;

/// The content of a file, arrays by path. `B` is where the bytes of the file live.
#[derive(Debug)]
pub struct TorchFile<B> {
    bytes: B,
    file: PathBuf,
    storages: Storages,
    tensors: BTreeMap<String, TorchTensor>,
    values: BTreeMap<String, TorchValue>,
}

/// Opens a `.pt` or `.pth` file, mapped into memory.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is damaged or holds something
/// other than tensors, dictionaries, lists, tuples, numbers and texts.
pub fn open(path: impl AsRef<Path>) -> Result<TorchFile<MappedFile>, FormatError> {
    let path = path.as_ref();
    parse(MappedFile::open(path)?, path)
}

/// Reads the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// As [`open`].
pub fn parse<B: AsRef<[u8]>>(bytes: B, file: impl AsRef<Path>) -> Result<TorchFile<B>, FormatError> {
    let context = context(file.as_ref());
    let content = bytes.as_ref();
    let (flat, storages) = if content.starts_with(b"PK") {
        archive::parse(content, context)?
    } else {
        legacy::parse(content, context)?
    };
    let Flat { tensors, values } = flat;
    Ok(TorchFile { file: file.as_ref().to_path_buf(), storages, tensors, values, bytes })
}

fn context(file: &Path) -> Context<'_> {
    Context {
        file,
        format: "PyTorch",
        advice: "save the weights again with torch.save(model.state_dict(), path)",
    }
}

impl<B: AsRef<[u8]>> TorchFile<B> {
    /// The tensors by path. A tensor that was saved alone has the empty path.
    pub fn tensors(&self) -> &BTreeMap<String, TorchTensor> {
        &self.tensors
    }

    /// Numbers, truth values and texts by path, such as `param_groups.0.lr`.
    pub fn values(&self) -> &BTreeMap<String, TorchValue> {
        &self.values
    }

    /// Lays out one tensor. `None` where there is none of this path.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] when its storage is missing or of another length, or its values are of a type that
    /// Bolete does not compute with.
    pub fn read(&self, path: &str) -> Option<Result<Array, FormatError>> {
        let tensor = self.tensors.get(path)?;
        let context = context(&self.file);
        Some(self.storages.array(tensor, self.bytes.as_ref(), context).map_err(|(expected, found)| {
            context.malformed(format!("{expected} for {}", quoted(path)), found)
        }))
    }
}
