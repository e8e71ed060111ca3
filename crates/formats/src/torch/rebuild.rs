//! The few functions that a pickle may call: those that make tensors from storages.

use super::machine::Machine;
use super::object::{Global, Object, Storage, TorchTensor, Value};
use crate::FormatError;
use crate::array::MAX_RANK;
use crate::error::quoted;

/// A storage as the pickle declares it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The name of its data.
    pub key: String,
    /// Its length in bytes.
    pub bytes: usize,
    /// Bytes of one value; 1 where the storage has no type.
    pub size: usize,
}

impl<'a> Machine<'a> {
    /// `('storage', class, key, location, length)`.
    pub(super) fn persistent(&mut self, id: Value<'a>) -> Result<Value<'a>, FormatError> {
        let expected = "a storage with its class, key and length";
        let items = self.items(id).unwrap_or(&[]);
        let (class, key, length) = match *items {
            [Value::Text("storage"), Value::Global(class), Value::Text(key), _, Value::Int(length)]
            | [
                Value::Text("storage"),
                Value::Global(class),
                Value::Text(key),
                _,
                Value::Int(length),
                Value::None,
            ] => (class, key, length),
            [Value::Text(kind), ..] => return Err(self.wrong(expected, quoted(kind))),
            _ => return Err(self.wrong(expected, "something else")),
        };
        let (dtype, size) = match class {
            Global::Storage(dtype) => (Some(dtype), dtype.bits() / 8),
            Global::UntypedStorage => (None, 1),
            _ => return Err(self.wrong(expected, format!("{class:?} as its class"))),
        };
        let bytes = usize::try_from(length).ok().and_then(|length| length.checked_mul(size));
        let bytes = bytes.ok_or_else(|| self.wrong("the length of a storage", length.to_string()))?;
        let index = match self.storage_numbers.get(key) {
            Some(&index) => {
                let known = &self.storages[index];
                if (known.bytes, known.size) != (bytes, size) {
                    return Err(self.wrong(
                        format!("{} bytes of {} each for storage {}", known.bytes, known.size, quoted(key)),
                        format!("{bytes} bytes of {size} each"),
                    ));
                }
                index
            }
            None => {
                self.storages.push(Declared { key: key.to_string(), bytes, size });
                self.storage_numbers.insert(key, self.storages.len() - 1);
                self.storages.len() - 1
            }
        };
        Ok(self.object(Object::Storage(Storage { index, dtype })))
    }

    pub(super) fn reduce(
        &mut self,
        function: Value<'a>,
        arguments: Value<'a>,
    ) -> Result<Value<'a>, FormatError> {
        let Value::Global(function) = function else {
            return Err(
                self.wrong("a call of a function that makes tensors (nothing was executed)", "another call")
            );
        };
        let arguments = self.items(arguments).ok_or_else(|| self.wrong("a tuple of arguments", "none"))?;
        match (function, arguments) {
            (Global::OrderedDict, []) => Ok(self.object(Object::Dict(Vec::new()))),
            (Global::OrderedDict, &[pairs]) => {
                let pairs = self.items(pairs).and_then(|pairs| {
                    let pair = |pair: &Value<'a>| match self.items(*pair)? {
                        &[key, value] => Some((key, value)),
                        _ => None,
                    };
                    pairs.iter().map(pair).collect::<Option<Vec<_>>>()
                });
                let pairs = pairs.ok_or_else(|| self.wrong("pairs of key and value", "something else"))?;
                Ok(self.object(Object::Dict(pairs)))
            }
            (Global::Size, &[sizes]) if self.items(sizes).is_some() => Ok(sizes),
            (Global::Device, &[kind, ..]) => Ok(kind),
            (
                Global::RebuildParameter | Global::RebuildParameterWithState,
                &[parameter @ Value::Object(number), gradient, ..],
            ) => match self.objects.get_mut(number as usize) {
                Some(Object::Tensor(tensor)) => {
                    tensor.requires_grad = gradient == Value::Bool(true);
                    Ok(parameter)
                }
                _ => Err(self.wrong("a tensor for a parameter", "another object")),
            },
            (Global::RebuildTensor, &[storage, offset, shape, strides]) => {
                self.tensor([storage, offset, shape, strides], false, None)
            }
            (Global::RebuildTensorV2, &[storage, offset, shape, strides, gradient, ..]) => {
                self.tensor([storage, offset, shape, strides], gradient == Value::Bool(true), None)
            }
            (Global::RebuildTensorV3, &[storage, offset, shape, strides, gradient, _, dtype, ..]) => {
                self.tensor([storage, offset, shape, strides], gradient == Value::Bool(true), Some(dtype))
            }
            _ => Err(self.wrong(
                "calls of functions that make tensors (nothing was executed)",
                format!("{function:?} with {} arguments", arguments.len()),
            )),
        }
    }

    /// A tensor whose every value lies in its storage.
    fn tensor(
        &mut self,
        [storage, offset, shape, strides]: [Value<'a>; 4],
        requires_grad: bool,
        dtype: Option<Value<'a>>,
    ) -> Result<Value<'a>, FormatError> {
        let storage = match storage {
            Value::Object(number) => match self.objects.get(number as usize) {
                Some(Object::Storage(storage)) => Some(*storage),
                _ => None,
            },
            _ => None,
        };
        let storage = storage.ok_or_else(|| self.wrong("a storage for a tensor", "something else"))?;
        let dtype = match (storage.dtype, dtype) {
            (_, Some(Value::Global(Global::Dtype(dtype)))) | (Some(dtype), None) => dtype,
            _ => return Err(self.wrong("a tensor with the type of its values", "none")),
        };
        let (shape, strides) = match (self.sizes(shape), self.sizes(strides)) {
            (Some(shape), Some(strides)) if shape.len() == strides.len() && shape.len() <= MAX_RANK => {
                (shape, strides)
            }
            _ => {
                let expected =
                    format!("as many strides as axes, at most {MAX_RANK} of them and none negative");
                return Err(self.wrong(expected, "something else"));
            }
        };
        let Declared { bytes, ref key, .. } = self.storages[storage.index];
        let length = bytes / (dtype.bits() / 8);
        let offset = match offset {
            Value::Int(offset) => usize::try_from(offset).ok(),
            _ => None,
        };
        let last = offset.and_then(|offset| {
            let mut axes = shape.iter().zip(&strides);
            axes.try_fold(offset, |last, (length, stride)| {
                last.checked_add(length.saturating_sub(1).checked_mul(*stride)?)
            })
        });
        let empty = shape.contains(&0);
        match (offset, last) {
            (Some(offset), _) if empty && offset <= length => {}
            (Some(_), Some(last)) if !empty && last < length => {}
            _ => {
                return Err(self.wrong(
                    format!("a tensor inside of storage {}, which has {length} values", quoted(key)),
                    format!("the shape {shape:?} with strides {strides:?}"),
                ));
            }
        }
        let offset = offset.unwrap_or(0);
        let tensor = TorchTensor { storage: storage.index, dtype, offset, shape, strides, requires_grad };
        Ok(self.object(Object::Tensor(Box::new(tensor))))
    }

    fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        let items = self.items(value).filter(|items| items.len() <= MAX_RANK)?;
        items
            .iter()
            .map(|item| match item {
                Value::Int(size) => usize::try_from(*size).ok(),
                _ => None,
            })
            .collect()
    }
}
