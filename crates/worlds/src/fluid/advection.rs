//! Carrying fields along a flow.

use bolete_tensor::{DType, Tensor};

use super::Velocity;

/// Where the content of each cell comes from: four cells and their weights (semi-Lagrangian advection).
///
/// The place from which the flow has come within the last step is traced back along a straight line, and fields are
/// interpolated there between the four cells around it. The grid is periodic. The cell to the upper left is found by
/// cutting off the fraction, so that just above and to the left of the grid, between −1 and 0, values are extrapolated
/// from the first two cells instead of interpolated across the border.
#[derive(Clone, Debug)]
pub struct BackTrace {
    /// For (upper left, upper right, lower left, lower right): the cell's number, `[rows · columns]`.
    cells: [Tensor; 4],
    /// Their weights, `[rows, columns]`, adding up to 1.
    weights: [Tensor; 4],
}

impl BackTrace {
    /// Traces one step back along a flow.
    ///
    /// # Panics
    /// If the grid has more cells than its element type can count, 2²⁴ in `f32`.
    #[track_caller]
    pub fn new(velocity: &Velocity) -> BackTrace {
        let (rows, columns) = (velocity.x.shape()[0], velocity.x.shape()[1]);
        let dtype = velocity.x.dtype();
        let counted = if dtype == DType::F64 { 1 << 53 } else { 1 << 24 };
        assert!(
            matches!(dtype, DType::F32 | DType::F64) && rows * columns <= counted,
            "a flow of {rows} × {columns} cells has too many for {dtype}"
        );
        let y = Tensor::arange(rows, dtype).unsqueeze(1) - &velocity.y;
        let x = Tensor::arange(columns, dtype) - &velocity.x;
        let (row, column) = (y.trunc(), x.trunc());
        let (down, right) = (y - row.stop_gradient(), x - column.stop_gradient());
        // Remainders and numbers of cells are whole, and so exact in floats.
        let wrapped = |position: &Tensor, offset: f64, length: usize| {
            let position = position.stop_gradient() + offset;
            let turns = (&position / length as f64).floor();
            position - turns * length as f64
        };
        let [upper, lower] = [0.0, 1.0].map(|offset| wrapped(&row, offset, rows) * columns as f64);
        let [left, right_of] = [0.0, 1.0].map(|offset| wrapped(&column, offset, columns));
        let cells = [&upper + &left, upper + &right_of, &lower + left, lower + right_of];
        let cells = cells.map(|cells| cells.cast(DType::I64).flatten());
        let (up, left) = (1.0 - &down, 1.0 - &right);
        let weights = [&up * &left, up * &right, &down * left, down * right];
        BackTrace { cells, weights }
    }

    /// Carries fields `[…, rows, columns]` along.
    pub fn carry(&self, fields: &Tensor) -> Tensor {
        let shape = fields.shape().clone();
        let flat = fields.flatten_from(-2);
        let parts = self.cells.iter().zip(&self.weights);
        let terms = parts.map(|(cells, weight)| flat.take(cells, -1).reshape(shape.clone()) * weight);
        terms.reduce(|sum, term| sum + term).expect("four cells")
    }
}
