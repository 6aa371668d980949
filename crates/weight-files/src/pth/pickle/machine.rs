//! The instructions of a pickle: a stack, marks and a memo. `torch` knows what imported names mean.

use std::collections::HashMap;

use super::{MAX_VALUES, ODD, UNDERFLOW, Value};
use crate::reader::Fault;

/// The effect of an instruction.
pub(super) enum Step {
    /// The next instruction.
    On,
    /// The end, with this value.
    Stopped(usize),
}

/// The values made so far, and the stack that instructions work on.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) values: Vec<Value>,
    pub(super) stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u64, usize>,
}

impl Machine {
    /// Runs one instruction; `None` at the end of the program.
    pub(super) fn step(&mut self, code: &mut Code<'_>) -> Result<Option<Step>, Fault> {
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
                    "instruction {other:#04x} is not one that a state dict needs; save the state_dict alone"
                )
                .into());
            }
        }
        Ok(Some(Step::On))
    }

    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    pub(super) fn pop(&mut self) -> Result<usize, Fault> {
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

    /// An integer of any length. One of more than eight bytes is never looked at.
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

    pub(super) fn text_of(&self, value: usize) -> Result<&str, Fault> {
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

/// The rest of the program.
pub(super) struct Code<'a>(pub(super) &'a [u8]);

impl<'a> Code<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("the pickle is cut short")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A little-endian number of `bytes` bytes, at most eight.
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
