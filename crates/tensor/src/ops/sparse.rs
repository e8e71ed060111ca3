//! Sparse matrices.
//!
//! The product of a sparse matrix with a dense one is linear in the stored values and in the dense matrix. As with
//! convolution, the trilinear form T(v, x, y) = Σ y · (A(v) x) has three derivatives (the product, the transposed product,
//! and the values that belong to a pair of dense matrices), which are closed under transposition.

mod matrix;
#[cfg(test)]
mod tests;

pub use matrix::SparseMatrix;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::sparse::{Structure, product, sampled, transposed};
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::{CustomOp, DType, Metadata, Shape, Tensor, custom};

/// Which of the three is computed from the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// y `[…, rows, d]` from v and x.
    Product,
    /// x `[…, columns, d]` from v and y.
    Transposed,
    /// v `[…, stored]` from y and x.
    Values,
}

/// A member of the family. Its inputs are row pointers `[…, rows + 1]`, columns `[…, stored]`, and two of (v, x, y) in the
/// order v, y, x.
#[derive(Debug)]
struct SparseProduct {
    role: Role,
    rows: usize,
    columns: usize,
}

impl SparseProduct {
    #[track_caller]
    fn record(&self, role: Role, structure: &[Tensor], first: &Tensor, second: &Tensor) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let inputs = [structure[0].clone(), structure[1].clone(), first.clone(), second.clone()];
        custom(SparseProduct { role, rows: self.rows, columns: self.columns }, &inputs).remove(0)
    }
}

impl CustomOp for SparseProduct {
    fn name(&self) -> &str {
        match self.role {
            Role::Product => "sparse_product",
            Role::Transposed => "sparse_transposed_product",
            Role::Values => "sparse_values",
        }
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.role as u64, self.rows as u64, self.columns as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let columns = &inputs[1].shape;
        let leading = &columns[..columns.rank() - 1];
        let last = |metadata: &Metadata| metadata.shape[metadata.shape.rank() - 1];
        let own = match self.role {
            Role::Product => vec![self.rows, last(&inputs[3])],
            Role::Transposed => vec![self.columns, last(&inputs[3])],
            Role::Values => vec![last(&inputs[1])],
        };
        let shape: Shape = leading.iter().copied().chain(own).collect();
        vec![Metadata { shape, dtype: inputs[2].dtype }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (pointers, columns) = (inputs[0].as_slice::<i64>(), inputs[1].as_slice::<i64>());
        let stored = inputs[1].shape[inputs[1].shape.rank() - 1];
        let batch = pointers.len() / (self.rows + 1);
        let width = inputs[3].shape[inputs[3].shape.rank() - 1];
        macro_rules! each {
            ($type:ty) => {{
                let (first, second) = (inputs[2].as_slice::<$type>(), inputs[3].as_slice::<$type>());
                let target = outputs[0].as_mut_slice::<$type>();
                let part = |values: &'_ [$type], index: usize| {
                    let size = values.len() / batch;
                    index * size..(index + 1) * size
                };
                let size = target.len() / batch.max(1);
                for index in 0..batch {
                    let structure = Structure {
                        pointers: &pointers[index * (self.rows + 1)..][..self.rows + 1],
                        columns: &columns[index * stored..][..stored],
                        count: self.columns,
                        width,
                    };
                    let (first, second) = (&first[part(first, index)], &second[part(second, index)]);
                    let target = &mut target[index * size..][..size];
                    with_pool(|pool| match self.role {
                        Role::Product => product(pool, structure, first, second, target),
                        Role::Transposed => transposed(pool, structure, first, second, target),
                        Role::Values => sampled(pool, structure, first, second, target),
                    });
                }
            }};
        }
        match inputs[2].dtype {
            DType::F64 => each!(f64),
            _ => each!(f32),
        }
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (first, second, cotangent) = (&inputs[2], &inputs[3], cotangents[0].as_ref()?);
        let of = |role: Role, a: &Tensor, b: &Tensor| Some(self.record(role, &inputs[..2], a, b));
        let (first, second) = match self.role {
            // From (v, x) to y.
            Role::Product => (of(Role::Values, cotangent, second), of(Role::Transposed, first, cotangent)),
            // From (v, y) to x.
            Role::Transposed => (of(Role::Values, second, cotangent), of(Role::Product, first, cotangent)),
            // From (y, x) to v.
            Role::Values => (of(Role::Product, cotangent, second), of(Role::Transposed, cotangent, first)),
        };
        Some(vec![None, None, first, second])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}
