//! safetensors: named arrays with their types and shapes. The format only; nothing here knows what a tensor is.
//!
//! ```text
//! length of the header, u64 little-endian | header, JSON, padded with spaces | data, little-endian
//! header: {"__metadata__": {text: text}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...}
//! ```
//!
//! Files written here list the names in order, and lay the data out by falling element size and then by name, so
//! that every array starts at a multiple of its element size also in a mapped file.
//! Source: <https://huggingface.co/docs/safetensors>, section "Format".

mod dtype;
mod header;
mod mapped;
mod read;
mod sharded;
mod write;

pub use dtype::SafeDtype;
pub use header::{EntryInfo, Header, MAX_HEADER_BYTES, MAX_RANK};
pub use mapped::{SafeTensors, open, view};
pub use read::{SafeFile, parse, read, read_header};
pub use sharded::{Sharded, WeightMap, open_sharded, parse_index, write_sharded};
pub use write::{encode, write};

use std::collections::BTreeMap;

/// Free text that travels with the arrays: the `__metadata__` of a file, names and values.
pub type Metadata = BTreeMap<String, String>;

/// One array of a file. `B` is where its bytes live: a `Vec<u8>` when read, any `AsRef<[u8]>` (such as `&[u8]`) when
/// written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<B = Vec<u8>> {
    /// The name, unique in its file; for the weights of a model the path of the leaf, as `encoder.0.weight`.
    pub name: String,
    /// The type of the values.
    pub dtype: SafeDtype,
    /// The length of each axis, outermost first; empty for a single value.
    pub shape: Vec<usize>,
    /// The values, row-major and little-endian.
    pub bytes: B,
}
