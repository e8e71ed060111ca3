//! The sparse matrix that users hold.

use crate::{DType, Tensor, Tree};

use super::{Role, SparseProduct};

/// A sparse matrix in compressed rows (CSR), made of coordinates (COO) or of a dense matrix.
///
/// It is a tree whose values are a leaf, so that functions of it are differentiated in the stored values; where they are
/// stored is fixed.
///
/// ```
/// use bolete_tensor::{SparseMatrix, Tensor};
/// let matrix = SparseMatrix::from_coordinates(
///     &[0, 1, 1],
///     &[1, 0, 2],
///     &Tensor::from([2.0f32, 3.0, 4.0]),
///     [2, 3],
/// ).unwrap();
/// let product = matrix.matmul(&Tensor::from([[1.0f32], [10.0], [100.0]]));
/// assert_eq!(product.to_vec::<f32>(), [20.0, 403.0]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct SparseMatrix {
    /// The stored elements, row by row, columns ascending, each place once: `[stored]`, `f32` or `f64`.
    pub values: Tensor,
    /// Where each row begins among them, and where the last one ends: `[rows + 1]` of `i64`.
    pointers: Tensor,
    /// The row of each: `[stored]` of `i64`.
    rows: Tensor,
    /// The column of each: `[stored]` of `i64`.
    columns: Tensor,
    shape: [usize; 2],
}

impl SparseMatrix {
    /// From coordinates: `values[i]` at `(rows[i], columns[i])`, in any order; what stands at one place is summed. The values
    /// may be pending and are differentiable.
    ///
    /// # Errors
    /// If the numbers of rows, columns and values differ, or a place lies outside of the shape.
    #[track_caller]
    pub fn from_coordinates(
        rows: &[i64],
        columns: &[i64],
        values: &Tensor,
        shape: [usize; 2],
    ) -> Result<SparseMatrix, String> {
        let _site = crate::graph::site::on_behalf_of_caller();
        let count = rows.len();
        if columns.len() != count || **values.shape() != [count] {
            return Err(format!(
                "a sparse matrix needs a row, a column and a value for each element, but there are {count} rows, {} \
                 columns and values of shape {}",
                columns.len(),
                values.shape()
            ));
        }
        for (position, (row, column)) in rows.iter().zip(columns).enumerate() {
            let inside = |index: i64, length: usize| usize::try_from(index).is_ok_and(|index| index < length);
            if !inside(*row, shape[0]) || !inside(*column, shape[1]) {
                return Err(format!(
                    "element {position} of a sparse matrix of shape [{}, {}] lies outside, at ({row}, {column})",
                    shape[0], shape[1]
                ));
            }
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|element| (rows[*element], columns[*element]));
        // For each element its place among the stored ones.
        let (mut own_rows, mut own_columns, mut places) = (Vec::new(), Vec::new(), vec![0i64; count]);
        for element in order {
            let place = (rows[element], columns[element]);
            if own_rows.last().copied().zip(own_columns.last().copied()) != Some(place) {
                own_rows.push(place.0);
                own_columns.push(place.1);
            }
            places[element] = own_rows.len() as i64 - 1;
        }
        let float = values.dtype().to_float();
        let values = values.cast(if float.is_half() { DType::F32 } else { float });
        let stored = own_rows.len();
        let values = values.segment_sum(&Tensor::from_vec(places, [count]), stored);
        Ok(SparseMatrix::stored(values, own_rows, own_columns, shape))
    }

    /// The elements of a dense matrix `[rows, columns]` that are not zero. Computed at the call, but differentiable.
    ///
    /// # Panics
    /// If the tensor is not a matrix.
    #[track_caller]
    pub fn from_dense(dense: &Tensor) -> SparseMatrix {
        assert!(dense.rank() == 2, "SparseMatrix: expected a matrix, found {}", dense.shape());
        let places = dense.nonzero().to_vec::<i64>();
        let (rows, columns): (Vec<i64>, Vec<i64>) =
            places.chunks(2).map(|place| (place[0], place[1])).unzip();
        let shape = [dense.shape()[0], dense.shape()[1]];
        let flat: Vec<i64> =
            rows.iter().zip(&columns).map(|(row, column)| row * shape[1] as i64 + column).collect();
        let float = dense.dtype().to_float();
        let values = dense.cast(if float.is_half() { DType::F32 } else { float }).flatten();
        let values = values.take(&Tensor::from_slice(&flat, [flat.len()]), 0);
        SparseMatrix::stored(values, rows, columns, shape)
    }

    #[track_caller]
    fn stored(values: Tensor, rows: Vec<i64>, columns: Vec<i64>, shape: [usize; 2]) -> SparseMatrix {
        let _site = crate::graph::site::on_behalf_of_caller();
        let mut pointers = vec![0i64; shape[0] + 1];
        rows.iter().for_each(|row| pointers[*row as usize + 1] += 1);
        for row in 0..shape[0] {
            pointers[row + 1] += pointers[row];
        }
        let vector = |numbers: Vec<i64>| {
            let length = numbers.len();
            Tensor::from_vec(numbers, [length])
        };
        SparseMatrix {
            values,
            pointers: vector(pointers),
            rows: vector(rows),
            columns: vector(columns),
            shape,
        }
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The number of stored elements.
    pub fn stored_elements(&self) -> usize {
        self.values.elements()
    }

    /// Row and column of each stored element, both `[stored]` of `i64`.
    #[track_caller]
    pub fn coordinates(&self) -> (&Tensor, &Tensor) {
        (&self.rows, &self.columns)
    }

    /// Where each row begins among the stored elements `[rows + 1]`, and their columns `[stored]`, both `i64`.
    #[track_caller]
    pub fn compressed_rows(&self) -> (&Tensor, &Tensor) {
        (&self.pointers, &self.columns)
    }

    /// The same places with other values `[stored]`.
    ///
    /// # Panics
    /// If there are not as many values.
    #[track_caller]
    pub fn with_values(&self, values: &Tensor) -> SparseMatrix {
        assert!(
            values.shape() == self.values.shape(),
            "SparseMatrix: {} values are stored, not {}",
            self.values.shape(),
            values.shape()
        );
        SparseMatrix { values: values.cast(self.values.dtype()), ..self.clone() }
    }

    /// The dense matrix `[rows, columns]`.
    #[track_caller]
    pub fn to_dense(&self) -> Tensor {
        let [rows, columns] = self.shape;
        let places = &self.rows * columns + &self.columns;
        self.values.segment_sum(&places, rows * columns).reshape([rows, columns])
    }

    /// The transposed matrix, its elements stored row by row again. Computed at the call (the places, not the values).
    pub fn t(&self) -> SparseMatrix {
        let (rows, columns) = (self.rows.to_vec::<i64>(), self.columns.to_vec::<i64>());
        let shape = [self.shape[1], self.shape[0]];
        SparseMatrix::from_coordinates(&columns, &rows, &self.values, shape).expect("the places lie inside")
    }

    /// The product with a dense matrix `[columns, n]`, as `[rows, n]`, or with a vector `[columns]`, as `[rows]`.
    /// Differentiable in the values and in the dense side.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn matmul(&self, dense: &Tensor) -> Tensor {
        self.product(Role::Product, dense)
    }

    /// The product of the transposed matrix with a dense matrix `[rows, n]`, as `[columns, n]`, or with a vector `[rows]`, as
    /// `[columns]`, without transposing.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn transposed_matmul(&self, dense: &Tensor) -> Tensor {
        self.product(Role::Transposed, dense)
    }

    #[track_caller]
    fn product(&self, role: Role, dense: &Tensor) -> Tensor {
        let [rows, columns] = self.shape;
        let needed = if role == Role::Product { columns } else { rows };
        assert!(
            (1..=2).contains(&dense.rank()) && dense.shape()[0] == needed,
            "SparseMatrix: a product of [{rows}, {columns}] needs {needed} rows on the dense side, whose shape is {}",
            dense.shape()
        );
        let common = self.values.dtype().promote(dense.dtype());
        let matrix = if dense.rank() == 1 { dense.unsqueeze(1) } else { dense.clone() };
        let op = SparseProduct { role, rows, columns };
        let structure = [self.pointers.clone(), self.columns.clone()];
        let product = op.record(role, &structure, &self.values.cast(common), &matrix.cast(common));
        if dense.rank() == 1 { product.squeeze(1) } else { product }
    }

    /// The matrix with its values multiplied.
    #[track_caller]
    pub fn scale(&self, factor: &Tensor) -> SparseMatrix {
        self.with_values(&(&self.values * factor))
    }

    /// Sums of the rows `[rows]`: of an adjacency matrix, the degrees of the nodes.
    #[track_caller]
    pub fn row_sums(&self) -> Tensor {
        self.values.segment_sum(&self.rows, self.shape[0])
    }

    /// Sums of the columns `[columns]`.
    #[track_caller]
    pub fn column_sums(&self) -> Tensor {
        self.values.segment_sum(&self.columns, self.shape[1])
    }

    /// The matrix plus the identity: a graph with an edge from each node to itself. Computed at the call (the places, not the
    /// values).
    ///
    /// # Panics
    /// If the matrix is not square.
    #[track_caller]
    pub fn with_self_loops(&self) -> SparseMatrix {
        let [rows, columns] = self.shape;
        assert!(rows == columns, "SparseMatrix: [{rows}, {columns}] has no diagonal");
        let diagonal: Vec<i64> = (0..rows as i64).collect();
        let joined = |own: &Tensor| [own.to_vec::<i64>(), diagonal.clone()].concat();
        let values =
            Tensor::concatenate(&[self.values.clone(), Tensor::ones([rows], self.values.dtype())], 0);
        SparseMatrix::from_coordinates(&joined(&self.rows), &joined(&self.columns), &values, self.shape)
            .expect("the places lie inside")
    }

    /// D^(−1/2) A D^(−1/2), D being the diagonal of the row sums: how graph convolutions weigh neighbours (Kipf, Welling
    /// 2017). Rows without elements stay without.
    ///
    /// # Panics
    /// If the matrix is not square.
    #[track_caller]
    pub fn symmetrically_normalised(&self) -> SparseMatrix {
        let [rows, columns] = self.shape;
        assert!(rows == columns, "SparseMatrix: [{rows}, {columns}] is not square");
        let sums = self.row_sums();
        let exists = sums.greater(0.0);
        let scale = exists.select(exists.select(&sums, 1.0).rsqrt(), sums.zeros_like());
        self.with_values(&(&self.values * scale.take(&self.rows, 0) * scale.take(&self.columns, 0)))
    }

    /// D⁻¹ A, D being the diagonal of the row sums: each row sums to 1, so that the product takes means over neighbours. Rows
    /// without elements stay without.
    #[track_caller]
    pub fn row_normalised(&self) -> SparseMatrix {
        let _site = crate::graph::site::on_behalf_of_caller();
        let sums = self.row_sums();
        let exists = sums.not_equal(0.0);
        let scale = exists.select(exists.select(&sums, 1.0).reciprocal(), sums.zeros_like());
        self.with_values(&(&self.values * scale.take(&self.rows, 0)))
    }
}
