//! x
pub use bolete_tensor as tensor;
