//! Selecting and adding by index.

use super::{Case, anywhere, apart, case};
use crate::{DType, ScatterReduction, Tensor};

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
        case("scatter", &[&[2, 3], &[2, 4]], apart, |x| {
            let indices = (&x[1] * 5.0).floor().cast(DType::I64).modulo(3);
            x[0].scatter(1, &indices, &x[1].square()).square()
        }),
        case("index_copy", &[&[4, 2], &[2, 2]], anywhere, |x| {
            x[0].index_copy(0, &Tensor::from([3i64, 1]), &x[1]).square()
        }),
        case("slice_assign", &[&[3, 4], &[2, 1]], anywhere, |x| {
            x[0].slice_assign(&[1, 0], &[2, 3], &x[1]).square()
        }),
        case("scatter_reduce", &[&[2, 3], &[2, 4]], apart, |x| {
            let indices = Tensor::from([[0i64, 1, 1, 0], [2, 2, 0, 2]]);
            let reduce = |reduction, include| x[0].scatter_reduce(1, &indices, &x[1], reduction, include);
            reduce(ScatterReduction::Max, true).square() * reduce(ScatterReduction::Min, false)
                + reduce(ScatterReduction::Mean, true).square()
                + reduce(ScatterReduction::Mean, false) * reduce(ScatterReduction::Sum, false)
        }),
        case("segment_sum+segment_mean", &[&[5, 2]], anywhere, |x| {
            let ids = Tensor::from([2i64, 0, 2, 0, 3]);
            x[0].segment_sum(&ids, 4).square() * x[0].segment_mean(&ids, 4)
        }),
        case("segment_max+segment_min", &[&[5, 2]], apart, |x| {
            let ids = Tensor::from([2i64, 0, 2, 0, 3]);
            x[0].segment_max(&ids, 4, 0.0).square() + x[0].segment_min(&ids, 4, 1.0).exp()
        }),
        case("segment_softmax+segment_log_softmax", &[&[5, 2]], anywhere, |x| {
            let ids = Tensor::from([2i64, 0, 2, 0, 3]);
            x[0].segment_softmax(&ids, 4).square() + x[0].segment_log_softmax(&ids, 4)
        }),
    ]
}

#[test]
fn segments_without_rows_are_empty() {
    let (none, ids) = (Tensor::zeros([0, 2], DType::F32), Tensor::zeros([0], DType::I64));
    assert_eq!(none.segment_max(&ids, 3, -1.0).to_vec::<f32>(), [-1.0; 6]);
    assert_eq!(none.segment_min(&ids, 3, 1.0).to_vec::<f32>(), [1.0; 6]);
    assert_eq!(none.segment_sum(&ids, 3).to_vec::<f32>(), [0.0; 6]);
    assert!(none.segment_softmax(&ids, 3).to_vec::<f32>().is_empty());
}
