//! The workloads on which Bolete is measured side by side with other frameworks, built from its ordinary layers.
//!
//! The definitions, the timing rule and the form of the results are those of the programs for PyTorch, JAX, Candle and
//! Burn; `README.md` says how to run all of them.
#![forbid(unsafe_code)]

pub mod peak;
pub mod results;
pub mod timing;
pub mod workload;
pub mod workloads;
