//! Factorisations of dense matrices, one at a time: row-major slices in, row-major slices out.
//!
//! Products, triangular systems, Cholesky, LU and QR work in blocks, so that large matrices run at the speed of the
//! matrix product. What squares its numbers scales the matrix by a power of two first, so that neither tiny nor huge
//! matrices lose anything. A matrix that holds NaN or an infinity gives NaN, and no iteration is without a limit.

pub mod bidiagonal;
pub mod cholesky;
pub mod eigenvectors;
pub mod exponential;
pub mod hessenberg;
pub mod lu;
pub mod product;
pub mod qr;
pub mod real;
pub mod reflectors;
pub mod schur;
pub mod svd;
pub mod symmetric;
#[cfg(test)]
mod tests;
pub mod triangular;
