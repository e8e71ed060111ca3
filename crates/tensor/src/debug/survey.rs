//! Looking at all values of a tensor.

use half::{bf16, f16};

use crate::{DType, Element, Tensor};

use super::{BadValue, InputRange};

/// What there is among the values of a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    pub min: f64,
    pub max: f64,
    first_nan: Option<usize>,
    first_infinity: Option<(usize, BadValue)>,
    /// Values that are not finite.
    pub count: usize,
}

impl Survey {
    /// # Panics
    /// If the tensor cannot be computed.
    pub fn of(tensor: &Tensor) -> Survey {
        match tensor.dtype() {
            DType::Bool => survey(&tensor.to_vec::<bool>()),
            DType::U8 => survey(&tensor.to_vec::<u8>()),
            DType::I32 => survey(&tensor.to_vec::<i32>()),
            DType::I64 => survey(&tensor.to_vec::<i64>()),
            DType::F16 => survey(&tensor.to_vec::<f16>()),
            DType::BF16 => survey(&tensor.to_vec::<bf16>()),
            DType::F32 => survey(&tensor.to_vec::<f32>()),
            DType::F64 => survey(&tensor.to_vec::<f64>()),
        }
    }

    pub fn has_nan(&self) -> bool {
        self.first_nan.is_some()
    }

    /// The first NaN, or the first infinity, with its position in row-major order.
    pub fn bad(&self) -> Option<(usize, BadValue)> {
        self.first_nan.map(|position| (position, BadValue::Nan)).or(self.first_infinity)
    }
}

fn survey<T: Element>(values: &[T]) -> Survey {
    let mut survey = Survey {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        first_nan: None,
        first_infinity: None,
        count: 0,
    };
    for (position, value) in values.iter().enumerate() {
        let value = value.to_f64();
        survey.min = survey.min.min(value);
        survey.max = survey.max.max(value);
        if value.is_finite() {
            continue;
        }
        survey.count += 1;
        if value.is_nan() {
            survey.first_nan.get_or_insert(position);
        } else {
            let bad = if value > 0.0 { BadValue::Infinity } else { BadValue::NegativeInfinity };
            survey.first_infinity.get_or_insert((position, bad));
        }
    }
    survey
}

/// The range of a computed tensor.
pub(super) fn range(tensor: &Tensor) -> InputRange {
    let Survey { min, max, .. } = Survey::of(tensor);
    InputRange { shape: tensor.shape().clone(), dtype: tensor.dtype(), min, max }
}

/// A position in row-major order as an index along each axis.
pub(super) fn index(tensor: &Tensor, mut position: usize) -> Vec<usize> {
    let mut index: Vec<usize> = tensor
        .shape()
        .iter()
        .rev()
        .map(|length| {
            let along = position % length;
            position /= length;
            along
        })
        .collect();
    index.reverse();
    index
}
