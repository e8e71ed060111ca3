//! The processor as a device: kernels, and the executor that runs plans with them.

pub(crate) mod assemble;
mod convert;
pub(crate) mod execute;
#[doc(hidden)]
pub mod kernels;
mod loops;
mod map;
mod reduce;
#[cfg(test)]
mod tests;
