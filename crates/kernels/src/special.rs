//! Special functions of probability theory, one number at a time in double precision.
//!
//! They branch and iterate, so they are not vectorised; callers spread elements over threads, and single precision is
//! computed in double and rounded. Derivatives in parameters come from the same series and continued fractions, carried
//! out on truncated power series ([`jet`]).
//!
//! Largest relative errors seen against mpmath are below 1e-13 for arguments up to 1e3, and grow with the size of the
//! exponents that enter (about 1e-16 times their magnitude) beyond.

pub mod bessel;
pub mod beta;
pub mod gamma;
pub mod incomplete_gamma;
pub mod jet;
pub mod normal;
#[cfg(test)]
mod tests;
