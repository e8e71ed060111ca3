//! Strips and tiles to pixels.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::read::ZlibDecoder;
use weezl::{BitOrder, LzwStatus, decode};

use crate::error::Context;
use crate::safetensors::SafeDtype;
use crate::{Array, FormatError};

/// The most bytes that a byte of LZW can stand for: a code of 12 bits is a run of at most 4096.
const LARGEST_RATIO: u64 = 2731;

/// A page as its directory describes it. Segments are strips or tiles, row by row, and plane by plane if `planar`.
pub(super) struct Page {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub planar: bool,
    pub dtype: SafeDtype,
    pub big_endian: bool,
    pub compression: u64,
    pub predictor: u64,
    /// Width and height of a segment; the last strip may have fewer rows.
    pub segment: (usize, usize),
    pub segments: Vec<Range<usize>>,
}

impl Page {
    pub fn read(&self, bytes: &[u8], context: Context<'_>) -> Result<Array, FormatError> {
        let size = self.dtype.bits() / 8;
        let mut shape = vec![self.height, self.width];
        if self.channels > 1 {
            shape.push(self.channels);
        }
        let claimed: u64 = self.segments.iter().map(|range| range.len() as u64).sum();
        // Tiles reach beyond the page; it is them that are unpacked.
        let pixels =
            self.dtype.byte_length(&shape).filter(|length| *length as u64 <= claimed * LARGEST_RATIO);
        let pixels = pixels.ok_or_else(|| {
            context.malformed(
                format!("data for {}x{} pixels of {} channels", self.width, self.height, self.channels),
                format!("{claimed} bytes"),
            )
        })?;
        let mut page = vec![0; pixels];
        let inner = if self.planar { 1 } else { self.channels };
        let across = self.width.div_ceil(self.segment.0);
        let down = self.height.div_ceil(self.segment.1);
        for (number, range) in self.segments.iter().enumerate() {
            let (plane, position) = (number / (across * down), number % (across * down));
            let (left, top) = (position % across * self.segment.0, position / across * self.segment.1);
            // A strip ends with the page, a tile does not.
            let strip = self.segment.0 == self.width && across == 1;
            let whole =
                self.segment.1.checked_mul(self.segment.0).and_then(|area| area.checked_mul(inner * size));
            let rows = self.segment.1.min(self.height - top);
            let columns = self.segment.0.min(self.width - left);
            let short = if strip { rows.checked_mul(self.segment.0 * inner * size) } else { whole };
            let (Some(most), Some(least)) = (whole, short) else {
                return Err(context.malformed("tiles that fit memory", "larger ones"));
            };
            let data = &bytes[range.clone()];
            let mut unpacked = self.unpack(data, least, most, context)?;
            let row_bytes = self.segment.0 * inner * size;
            if self.predictor != 1 {
                for row in unpacked.to_mut().chunks_exact_mut(row_bytes) {
                    self.undo_predictor(row, inner, size);
                }
            }
            for row in 0..rows {
                let from = &unpacked[row * row_bytes..][..columns * inner * size];
                let start = (top + row) * self.width + left;
                if self.planar {
                    for (column, value) in from.chunks_exact(size).enumerate() {
                        let to = ((start + column) * self.channels + plane) * size;
                        page[to..to + size].copy_from_slice(value);
                    }
                } else {
                    let to = start * inner * size;
                    page[to..to + from.len()].copy_from_slice(from);
                }
            }
        }
        // The predictor of floats leaves them in big-endian order.
        let big_endian = self.big_endian || self.predictor == 3;
        Array::from_stored(self.dtype, shape, &page, big_endian)
            .map_err(|(expected, found)| context.malformed(expected, found))
    }

    /// The bytes of a segment: at least `least` of them (what is beyond `most` is dropped).
    fn unpack<'a>(
        &self,
        data: &'a [u8],
        least: usize,
        most: usize,
        context: Context<'_>,
    ) -> Result<Cow<'a, [u8]>, FormatError> {
        let wrong = |found: String| context.malformed(format!("a strip or tile of {least} bytes"), found);
        if least as u64 > data.len() as u64 * LARGEST_RATIO {
            return Err(wrong(format!("{} bytes, too few for them", data.len())));
        }
        let most = most.min(data.len().saturating_mul(LARGEST_RATIO as usize));
        let unpacked = match self.compression {
            1 => Cow::Borrowed(&data[..data.len().min(most)]),
            5 => {
                let mut out = vec![0; least];
                let mut decoder = decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
                let (mut read, mut written) = (0, 0);
                while written < least {
                    let step = decoder.decode_bytes(&data[read..], &mut out[written..]);
                    read += step.consumed_in;
                    written += step.consumed_out;
                    match step.status {
                        Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
                        Ok(_) => break,
                        Err(error) => return Err(wrong(format!("damaged LZW data ({error})"))),
                    }
                }
                out.truncate(written);
                Cow::Owned(out)
            }
            8 | 32946 => {
                let mut out = Vec::new();
                ZlibDecoder::new(data)
                    .take(least as u64)
                    .read_to_end(&mut out)
                    .map_err(|reason| wrong(format!("damaged deflate data ({reason})")))?;
                Cow::Owned(out)
            }
            32773 => Cow::Owned(unpack_bits(data, least)),
            other => {
                return Err(context.malformed(
                    "no compression (1), LZW (5), deflate (8) or PackBits (32773)",
                    format!("compression {other}"),
                ));
            }
        };
        match unpacked.len() >= least {
            true => Ok(unpacked),
            false => Err(wrong(format!("{} bytes", unpacked.len()))),
        }
    }

    /// Sums of differences along a row.
    fn undo_predictor(&self, row: &mut [u8], inner: usize, size: usize) {
        if self.predictor == 3 {
            // The bytes of all values, most significant first, each a difference.
            for at in inner..row.len() {
                row[at] = row[at].wrapping_add(row[at - inner]);
            }
            let planes = row.to_vec();
            let count = row.len() / size;
            for (index, value) in row.chunks_exact_mut(size).enumerate() {
                value.iter_mut().enumerate().for_each(|(byte, to)| *to = planes[byte * count + index]);
            }
            return;
        }
        let step = inner * size;
        for at in (step..row.len()).step_by(size) {
            let mut carry = 0u16;
            for digit in 0..size {
                let digit = if self.big_endian { size - 1 - digit } else { digit };
                let sum = u16::from(row[at + digit]) + u16::from(row[at - step + digit]) + carry;
                row[at + digit] = sum as u8;
                carry = sum >> 8;
            }
        }
    }
}

/// Runs and copies: TIFF 6.0, section 9.
fn unpack_bits(data: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&count) = data.get(at).filter(|_| out.len() < most) {
        at += 1;
        match count {
            0..128 => {
                let end = (at + usize::from(count) + 1).min(data.len());
                out.extend_from_slice(&data[at..end]);
                at = end;
            }
            128 => {}
            _ => {
                if let Some(&value) = data.get(at) {
                    out.extend(std::iter::repeat_n(value, 257 - usize::from(count)));
                }
                at += 1;
            }
        }
    }
    out
}
