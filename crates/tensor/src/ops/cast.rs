//! Conversion between element types.

use smallvec::smallvec;

use crate::{DType, Tensor};

use super::Op;
use super::rule::{Call, Linear, linear_rule};

impl Tensor {
    /// The values converted to another element type: rounded to nearest between floats, truncated toward zero and
    /// saturated from float to integer, wrapped between integers, and compared with zero for `bool`.
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> Tensor {
        if self.dtype() == dtype {
            return self.clone();
        }
        Tensor::record(Op::Cast, smallvec![self.clone()], self.shape().clone(), dtype)
    }
}

/// A conversion between floats is linear; any other has no derivative.
pub(crate) struct CastRule;

impl Linear for CastRule {
    fn transpose(&self, call: &Call, _: usize, cotangent: &Tensor) -> Tensor {
        cotangent.cast(call.inputs[0].dtype())
    }
}
linear_rule!(CastRule);
