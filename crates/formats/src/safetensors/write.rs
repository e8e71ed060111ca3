//! Writing safetensors files.

use std::io::{self, Write};
use std::path::Path;

use super::{Entry, Metadata};
use crate::error::quoted;
use crate::{FormatError, atomic};

/// Writes `entries` and `metadata` as a safetensors file, atomically. The same content gives the same bytes, in
/// whatever order the entries come.
///
/// # Errors
/// [`FormatError::Unwritable`] when two entries have the same name, a name is `__metadata__`, or the number of bytes
/// of an entry does not fit its shape; [`FormatError::Write`] when the disk refuses.
///
/// # Examples
/// ```
/// use bolete_formats::safetensors::{self, Entry, Metadata, SafeDtype};
/// let path = std::env::temp_dir().join(format!("bolete-weights-{}.safetensors", std::process::id()));
/// let bias = Entry { name: "bias".into(), dtype: SafeDtype::F32, shape: vec![2], bytes: vec![0; 8] };
/// safetensors::write(&path, std::slice::from_ref(&bias), &Metadata::new())?;
/// assert_eq!(safetensors::read(&path)?.get("bias"), Some(&bias));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write<B: AsRef<[u8]>>(
    path: impl AsRef<Path>,
    entries: &[Entry<B>],
    metadata: &Metadata,
) -> Result<(), FormatError> {
    let layout = Layout::of(entries, metadata)?;
    atomic::write(path, |out| layout.write(out))
}

/// The bytes of a safetensors file with `entries` and `metadata`.
///
/// # Errors
/// As [`write()`], but for the disk.
pub fn encode<B: AsRef<[u8]>>(entries: &[Entry<B>], metadata: &Metadata) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    let layout = Layout::of(entries, metadata)?;
    // Writing to a vector cannot fail.
    let _ = layout.write(&mut bytes);
    Ok(bytes)
}

/// The header as text, and the entries in the order of their data.
struct Layout<'a, B> {
    header: Vec<u8>,
    data: Vec<&'a Entry<B>>,
}

impl<'a, B: AsRef<[u8]>> Layout<'a, B> {
    fn of(entries: &'a [Entry<B>], metadata: &Metadata) -> Result<Self, FormatError> {
        let mut named: Vec<&Entry<B>> = entries.iter().collect();
        named.sort_by(|a, b| a.name.cmp(&b.name));
        check(&named)?;

        let mut data = named.clone();
        data.sort_by_key(|entry| std::cmp::Reverse(entry.dtype.bits()));
        let mut begins = std::collections::BTreeMap::new();
        let mut next = 0;
        for entry in &data {
            begins.insert(entry.name.as_str(), next);
            next += entry.bytes.as_ref().len();
        }

        let mut fields = Vec::with_capacity(entries.len() + 1);
        if !metadata.is_empty() {
            fields.push(format!("\"__metadata__\":{}", serde_json::json!(metadata)));
        }
        for entry in named {
            let begin = begins[entry.name.as_str()];
            fields.push(format!(
                "{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{begin},{}]}}",
                serde_json::json!(entry.name),
                entry.dtype,
                serde_json::json!(entry.shape),
                begin + entry.bytes.as_ref().len()
            ));
        }
        let mut header = format!("{{{}}}", fields.join(",")).into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() as u64 > super::MAX_HEADER_BYTES {
            return Err(unwritable(
                format!("a header of at most {} bytes", super::MAX_HEADER_BYTES),
                format!("{} bytes", header.len()),
            ));
        }
        Ok(Self { header, data })
    }

    fn write(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        out.write_all(&(self.header.len() as u64).to_le_bytes())?;
        out.write_all(&self.header)?;
        self.data.iter().try_for_each(|entry| out.write_all(entry.bytes.as_ref()))
    }
}

/// Whether the entries, in the order of their names, can be told apart and have the bytes of their shapes.
fn check<B: AsRef<[u8]>>(named: &[&Entry<B>]) -> Result<(), FormatError> {
    if let Some(pair) = named.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(unwritable("every name once".to_string(), format!("{} twice", quoted(&pair[0].name))));
    }
    for entry in named {
        let (name, found) = (quoted(&entry.name), entry.bytes.as_ref().len());
        if entry.name == "__metadata__" {
            return Err(unwritable("a name that the format does not reserve".to_string(), name));
        }
        if entry.shape.len() > super::MAX_RANK {
            return Err(unwritable(
                format!("at most {} axes for {name}", super::MAX_RANK),
                format!("{} axes", entry.shape.len()),
            ));
        }
        match entry.dtype.byte_length(&entry.shape) {
            Some(bytes) if bytes == found => {}
            Some(bytes) => {
                let expected = format!("{bytes} bytes for {name}, {:?} of {}", entry.shape, entry.dtype);
                return Err(unwritable(expected, format!("{found} bytes")));
            }
            None => {
                let expected = format!("a shape of {name} whose size is whole bytes and fits memory");
                return Err(unwritable(expected, format!("{:?} of {}", entry.shape, entry.dtype)));
            }
        }
    }
    Ok(())
}

fn unwritable(expected: String, found: String) -> FormatError {
    FormatError::Unwritable { format: "safetensors", expected, found }
}
