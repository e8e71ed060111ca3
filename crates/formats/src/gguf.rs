//! GGUF, the format of llama.cpp: metadata and tensors, many of them quantised. Versions 1 to 3.
//!
//! ```text
//! "GGUF" version | count of tensors, of metadata | metadata: key, type, value | tensors: name, lengths of the axes
//! (innermost first), type, offset | padding to the alignment | data
//! ```
//!
//! Shapes are turned to row-major order, outermost axis first. Quantised blocks are read as `f32`.
//!
//! Memory: opening takes at most 64 times the size of the header. A tensor is made only when it is asked for and takes
//! at most 8 times its bytes in the file. Source: the GGML project, `docs/gguf.md` and `ggml-common.h`.

mod blocks;
mod header;
mod tensor_type;

pub use header::{GgufTensor, GgufValue};
pub use tensor_type::TensorType;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::array::ElementType;
use crate::error::{Context, quoted};
use crate::{Array, FormatError, MappedFile};

/// The content of a file. `B` is where its bytes live.
#[derive(Debug)]
pub struct GgufFile<B> {
    bytes: B,
    file: PathBuf,
    metadata: BTreeMap<String, GgufValue>,
    tensors: BTreeMap<String, GgufTensor>,
}

/// Opens a GGUF file, mapped into memory.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when its header is damaged or a tensor
/// does not lie in the file.
pub fn open(path: impl AsRef<Path>) -> Result<GgufFile<MappedFile>, FormatError> {
    let path = path.as_ref();
    parse(MappedFile::open(path)?, path)
}

/// Reads the bytes of a GGUF file; `file` is the name used in messages.
///
/// # Errors
/// As [`open`].
pub fn parse<B: AsRef<[u8]>>(bytes: B, file: impl AsRef<Path>) -> Result<GgufFile<B>, FormatError> {
    let (metadata, tensors) = header::parse(bytes.as_ref(), context(file.as_ref()))?;
    Ok(GgufFile { file: file.as_ref().to_path_buf(), metadata, tensors, bytes })
}

fn context(file: &Path) -> Context<'_> {
    Context { file, format: "GGUF", advice: "download or convert the model again" }
}

impl<B: AsRef<[u8]>> GgufFile<B> {
    /// What the file says of its model, such as `general.architecture`.
    pub fn metadata(&self) -> &BTreeMap<String, GgufValue> {
        &self.metadata
    }

    /// The tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, GgufTensor> {
        &self.tensors
    }

    /// Reads one tensor, quantised ones as `f32`. `None` where there is none of this name.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] when it is quantised in a way that is not known here.
    pub fn read(&self, name: &str) -> Option<Result<Array, FormatError>> {
        let tensor = self.tensors.get(name)?;
        let context = context(&self.file);
        let bytes = &self.bytes.as_ref()[tensor.place.clone()];
        let shape = tensor.shape.clone();
        if let Some(dtype) = tensor.kind.plain() {
            let array = Array::from_stored(dtype, shape, bytes, false);
            return Some(array.map_err(|(expected, found)| context.malformed(expected, found)));
        }
        Some(match blocks::dequantise(tensor.kind, bytes) {
            Some(bytes) => Ok(Array { element: ElementType::F32, shape, bytes }),
            None => Err(context.advising("quantise the model in one of the named ways").malformed(
                format!(
                    "{} as F32, F16, BF16, F64, integers, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K",
                    quoted(name)
                ),
                tensor.kind.name(),
            )),
        })
    }
}
