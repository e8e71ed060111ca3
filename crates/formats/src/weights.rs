//! The weights of a model in whatever format they are, told apart by content.

use std::path::Path;

use crate::error::Context;
use crate::gguf::GgufFile;
use crate::npy::{self, Npz};
use crate::safetensors::{self, SafeTensors, Sharded};
use crate::torch::TorchFile;
use crate::{Array, FormatError, MappedFile, gguf, torch};

/// A file of weights that has been opened. Only headers have been read but for npz, which is in memory.
#[derive(Debug)]
#[non_exhaustive]
pub enum WeightFile {
    /// One safetensors file.
    Safetensors(SafeTensors<MappedFile>),
    /// Several safetensors files with an index.
    Sharded(Sharded),
    /// What `torch.save` wrote.
    Torch(Box<TorchFile<MappedFile>>),
    /// A model of llama.cpp.
    Gguf(GgufFile<MappedFile>),
    /// Arrays of NumPy.
    Npz(Npz),
}

/// Opens safetensors, an index of several (`model.safetensors.index.json`), `.pt` and `.pth`, GGUF and npz, whatever
/// the file is called.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is none of these or damaged.
pub fn open(path: impl AsRef<Path>) -> Result<WeightFile, FormatError> {
    let path = path.as_ref();
    let bytes = MappedFile::open(path)?;
    let zip = bytes.starts_with(b"PK\x03\x04");
    // The name of the first entry says which kind of archive it is.
    let name_length =
        bytes.get(26..28).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
    let first = bytes.get(30..30 + name_length).unwrap_or(&[]);
    if bytes.starts_with(b"GGUF") {
        Ok(WeightFile::Gguf(gguf::parse(bytes, path)?))
    } else if zip && first.ends_with(b".npy") {
        Ok(WeightFile::Npz(npy::parse_npz(&bytes, path)?))
    } else if zip || bytes.first() == Some(&0x80) && bytes.get(1).is_some_and(|version| *version <= 5) {
        Ok(WeightFile::Torch(Box::new(torch::parse(bytes, path)?)))
    } else if bytes.get(8) == Some(&b'{') {
        Ok(WeightFile::Safetensors(safetensors::view(bytes, path)?))
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        Ok(WeightFile::Sharded(safetensors::open_sharded(path)?))
    } else {
        let advice = "give the file with the weights of a model";
        let context = Context { file: path, format: "weights", advice };
        let found = format!("{:02x?}", &bytes[..bytes.len().min(8)]);
        Err(context.malformed("safetensors, its index, PyTorch, GGUF or npz at the first bytes", found))
    }
}

impl WeightFile {
    /// The names of the tensors, in order.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Safetensors(file) => file.entries().keys().cloned().collect(),
            Self::Sharded(files) => files.weight_map().keys().cloned().collect(),
            Self::Torch(file) => file.tensors().keys().cloned().collect(),
            Self::Gguf(file) => file.tensors().keys().cloned().collect(),
            Self::Npz(arrays) => arrays.keys().cloned().collect(),
        }
    }

    /// One tensor, in a type that Bolete computes with. `None` where there is none of this name.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] when its values are of a type that Bolete does not compute with.
    pub fn read(&self, name: &str) -> Option<Result<Array, FormatError>> {
        match self {
            Self::Safetensors(file) => file.read(name),
            Self::Sharded(files) => files.read(name),
            Self::Torch(file) => file.read(name),
            Self::Gguf(file) => file.read(name),
            Self::Npz(arrays) => arrays.get(name).cloned().map(Ok),
        }
    }
}
