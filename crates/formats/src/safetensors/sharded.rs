//! Models in several files: an index says which tensor lies in which.
//!
//! ```text
//! {"metadata": {"total_size": 123}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", ...}}
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{Entry, Metadata, SafeTensors};
use crate::error::{Context, quoted};
use crate::{Array, FormatError, MappedFile, atomic, source};

/// Which file each tensor lies in.
pub type WeightMap = BTreeMap<String, String>;

/// The files of a model, mapped into memory.
#[derive(Debug)]
pub struct Sharded {
    shards: BTreeMap<String, SafeTensors<MappedFile>>,
    weight_map: WeightMap,
}

fn context(file: &Path) -> Context<'_> {
    Context { file, format: "safetensors index", advice: "download all files of the model again" }
}

/// Opens the files that an index (`model.safetensors.index.json`) names, beside it.
///
/// # Errors
/// As [`parse_index`] and [`open`](super::open); and [`FormatError::Malformed`] when a tensor is missing from its
/// file, or a file holds one that the index places elsewhere or does not list.
pub fn open_sharded(index: impl AsRef<Path>) -> Result<Sharded, FormatError> {
    let index = index.as_ref();
    let weight_map = parse_index(&source::read(index)?, index)?;
    let mut shards = BTreeMap::new();
    for shard in weight_map.values() {
        if !shards.contains_key(shard) {
            shards.insert(shard.clone(), super::open(index.with_file_name(shard))?);
        }
    }
    let context = context(index);
    for (name, shard) in &weight_map {
        if shards[shard].entries().get(name).is_none() {
            let expected = format!("{} in {}", quoted(name), quoted(shard));
            return Err(context.malformed(expected, "no such tensor there"));
        }
    }
    for (shard, content) in &shards {
        for name in content.entries().keys() {
            if weight_map.get(name) != Some(shard) {
                let found = match weight_map.get(name) {
                    Some(listed) => format!("it in {} as well", quoted(listed)),
                    None => "no mention of it in the index".to_string(),
                };
                return Err(context.malformed(format!("{} in {} only", quoted(name), quoted(shard)), found));
            }
        }
    }
    Ok(Sharded { shards, weight_map })
}

impl Sharded {
    /// Which file each tensor lies in.
    pub fn weight_map(&self) -> &WeightMap {
        &self.weight_map
    }

    /// The tensor with this name, where its bytes lie.
    pub fn get(&self, name: &str) -> Option<Entry<&[u8]>> {
        self.shards.get(self.weight_map.get(name)?)?.get(name)
    }

    /// As [`SafeTensors::read`].
    ///
    /// # Errors
    /// As [`SafeTensors::read`].
    pub fn read(&self, name: &str) -> Option<Result<Array, FormatError>> {
        self.shards.get(self.weight_map.get(name)?)?.read(name)
    }
}

/// Reads an index; `file` is the name used in messages. Memory: at most 64 times the length.
///
/// # Errors
/// [`FormatError::Malformed`] when it is not JSON with a `weight_map`, names a tensor twice, or a file that does not
/// lie beside it.
pub fn parse_index(bytes: &[u8], file: impl AsRef<Path>) -> Result<WeightMap, FormatError> {
    let context = context(file.as_ref());
    let index: Index = serde_json::from_slice(bytes).map_err(|error| {
        let found: String = error.to_string().chars().take(200).collect();
        context.malformed("JSON with an object \"weight_map\" from tensors to files", format!("{found:?}"))
    })?;
    for (name, shard) in &index.weight_map.0 {
        let mut parts = Path::new(shard).components();
        let plain =
            matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == &**shard);
        if !plain || shard.contains(['/', '\\', '\0', ':']) {
            return Err(context.malformed(
                format!("the name of a file beside the index for {}", quoted(name)),
                quoted(shard),
            ));
        }
    }
    Ok(index.weight_map.0)
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: Unique,
}

/// A map that refuses a name that comes twice.
struct Unique(WeightMap);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Unique;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object from tensors to files")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut names = WeightMap::new();
                while let Some((name, shard)) = map.next_entry::<String, String>()? {
                    if names.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("the name {} twice", quoted(&name))));
                    }
                    names.insert(name, shard);
                }
                Ok(Unique(names))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// Writes a model into files of at most `most_bytes` of data each (more only where a single tensor is larger), in the
/// order of the entries, and their index. For `index` = `folder/model.safetensors.index.json` the files are
/// `folder/model-00001-of-00003.safetensors` and so on. The index is written last.
///
/// # Errors
/// As [`write`](super::write()); and [`FormatError::Unwritable`] when a name comes twice or `index` does not end with
/// `.safetensors.index.json`.
pub fn write_sharded<B: AsRef<[u8]>>(
    index: impl AsRef<Path>,
    entries: &[Entry<B>],
    metadata: &Metadata,
    most_bytes: usize,
) -> Result<(), FormatError> {
    let index = index.as_ref();
    let unwritable = |expected: &str, found: String| FormatError::Unwritable {
        format: "safetensors index",
        expected: expected.to_string(),
        found,
    };
    let name = index.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let stem = name.strip_suffix(".safetensors.index.json").ok_or_else(|| {
        unwritable("a name that ends with .safetensors.index.json", quoted(&index.to_string_lossy()))
    })?;
    let mut shards: Vec<Vec<Entry<&[u8]>>> = vec![Vec::new()];
    let (mut filled, mut total) = (0usize, 0usize);
    for entry in entries {
        let bytes = entry.bytes.as_ref();
        if filled > 0 && filled.saturating_add(bytes.len()) > most_bytes {
            shards.push(Vec::new());
            filled = 0;
        }
        filled += bytes.len();
        total += bytes.len();
        if let Some(shard) = shards.last_mut() {
            let shape = entry.shape.clone();
            shard.push(Entry { name: entry.name.clone(), dtype: entry.dtype, shape, bytes });
        }
    }
    let mut weight_map = WeightMap::new();
    let names: Vec<String> = (1..=shards.len())
        .map(|number| format!("{stem}-{number:05}-of-{:05}.safetensors", shards.len()))
        .collect();
    for (shard, file) in shards.iter().zip(&names) {
        for entry in shard {
            if weight_map.insert(entry.name.clone(), file.clone()).is_some() {
                return Err(unwritable("every name once", format!("{} twice", quoted(&entry.name))));
            }
        }
    }
    for (shard, file) in shards.iter().zip(&names) {
        super::write(index.with_file_name(file), shard, metadata)?;
    }
    let json = serde_json::json!({"metadata": {"total_size": total}, "weight_map": weight_map});
    atomic::write(index, |out| writeln!(out, "{json:#}"))
}
