//! From a graph to a list of kernel calls.
//!
//! ```text
//! graph → program (lowered, simplified, equal nodes merged)
//!       → resolved (views are strides)
//!       → groups (what shares a loop)
//!       → kernels in an order that keeps few values alive
//!       → places (offsets in one arena, outputs, overwritten inputs)
//! ```
//!
//! A plan holds no values and no pointers: it runs any number of times, on any thread, on buffers given then. What it
//! will cost is known before it runs: see [`report`].

pub(crate) mod cache;
pub(crate) mod emit;
pub(crate) mod fuse;
pub(crate) mod layout;
pub(crate) mod lists;
pub(crate) mod loops;
pub(crate) mod lower;
mod memory;
pub(crate) mod program;
mod recompute;
pub mod report;
pub(crate) mod resolve;
mod schedule;
mod simplify;
pub mod step;
#[cfg(test)]
mod tests;
pub mod trace;
mod users;

use std::sync::Arc;

use smallvec::SmallVec;

use crate::DType;
use crate::graph::node::Meta;
use crate::ops::convolution::ConvolutionOp;
use crate::ops::custom::CustomHandle;
use crate::ops::pooling::PoolOp;
use crate::ops::random::RandomOp;

use layout::Layout;
use loops::LoopProgram;
use program::Program;
use resolve::MatrixStrides;

/// Where a value lies while a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the `i`-th buffer given.
    Buffer(u32),
    /// In the `i`-th buffer that the plan hands out.
    Output(u32),
    /// In the arena, at this byte.
    Arena(usize),
}

/// A matrix operand: strides in elements, from an element offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixOperand {
    pub strides: MatrixStrides,
    pub offset: isize,
}

/// A part of an assembled value: `source` read through a layout, written at strides from an offset.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub source: Layout,
    pub strides: layout::Strides,
    pub offset: isize,
}

/// What a kernel does with what it reads and writes, all of it gapless unless a layout says otherwise.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Only its loop.
    Loop,
    Matmul {
        dtype: DType,
        batch: usize,
        m: usize,
        n: usize,
        k: usize,
        a: MatrixOperand,
        b: MatrixOperand,
    },
    Convolution {
        dtype: DType,
        op: Arc<ConvolutionOp>,
    },
    Pool {
        dtype: DType,
        op: Arc<PoolOp>,
        planes: usize,
    },
    /// Joins its parts in `elements` elements; `fill` says that the last read is a number to put where no part is.
    Assemble {
        dtype: DType,
        parts: Vec<Part>,
        fill: Option<isize>,
        elements: usize,
    },
    Take {
        dtype: DType,
        geometry: crate::cpu::kernels::indexing::Geometry,
    },
    ScatterAdd {
        dtype: DType,
        geometry: crate::cpu::kernels::indexing::Geometry,
    },
    ArgMax {
        dtype: DType,
        outer: usize,
        length: usize,
        inner: usize,
    },
    Random {
        dtype: DType,
        op: RandomOp,
        keys: usize,
        count: usize,
    },
    Custom {
        op: CustomHandle,
        inputs: Vec<Meta>,
        outputs: Vec<Meta>,
    },
}

/// A fused loop with its places. As the tail of another action it runs over that action's blocks as they finish.
#[derive(Clone, Debug)]
pub(crate) struct PlacedLoop {
    pub program: LoopProgram,
    pub reads: SmallVec<[Place; 6]>,
    pub writes: SmallVec<[Place; 4]>,
}

/// A call of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub action: Action,
    pub reads: SmallVec<[Place; 2]>,
    pub writes: SmallVec<[Place; 1]>,
    pub tail: Option<PlacedLoop>,
    /// For messages, reports and traces.
    pub name: String,
    /// Floating-point operations; a multiply-add is two.
    pub operations: usize,
    /// Bytes read and written.
    pub bytes: usize,
}

/// A list of kernel calls.
#[derive(Debug)]
pub(crate) struct Plan {
    pub kernels: Vec<Kernel>,
    pub arena_bytes: usize,
    /// Bytes of each buffer that the plan makes.
    pub output_bytes: Vec<usize>,
    /// For each wanted value where it is: a made buffer, or one of those given.
    pub results: Vec<Place>,
    /// Pairs (output, buffer): the output may be written into the buffer's memory if nobody else holds it.
    pub donations: Vec<(u32, u32)>,
    /// Bytes of the buffers given.
    pub input_bytes: usize,
}

/// Plans a program. `donatable` says which of its buffers may be overwritten.
pub(crate) fn plan(program: &Program, donatable: &[bool]) -> Plan {
    let mut resolved = resolve::resolve(program);
    let mut fusion = fuse::fuse(&resolved);
    if let Some(again) = recompute::recompute(&resolved, &fusion) {
        fusion = fuse::fuse(&again);
        resolved = again;
    }
    let lowered = lower::lower(&resolved, &fusion);
    let order = schedule::order(&resolved, &lowered);
    memory::place(program, &resolved, lowered, &order, donatable)
}
