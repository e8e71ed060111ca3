//! The processor as a device: kernels, and the executor that runs plans with them.

pub(crate) mod assemble;
mod convert;
pub(crate) mod execute;
mod loops;
mod map;
mod reduce;
mod segment;
#[cfg(test)]
mod tests;
mod tile;

pub(crate) use bolete_kernels as kernels;
