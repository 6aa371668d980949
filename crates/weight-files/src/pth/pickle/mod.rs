//! The pickle of a state dict, read as data. Nothing is called, imported or built: an instruction or a name that a state
//! dict does not need is an error. The values are here; `machine` follows the instructions; `torch` knows the few names
//! that state dicts use.
//!
//! Values lie in one list and refer to one another by index, so a pickle that contains itself does no harm. Each
//! instruction makes at most one value, so their number is bounded by the file's length and by a separate limit.

mod machine;
mod torch;

use std::rc::Rc;

use machine::{Code, Machine, Step};

use crate::reader::Fault;

/// A value, of the kinds that state dicts have.
#[derive(Debug)]
pub(super) enum Value {
    /// An integer, or `None`; true is 1 and false is 0.
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

    /// The value that was pickled.
    pub(super) fn root(&self) -> usize {
        self.root
    }

    pub(super) fn value(&self, index: usize) -> &Value {
        &self.values[index]
    }
}

/// Far more than the parameters of any network need. Bounds the memory that a hostile pickle can ask for to some tens of
/// megabytes.
const MAX_VALUES: usize = 1 << 18;
/// Names and shapes are copied for each use, so they must be short: values then take memory in proportion to the
/// pickle's length.
pub(super) const MAX_NAME: usize = 256;
const MAX_DIMENSIONS: usize = 8;

const UNDERFLOW: &str = "the pickle takes more than it has";
const ODD: &str = "the pickle holds something other than a state dict; save the state_dict alone";
