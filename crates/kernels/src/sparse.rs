//! Products with a sparse matrix in compressed rows.
//!
//! Every element of a result is a sum in the order in which the matrix is stored, so that the bits do not depend on the
//! number of threads.

use std::ops::{AddAssign, Mul};

use super::rows::for_row_blocks;
use super::threads::Pool;

/// Where the stored elements are.
#[derive(Clone, Copy)]
pub struct Structure<'a> {
    /// Where each row begins among the stored elements, and where the last one ends.
    pub pointers: &'a [i64],
    /// The column of each stored element.
    pub columns: &'a [i64],
    /// Number of columns.
    pub count: usize,
    /// Columns of the dense matrices.
    pub width: usize,
}

/// A number that is multiplied and summed.
pub trait Number: Copy + Default + Mul<Output = Self> + AddAssign + Send + Sync {}
impl Number for f32 {}
impl Number for f64 {}

/// Elements of a result that are worth handing to a thread.
const WORTHWHILE: usize = 8192;

fn add<T: Number>(target: &mut [T], factor: T, row: &[T]) {
    for (target, element) in target.iter_mut().zip(row) {
        *target += factor * *element;
    }
}

impl Structure<'_> {
    fn row(&self, row: usize) -> std::ops::Range<usize> {
        self.pointers[row] as usize..self.pointers[row + 1] as usize
    }

    fn rows(&self) -> usize {
        self.pointers.len() - 1
    }

    fn block(&self) -> usize {
        let per_row = self.columns.len() / self.rows().max(1) * self.width;
        WORTHWHILE / per_row.max(1)
    }
}

/// y = A x: `[rows, width]` from values and `[columns, width]`. The target is zero before.
pub fn product<T: Number>(pool: &Pool, structure: Structure, values: &[T], x: &[T], y: &mut [T]) {
    let width = structure.width;
    if width == 0 {
        return;
    }
    for_row_blocks(pool, [y], structure.rows(), structure.block(), &|first, [y]| {
        for (row, target) in y.chunks_mut(width).enumerate() {
            for element in structure.row(first + row) {
                let column = structure.columns[element] as usize;
                add(target, values[element], &x[column * width..][..width]);
            }
        }
    });
}

/// x = Aᵀ y: `[columns, width]` from values and `[rows, width]`. The target is zero before.
pub fn transposed<T: Number>(pool: &Pool, structure: Structure, values: &[T], y: &[T], x: &mut [T]) {
    let width = structure.width;
    if width == 0 {
        return;
    }
    // The stored elements by column, with their rows: a counting sort.
    let mut starts = vec![0usize; structure.count + 1];
    for column in structure.columns {
        starts[*column as usize + 1] += 1;
    }
    for column in 0..structure.count {
        starts[column + 1] += starts[column];
    }
    let mut next = starts.clone();
    let mut sorted = vec![(0usize, 0usize); structure.columns.len()];
    for row in 0..structure.rows() {
        for element in structure.row(row) {
            let place = &mut next[structure.columns[element] as usize];
            sorted[*place] = (row, element);
            *place += 1;
        }
    }
    let per_column = structure.columns.len() / structure.count.max(1) * width;
    for_row_blocks(pool, [x], structure.count, WORTHWHILE / per_column.max(1), &|first, [x]| {
        for (column, target) in x.chunks_mut(width).enumerate() {
            for (row, element) in &sorted[starts[first + column]..starts[first + column + 1]] {
                add(target, values[*element], &y[row * width..][..width]);
            }
        }
    });
}

/// For each stored element the product of its row of `y` `[rows, width]` with its column's row of `x` `[columns, width]`.
pub fn sampled<T: Number>(pool: &Pool, structure: Structure, y: &[T], x: &[T], values: &mut [T]) {
    let width = structure.width;
    for_row_blocks(pool, [values], structure.columns.len(), WORTHWHILE / width.max(1), &|first, [values]| {
        // The row that holds the first element of this block.
        let mut row = structure.pointers.partition_point(|start| *start <= first as i64) - 1;
        for (offset, value) in values.iter_mut().enumerate() {
            let element = first + offset;
            while structure.pointers[row + 1] as usize <= element {
                row += 1;
            }
            let column = structure.columns[element] as usize;
            let mut sum = T::default();
            for (a, b) in y[row * width..][..width].iter().zip(&x[column * width..][..width]) {
                sum += *a * *b;
            }
            *value = sum;
        }
    });
}
