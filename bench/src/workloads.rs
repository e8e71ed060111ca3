//! All workloads, with the names, shapes and definitions of the peers' programs.

mod gpt;
mod kernels;
mod residual;
mod small;
mod unet;
mod vision_transformer;

use bolete::prelude::*;

pub use gpt::Growing;

use crate::workload::Workload;

/// All of them, in the order in which they run.
pub fn all() -> Vec<Workload> {
    let mut all = kernels::all();
    all.extend(small::all());
    all.extend(residual::all());
    all.extend(gpt::all());
    all.extend(vision_transformer::all());
    all.extend(unet::all());
    all
}

/// Standard normal numbers.
fn normal(seed: u64, shape: impl Into<Shape>) -> Tensor {
    Key::new(seed).normal(shape, DType::F32)
}

/// Whole numbers below `end`.
fn numbers(seed: u64, shape: impl Into<Shape>, end: usize) -> Tensor {
    (Key::new(seed).uniform(shape, DType::F32) * end as f64).cast(DType::I64).minimum(end - 1)
}

/// Adam as the peers have it.
fn adam() -> AdamConfig {
    AdamConfig::default()
}
