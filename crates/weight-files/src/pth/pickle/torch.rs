//! The names that torch's state dicts use: storages, tensors, parameters, sizes, ordered dictionaries. They stand for data;
//! no code behind them is run.

use std::rc::Rc;

use super::machine::Machine;
use super::{MAX_DIMENSIONS, MAX_NAME, Name, ODD, Storage, Tensor, Value};
use crate::reader::Fault;

impl Machine {
    /// A name that a state dict may import; any other is an error.
    pub(super) fn import(&mut self, module: &str, name: &str) -> Result<(), Fault> {
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
    pub(super) fn persistent(&mut self) -> Result<(), Fault> {
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

    /// A call of one of the known names.
    pub(super) fn reduce(&mut self) -> Result<(), Fault> {
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

    /// The items of a list of pairs. They are moved out of the list: nothing else needs it, and a copy for each call
    /// could grow larger than the file.
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
}
