//! Reading IDX files, trusting nothing in them.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::array::{IdxArray, IdxElement, byte_length};
use crate::{FormatError, source};

/// The most axes that are accepted. The format has room for 255; files with more than a handful are damaged.
pub const MAX_RANK: usize = 16;

/// The most bytes of values that [`read`] accepts: 8 GiB. Use [`read_bounded`] for another limit.
pub const MAX_BYTES: u64 = 8 << 30;

/// Deflate cannot shrink data by more than this factor (258 bytes from 2 bits, rounded up), so a header that asks for
/// more is wrong, and no memory need be taken to find out.
const LARGEST_GZIP_RATIO: u64 = 1040;

/// Memory taken for a compressed file before its values arrive; a longer one grows as they do.
const FIRST_GZIP_RESERVATION: u64 = 1 << 20;

const ADVICE: &str = "download or copy the file again";

/// Reads an IDX file, plain or gzip, of at most [`MAX_BYTES`].
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when the magic number, the type code,
/// the number of axes, the length or the gzip checksum is wrong (bytes after the last value count as wrong), and
/// [`FormatError::TooLarge`] past the limit.
pub fn read(path: impl AsRef<Path>) -> Result<IdxArray, FormatError> {
    read_bounded(path, MAX_BYTES)
}

/// Reads an IDX file, plain or gzip, with at most `max_bytes` bytes of values.
///
/// # Errors
/// As [`read`].
pub fn read_bounded(path: impl AsRef<Path>, max_bytes: u64) -> Result<IdxArray, FormatError> {
    let path = path.as_ref();
    let (file, length) = source::open(path)?;
    read_stream(BufReader::with_capacity(1 << 16, file), length, max_bytes, path)
}

/// Reads an IDX array, plain or gzip, from the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
///
/// # Examples
/// ```
/// use bolete_formats::idx;
/// let bytes = [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9];
/// let array = idx::parse(&bytes, "labels")?;
/// assert_eq!((array.shape, array.bytes), (vec![3], vec![7, 8, 9]));
///
/// let error = idx::parse(&bytes[..10], "labels").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "labels: not a valid IDX file: expected 11 bytes for the shape [3] of U8, found 10 bytes; \
///      download or copy the file again"
/// );
/// # Ok::<(), bolete_formats::FormatError>(())
/// ```
pub fn parse(bytes: &[u8], file: impl AsRef<Path>) -> Result<IdxArray, FormatError> {
    read_stream(bytes, bytes.len() as u64, MAX_BYTES, file.as_ref())
}

fn read_stream(
    mut stream: impl BufRead,
    stored_bytes: u64,
    max_bytes: u64,
    file: &Path,
) -> Result<IdxArray, FormatError> {
    let first = stream.fill_buf().map_err(|reason| FormatError::read(file, reason))?;
    let reader = Reader { file, stored_bytes, max_bytes };
    if first.starts_with(&[0x1f, 0x8b]) {
        reader.run(MultiGzDecoder::new(stream), true)
    } else {
        reader.run(stream, false)
    }
}

struct Reader<'a> {
    file: &'a Path,
    stored_bytes: u64,
    max_bytes: u64,
}

impl Reader<'_> {
    fn run(&self, mut stream: impl Read, compressed: bool) -> Result<IdxArray, FormatError> {
        let (element, shape) = self.header(&mut stream, compressed)?;
        let header_bytes = 4 + 4 * shape.len() as u64;
        let length = byte_length(element, &shape)
            .filter(|length| usize::try_from(*length).is_ok_and(|length| length < isize::MAX as usize))
            .ok_or_else(|| {
                self.malformed("a size that fits the memory of a machine", format!("the shape {shape:?}"))
            })?;

        let whole = header_bytes + length;
        let what = || format!("{whole} bytes for the shape {shape:?} of {element:?}");
        if compressed {
            if length / LARGEST_GZIP_RATIO > self.stored_bytes {
                return Err(self.malformed(
                    what(),
                    format!("a gzip file of {} bytes, too short for them", self.stored_bytes),
                ));
            }
        } else if whole != self.stored_bytes {
            return Err(self.malformed(what(), format!("{} bytes", self.stored_bytes)));
        }
        if length > self.max_bytes {
            return Err(FormatError::TooLarge {
                file: self.file.to_path_buf(),
                expected: format!("at most {} bytes of values", self.max_bytes),
                found: format!("{length} bytes for the shape {shape:?}"),
                advice: "raise the limit or split the file",
            });
        }

        let mut bytes = Vec::new();
        let reservation = if compressed { length.min(FIRST_GZIP_RESERVATION) } else { length };
        // One byte more than expected is read below, to see that the file ends.
        bytes
            .try_reserve_exact(reservation as usize + 1)
            .map_err(|_| FormatError::read(self.file, io::ErrorKind::OutOfMemory.into()))?;
        stream
            .by_ref()
            .take(length + 1)
            .read_to_end(&mut bytes)
            .map_err(|reason| self.broken(reason, compressed))?;
        if bytes.len() as u64 != length {
            let found = match (bytes.len() as u64) < length {
                true => format!("{} bytes", header_bytes + bytes.len() as u64),
                false => "more bytes after the last value".to_string(),
            };
            return Err(self.malformed(what(), found));
        }
        Ok(IdxArray { element, shape, bytes })
    }

    fn header(
        &self,
        stream: &mut impl Read,
        compressed: bool,
    ) -> Result<(IdxElement, Vec<usize>), FormatError> {
        let mut fill = |bytes: &mut [u8]| {
            stream.read_exact(bytes).map_err(|reason| match reason.kind() {
                io::ErrorKind::UnexpectedEof => {
                    self.malformed("a header of at least 8 bytes", "a file that ends inside it".to_string())
                }
                _ => self.broken(reason, compressed),
            })
        };
        let mut magic = [0; 4];
        fill(&mut magic)?;
        let [zero, also_zero, code, rank] = magic;
        let found = || format!("the bytes {magic:02x?}");
        if (zero, also_zero) != (0, 0) {
            return Err(self.malformed("a file that begins with two zero bytes", found()));
        }
        let element = IdxElement::from_code(code).ok_or_else(|| {
            self.malformed("a type code of 08, 09, 0b, 0c, 0d or 0e in the third byte", found())
        })?;
        if rank == 0 || usize::from(rank) > MAX_RANK {
            return Err(
                self.malformed(format!("1 to {MAX_RANK} axes in the fourth byte"), format!("{rank} axes"))
            );
        }
        let mut lengths = [0; 4 * MAX_RANK];
        let lengths = &mut lengths[..4 * usize::from(rank)];
        fill(lengths)?;
        let shape = lengths
            .chunks_exact(4)
            .map(|length| u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize)
            .collect();
        Ok((element, shape))
    }

    fn malformed(&self, expected: impl Into<String>, found: String) -> FormatError {
        FormatError::Malformed {
            file: self.file.to_path_buf(),
            format: "IDX",
            expected: expected.into(),
            found,
            advice: ADVICE,
        }
    }

    /// An error in the middle of a stream: of the gzip data where there is any, else of the disk.
    fn broken(&self, reason: io::Error, compressed: bool) -> FormatError {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if compressed && matches!(reason.kind(), InvalidData | InvalidInput | UnexpectedEof) {
            return self.malformed(
                "whole gzip data with the right checksum",
                format!("damaged or truncated gzip data ({reason})"),
            );
        }
        FormatError::read(self.file, reason)
    }
}
