//! The restricted pickle machine: a loop over instructions, none of which can do more than put values together.

use std::collections::HashMap;

use super::object::{Global, Object, Value};
use super::opcode::*;
use super::rebuild::Declared;
use crate::FormatError;
use crate::error::{Context, quoted};
use crate::source::Walk;

/// What a pickle made.
pub(super) struct Made<'a> {
    pub root: Value<'a>,
    pub objects: Vec<Object<'a>>,
    /// Storages that were mentioned, in order.
    pub storages: Vec<Declared>,
    /// Where the pickle ends.
    pub end: usize,
}

pub(super) struct Machine<'a> {
    walk: Walk<'a>,
    stack: Vec<Value<'a>>,
    /// How high the stack was at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    pub(super) objects: Vec<Object<'a>>,
    pub(super) storages: Vec<Declared>,
    pub(super) storage_numbers: HashMap<&'a str, usize>,
}

impl<'a> Machine<'a> {
    /// Runs the pickle at `at`. Every instruction takes a byte at least and adds at most one value that was not there,
    /// so that memory is bounded by the length.
    pub fn run(bytes: &'a [u8], at: usize, context: Context<'a>) -> Result<Made<'a>, FormatError> {
        let mut machine = Machine {
            walk: Walk::new(bytes, at, context),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: Vec::new(),
            storages: Vec::new(),
            storage_numbers: HashMap::new(),
        };
        loop {
            let code = machine.walk.u8("an instruction of the pickle")?;
            if code == STOP {
                break;
            }
            machine.step(code)?;
        }
        let root = machine.pop()?;
        let Machine { walk, objects, storages, .. } = machine;
        Ok(Made { root, objects, storages, end: walk.at })
    }

    fn step(&mut self, code: u8) -> Result<(), FormatError> {
        let value = match code {
            PROTO => {
                let version = self.walk.u8("a protocol")?;
                return match version {
                    2..=5 => Ok(()),
                    _ => Err(self.wrong("protocol 2 to 5", format!("protocol {version}"))),
                };
            }
            FRAME => return self.walk.u64("a frame").map(drop),
            MARK => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            POP if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
                return Ok(());
            }
            POP => return self.pop().map(drop),
            POP_MARK => return self.pop_to_mark().map(drop),
            DUP => self.top()?,

            NONE => Value::None,
            NEWTRUE => Value::Bool(true),
            NEWFALSE => Value::Bool(false),
            BININT => Value::Int(i64::from(self.walk.u32("a number")? as i32)),
            BININT1 => Value::Int(i64::from(self.walk.u8("a number")?)),
            BININT2 => Value::Int(i64::from(self.walk.u16("a number")?)),
            LONG1 => {
                let length = usize::from(self.walk.u8("a length")?);
                self.long(length)?
            }
            LONG4 => {
                let length = self.walk.u32("a length")? as usize;
                self.long(length)?
            }
            INT | LONG => {
                let line = self.line()?;
                match line {
                    "01" if code == INT => Value::Bool(true),
                    "00" if code == INT => Value::Bool(false),
                    _ => match line.trim_end_matches('L').parse() {
                        Ok(number) => Value::Int(number),
                        Err(_) => return Err(self.wrong("a number of at most 64 bits", quoted(line))),
                    },
                }
            }
            FLOAT => {
                let line = self.line()?;
                Value::Float(line.parse().map_err(|_| self.wrong("a number", quoted(line)))?)
            }
            BINFLOAT => Value::Float(f64::from_be_bytes(self.walk.array("a number")?)),

            SHORT_BINUNICODE | SHORT_BINSTRING => {
                let length = usize::from(self.walk.u8("a length")?);
                Value::Text(self.walk.text(length, "a text")?)
            }
            BINUNICODE | BINSTRING => {
                let length = self.walk.u32("a length")? as usize;
                Value::Text(self.walk.text(length, "a text")?)
            }
            BINUNICODE8 => {
                let length = self.long_length()?;
                Value::Text(self.walk.text(length, "a text")?)
            }
            SHORT_BINBYTES => {
                let length = usize::from(self.walk.u8("a length")?);
                Value::Bytes(self.walk.take(length, "bytes")?)
            }
            BINBYTES => {
                let length = self.walk.u32("a length")? as usize;
                Value::Bytes(self.walk.take(length, "bytes")?)
            }
            BINBYTES8 => {
                let length = self.long_length()?;
                Value::Bytes(self.walk.take(length, "bytes")?)
            }

            EMPTY_DICT => self.object(Object::Dict(Vec::new())),
            EMPTY_LIST | EMPTY_TUPLE | EMPTY_SET => self.object(Object::List(Vec::new())),
            LIST | TUPLE | FROZENSET => {
                let items = self.pop_to_mark()?;
                self.object(Object::List(items))
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let mut items = Vec::with_capacity(usize::from(code - TUPLE1) + 1);
                for _ in TUPLE1..=code {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.object(Object::List(items))
            }
            DICT => {
                let items = self.pop_to_mark()?;
                let pairs = self.pairs(&items)?;
                self.object(Object::Dict(pairs))
            }
            APPEND => {
                let item = self.pop()?;
                return self.extend_list(&[item]);
            }
            APPENDS | ADDITEMS => {
                let items = self.pop_to_mark()?;
                return self.extend_list(&items);
            }
            SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.extend_dict(&[key, value]);
            }
            SETITEMS => {
                let items = self.pop_to_mark()?;
                return self.extend_dict(&items);
            }

            BINPUT | LONG_BINPUT | PUT | MEMOIZE => {
                let number = match code {
                    BINPUT => u32::from(self.walk.u8("a number")?),
                    LONG_BINPUT => self.walk.u32("a number")?,
                    PUT => self.memo_line()?,
                    _ => self.memo.len() as u32,
                };
                let value = self.top()?;
                self.memo.insert(number, value);
                return Ok(());
            }
            BINGET | LONG_BINGET | GET => {
                let number = match code {
                    BINGET => u32::from(self.walk.u8("a number")?),
                    LONG_BINGET => self.walk.u32("a number")?,
                    _ => self.memo_line()?,
                };
                match self.memo.get(&number) {
                    Some(value) => *value,
                    None => {
                        let found = format!("number {number}, which was not");
                        return Err(self.wrong("a value that was remembered before", found));
                    }
                }
            }

            GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?
            }
            STACK_GLOBAL => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.global(module, name)?,
                other => return Err(self.wrong("the names of a module and a thing", format!("{other:?}"))),
            },
            BINPERSID => {
                let id = self.pop()?;
                self.persistent(id)?
            }
            REDUCE => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.reduce(function, arguments)?
            }
            BUILD => {
                // Attributes of a dictionary (`_metadata` of state dicts) or a tensor: nothing that we keep.
                self.pop()?;
                let target = self.top()?;
                return match target {
                    Value::Object(_) => Ok(()),
                    _ => Err(self.wrong("an object that has attributes", format!("{target:?}"))),
                };
            }
            _ => {
                let at = self.walk.at - 1;
                return Err(self.wrong(
                    "instructions that put together tensors, dictionaries, lists, numbers and texts (nothing was executed)",
                    format!("the instruction {code:#04x} at byte {at} of the pickle"),
                ));
            }
        };
        self.stack.push(value);
        Ok(())
    }

    fn global(&self, module: &str, name: &str) -> Result<Value<'a>, FormatError> {
        Global::find(module, name).map(Value::Global).ok_or_else(|| {
            self.wrong(
                "only tensors, dictionaries, lists, numbers and texts (nothing was executed)",
                quoted(&format!("{module}.{name}")),
            )
        })
    }

    pub(super) fn object(&mut self, object: Object<'a>) -> Value<'a> {
        // A number per byte of the pickle at most, and no pickle has 4 GiB of them: the memo would not address it.
        self.objects.push(object);
        Value::Object((self.objects.len() - 1) as u32)
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Object(number) => match self.objects.get(number as usize) {
                Some(Object::List(items)) => Some(items),
                _ => None,
            },
            _ => None,
        }
    }

    fn extend_list(&mut self, items: &[Value<'a>]) -> Result<(), FormatError> {
        let target = self.top()?;
        match target {
            Value::Object(number) => match self.objects.get_mut(number as usize) {
                Some(Object::List(list)) => {
                    list.extend_from_slice(items);
                    Ok(())
                }
                _ => Err(self.wrong("a list to append to", "another object")),
            },
            _ => Err(self.wrong("a list to append to", format!("{target:?}"))),
        }
    }

    fn extend_dict(&mut self, items: &[Value<'a>]) -> Result<(), FormatError> {
        let pairs = self.pairs(items)?;
        let target = self.top()?;
        match target {
            Value::Object(number) => match self.objects.get_mut(number as usize) {
                Some(Object::Dict(dict)) => {
                    dict.extend(pairs);
                    Ok(())
                }
                _ => Err(self.wrong("a dictionary to add to", "another object")),
            },
            _ => Err(self.wrong("a dictionary to add to", format!("{target:?}"))),
        }
    }

    fn pairs(&self, items: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>, FormatError> {
        if !items.len().is_multiple_of(2) {
            return Err(self.wrong("a value for every key", format!("{} items", items.len())));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn top(&self) -> Result<Value<'a>, FormatError> {
        self.stack.last().copied().ok_or_else(|| self.wrong("a value on the stack", "an empty stack"))
    }

    fn pop(&mut self) -> Result<Value<'a>, FormatError> {
        if self.marks.last().is_some_and(|mark| *mark >= self.stack.len()) {
            return Err(self.wrong("a value above the last mark", "none"));
        }
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, FormatError> {
        let mark = self.marks.pop().ok_or_else(|| self.wrong("a mark on the stack", "none"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    /// A whole number of `length` bytes, little-endian, in two's complement. What is longer than 8 bytes is kept as
    /// bytes: only the magic number of old files is.
    fn long(&mut self, length: usize) -> Result<Value<'a>, FormatError> {
        let bytes = self.walk.take(length, "a number")?;
        if length > 8 {
            return Ok(Value::Bytes(bytes));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut exact = [if negative { 0xff } else { 0 }; 8];
        exact[..length].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(exact)))
    }

    fn long_length(&mut self) -> Result<usize, FormatError> {
        Ok(usize::try_from(self.walk.u64("a length")?).unwrap_or(usize::MAX))
    }

    fn memo_line(&mut self) -> Result<u32, FormatError> {
        let line = self.line()?;
        line.parse().map_err(|_| self.wrong("the number of a remembered value", quoted(line)))
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str, FormatError> {
        let rest = self.walk.bytes.get(self.walk.at..).unwrap_or(&[]);
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(|| self.wrong("the end of a line", "the end of the pickle"))?;
        let line = self.walk.text(length, "a line")?;
        self.walk.at += 1;
        Ok(line)
    }

    pub(super) fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> FormatError {
        self.walk.context.malformed(expected, found)
    }
}
