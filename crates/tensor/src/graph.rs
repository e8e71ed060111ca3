//! The lazy graph: nodes, evaluation, printing.
//!
//! Ids come from one counter and an op can only be called on tensors that exist, so *the order of ids is a
//! topological order*. Every walk of this crate sorts by id; none recurses.

pub mod evaluate;
pub(crate) mod node;
pub mod print;
pub(crate) mod site;
pub(crate) mod walk;

pub use node::{pending_limit, set_pending_limit};
