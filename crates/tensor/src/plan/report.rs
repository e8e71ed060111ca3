//! What a plan will cost, known before it runs.

use std::fmt;

use crate::Tensor;
use crate::graph::evaluate::executable_for;

use super::{Action, Plan};

/// The costs of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bytes of everything that is alive at once while the plan runs: what it is given, what it hands out and what it
    /// keeps in between. Outputs that are written over what was given count once.
    pub peak_bytes: usize,
    /// Bytes of intermediate values at once.
    pub arena_bytes: usize,
    /// Floating-point operations; a multiply-add is two.
    pub operations: usize,
    /// Bytes read from and written to memory by all kernels.
    pub bytes_moved: usize,
    /// The kernels in order.
    pub kernels: Vec<KernelReport>,
}

/// The costs of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelReport {
    /// The ops it does, joined by `+`.
    pub name: String,
    /// Floating-point operations.
    pub operations: usize,
    /// Bytes read and written.
    pub bytes: usize,
    /// Whether it is a product of half-precision numbers, which some machines compute faster.
    pub half_precision: bool,
}

impl Report {
    pub(crate) fn of(plan: &Plan) -> Report {
        let donated: usize =
            plan.donations.iter().map(|(output, _)| plan.output_bytes[*output as usize]).sum();
        let outputs: usize = plan.output_bytes.iter().sum();
        let kernels: Vec<KernelReport> = plan
            .kernels
            .iter()
            .map(|kernel| KernelReport {
                name: kernel.name.clone(),
                operations: kernel.operations,
                bytes: kernel.bytes,
                half_precision: matches!(kernel.action, Action::Matmul { dtype, .. } if dtype.is_half()),
            })
            .collect();
        Report {
            peak_bytes: plan.input_bytes + outputs - donated + plan.arena_bytes,
            arena_bytes: plan.arena_bytes,
            operations: kernels.iter().map(|kernel| kernel.operations).sum(),
            bytes_moved: kernels.iter().map(|kernel| kernel.bytes).sum(),
            kernels,
        }
    }
}

/// What computing `tensors` will cost, without computing them.
///
/// ```
/// use bolete_tensor::{Tensor, plan::report::report};
/// let a = Tensor::from_vec(vec![1.0f32; 64 * 64], [64, 64]);
/// let y = (a.matmul(&a) + 1.0).relu();
/// assert_eq!(report(&[&y]).kernels.len(), 1); // a product that adds and clips as it goes
/// ```
#[track_caller]
pub fn report(tensors: &[&Tensor]) -> Report {
    Report::of(executable_for(tensors).plan())
}

/// A number of bytes or operations with a prefix.
pub(crate) fn scaled(value: usize, unit: &str) -> String {
    let mut scaled = value as f64;
    for prefix in ["", "k", "M", "G", "T"] {
        if scaled < 1000.0 {
            let digits = if prefix.is_empty() || scaled >= 100.0 { 0 } else { 1 };
            return format!("{scaled:.digits$} {prefix}{unit}");
        }
        scaled /= 1000.0;
    }
    format!("{scaled:.0} P{unit}")
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} kernels, {}, {} moved, peak {} of which {} in the arena",
            self.kernels.len(),
            scaled(self.operations, "FLOP"),
            scaled(self.bytes_moved, "B"),
            scaled(self.peak_bytes, "B"),
            scaled(self.arena_bytes, "B"),
        )?;
        for kernel in &self.kernels {
            writeln!(
                formatter,
                "{:>12} {:>10}  {}",
                scaled(kernel.operations, "FLOP"),
                scaled(kernel.bytes, "B"),
                kernel.name
            )?;
        }
        Ok(())
    }
}
