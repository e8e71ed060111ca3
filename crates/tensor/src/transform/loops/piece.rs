//! A traced piece of graph made runnable on host memory, again and again.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::Metadata;
use crate::buffer::{Buffer, allocate};
use crate::cpu::kernels::memory::AlignedBytes;
use crate::device::{Executable, device};
use crate::graph::node::{Meta, ScopeGuard};
use crate::graph::walk::IdMap;
use crate::plan::program::{Builder, Numbers};
use crate::plan::{Place, cache, plan};
use crate::transform::trace::{Traced, placeholder};

/// A closed piece of graph with its executable, compiled when it is first needed.
///
/// The last `sums` outputs are not stored but added to what is there: each has one more argument, after those of the
/// piece, for the sum so far.
pub(super) struct Piece {
    pub traced: Arc<Traced>,
    sums: usize,
    executable: OnceLock<Arc<dyn Executable>>,
}

impl fmt::Debug for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Piece({:x})", self.traced.fingerprint)
    }
}

impl Piece {
    pub fn new(traced: Arc<Traced>, sums: usize) -> Piece {
        Piece { traced, sums, executable: OnceLock::new() }
    }

    /// Shapes and types of the outputs.
    pub fn outputs(&self) -> Vec<Metadata> {
        self.traced.output_metas().map(metadata).collect()
    }

    /// A runner of the piece.
    pub fn runner(&self) -> Runner<'_> {
        let executable = self.executable.get_or_init(|| {
            let mixed = (self.traced.fingerprint ^ 0x6c6f_6f70).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let key =
                u128::from(self.traced.fingerprint) << 64 | u128::from(mixed.wrapping_add(self.sums as u64));
            cache::get(key, || self.compile())
        });
        Runner::new(&**executable, self.traced.output_metas().map(bytes).collect(), self.sums)
    }

    fn compile(&self) -> Arc<dyn Executable> {
        let guard = ScopeGuard::new();
        let mut arguments = self.traced.arguments().to_vec();
        let mut outputs = self.traced.outputs().to_vec();
        let first = outputs.len() - self.sums;
        let mut donatable = vec![false; arguments.len()];
        for output in &mut outputs[first..] {
            let sum = placeholder(output.meta().clone(), &guard);
            *output = &sum + &*output;
            arguments.push(sum);
            donatable.push(true);
        }
        let mut builder = Builder::new(Numbers::Fixed);
        let mut bound = IdMap::default();
        for argument in &arguments {
            let buffer = builder.buffer(argument.meta().clone());
            bound.insert(argument.node.id, buffer);
        }
        builder.program.outputs = builder.import(&outputs, &bound, &mut |tensor| {
            unreachable!("a closed piece of graph holds a tensor of shape {}", tensor.shape())
        });
        device().compile(plan(&builder.program, &donatable))
    }
}

pub(super) fn metadata(meta: &Meta) -> Metadata {
    Metadata { shape: meta.shape.clone(), dtype: meta.dtype }
}

pub(super) fn bytes(meta: &Meta) -> usize {
    meta.shape.elements() * meta.dtype.size()
}

/// Where the value of an output comes from if the plan does not write it into its place.
enum Source {
    Argument(usize),
    Output(usize),
}

/// Runs a piece on memory that belongs to others, allocating nothing from one run to the next.
pub(super) struct Runner<'a> {
    executable: &'a dyn Executable,
    inputs: Vec<Buffer>,
    blocks: Vec<Buffer>,
    /// For each block that the plan makes, the output that is written into it.
    outputs: Vec<usize>,
    copies: Vec<(Source, usize)>,
    bytes: Vec<usize>,
    /// Sums that the plan cannot make in place, with memory to make them in.
    apart: Vec<(usize, AlignedBytes)>,
}

impl<'a> Runner<'a> {
    fn new(executable: &'a dyn Executable, bytes: Vec<usize>, sums: usize) -> Runner<'a> {
        let plan = executable.plan();
        let mut outputs = vec![usize::MAX; plan.output_bytes.len()];
        let mut copies = Vec::new();
        let mut apart = Vec::new();
        let mut arguments = 0;
        for (result, place) in plan.results.iter().enumerate() {
            match place {
                Place::Buffer(index) => copies.push((Source::Argument(*index as usize), result)),
                Place::Output(index) => {
                    let block = &mut outputs[*index as usize];
                    if *block != usize::MAX {
                        copies.push((Source::Output(*block), result));
                        continue;
                    }
                    *block = result;
                    let in_place = plan.donations.iter().any(|(output, _)| output == index);
                    if result + sums >= bytes.len() && !in_place {
                        apart.push((result, allocate(bytes[result])));
                    }
                }
                Place::Arena(_) => unreachable!("results do not lie in the arena"),
            }
        }
        for kernel in &plan.kernels {
            let tail = kernel.tail.iter().flat_map(|tail| tail.reads.iter().copied());
            for place in kernel.reads.iter().copied().chain(tail) {
                if let Place::Buffer(index) = place {
                    arguments = arguments.max(index as usize + 1);
                }
            }
        }
        Runner {
            executable,
            inputs: (0..arguments).map(|_| Buffer::lent_host()).collect(),
            blocks: outputs.iter().map(|_| Buffer::lent_host()).collect(),
            outputs,
            copies,
            bytes,
            apart,
        }
    }

    /// Runs the piece on its arguments at `reads` and puts its outputs at `writes`. A sum is read and written at its
    /// place in `writes`, which is also its place in `reads`, behind the arguments.
    ///
    /// # Safety
    /// All are valid for the values of their shapes, and no output overlaps another or an argument, but for the sums.
    ///
    /// # Panics
    /// If an index met on the way does not exist.
    pub unsafe fn run(&mut self, reads: &[*const u8], writes: &[*mut u8]) {
        for (buffer, pointer) in self.inputs.iter_mut().zip(reads) {
            // The length of what is read is part of the plan.
            // SAFETY: promised by the caller.
            unsafe { buffer.lend(pointer.cast_mut(), 0) };
        }
        for (block, output) in self.blocks.iter_mut().zip(&self.outputs) {
            let own = self.apart.iter_mut().find(|(apart, _)| apart == output);
            let pointer = own.map_or(writes[*output], |(_, memory)| memory.as_mut_ptr());
            // SAFETY: promised by the caller.
            unsafe { block.lend(pointer, self.bytes[*output]) };
        }
        if let Err(error) = self.executable.run(&self.inputs, &self.blocks, &[]) {
            panic!("{error}");
        }
        for (output, memory) in &self.apart {
            // SAFETY: both hold a value of the output's shape, and the memory apart is ours.
            unsafe { std::ptr::copy_nonoverlapping(memory.as_ptr(), writes[*output], self.bytes[*output]) };
        }
        for (source, output) in &self.copies {
            let from = match source {
                Source::Argument(index) => reads[*index],
                Source::Output(index) => writes[*index].cast_const(),
            };
            // A sum to which nothing is added stays where it is, hence a copy that allows for overlap.
            // SAFETY: promised by the caller.
            unsafe { std::ptr::copy(from, writes[*output], self.bytes[*output]) };
        }
    }
}
