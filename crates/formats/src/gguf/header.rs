//! The header: metadata, and where the tensors lie.

use std::collections::BTreeMap;
use std::ops::Range;

use super::TensorType;
use crate::FormatError;
use crate::error::{Context, quoted};
use crate::source::Walk;

/// The format's own limit.
const MAX_RANK: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;
/// How deep arrays of arrays may go.
const DEEPEST: usize = 4;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum GgufValue {
    /// A signed or unsigned integer that fits 64 bits with a sign.
    Int(i64),
    /// An unsigned integer of 64 bits.
    Unsigned(u64),
    /// A float of 32 or 64 bits.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// Values of one type.
    Array(Vec<GgufValue>),
}

/// What the header says of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufTensor {
    /// How the values are stored.
    pub kind: TensorType,
    /// The length of each axis, outermost first (the file lists them the other way round).
    pub shape: Vec<usize>,
    pub(super) place: Range<usize>,
}

type Content = (BTreeMap<String, GgufValue>, BTreeMap<String, GgufTensor>);

pub(super) fn parse(bytes: &[u8], context: Context<'_>) -> Result<Content, FormatError> {
    let mut walk = Walk::new(bytes, 0, context);
    let magic: [u8; 4] = walk.array("the magic number")?;
    if &magic != b"GGUF" {
        return Err(context.malformed("the letters GGUF at the beginning", format!("{magic:02x?}")));
    }
    let version = walk.u32("the version")?;
    if !(1..=3).contains(&version) {
        let expected = "version 1, 2 or 3, little-endian";
        let found = match version.swap_bytes() {
            1..=3 => "a big-endian file".to_string(),
            _ => format!("version {version}"),
        };
        return Err(context.malformed(expected, found));
    }
    let mut header = Header { walk, short: version == 1 };
    let tensor_count = header.length("the number of tensors")?;
    let value_count = header.length("the number of metadata")?;
    header.room(value_count, 8, "metadata")?;
    let mut metadata = BTreeMap::new();
    for _ in 0..value_count {
        let key = header.text("a key")?;
        let kind = header.walk.u32("the type of a value")?;
        let value = header.value(kind, 0)?;
        if metadata.insert(key.to_string(), value).is_some() {
            return Err(context.malformed("every key once", format!("{} twice", quoted(key))));
        }
    }
    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(GgufValue::Int(alignment)) if *alignment > 0 && *alignment <= 1 << 20 => *alignment as u64,
        Some(other) => {
            return Err(context.malformed("an alignment from 1 to 1048576", quoted(&format!("{other:?}"))));
        }
    };

    header.room(tensor_count, 20, "tensors")?;
    let mut described = Vec::new();
    for _ in 0..tensor_count {
        described.push(header.tensor()?);
    }
    let begin = (header.walk.at as u64).next_multiple_of(alignment);
    let mut tensors = BTreeMap::new();
    let mut places = Vec::new();
    for (name, kind, shape, offset) in described {
        let length = kind.bytes(&shape).ok_or_else(|| {
            context.malformed(
                format!("rows of {} in whole blocks of {}", quoted(name), kind.block().0),
                format!("the shape {shape:?}"),
            )
        })?;
        if !offset.is_multiple_of(alignment) {
            return Err(context.malformed(
                format!("{} at a multiple of {alignment}", quoted(name)),
                format!("offset {offset}"),
            ));
        }
        let place = begin
            .checked_add(offset)
            .and_then(|start| Some((start, start.checked_add(length as u64)?)))
            .filter(|place| length == 0 || place.1 <= bytes.len() as u64)
            .ok_or_else(|| {
                context.malformed(
                    format!("{length} bytes for {} at byte {offset} of the data", quoted(name)),
                    format!("a file of {} bytes, {begin} of them before the data", bytes.len()),
                )
            })?;
        let place = if length == 0 { 0..0 } else { place.0 as usize..place.1 as usize };
        places.push(place.clone());
        if tensors.insert(name.to_string(), GgufTensor { kind, shape, place }).is_some() {
            return Err(context.malformed("every tensor once", format!("{} twice", quoted(name))));
        }
    }
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| place.start);
    if let Some(pair) = places.windows(2).find(|pair| pair[0].end > pair[1].start) {
        return Err(
            context.malformed("tensors that do not overlap", format!("two at byte {}", pair[1].start))
        );
    }
    Ok((metadata, tensors))
}

struct Header<'a> {
    walk: Walk<'a>,
    /// Version 1 counts with 32 bits.
    short: bool,
}

impl<'a> Header<'a> {
    fn length(&mut self, what: &str) -> Result<usize, FormatError> {
        if self.short {
            return Ok(self.walk.u32(what)? as usize);
        }
        Ok(usize::try_from(self.walk.u64(what)?).unwrap_or(usize::MAX))
    }

    fn text(&mut self, what: &str) -> Result<&'a str, FormatError> {
        let length = self.length(what)?;
        self.walk.text(length, what)
    }

    /// Refuses a count that the rest of the file has no room for.
    fn room(&self, count: usize, smallest: usize, what: &str) -> Result<(), FormatError> {
        if count > self.walk.left() / smallest {
            return Err(self.walk.context.malformed(
                format!("{count} {what} at byte {}", self.walk.at),
                format!("{} bytes left", self.walk.left()),
            ));
        }
        Ok(())
    }

    fn value(&mut self, kind: u32, depth: usize) -> Result<GgufValue, FormatError> {
        let what = "a value";
        let walk = &mut self.walk;
        Ok(match kind {
            0 => GgufValue::Int(walk.u8(what)?.into()),
            1 => GgufValue::Int((walk.u8(what)? as i8).into()),
            2 => GgufValue::Int(walk.u16(what)?.into()),
            3 => GgufValue::Int((walk.u16(what)? as i16).into()),
            4 => GgufValue::Int(walk.u32(what)?.into()),
            5 => GgufValue::Int((walk.u32(what)? as i32).into()),
            6 => GgufValue::Float(f32::from_le_bytes(walk.array(what)?).into()),
            7 => match walk.u8(what)? {
                0 => GgufValue::Bool(false),
                1 => GgufValue::Bool(true),
                other => return Err(walk.context.malformed("a truth value, 0 or 1", other.to_string())),
            },
            8 => GgufValue::Text(self.text("a text")?.to_string()),
            9 => {
                let kind = walk.u32("the type of an array")?;
                let count = self.length("the length of an array")?;
                let smallest = match kind {
                    0 | 1 | 7 => 1,
                    2 | 3 => 2,
                    4..=6 => 4,
                    8 if self.short => 4,
                    _ => 8,
                };
                self.room(count, smallest, "values of an array")?;
                if depth == DEEPEST {
                    let expected = format!("arrays nested at most {DEEPEST} deep");
                    return Err(self.walk.context.malformed(expected, "deeper nesting"));
                }
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(self.value(kind, depth + 1)?);
                }
                GgufValue::Array(values)
            }
            10 => GgufValue::Unsigned(walk.u64(what)?),
            11 => GgufValue::Int(i64::from_le_bytes(walk.array(what)?)),
            12 => GgufValue::Float(f64::from_le_bytes(walk.array(what)?)),
            _ => return Err(walk.context.malformed("a type of value from 0 to 12", kind.to_string())),
        })
    }

    fn tensor(&mut self) -> Result<(&'a str, TensorType, Vec<usize>, u64), FormatError> {
        let name = self.text("the name of a tensor")?;
        let rank = self.walk.u32("the number of axes")?;
        let wrong =
            |header: &Self, expected: String, found: String| header.walk.context.malformed(expected, found);
        if rank > MAX_RANK {
            let expected = format!("at most {MAX_RANK} axes for {}", quoted(name));
            return Err(wrong(self, expected, format!("{rank} axes")));
        }
        let mut shape = Vec::with_capacity(rank as usize);
        for _ in 0..rank {
            shape.push(self.length("the length of an axis")?);
        }
        shape.reverse();
        let code = self.walk.u32("the type of a tensor")?;
        let kind = TensorType::from_code(code).ok_or_else(|| {
            wrong(self, format!("a known type for {}", quoted(name)), format!("type {code}"))
        })?;
        let offset = self.walk.u64("the offset of a tensor")?;
        Ok((name, kind, shape, offset))
    }
}
