//! IDX, the array format of MNIST: a magic number, the lengths of the axes, and big-endian values.
//!
//! ```text
//! 0 0 type rank | length of each axis, u32 big-endian | values, row-major, big-endian
//! ```
//!
//! Type codes: `0x08` u8, `0x09` i8, `0x0B` i16, `0x0C` i32, `0x0D` f32, `0x0E` f64. Files may be compressed with
//! gzip, which is recognised by its first bytes and not by the name.
//! Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, section "The IDX file format".

mod array;
mod read;
mod write;

pub use array::{IdxArray, IdxElement, IdxValue};
pub use read::{MAX_BYTES, MAX_RANK, parse, read, read_bounded};
pub use write::{write, write_gzip};
