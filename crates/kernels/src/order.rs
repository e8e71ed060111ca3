//! Kernels of order: sorting, selecting the largest, searching, and running totals.
//!
//! All work on rows that lie one after the other in memory.

pub mod running;
pub mod search;
pub mod sort;
