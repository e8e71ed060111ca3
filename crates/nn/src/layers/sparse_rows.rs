//! Gradients of tables in which few rows were used.

use bolete_tensor::{CustomOp, DType, Element, HostArray, HostArrayMut, Metadata, Tensor, Tree, custom};

/// The gradient of a table `[count, width]` as the rows that are not zero: what
/// [`Embedding::value_and_sparse_grad`](crate::Embedding::value_and_sparse_grad) gives, and what updates a table without
/// ever being as large as it.
///
/// Moments of an optimiser are tables too. An Adam that leaves alone what was not used ("lazy") is
///
/// ```
/// use bolete_nn::SparseRows;
/// use bolete_tensor::{DType, Tensor};
///
/// let gradient = SparseRows { rows: Tensor::from([2i64]), values: Tensor::from([[2.0f64]]) };
/// let table = Tensor::zeros([4, 1], DType::F64);
/// let (first, second) = (table.zeros_like(), table.zeros_like());
/// let first = gradient.update(&first, |moment, slope| moment * 0.9 + slope * 0.1);
/// let second = gradient.update(&second, |moment, slope| moment * 0.999 + slope.square() * 0.001);
/// let table = gradient.update(&table, |values, _| {
///     let mean = gradient.of(&first) / (1.0 - 0.9);
///     let deviation = (gradient.of(&second) / (1.0 - 0.999)).sqrt();
///     values - mean / (deviation + 1e-8) * 0.01
/// });
/// let expected = [0.0, 0.0, -0.01, 0.0];
/// assert!(table.to_vec::<f64>().into_iter().zip(expected).all(|(found, value)| (found - value).abs() < 1e-9));
/// ```
#[derive(Clone, Debug, Tree)]
pub struct SparseRows {
    /// Numbers of the rows, each at most once, `i64` `[n]`.
    pub rows: Tensor,
    /// Their values `[n, width]`.
    pub values: Tensor,
}

impl SparseRows {
    /// The whole table `[count, width]` with zeros elsewhere.
    ///
    /// # Panics
    /// If `rows` is not a vector with one number for each row of `values`.
    #[track_caller]
    pub fn to_dense(&self, count: usize) -> Tensor {
        self.values.segment_sum(&self.rows, count)
    }

    /// These rows of a table, `[n, width]`.
    #[track_caller]
    pub fn of(&self, table: &Tensor) -> Tensor {
        table.take(&self.rows, 0)
    }

    /// `table` with these rows replaced by what `change` makes of them and of the gradient, both `[n, width]`; for plain
    /// gradient descent `|values, slope| values - slope * rate`.
    ///
    /// Since tensors are immutable, the result costs one copy of the table; nothing else is of its size.
    ///
    /// # Panics
    /// If `change` gives another shape than it was given.
    #[track_caller]
    pub fn update(&self, table: &Tensor, change: impl FnOnce(&Tensor, &Tensor) -> Tensor) -> Tensor {
        let before = self.of(table);
        let after = change(&before, &self.values);
        assert!(
            after.shape() == before.shape(),
            "SparseRows::update: the rows have shape {}, but became {}",
            before.shape(),
            after.shape()
        );
        // The kernel knows the two types that are computed in.
        let working = if table.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let inputs = [table.cast(working), self.rows.clone(), after.cast(working)];
        custom(ReplaceRows, &inputs).remove(0).cast(table.dtype())
    }
}

/// A table `[count, width]` with the rows `[n]` replaced by values `[n, width]`.
#[derive(Debug)]
struct ReplaceRows;

fn replace<T: Element>(inputs: &[HostArray], output: &mut HostArrayMut) {
    let width = inputs[0].shape[1];
    let output = output.as_mut_slice::<T>();
    output.copy_from_slice(inputs[0].as_slice::<T>());
    let count = inputs[0].shape[0] as i64;
    for (position, row) in inputs[1].as_slice::<i64>().iter().enumerate() {
        let row = if *row < 0 { row + count } else { *row };
        assert!((0..count).contains(&row), "SparseRows: row {row} does not exist in a table of {count}");
        let values = &inputs[2].as_slice::<T>()[position * width..][..width];
        output[row as usize * width..][..width].copy_from_slice(values);
    }
}

impl CustomOp for ReplaceRows {
    fn name(&self) -> &str {
        "replace_rows"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![inputs[0].index_copy(0, &inputs[1], &inputs[2])])
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => replace::<f64>(inputs, &mut outputs[0]),
            _ => replace::<f32>(inputs, &mut outputs[0]),
        }
    }
}
