//! Directories: what the file says of each page.

use std::ops::Range;

use super::segment::Page;
use crate::FormatError;
use crate::error::Context;
use crate::safetensors::SafeDtype;
use crate::source::Walk;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const STRIP_OFFSETS: u16 = 273;
const CHANNELS: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTES: u16 = 279;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const SAMPLE_FORMAT: u16 = 339;

/// More channels are taken for damage.
const MOST_CHANNELS: u64 = 4096;

#[derive(Clone)]
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    context: Context<'a>,
    big_endian: bool,
    /// Twelve bytes each.
    entries: &'a [u8],
    next: u32,
}

impl<'a> Directory<'a> {
    pub fn first(bytes: &'a [u8], context: Context<'a>) -> Result<Self, FormatError> {
        let mut walk = Walk::new(bytes, 0, context);
        let magic: [u8; 4] = walk.array("a header")?;
        let big_endian = match &magic {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return Err(context.malformed("II or MM and 42 at the beginning", format!("{magic:02x?}"))),
        };
        let offset: [u8; 4] = walk.array("a header")?;
        let empty = Self { bytes, context, big_endian, entries: &[], next: 0 };
        empty.at(empty.number(&offset) as u32)
    }

    fn at(&self, offset: u32) -> Result<Self, FormatError> {
        let mut walk = Walk::new(self.bytes, offset as usize, self.context);
        let count = self.number(&walk.array::<2>("a directory")?) as usize;
        let entries = walk.take(12 * count, "a directory")?;
        let next = self.number(&walk.array::<4>("the place of the next directory")?) as u32;
        Ok(Self { entries, next, ..*self })
    }

    /// The next directory, if there is one and `more` may follow.
    pub fn next(&self, more: bool) -> Result<Option<Self>, FormatError> {
        match self.next {
            0 => Ok(None),
            _ if !more => Err(self.wrong("directories that end", "a circle of them")),
            offset => self.at(offset).map(Some),
        }
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self.big_endian {
            true => bytes.iter().fold(0, digit),
            false => bytes.iter().rev().fold(0, digit),
        }
    }

    /// The whole numbers of a tag; none where it is not there.
    fn values(&self, tag: u16) -> Result<Vec<u64>, FormatError> {
        let mut entries = self.entries.chunks_exact(12);
        let Some(entry) = entries.find(|entry| self.number(&entry[..2]) == u64::from(tag)) else {
            return Ok(Vec::new());
        };
        let size = match self.number(&entry[2..4]) {
            1 => 1,
            3 => 2,
            4 => 4,
            kind => return Err(self.wrong(format!("whole numbers in tag {tag}"), format!("type {kind}"))),
        };
        let bytes = self.number(&entry[4..8]) as usize * size;
        let values = if bytes <= 4 {
            &entry[8..8 + bytes]
        } else {
            let place = self.number(&entry[8..12]) as usize;
            Walk::new(self.bytes, place, self.context).take(bytes, "the values of a tag")?
        };
        Ok(values.chunks_exact(size).map(|value| self.number(value)).collect())
    }

    fn value(&self, tag: u16, default: Option<u64>) -> Result<u64, FormatError> {
        let first = self.values(tag)?.first().copied().or(default);
        first.ok_or_else(|| self.wrong(format!("a value for tag {tag}"), "none"))
    }

    /// The one value of a tag that may be given for each channel.
    fn same(&self, tag: u16, default: u64) -> Result<u64, FormatError> {
        let values = self.values(tag)?;
        match values.iter().find(|value| **value != values[0]) {
            Some(other) => Err(self
                .wrong("the same type for all channels", format!("{} and {other} in tag {tag}", values[0]))),
            None => Ok(values.first().copied().unwrap_or(default)),
        }
    }

    /// Everything of a page, checked: sizes are above zero, the segments lie in the file and there are as many as the
    /// page needs.
    pub fn page(&self) -> Result<Page, FormatError> {
        let (width, height) = (self.value(WIDTH, None)?, self.value(HEIGHT, None)?);
        let channels = self.value(CHANNELS, Some(1))?;
        if width == 0 || height == 0 || channels == 0 || channels > MOST_CHANNELS {
            let found = format!("{width}x{height} pixels of {channels} channels");
            return Err(self.wrong(format!("pixels of 1 to {MOST_CHANNELS} channels"), found));
        }
        match self.value(PHOTOMETRIC, Some(1))? {
            // Black is 0; red, green and blue.
            1 | 2 => {}
            other => {
                return Err(self
                    .wrong("gray (with 0 for black) or RGB", format!("photometric interpretation {other}")));
            }
        }
        let (format, bits) = (self.same(SAMPLE_FORMAT, 1)?, self.same(BITS, 1)?);
        let dtype = match (format, bits) {
            (1, 8) => SafeDtype::U8,
            (1, 16) => SafeDtype::U16,
            (1, 32) => SafeDtype::U32,
            (1, 64) => SafeDtype::U64,
            (2, 8) => SafeDtype::I8,
            (2, 16) => SafeDtype::I16,
            (2, 32) => SafeDtype::I32,
            (2, 64) => SafeDtype::I64,
            (3, 16) => SafeDtype::F16,
            (3, 32) => SafeDtype::F32,
            (3, 64) => SafeDtype::F64,
            _ => {
                let found = format!("{bits} bits of sample format {format}");
                return Err(self.wrong("integers of 8 to 64 bits or floats of 16 to 64", found));
            }
        };
        let planar = match self.value(PLANAR, Some(1))? {
            1 => false,
            2 => channels > 1,
            other => return Err(self.wrong("planar configuration 1 or 2", other.to_string())),
        };
        let predictor = self.value(PREDICTOR, Some(1))?;
        if !matches!((predictor, format), (1, _) | (2, 1 | 2) | (3, 3)) {
            let found = format!("predictor {predictor} for sample format {format}");
            return Err(self.wrong("no predictor, 2 for integers or 3 for floats", found));
        }

        let tiled = !self.values(TILE_OFFSETS)?.is_empty();
        let (offsets, lengths, segment) = if tiled {
            let size = (self.value(TILE_WIDTH, None)?, self.value(TILE_HEIGHT, None)?);
            (TILE_OFFSETS, TILE_BYTES, size)
        } else {
            let rows = self.value(ROWS_PER_STRIP, Some(height))?.min(height);
            (STRIP_OFFSETS, STRIP_BYTES, (width, rows))
        };
        if segment.0 == 0 || segment.1 == 0 {
            return Err(
                self.wrong("strips or tiles above zero", format!("{}x{} pixels", segment.0, segment.1))
            );
        }
        let across = width.div_ceil(segment.0);
        let count = across.saturating_mul(height.div_ceil(segment.1));
        let count = count.saturating_mul(if planar { channels } else { 1 });
        let (offsets, lengths) = (self.values(offsets)?, self.values(lengths)?);
        if offsets.len() as u64 != count || lengths.len() as u64 != count {
            let found = format!("{} with {} lengths", offsets.len(), lengths.len());
            return Err(self.wrong(format!("{count} strips or tiles with a length each"), found));
        }
        let segments: Option<Vec<Range<usize>>> = offsets
            .iter()
            .zip(&lengths)
            .map(|(offset, length)| {
                let begin = *offset as usize;
                let end = begin.checked_add(*length as usize)?;
                self.bytes.get(begin..end).map(|_| begin..end)
            })
            .collect();
        let segments = segments.ok_or_else(|| {
            self.wrong(
                "strips or tiles inside of the file",
                format!("some beyond its {} bytes", self.bytes.len()),
            )
        })?;
        Ok(Page {
            width: width as usize,
            height: height as usize,
            channels: channels as usize,
            planar,
            dtype,
            big_endian: self.big_endian,
            compression: self.value(COMPRESSION, Some(1))?,
            predictor,
            segment: (segment.0 as usize, segment.1 as usize),
            segments,
        })
    }

    fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> FormatError {
        self.context.malformed(expected, found)
    }
}
