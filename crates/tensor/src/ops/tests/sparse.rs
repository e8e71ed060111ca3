//! Sparse matrices.

use super::{Case, anywhere, case};
use crate::{DType, SparseMatrix, Tensor};

fn matrix(values: &Tensor) -> SparseMatrix {
    let pattern = Tensor::ones([4], DType::F64);
    let matrix = SparseMatrix::from_coordinates(&[0, 2, 2, 0], &[1, 0, 1, 2], &pattern, [3, 3]).expect("inside");
    matrix.with_values(values)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("sparse_matmul", &[&[4], &[3, 2]], anywhere, |x| matrix(&x[0]).matmul(&x[1]).square())
            .in_double_precision(),
        case("sparse_transposed_matmul", &[&[4], &[3, 2]], anywhere, |x| {
            matrix(&x[0]).transposed_matmul(&x[1]).square()
        }),
        case("sparse_to_dense", &[&[4]], anywhere, |x| matrix(&x[0]).to_dense().square()),
        case("sparse_normalised", &[&[4]], super::positive, |x| {
            matrix(&x[0]).symmetrically_normalised().to_dense() + matrix(&x[0]).row_normalised().to_dense()
        }),
    ]
}
