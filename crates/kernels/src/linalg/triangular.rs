//! Systems with a triangular matrix, in place.

use crate::gemm::Accumulate;

use super::product::Part;
use super::real::{Machine, Real};

/// Which triangle of a matrix is meant, and how it stands in the equation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The upper triangle, not the lower one.
    pub upper: bool,
    /// The matrix is transposed in the equation.
    pub transposed: bool,
    /// The diagonal is taken to be ones and not read.
    pub unit: bool,
}

/// Rows that are solved before the rest is updated by a product.
const BLOCK: usize = 48;

/// Solves `op(T) X = B` for the n × `columns` matrix in `x`, which holds B at first. `matrix` has rows `stride` apart.
pub fn solve<T: Real>(
    on: Machine,
    shape: Shape,
    matrix: &[T],
    stride: usize,
    n: usize,
    x: &mut [T],
    columns: usize,
) {
    if columns == 0 {
        return;
    }
    let (row, column) = if shape.transposed { (1, stride) } else { (stride, 1) };
    let at = |i: usize, j: usize| matrix[i * row + j * column];
    let part = |i: usize, j: usize| {
        let part = Part::new(&matrix[i * row + j * column..], stride);
        if shape.transposed { part.t() } else { part }
    };
    let forward = shape.upper == shape.transposed;
    let blocks = n.div_ceil(BLOCK);
    for step in 0..blocks {
        let start = if forward { step } else { blocks - 1 - step } * BLOCK;
        let end = (start + BLOCK).min(n);
        // What is known already, subtracted at once: −X serves as the right factor.
        let known = if forward { 0..start } else { end..n };
        if !known.is_empty() {
            let negative: Vec<T> =
                x[known.start * columns..known.end * columns].iter().map(|x| -*x).collect();
            on.multiply(
                &mut x[start * columns..],
                columns,
                [end - start, columns, known.len()],
                part(start, known.start),
                Part::new(&negative, columns),
                Accumulate::Add,
            );
        }
        for offset in 0..end - start {
            let i = if forward { start + offset } else { end - 1 - offset };
            let (before, rest) = x.split_at_mut(i * columns);
            let (own, after) = rest.split_at_mut(columns);
            let (others, first) =
                if forward { (&before[start * columns..], start) } else { (&*after, i + 1) };
            for (j, other) in others.chunks_exact(columns).take(offset).enumerate() {
                on.add_scaled(own, -at(i, first + j), other);
            }
            if !shape.unit {
                let diagonal = at(i, i);
                own.iter_mut().for_each(|x| *x /= diagonal);
            }
        }
    }
}
