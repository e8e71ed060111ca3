//! Random numbers.

use super::{Case, flat};
use crate::{DType, Key, Tensor};

pub(super) fn cases() -> Vec<Case> {
    vec![
        flat("split+split_many+permutation+normal+bernoulli+uniform", &[&[3]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            let [a, b] = key.split();
            let shuffled = a.permutation(3).cast(DType::F64);
            b.normal([3], DType::F64) + shuffled + b.bernoulli(0.5, [3]).cast(DType::F64)
        }),
        flat("categorical", &[&[3, 4]], |x| Key::new(1).categorical(&x[0])),
        flat("arange", &[&[3]], |x| &x[0] + Tensor::arange(3, DType::F64)),
    ]
}
