//! Against dense matrices; derivatives are in the op × transform test.

use crate::{DType, Key, SparseMatrix, Tensor, set_threads};

fn assert_close(left: &Tensor, right: &Tensor) {
    assert_eq!(left.shape(), right.shape());
    if left.elements() > 0 {
        assert!((left - right).abs().max(..).item() < 1e-12);
    }
}

/// A matrix of which about a third is stored, with empty rows and columns.
fn example(rows: usize, columns: usize, seed: u64) -> Tensor {
    let [first, second] = Key::new(seed).split();
    let values = first.normal([rows, columns], DType::F64);
    let mask = second.uniform([rows, columns], DType::F64).less(0.3);
    let row = Tensor::arange(rows, DType::I64).modulo(5).not_equal(3).unsqueeze(1);
    mask.logical_and(&row).select(values, 0.0)
}

#[test]
fn products_are_those_of_the_dense_matrix() {
    for (rows, columns, width) in [(7, 5, 3), (1, 1, 1), (200, 300, 17), (4, 0, 2), (0, 4, 2), (3, 3, 0)] {
        let dense = example(rows, columns, 1);
        let sparse = SparseMatrix::from_dense(&dense);
        assert_close(&sparse.to_dense(), &dense);
        let x = Key::new(2).normal([columns, width], DType::F64);
        let y = Key::new(3).normal([rows, width], DType::F64);
        assert_close(&sparse.matmul(&x), &dense.matmul(&x));
        assert_close(&sparse.transposed_matmul(&y), &dense.t().matmul(&y));
        assert_close(&sparse.t().to_dense(), &dense.t());
        assert_close(&sparse.row_sums(), &dense.sum(1));
        assert_close(&sparse.column_sums(), &dense.sum(0));
        if width > 0 {
            assert_close(
                &sparse.matmul(&x.narrow(1, 0, 1).squeeze(1)),
                &dense.matmul(&x.narrow(1, 0, 1)).squeeze(1),
            );
        }
    }
}

#[test]
fn places_that_occur_twice_are_summed_and_graphs_normalised() {
    let ones = Tensor::from([1.0f64, 1.0, 1.0, 2.0]);
    let graph = SparseMatrix::from_coordinates(&[1, 0, 1, 1], &[0, 1, 2, 0], &ones, [3, 3]).expect("inside");
    assert_eq!(graph.stored_elements(), 3);
    assert_eq!(graph.to_dense().to_vec::<f64>(), [0.0, 1.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(graph.with_self_loops().to_dense().to_vec::<f64>()[4], 1.0);
    assert_eq!(
        graph.row_normalised().to_dense().to_vec::<f64>(),
        [0.0, 1.0, 0.0, 0.75, 0.0, 0.25, 0.0, 0.0, 0.0]
    );
    let normalised = graph.symmetrically_normalised().to_dense().to_vec::<f64>();
    assert_eq!((normalised[1], normalised[3], normalised[5]), (0.5, 1.5, 0.0));
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let sparse = SparseMatrix::from_dense(&example(300, 200, 4).cast(DType::F32));
    let x = Key::new(5).normal([200, 40], DType::F32);
    let y = Key::new(6).normal([300, 40], DType::F32);
    let bits = |threads: usize| {
        set_threads(threads);
        (sparse.matmul(&x).to_bytes(), sparse.transposed_matmul(&y).to_bytes())
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(5));
}

#[test]
fn bad_coordinates_are_an_error() {
    let error = |rows: &[i64], columns: &[i64], values: Tensor| {
        SparseMatrix::from_coordinates(rows, columns, &values, [2, 3]).expect_err("bad")
    };
    let outside = error(&[0, 2], &[0, 0], Tensor::ones([2], DType::F32));
    assert_eq!(outside, "element 1 of a sparse matrix of shape [2, 3] lies outside, at (2, 0)");
    assert!(error(&[0], &[-1], Tensor::ones([1], DType::F32)).contains("at (0, -1)"));
    assert!(
        error(&[0], &[1], Tensor::ones([2], DType::F32))
            .contains("1 rows, 1 columns and values of shape [2]")
    );
}

#[test]
#[should_panic(expected = "a product of [2, 3] needs 3 rows on the dense side, whose shape is [2, 1]")]
fn shapes_must_fit() {
    let matrix = SparseMatrix::from_dense(&Tensor::ones([2, 3], DType::F32));
    matrix.matmul(&Tensor::ones([2, 1], DType::F32));
}
