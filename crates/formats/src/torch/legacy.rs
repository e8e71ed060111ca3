//! Files before PyTorch 1.6: pickles one after another, then the storages.

use std::collections::HashMap;

use super::archive::{Place, Storages};
use super::flatten::{Flat, flatten};
use super::machine::{Machine, Made};
use super::object::{Object, Value};
use crate::FormatError;
use crate::error::{Context, quoted};
use crate::source::Walk;

/// 0x1950a86a20f9469cfc6c, little-endian.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const VERSION: i64 = 1001;

pub(super) fn parse(bytes: &[u8], context: Context<'_>) -> Result<(Flat, Storages), FormatError> {
    if bytes.get(257..262) == Some(b"ustar") {
        let advice = "load it with a recent PyTorch and save its state_dict again";
        return Err(context
            .advising(advice)
            .malformed("a file of PyTorch 0.1.10 or later", "the tar archive of an older one"));
    }
    let not_torch = || context.malformed("a ZIP archive or the magic number of PyTorch", "neither");
    if bytes.first() != Some(&0x80) {
        return Err(not_torch());
    }
    let magic = Machine::run(bytes, 0, context)?;
    if magic.root != Value::Bytes(MAGIC) {
        return Err(not_torch());
    }
    let version = Machine::run(bytes, magic.end, context)?;
    if version.root != Value::Int(VERSION) {
        return Err(context.malformed(format!("version {VERSION}"), format!("{:?}", version.root)));
    }
    let system = Machine::run(bytes, version.end, context)?;
    let big_endian = entry(&system, "little_endian") == Some(Value::Bool(false));
    let made = Machine::run(bytes, system.end, context)?;
    let keys = Machine::run(bytes, made.end, context)?;

    let storages: HashMap<&str, usize> =
        made.storages.iter().enumerate().map(|(index, declared)| (declared.key.as_str(), index)).collect();
    let mut ranges = vec![None; made.storages.len()];
    let mut walk = Walk::new(bytes, keys.end, context);
    let Some(Object::List(list)) = object(&keys, keys.root) else {
        return Err(context.malformed("a list of the keys of storages", "something else"));
    };
    for key in list {
        let index = match key {
            Value::Text(key) => storages.get(key).copied(),
            _ => None,
        };
        let index = index.ok_or_else(|| {
            context.malformed("keys of storages that tensors use", quoted(&format!("{key:?}")))
        })?;
        let declared = &made.storages[index];
        let count: [u8; 8] = walk.array("the length of a storage")?;
        let count = if big_endian { u64::from_be_bytes(count) } else { u64::from_le_bytes(count) };
        if count.checked_mul(declared.size as u64) != Some(declared.bytes as u64) {
            return Err(context.malformed(
                format!("{} bytes for storage {}", declared.bytes, quoted(&declared.key)),
                format!("{count} values of {} bytes", declared.size),
            ));
        }
        let begin = walk.at;
        walk.take(declared.bytes, "a storage")?;
        ranges[index] = Some(begin..walk.at);
    }
    let mut places = Vec::with_capacity(ranges.len());
    for (range, declared) in ranges.into_iter().zip(&made.storages) {
        let range = range.ok_or_else(|| {
            context.malformed(format!("storage {} in the file", quoted(&declared.key)), "no such storage")
        })?;
        places.push(Place::File(range));
    }
    let flat = flatten(&made, made.end - system.end, bytes.len(), context)?;
    Ok((flat, Storages { places, big_endian }))
}

fn object<'a, 'b>(made: &'b Made<'a>, value: Value<'a>) -> Option<&'b Object<'a>> {
    match value {
        Value::Object(number) => made.objects.get(number as usize),
        _ => None,
    }
}

fn entry<'a>(made: &Made<'a>, name: &str) -> Option<Value<'a>> {
    match object(made, made.root)? {
        Object::Dict(pairs) => pairs.iter().find(|pair| pair.0 == Value::Text(name)).map(|pair| pair.1),
        _ => None,
    }
}
