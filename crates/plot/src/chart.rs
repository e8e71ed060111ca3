//! Whole panels for what is often shown.

pub(crate) mod confusion;
pub(crate) mod curves;
pub(crate) mod images;
pub(crate) mod parallel;
pub(crate) mod parity;
pub(crate) mod reliability;
