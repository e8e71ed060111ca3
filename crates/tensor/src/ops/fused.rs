//! Fused ops: functions that networks are made of, recorded as one node each.
//!
//! Each is a [`CustomOp`](crate::CustomOp) like one a user could write: a fallback of plain ops, which the planner
//! turns into one pass over the data, and a reverse derivative that needs less than differentiating the fallback.

mod attention;
mod batch_norm;
mod cross_entropy;
mod ctc;
mod dropout;
mod gated;
mod group_norm;
mod layer_norm;
mod recurrent;
mod rms_norm;
mod rotary;
mod softmax;

pub use attention::AttentionOptions;
pub use batch_norm::BatchNormOutput;
pub use recurrent::LstmOutput;
pub use rotary::Rotary;
