//! Loops and branches as single nodes of the graph.
//!
//! A body is traced once, planned once, and its plan is run as often as the loop says, on slices of the loop's own
//! inputs and outputs. The graph and the time to plan it do not depend on how often that is.

pub(crate) mod associative;
pub(crate) mod branch;
mod piece;
pub(crate) mod repeat;
mod reverse_scan;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
pub(crate) mod walk;
