//! What the machine puts together: values, and the objects that they refer to.

use crate::safetensors::SafeDtype;

/// A value on the stack. Texts are ranges of the pickle, objects are known by number, so that a value can be shared
/// (and an object hold itself) without being copied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Global(Global),
    Object(u32),
}

/// The names that a pickle may mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    Device,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildParameterWithState,
    /// A storage class: `torch.FloatStorage`.
    Storage(SafeDtype),
    /// A storage of bytes, whose tensors say their type.
    UntypedStorage,
    /// A type of values: `torch.float32`.
    Dtype(SafeDtype),
}

/// An object that values refer to by number.
#[derive(Debug)]
pub(super) enum Object<'a> {
    /// A list, tuple, set or `torch.Size`.
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Storage(Storage),
    Tensor(Box<TorchTensor>),
}

/// A storage that a tensor looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    /// The position among the storages of this file.
    pub index: usize,
    /// `None` where the tensor says.
    pub dtype: Option<SafeDtype>,
}

/// A tensor of a file: a view of a storage. [`TorchFile::read`](super::TorchFile::read) lays it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TorchTensor {
    /// The type of the values as they are stored.
    pub dtype: SafeDtype,
    /// The length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// Whether a gradient was to be computed for it.
    pub requires_grad: bool,
    pub(super) storage: usize,
    /// In values, as the strides; checked against the length that the pickle declares.
    pub(super) offset: usize,
    pub(super) strides: Vec<usize>,
}

impl Global {
    /// The global of this module and name, or `None` where it is not one of the few.
    pub fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch", "Size") => Self::Size,
            ("torch", "device") => Self::Device,
            ("torch._utils", "_rebuild_tensor") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensorV2,
            ("torch._utils", "_rebuild_tensor_v3") => Self::RebuildTensorV3,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch._utils", "_rebuild_parameter_with_state") => Self::RebuildParameterWithState,
            ("torch" | "torch.storage", "UntypedStorage") => Self::UntypedStorage,
            ("torch", _) => match name.strip_suffix("Storage") {
                Some(kind) => Self::Storage(storage_dtype(kind)?),
                None => Self::Dtype(dtype(name)?),
            },
            _ => return None,
        })
    }
}

fn storage_dtype(kind: &str) -> Option<SafeDtype> {
    Some(match kind {
        "Double" => SafeDtype::F64,
        "Float" => SafeDtype::F32,
        "Half" => SafeDtype::F16,
        "BFloat16" => SafeDtype::Bf16,
        "Long" => SafeDtype::I64,
        "Int" => SafeDtype::I32,
        "Short" => SafeDtype::I16,
        "Char" => SafeDtype::I8,
        "Byte" => SafeDtype::U8,
        "Bool" => SafeDtype::Bool,
        "ComplexFloat" => SafeDtype::C64,
        _ => return None,
    })
}

fn dtype(name: &str) -> Option<SafeDtype> {
    Some(match name {
        "float64" | "double" => SafeDtype::F64,
        "float32" | "float" => SafeDtype::F32,
        "float16" | "half" => SafeDtype::F16,
        "bfloat16" => SafeDtype::Bf16,
        "int64" | "long" => SafeDtype::I64,
        "int32" | "int" => SafeDtype::I32,
        "int16" | "short" => SafeDtype::I16,
        "int8" => SafeDtype::I8,
        "uint8" => SafeDtype::U8,
        "uint16" => SafeDtype::U16,
        "uint32" => SafeDtype::U32,
        "uint64" => SafeDtype::U64,
        "bool" => SafeDtype::Bool,
        "complex64" => SafeDtype::C64,
        "float8_e4m3fn" => SafeDtype::F8E4M3,
        "float8_e5m2" => SafeDtype::F8E5M2,
        "float8_e4m3fnuz" => SafeDtype::F8E4M3Fnuz,
        "float8_e5m2fnuz" => SafeDtype::F8E5M2Fnuz,
        "float8_e8m0fnu" => SafeDtype::F8E8M0,
        _ => return None,
    })
}
