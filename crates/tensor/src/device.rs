//! What the rest of the engine knows of a device.
//!
//! A device takes bytes in and gives them out, makes blocks of memory, and turns a plan into something that runs.
//! There is no method per op: a plan says what to compute, and how is the device's own business.

use std::sync::Arc;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::plan::Plan;

/// A place where plans run.
pub(crate) trait Device: Send + Sync {
    /// A block of memory with a copy of `bytes`.
    fn upload(&self, bytes: &[u8]) -> Buffer;
    /// A block of memory whose contents are about to be written.
    fn allocate(&self, bytes: usize) -> Buffer;
    /// Whatever makes a plan runnable: kernels chosen, scratch laid out.
    fn compile(&self, plan: Plan) -> Arc<dyn Executable>;
}

/// A plan made ready for a device.
pub(crate) trait Executable: Send + Sync {
    /// The plan.
    fn plan(&self) -> &Plan;
    /// Runs the plan on the given buffers, writing the blocks in `outputs`, which are of the plan's sizes and
    /// uniquely held except where the plan's donations allow one of `inputs` in their place.
    ///
    /// # Errors
    /// One line that says which kernel met which bad value: an index out of range.
    fn run(&self, inputs: &[Buffer], outputs: &[Buffer], numbers: &[Scalar]) -> Result<(), String>;
}

/// The device that tensors live on.
pub(crate) fn device() -> &'static dyn Device {
    &crate::cpu::execute::Cpu
}
