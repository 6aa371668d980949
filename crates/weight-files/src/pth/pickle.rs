//! The pickle of a state dict, read as data. Nothing is called, imported or built: an instruction or
//! a name that a state dict does not need is an error.
//!
//! Values lie in one list and refer to one another by index, so a pickle that contains itself is no
//! danger; each instruction makes at most one value, so their number is bounded by the file's
//! length, and by a limit of its own.

use std::collections::HashMap;
use std::rc::Rc;

use crate::reader::Fault;

/// A value, as far as state dicts have them.
#[derive(Debug)]
pub(super) enum Value {
    /// A number, none, true or false.
    Plain(Option<i64>),
    Text(String),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Name(Name),
    Storage(Rc<Storage>),
    Tensor(Tensor),
}

/// The names that may be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    /// `torch.FloatStorage` and its like.
    Storage(String),
}

/// The numbers that tensors share.
#[derive(Debug)]
pub(super) struct Storage {
    /// `FloatStorage` and its like.
    pub(super) kind: String,
    /// The member of the archive.
    pub(super) key: String,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) storage: Rc<Storage>,
    /// Where it begins, in numbers.
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// A pickle that has been read.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: usize,
}

impl Pickle {
    pub(super) fn read(program: &[u8]) -> Result<Self, Fault> {
        let mut machine = Machine::default();
        let mut code = Code(program);
        while let Some(step) = machine.step(&mut code)? {
            if let Step::Stopped(root) = step {
                let values = machine.values;
                return Ok(Self { values, root });
            }
        }
        Err("the pickle has no end".into())
    }

    /// What the pickle is of.
    pub(super) fn root(&self) -> usize {
        self.root
    }

    pub(super) fn value(&self, index: usize) -> &Value {
        &self.values[index]
    }
}

/// What is left of the program.
struct Code<'a>(&'a [u8]);

impl<'a> Code<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("the pickle is cut short")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A little-endian number of so many bytes, at most eight.
    fn number(&mut self, bytes: usize) -> Result<u64, Fault> {
        let taken = self.take(bytes)?;
        Ok(taken
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn text(&mut self, length: u64) -> Result<String, Fault> {
        let length = usize::try_from(length).map_err(|_| "the pickle is cut short")?;
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map_err(|_| "the pickle has text that is not UTF-8".into())
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or("the pickle is cut short")? + 1)?;
        std::str::from_utf8(&line[..line.len() - 1])
            .map_err(|_| "the pickle has text that is not UTF-8".into())
    }
}

enum Step {
    On,
    Stopped(usize),
}

/// Values made so far, and those that instructions work on.
#[derive(Default)]
struct Machine {
    values: Vec<Value>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u64, usize>,
}

impl Machine {
    /// Follows one instruction; nothing at the end of the program.
    fn step(&mut self, code: &mut Code<'_>) -> Result<Option<Step>, Fault> {
        if code.0.is_empty() {
            return Ok(None);
        }
        let held = [
            self.values.len(),
            self.stack.len(),
            self.marks.len(),
            self.memo.len(),
        ];
        if held.into_iter().any(|count| count > MAX_VALUES) {
            return Err("the pickle holds more values than any state dict".into());
        }
        match code.number(1)? as u8 {
            0x80 => drop(code.take(1)?), // PROTO
            0x95 => drop(code.take(8)?), // FRAME
            b'.' => return Ok(Some(Step::Stopped(self.pop()?))),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::Plain(None)),
            0x88 => self.push(Value::Plain(Some(1))),
            0x89 => self.push(Value::Plain(Some(0))),
            b'K' => self.integer(code, 1)?,
            b'M' => self.integer(code, 2)?,
            b'J' => {
                let value = code.number(4)? as u32;
                self.push(Value::Plain(Some(i64::from(value.cast_signed()))));
            }
            0x8a => self.long(code)?,
            b'G' => {
                code.take(8)?; // a float is never looked at
                self.push(Value::Plain(None));
            }
            b'X' => self.text(code, 4)?,
            0x8c => self.text(code, 1)?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::Tuple(items));
            }
            count @ 0x85..=0x87 => {
                let items = self.pop_many(usize::from(count - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'q' => self.remember(code.number(1)?)?,
            b'r' => self.remember(code.number(4)?)?,
            0x94 => self.remember(self.memo.len() as u64)?,
            b'h' => self.recall(code.number(1)?)?,
            b'j' => self.recall(code.number(4)?)?,
            b'c' => {
                let (module, name) = (code.line()?, code.line()?);
                self.import(module, name)?;
            }
            0x93 => {
                let [name, module] = [self.pop()?, self.pop()?].map(|at| self.text_of(at));
                let (name, module) = (name?.to_owned(), module?.to_owned());
                self.import(&module, &name)?;
            }
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => {
                // A dictionary's attributes; torch keeps `_metadata` there.
                self.pop()?;
                let top = *self.stack.last().ok_or(UNDERFLOW)?;
                if !matches!(self.values[top], Value::Dict(_)) {
                    return Err("it builds an object; save the state_dict alone".into());
                }
            }
            b's' => {
                let pair = self.pop_many(2)?;
                self.extend_dict(&pair)?;
            }
            b'u' => {
                let pairs = self.since_mark()?;
                self.extend_dict(&pairs)?;
            }
            b'a' => {
                let item = self.pop_many(1)?;
                self.extend_list(&item)?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend_list(&items)?;
            }
            other => {
                return Err(format!(
                    "instruction {other:#04x} is none that a state dict needs; save the state_dict alone"
                )
                .into());
            }
        }
        Ok(Some(Step::On))
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<usize, Fault> {
        if self
            .marks
            .last()
            .is_some_and(|mark| *mark >= self.stack.len())
        {
            return Err(UNDERFLOW.into());
        }
        self.stack.pop().ok_or_else(|| UNDERFLOW.into())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<usize>, Fault> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        Ok(items)
    }

    fn since_mark(&mut self) -> Result<Vec<usize>, Fault> {
        let mark = self.marks.pop().ok_or(UNDERFLOW)?;
        if mark > self.stack.len() {
            return Err(UNDERFLOW.into());
        }
        Ok(self.stack.split_off(mark))
    }

    fn integer(&mut self, code: &mut Code<'_>, bytes: usize) -> Result<(), Fault> {
        let value = code.number(bytes)?;
        self.push(Value::Plain(i64::try_from(value).ok()));
        Ok(())
    }

    /// An integer of any length: of more than eight bytes it is none that is looked at.
    fn long(&mut self, code: &mut Code<'_>) -> Result<(), Fault> {
        let length = code.number(1)? as usize;
        let bytes = code.take(length)?;
        let value = (length <= 8).then(|| {
            let fill = if bytes.last().is_some_and(|top| *top >= 0x80) {
                0xff
            } else {
                0
            };
            let mut wide = [fill; 8];
            wide[..length].copy_from_slice(bytes);
            i64::from_le_bytes(wide)
        });
        self.push(Value::Plain(value));
        Ok(())
    }

    fn text(&mut self, code: &mut Code<'_>, bytes: usize) -> Result<(), Fault> {
        let length = code.number(bytes)?;
        let text = code.text(length)?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn remember(&mut self, place: u64) -> Result<(), Fault> {
        let top = *self.stack.last().ok_or(UNDERFLOW)?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u64) -> Result<(), Fault> {
        let value = self.memo.get(&place);
        self.stack
            .push(*value.ok_or("the pickle recalls what it never kept")?);
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let known = match (module, name) {
            ("collections", "OrderedDict") => Name::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Name::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Name::RebuildParameter,
            ("torch", "Size") => Name::Size,
            ("torch", storage) if storage.ends_with("Storage") => Name::Storage(storage.to_owned()),
            _ => {
                return Err(format!(
                    "it asks for {module}.{name}, and code in a weights file is never run; save the \
                     state_dict alone"
                )
                .into());
            }
        };
        self.push(Value::Name(known));
        Ok(())
    }

    /// `("storage", class, key, device, count)`: a storage in a member of the archive.
    fn persistent(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let Value::Tuple(parts) = &self.values[id] else {
            return Err(ODD.into());
        };
        let [_, class, key, ..] = parts[..] else {
            return Err(ODD.into());
        };
        let Value::Name(Name::Storage(kind)) = &self.values[class] else {
            return Err(ODD.into());
        };
        let key = self.text_of(key)?;
        if kind.len().max(key.len()) > MAX_NAME {
            return Err(ODD.into());
        }
        let (kind, key) = (kind.clone(), key.to_owned());
        self.push(Value::Storage(Rc::new(Storage { kind, key })));
        Ok(())
    }

    /// A call, of the few names that there are.
    fn reduce(&mut self) -> Result<(), Fault> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Value::Tuple(arguments) = &self.values[arguments] else {
            return Err(ODD.into());
        };
        let arguments: Vec<usize> = arguments.iter().take(MAX_DIMENSIONS).copied().collect();
        let made = match (&self.values[callee], &arguments[..]) {
            (Value::Name(Name::OrderedDict), []) => Value::Dict(Vec::new()),
            (Value::Name(Name::OrderedDict), &[pairs]) => Value::Dict(self.pairs(pairs)?),
            (Value::Name(Name::RebuildTensor), [storage, offset, shape, strides, ..]) => {
                Value::Tensor(self.tensor(*storage, *offset, *shape, *strides)?)
            }
            (Value::Name(Name::RebuildParameter), [tensor, ..]) => match &self.values[*tensor] {
                Value::Tensor(tensor) => Value::Tensor(tensor.clone()),
                _ => return Err(ODD.into()),
            },
            (Value::Name(Name::Size), &[shape]) => {
                self.stack.push(shape);
                return Ok(());
            }
            _ => return Err(ODD.into()),
        };
        self.push(made);
        Ok(())
    }

    /// The items of a list of pairs, which is empty then: nobody else needs it, and a copy for each
    /// call could outgrow the file.
    fn pairs(&mut self, list: usize) -> Result<Vec<(usize, usize)>, Fault> {
        let Value::List(items) = &mut self.values[list] else {
            return Err(ODD.into());
        };
        let items = std::mem::take(items);
        let pair = |item: &usize| match &self.values[*item] {
            Value::Tuple(pair) | Value::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err(Fault::from(ODD)),
        };
        items.iter().map(pair).collect()
    }

    fn tensor(
        &self,
        storage: usize,
        offset: usize,
        shape: usize,
        strides: usize,
    ) -> Result<Tensor, Fault> {
        let (Value::Storage(storage), Value::Plain(Some(offset))) =
            (&self.values[storage], &self.values[offset])
        else {
            return Err(ODD.into());
        };
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        if shape.len() != strides.len() {
            return Err(ODD.into());
        }
        Ok(Tensor {
            storage: Rc::clone(storage),
            offset: u64::try_from(*offset).map_err(|_| ODD)?,
            shape,
            strides,
        })
    }

    fn sizes(&self, tuple: usize) -> Result<Vec<usize>, Fault> {
        let Value::Tuple(items) = &self.values[tuple] else {
            return Err(ODD.into());
        };
        if items.len() > MAX_DIMENSIONS {
            return Err(ODD.into());
        }
        let size = |item: &usize| match self.values[*item] {
            Value::Plain(Some(size)) => usize::try_from(size).map_err(|_| ODD.into()),
            _ => Err(Fault::from(ODD)),
        };
        items.iter().map(size).collect()
    }

    fn text_of(&self, value: usize) -> Result<&str, Fault> {
        match &self.values[value] {
            Value::Text(text) => Ok(text),
            _ => Err(ODD.into()),
        }
    }

    fn extend_dict(&mut self, pairs: &[usize]) -> Result<(), Fault> {
        let top = *self.stack.last().ok_or(UNDERFLOW)?;
        match &mut self.values[top] {
            Value::Dict(entries) => {
                entries.extend(pairs.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => Err(ODD.into()),
        }
    }

    fn extend_list(&mut self, items: &[usize]) -> Result<(), Fault> {
        let top = *self.stack.last().ok_or(UNDERFLOW)?;
        match &mut self.values[top] {
            Value::List(list) => {
                list.extend(items);
                Ok(())
            }
            _ => Err(ODD.into()),
        }
    }
}

/// Some hundred thousand parameters' worth, ten thousand times a network of ours: bounds the memory that a
/// hostile pickle can ask for to some tens of megabytes.
const MAX_VALUES: usize = 1 << 18;
/// What is copied for each use is short, so that no pickle grows beyond its own length's order.
pub(super) const MAX_NAME: usize = 256;
const MAX_DIMENSIONS: usize = 8;

const UNDERFLOW: &str = "the pickle takes more than it has";
const ODD: &str = "the pickle holds something other than a state dict; save the state_dict alone";
