//! From nested dictionaries, lists and tuples to paths.

use std::collections::BTreeMap;

use super::MOST_EXPANSION;
use super::machine::Made;
use super::object::{Global, Object, TorchTensor, Value};
use crate::FormatError;
use crate::array::ElementType;
use crate::error::{Context, quoted};
use crate::safetensors::SafeDtype;

/// Deeper nesting is refused, as is an object that holds itself.
const DEEPEST: usize = 64;

/// Something in a file that is not a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum TorchValue {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes, or a whole number of more than 64 bits (little-endian, in two's complement).
    Bytes(Vec<u8>),
    /// A type of values, such as `torch.float32`.
    Dtype(SafeDtype),
}

/// The leaves of what a pickle made.
pub(super) struct Flat {
    pub tensors: BTreeMap<String, TorchTensor>,
    pub values: BTreeMap<String, TorchValue>,
}

/// Flattens what a pickle of `pickle_bytes` bytes in a file of `file_bytes` made. Sharing could make the paths longer
/// than any file; both their number and their length are bounded by that of the pickle.
pub(super) fn flatten(
    made: &Made<'_>,
    pickle_bytes: usize,
    file_bytes: usize,
    context: Context<'_>,
) -> Result<Flat, FormatError> {
    let mut flat = Flat { tensors: BTreeMap::new(), values: BTreeMap::new() };
    let mut room = pickle_bytes.saturating_mul(32).saturating_add(1 << 16);
    let mut memory = file_bytes.saturating_mul(MOST_EXPANSION).saturating_add(1 << 20);
    let mut pending = vec![(String::new(), made.root, 0)];
    while let Some((path, value, depth)) = pending.pop() {
        let mut spend = |cost: usize| {
            room = room.checked_sub(cost).ok_or_else(|| {
                context.malformed("objects that are each used a few times", "the same ones over and over")
            })?;
            Ok(())
        };
        let leaf = match value {
            Value::Object(number) => match &made.objects[number as usize] {
                Object::Tensor(tensor) => {
                    spend(path.len() + 64 + 16 * tensor.shape.len())?;
                    memory =
                        laid_out(tensor).and_then(|bytes| memory.checked_sub(bytes)).ok_or_else(|| {
                            context
                                .advising("save contiguous copies of the tensors (tensor.clone())")
                                .malformed(
                                    format!("tensors of at most {MOST_EXPANSION} times the size of the file"),
                                    format!("{} of shape {:?} beyond that", quoted(&path), tensor.shape),
                                )
                        })?;
                    if flat.tensors.insert(path.clone(), (**tensor).clone()).is_some() {
                        return Err(twice(&path, context));
                    }
                    continue;
                }
                Object::Storage(_) => {
                    return Err(context.malformed("tensors", format!("a bare storage at {}", quoted(&path))));
                }
                children => {
                    if depth == DEEPEST {
                        return Err(context.malformed(
                            format!("dictionaries and lists nested at most {DEEPEST} deep"),
                            "deeper nesting, or an object that holds itself",
                        ));
                    }
                    let join = |step: &dyn std::fmt::Display| match path.is_empty() {
                        true => step.to_string(),
                        false => format!("{path}.{step}"),
                    };
                    match children {
                        Object::Dict(pairs) => {
                            for (key, value) in pairs {
                                let name = match key {
                                    Value::Text(text) => {
                                        spend(path.len() + text.len() + 64)?;
                                        join(text)
                                    }
                                    Value::Int(number) => {
                                        spend(path.len() + 64)?;
                                        join(number)
                                    }
                                    other => {
                                        return Err(context.malformed(
                                            "texts and whole numbers as keys",
                                            format!("{} in {}", quoted(&format!("{other:?}")), quoted(&path)),
                                        ));
                                    }
                                };
                                pending.push((name, *value, depth + 1));
                            }
                        }
                        Object::List(items) => {
                            for (index, item) in items.iter().enumerate() {
                                spend(path.len() + 32)?;
                                pending.push((join(&index), *item, depth + 1));
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
            },
            Value::None => TorchValue::None,
            Value::Bool(value) => TorchValue::Bool(value),
            Value::Int(value) => TorchValue::Int(value),
            Value::Float(value) => TorchValue::Float(value),
            Value::Text(text) => {
                spend(text.len())?;
                TorchValue::Text(text.to_string())
            }
            Value::Bytes(bytes) => {
                spend(bytes.len())?;
                TorchValue::Bytes(bytes.to_vec())
            }
            Value::Global(Global::Dtype(dtype)) => TorchValue::Dtype(dtype),
            Value::Global(global) => {
                return Err(context.malformed("values", format!("{global:?} at {}", quoted(&path))));
            }
        };
        if flat.values.insert(path.clone(), leaf).is_some() {
            return Err(twice(&path, context));
        }
    }
    Ok(flat)
}

/// Two leaves of one path: a key twice in a dictionary, or keys with dots that meet.
fn twice(path: &str, context: Context<'_>) -> FormatError {
    context.malformed("every path once", format!("{} twice", quoted(path)))
}

/// The bytes of a tensor when it is read. Types that cannot be read are refused then, and cost nothing now.
fn laid_out(tensor: &TorchTensor) -> Option<usize> {
    let element = ElementType::reading(tensor.dtype).unwrap_or(ElementType::U8);
    element.stored().byte_length(&tensor.shape)
}
