//! Order along an axis: running totals, sorting, the largest few, searching, counting.
//!
//! What has a derivative is made of two parts: a kernel that finds positions, which have none, and reading at these
//! positions. Only running sums are kernels of values; they are linear.

mod counting;
mod running;
mod search;
mod sorting;
#[cfg(test)]
mod tests;

pub use running::Extremes;
pub use sorting::{Sorted, Unique};

/// Evaluates the body with `$T` standing for the element type of a tensor.
macro_rules! for_element {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::DType::Bool => {
                type $T = bool;
                $body
            }
            $crate::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::DType::F16 => {
                type $T = half::f16;
                $body
            }
            $crate::DType::BF16 => {
                type $T = half::bf16;
                $body
            }
            $crate::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use for_element;
