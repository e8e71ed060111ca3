//! The header of an array: a Python dictionary with three entries.

use crate::array::{ElementType, MAX_RANK};
use crate::error::{Context, quoted};
use crate::safetensors::SafeDtype;
use crate::source::Walk;
use crate::{Array, FormatError};

const MAGIC: &[u8] = b"\x93NUMPY";

pub(super) struct Header {
    pub dtype: SafeDtype,
    pub big_endian: bool,
    pub fortran: bool,
    pub shape: Vec<usize>,
}

/// The header, and the bytes after it.
pub(super) fn parse<'a>(bytes: &'a [u8], context: Context<'a>) -> Result<(Header, &'a [u8]), FormatError> {
    let mut walk = Walk::new(bytes, 0, context);
    let magic = walk.take(6, "the magic number")?;
    if magic != MAGIC {
        return Err(context.malformed("the bytes 93 \"NUMPY\" at the beginning", format!("{magic:02x?}")));
    }
    let [major, minor] = walk.array("the version")?;
    let length = match major {
        1 => usize::from(walk.u16("the length of the header")?),
        2 | 3 => walk.u32("the length of the header")? as usize,
        _ => return Err(context.malformed("version 1, 2 or 3", format!("version {major}.{minor}"))),
    };
    let text = walk.text(length, "the header")?;
    let header = Literal { text, context }.header()?;
    Ok((header, &bytes[walk.at..]))
}

/// A Python literal that is read from the front.
struct Literal<'a> {
    text: &'a str,
    context: Context<'a>,
}

impl<'a> Literal<'a> {
    fn header(mut self) -> Result<Header, FormatError> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.accept('}') {
            let key = self.string()?;
            self.expect(':')?;
            let again = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran.replace(self.boolean()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => {
                    return Err(self.wrong("the entries descr, fortran_order and shape", quoted(key)));
                }
            };
            if again {
                return Err(self.wrong("every entry of the header once", format!("{key} twice")));
            }
            if !self.accept(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.text.trim().is_empty() {
            return Err(self.wrong("nothing after the header's dictionary", quoted(self.text.trim())));
        }
        match (descr, fortran, shape) {
            (Some((dtype, big_endian)), Some(fortran), Some(shape)) => {
                Ok(Header { dtype, big_endian, fortran, shape })
            }
            _ => Err(self.wrong("the entries descr, fortran_order and shape", "less than these".to_string())),
        }
    }

    fn descr(&mut self) -> Result<(SafeDtype, bool), FormatError> {
        if self.text.trim_start().starts_with('[') {
            return Err(self.wrong("values of one type", "records with fields".to_string()));
        }
        let text = self.string()?;
        let (order, kind) = match text.as_bytes().first() {
            Some(b'<' | b'|' | b'=') => (false, &text[1..]),
            Some(b'>') => (true, &text[1..]),
            _ => (false, text),
        };
        let dtype = match kind {
            "b1" | "?" => SafeDtype::Bool,
            "u1" => SafeDtype::U8,
            "i1" => SafeDtype::I8,
            "u2" => SafeDtype::U16,
            "i2" => SafeDtype::I16,
            "u4" => SafeDtype::U32,
            "i4" => SafeDtype::I32,
            "u8" => SafeDtype::U64,
            "i8" => SafeDtype::I64,
            "f2" => SafeDtype::F16,
            "f4" => SafeDtype::F32,
            "f8" => SafeDtype::F64,
            _ => {
                let known = "truth values, integers or floats of at most 8 bytes";
                return Err(self.wrong(known, format!("the type {}", quoted(text))));
            }
        };
        Ok((dtype, order))
    }

    fn shape(&mut self) -> Result<Vec<usize>, FormatError> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            let digits = self.text.trim_start();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let length = digits[..end].parse().map_err(|_| {
                self.wrong("the length of an axis", quoted(digits.get(..end.max(1)).unwrap_or("")))
            })?;
            self.text = &digits[end..];
            // Python 2 marks long integers.
            self.accept('L');
            if shape.len() == MAX_RANK {
                return Err(self.wrong("a shape of at most 32 axes", "more".to_string()));
            }
            shape.push(length);
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn boolean(&mut self) -> Result<bool, FormatError> {
        let text = self.text.trim_start();
        for (name, value) in [("True", true), ("False", false)] {
            if let Some(rest) = text.strip_prefix(name) {
                self.text = rest;
                return Ok(value);
            }
        }
        Err(self.wrong("True or False", quoted(text)))
    }

    fn string(&mut self) -> Result<&'a str, FormatError> {
        let text = self.text.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let found = quote.and_then(|quote| text[1..].split_once(quote));
        let (string, rest) = found.ok_or_else(|| self.wrong("a quoted text", quoted(text)))?;
        self.text = rest;
        Ok(string)
    }

    fn accept(&mut self, symbol: char) -> bool {
        match self.text.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: char) -> Result<(), FormatError> {
        match self.accept(symbol) {
            true => Ok(()),
            false => Err(self.wrong(&format!("{symbol:?} in the header"), quoted(self.text.trim_start()))),
        }
    }

    fn wrong(&self, expected: &str, found: String) -> FormatError {
        self.context.malformed(expected, found)
    }
}

/// The header of a file with this array, padded so that the values begin at a multiple of 64.
pub(super) fn encode(array: &Array) -> Result<Vec<u8>, FormatError> {
    array.check("npy")?;
    let descr = match array.element {
        ElementType::Bool => "|b1",
        ElementType::U8 => "|u1",
        ElementType::I32 => "<i4",
        ElementType::I64 => "<i8",
        ElementType::F16 => "<f2",
        ElementType::F32 => "<f4",
        ElementType::F64 => "<f8",
        ElementType::Bf16 => {
            return Err(FormatError::Unwritable {
                format: "npy",
                expected: "a type that NumPy has".to_string(),
                found: "BF16; cast it to f32 first".to_string(),
            });
        }
    };
    let mut shape: String = array.shape.iter().map(|length| format!("{length}, ")).collect();
    if array.shape.len() != 1 {
        shape.truncate(shape.trim_end_matches(", ").len());
    } else {
        shape.truncate(shape.trim_end().len());
    }
    // At most 32 axes of 20 digits: always short enough for version 1.
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&[1, 0]);
    header.extend_from_slice(&(text.len() as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    Ok(header)
}
