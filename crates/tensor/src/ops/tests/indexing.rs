//! Selecting and adding by index.

use super::{Case, anywhere, apart, case};
use crate::{DType, Tensor};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("take", &[&[4, 3]], anywhere, |x| x[0].take(&Tensor::from([[1i64, -1], [0, 1]]), 0).square()),
        case("take axis", &[&[2, 4, 3]], anywhere, |x| x[0].take(&Tensor::from([3i64, 0]), 1).square()),
        case("gather", &[&[3, 4]], apart, |x| x[0].gather(1, &x[0].argmax(1).unsqueeze(1)).square()),
        case("gather rows", &[&[3, 2]], anywhere, |x| {
            x[0].gather(0, &Tensor::from([[2i64, 0], [2, 1], [0, -1], [1, 1]])).square()
        }),
        case("index_add", &[&[3, 2], &[4, 2]], anywhere, |x| {
            x[0].index_add(0, &Tensor::from([1i64, 2, 1, 0]), &x[1]).square()
        }),
        case("scatter_add", &[&[2, 3], &[2, 4]], apart, |x| {
            let indices = (&x[1] * 5.0).floor().cast(DType::I64).modulo(3);
            x[0].scatter_add(1, &indices, &x[1]).square()
        }),
        case("one_hot", &[&[3]], apart, |x| {
            (&x[0] * 3.0).cast(DType::I64).one_hot(4, DType::F64) * x[0].sum(..)
        }),
    ]
}
