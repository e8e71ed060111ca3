//! TIFF: pages of numbers, as microscopes and scanners write them.
//!
//! Classic TIFF in either byte order: gray or several channels next to each other or in planes, 8 to 64 bits, integers
//! and floats; in strips or tiles; uncompressed, LZW, deflate or PackBits, with either predictor. Palettes, bits below
//! 8 and JPEG inside of TIFF are refused.
//!
//! Memory: a page takes at most 2731 times the compressed bytes that it claims (what LZW can do), and pages may not
//! share them, so that all together are bounded by the file.
//! Source: Adobe, *TIFF Revision 6.0*, 1992; *TIFF Technical Note 3*, 2005 (the predictor of floats).

mod directory;
mod segment;

use std::path::Path;

use crate::error::Context;
use crate::{Array, FormatError, source};
use directory::Directory;

/// Reads all pages of a file: `[height, width]` for one channel, `[height, width, channels]` for more. Integers of 16
/// bits become `i32`, unsigned ones of 32 bits `i64`; floats stay what they are.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is damaged or of another kind.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Array>, FormatError> {
    let path = path.as_ref();
    parse(&source::read(path)?, path)
}

/// Reads the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<Vec<Array>, FormatError> {
    let context = Context {
        file: file.as_ref(),
        format: "TIFF",
        advice: "save it as gray or RGB with LZW, deflate or no compression",
    };
    let mut directory = Directory::first(bytes, context)?;
    let mut pages = Vec::new();
    // What pages may still claim of the file, and the directories that may still follow.
    let mut left = bytes.len();
    let mut directories = bytes.len() / 6;
    loop {
        let page = directory.page()?;
        let claimed = page.segments.iter().map(|range| range.len()).fold(0, usize::saturating_add);
        left = left
            .checked_sub(claimed)
            .ok_or_else(|| context.malformed("pages of their own data", "pages that share it"))?;
        pages.push(page.read(bytes, context)?);
        directories = directories.saturating_sub(1);
        match directory.next(directories > 0)? {
            Some(next) => directory = next,
            None => return Ok(pages),
        }
    }
}
