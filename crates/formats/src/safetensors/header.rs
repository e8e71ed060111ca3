//! The header of a safetensors file, parsed and checked.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Metadata, SafeDtype};
use crate::FormatError;
use crate::error::quoted;

/// The longest header that is accepted, in bytes: 100 MB, as in the reference implementation.
pub const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The most axes that are accepted.
pub const MAX_RANK: usize = 32;

const METADATA: &str = "__metadata__";

/// What the header of a file says of one array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryInfo {
    /// The name, unique in its file.
    pub name: String,
    /// The type of the values.
    pub dtype: SafeDtype,
    /// The length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// Where the data begins, in bytes from the end of the header.
    pub begin: usize,
    /// Where the data ends, in bytes from the end of the header.
    pub end: usize,
}

/// The header of a file: everything but the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Free text that travels with the arrays.
    pub metadata: Metadata,
    /// The arrays, in the order of their data.
    pub entries: Vec<EntryInfo>,
}

impl Header {
    /// Parses the JSON of a header and checks it against the `data_bytes` that follow it in the file.
    pub(super) fn parse(json: &[u8], data_bytes: u64, file: &Path) -> Result<Self, FormatError> {
        let wrong = |expected: String, found: String| malformed(file, expected, found);
        let raw: RawHeader = serde_json::from_slice(json).map_err(|error| {
            let found: String = error.to_string().chars().take(200).collect();
            wrong("a header of JSON as the format describes it".to_string(), format!("{found:?}"))
        })?;

        let mut entries = Vec::with_capacity(raw.entries.len());
        for (name, entry) in raw.entries {
            let dtype = SafeDtype::from_name(&entry.dtype).ok_or_else(|| {
                wrong(format!("a known dtype for {}, as F32", quoted(&name)), quoted(&entry.dtype))
            })?;
            let [begin, end] = entry.data_offsets;
            let bytes = dtype.byte_length(&entry.shape).ok_or_else(|| {
                wrong(
                    format!("a shape of {} whose size is whole bytes and fits memory", quoted(&name)),
                    format!("{:?} of {dtype}", entry.shape),
                )
            })?;
            if end.checked_sub(begin) != Some(bytes) {
                return Err(wrong(
                    format!("{bytes} bytes for {}, {:?} of {dtype}", quoted(&name), entry.shape),
                    format!("data offsets {begin} to {end}"),
                ));
            }
            entries.push(EntryInfo { name, dtype, shape: entry.shape, begin, end });
        }
        entries.sort_by(|a, b| (a.begin, a.end, &a.name).cmp(&(b.begin, b.end, &b.name)));

        let mut next = 0;
        for entry in &entries {
            if entry.begin != next {
                let what = if entry.begin < next { "overlap" } else { "leave a hole" };
                return Err(wrong(
                    format!("the data of {} at byte {next}", quoted(&entry.name)),
                    format!("byte {}: the arrays {what}", entry.begin),
                ));
            }
            next = entry.end;
        }
        if next as u64 != data_bytes {
            return Err(wrong(
                format!("{next} bytes of data after the header"),
                format!("{data_bytes} bytes (a truncated or extended file)"),
            ));
        }
        Ok(Self { metadata: raw.metadata, entries })
    }
}

pub(super) fn malformed(file: &Path, expected: String, found: String) -> FormatError {
    FormatError::Malformed {
        file: file.to_path_buf(),
        format: "safetensors",
        expected,
        found,
        advice: "use the original file or save the weights again",
    }
}

/// The header as JSON. Parsed by hand at the top level, because a map type would silently keep the last of two
/// entries with the same name.
struct RawHeader {
    metadata: Metadata,
    entries: Vec<(String, RawEntry)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: String,
    #[serde(deserialize_with = "shape")]
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = RawHeader;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with an entry for each array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
                let mut header = RawHeader { metadata: Metadata::new(), entries: Vec::new() };
                let mut seen = BTreeSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("the name {} twice", quoted(&name))));
                    }
                    if name == METADATA {
                        header.metadata = map.next_value()?;
                    } else {
                        header.entries.push((name, map.next_value()?));
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// A shape of at most [`MAX_RANK`] axes: a longer list is refused before it takes eight times the file in memory.
fn shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    struct Axes;

    impl<'de> Visitor<'de> for Axes {
        type Value = Vec<usize>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "at most {MAX_RANK} lengths of axes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<usize>, A::Error> {
            let mut axes = Vec::new();
            while let Some(length) = sequence.next_element()? {
                if axes.len() == MAX_RANK {
                    return Err(A::Error::invalid_length(MAX_RANK + 1, &self));
                }
                axes.push(length);
            }
            Ok(axes)
        }
    }

    deserializer.deserialize_seq(Axes)
}
