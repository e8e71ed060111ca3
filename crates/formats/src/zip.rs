//! The part of the ZIP format that npz files and PyTorch's archives use: stored and deflated entries, ZIP64.
//!
//! Source: PKWARE, *APPNOTE.TXT - .ZIP File Format Specification*, 6.3.10, sections 4.3 to 4.5.

mod read;
mod write;

pub(crate) use read::{Archive, Entry};
pub(crate) use write::Writer;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The tag of the extra field with 64-bit sizes.
const EXTRA_64: u16 = 1;
