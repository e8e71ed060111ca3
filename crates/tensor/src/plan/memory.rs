//! Where values lie: lifetimes, overwriting, and offsets in one arena.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::graph::walk::IdMap;

use super::fuse::Level;
use super::lower::{Unplaced, bytes_moved};
use super::program::{Program, Value, ValueMap};
use super::resolve::{Computation, Resolved};
use super::{Kernel, Place, PlacedLoop, Plan};

/// Offsets are multiples of this, so that no two values share a cache line.
const ALIGNMENT: usize = 64;
/// Blocks that are compared with each other to find the best places.
const MOST_COMPARED: usize = 8192;

/// A block of memory, shared by values that follow each other in place.
struct Block {
    bytes: usize,
    /// First and last kernel, by position in the order, that touch it.
    first: usize,
    last: usize,
    output: Option<u32>,
}

/// Bytes of the arena from one kernel to another.
struct Taken {
    start: usize,
    end: usize,
    first: u32,
    last: u32,
}

/// Gives every value a place.
pub(crate) fn place(
    program: &Program,
    resolved: &Resolved,
    kernels: Vec<Unplaced>,
    order: &[usize],
    donatable: &[bool],
) -> Plan {
    let mut placer = Placer::new(resolved, &kernels, order, donatable);
    for (position, kernel) in order.iter().enumerate() {
        placer.kernel(&kernels[*kernel], position);
    }
    let donations = placer.donations(program);
    let (offsets, arena_bytes) = placer.arrange();
    let place = |value: &Value| match resolved.computes[value.node as usize].what {
        Computation::Buffer(buffer) => Place::Buffer(buffer),
        _ => {
            let block = placer.block_of[*value];
            placer.blocks[block].output.map_or(Place::Arena(offsets[block]), Place::Output)
        }
    };
    let mut placed: Vec<Kernel> = Vec::with_capacity(order.len());
    let mut unplaced: Vec<Option<Unplaced>> = kernels.into_iter().map(Some).collect();
    for index in order {
        let kernel = unplaced[*index].take().expect("an order names each kernel once");
        let bytes = bytes_moved(resolved, &kernel);
        let reads = kernel.reads.iter().map(&place).collect();
        let writes = kernel.writes.iter().map(&place).collect();
        let tail = kernel.tail.map(|tail| PlacedLoop {
            reads: tail.reads.iter().map(&place).collect(),
            writes: tail.writes.iter().map(&place).collect(),
            program: tail.program,
        });
        placed.push(Kernel {
            action: kernel.action,
            reads,
            writes,
            tail,
            name: kernel.name,
            operations: kernel.operations,
            bytes,
        });
    }
    let input_bytes = resolved
        .computes
        .iter()
        .filter(|compute| matches!(compute.what, Computation::Buffer(_)))
        .map(|compute| compute.bytes(0))
        .sum();
    Plan {
        kernels: placed,
        arena_bytes,
        output_bytes: placer.output_bytes.clone(),
        results: resolved.outputs.iter().map(&place).collect(),
        donations,
        input_bytes,
    }
}

struct Placer<'a> {
    resolved: &'a Resolved,
    /// Which of the given buffers may be overwritten.
    donatable: &'a [bool],
    blocks: Vec<Block>,
    block_of: ValueMap<usize>,
    /// Last kernel that reads or writes each value.
    last_use: ValueMap<usize>,
    output_of: ValueMap<u32>,
    output_bytes: Vec<usize>,
    /// For each output, the input buffers whose elements the writing loop touches position by position, with the
    /// position of that loop.
    local_inputs: Vec<SmallVec<[(u32, usize); 4]>>,
}

impl<'a> Placer<'a> {
    fn new(
        resolved: &'a Resolved,
        kernels: &[Unplaced],
        order: &[usize],
        donatable: &'a [bool],
    ) -> Placer<'a> {
        let count = resolved.computes.len();
        let mut last_use = ValueMap::new(count);
        for (position, index) in order.iter().enumerate() {
            let kernel = &kernels[*index];
            let tail = kernel.tail.iter().flat_map(|tail| tail.reads.iter().chain(&tail.writes));
            for value in kernel.reads.iter().chain(&kernel.writes).chain(tail) {
                last_use.insert(*value, position);
            }
        }
        let mut output_of = ValueMap::new(count);
        let mut output_bytes = Vec::new();
        for output in &resolved.outputs {
            let is_buffer = matches!(resolved.computes[output.node as usize].what, Computation::Buffer(_));
            if !is_buffer && output_of.get(*output).is_none() {
                output_of.insert(*output, output_bytes.len() as u32);
                output_bytes.push(bytes(resolved, output));
            }
            last_use.insert(*output, usize::MAX);
        }
        Placer {
            resolved,
            donatable,
            blocks: Vec::new(),
            block_of: ValueMap::new(count),
            last_use,
            output_of,
            local_inputs: vec![SmallVec::new(); output_bytes.len()],
            output_bytes,
        }
    }

    fn kernel(&mut self, kernel: &Unplaced, position: usize) {
        for value in &kernel.writes {
            self.new_block(value, position);
        }
        let Some(tail) = &kernel.tail else { return };
        let mut claimed: SmallVec<[usize; 4]> = SmallVec::new();
        for (value, level) in tail.writes.iter().zip(&tail.write_levels) {
            self.note_local_inputs(tail, value, *level, position, &kernel.reads);
            let inputs = self.output_of.get(*value).map(|output| &self.local_inputs[*output as usize]);
            let replaces_input = inputs
                .into_iter()
                .flatten()
                .any(|(buffer, at)| *at == position && self.donatable.get(*buffer as usize) == Some(&true));
            let candidate = tail.reads.iter().zip(&tail.tile_local).find_map(|(read, local)| {
                let block = *self.block_of.get(*read)?;
                let free = local.is_some()
                    && local == level
                    && self.last_use[*read] == position
                    && self.blocks[block].last <= position
                    && self.blocks[block].output.is_none()
                    && bytes(self.resolved, read) == bytes(self.resolved, value)
                    // The primary action must be done with what the loop overwrites while other blocks go on.
                    && !kernel.reads.contains(read)
                    && !claimed.contains(&block);
                free.then_some(block)
            });
            // The old value of an output is a better place for it than a temporary: it outlives the run.
            match candidate.filter(|_| !replaces_input) {
                Some(block) => {
                    claimed.push(block);
                    self.block_of.insert(*value, block);
                    let last = self.last_use[*value];
                    self.blocks[block].last = last;
                    self.blocks[block].output = self.output_of.get(*value).copied();
                }
                None => self.new_block(value, position),
            }
        }
    }

    fn note_local_inputs(
        &mut self,
        tail: &super::emit::Emitted,
        value: &Value,
        level: Option<Level>,
        position: usize,
        primary: &[Value],
    ) {
        let Some(output) = self.output_of.get(*value).copied() else { return };
        for (read, local) in tail.reads.iter().zip(&tail.tile_local) {
            if let Computation::Buffer(buffer) = self.resolved.computes[read.node as usize].what
                && local.is_some()
                && *local == level
                && bytes(self.resolved, read) == bytes(self.resolved, value)
                && self.last_use[*read] == position
                && !primary.contains(read)
            {
                self.local_inputs[output as usize].push((buffer, position));
            }
        }
    }

    fn new_block(&mut self, value: &Value, position: usize) {
        let block = Block {
            bytes: bytes(self.resolved, value),
            first: position,
            last: self.last_use[*value],
            output: self.output_of.get(*value).copied(),
        };
        self.block_of.insert(*value, self.blocks.len());
        self.blocks.push(block);
    }

    /// Which outputs may be written over which inputs: those of the same size that are not needed any more when the
    /// output is begun, or that only the loop which writes it still reads, position by position.
    fn donations(&self, program: &Program) -> Vec<(u32, u32)> {
        if !self.donatable.contains(&true) {
            return Vec::new();
        }
        let mut buffers: Vec<Option<Value>> = vec![None; program.buffers as usize];
        for (index, compute) in self.resolved.computes.iter().enumerate() {
            if let Computation::Buffer(buffer) = compute.what {
                buffers[buffer as usize] = Some(Value { node: index as u32, out: 0 });
            }
        }
        let mut of_size: IdMap<usize, Vec<usize>> = IdMap::default();
        for (buffer, value) in buffers.iter().enumerate() {
            if let Some(value) = value {
                of_size.entry(bytes(self.resolved, value)).or_default().push(buffer);
            }
        }
        let mut taken = vec![false; buffers.len()];
        let mut donations = Vec::new();
        let mut outputs: Vec<&Block> = self.blocks.iter().filter(|block| block.output.is_some()).collect();
        outputs.sort_by_key(|block| block.output);
        for block in outputs {
            let output = block.output.expect("filtered above");
            let fits = |buffer: usize| -> bool {
                let Some(value) = &buffers[buffer] else { return false };
                if taken[buffer] || !self.donatable.get(buffer).copied().unwrap_or(false) {
                    return false;
                }
                if bytes(self.resolved, value) != block.bytes || block.bytes == 0 {
                    return false;
                }
                match self.last_use.get(*value) {
                    None => true,
                    Some(last) if *last < block.first => true,
                    Some(last) => {
                        *last == block.first
                            && self.local_inputs[output as usize].contains(&(buffer as u32, block.first))
                    }
                }
            };
            // An input read in the same loop is most likely the old value of this very output.
            let preferred = self.local_inputs[output as usize].iter().map(|(buffer, _)| *buffer as usize);
            let others = of_size.get(&block.bytes).into_iter().flatten().copied();
            let found = preferred.chain(others).find(|buffer| fits(*buffer));
            if let Some(buffer) = found {
                taken[buffer] = true;
                donations.push((output, buffer as u32));
            }
        }
        donations
    }

    /// Offsets of the blocks in the arena, largest first, each at the lowest offset that is free during its life.
    fn arrange(&self) -> (Vec<usize>, usize) {
        if self.blocks.len() > MOST_COMPARED {
            return self.arrange_many();
        }
        let mut offsets = vec![0; self.blocks.len()];
        let mut by_size: Vec<usize> =
            (0..self.blocks.len()).filter(|block| self.blocks[*block].output.is_none()).collect();
        by_size
            .sort_by_key(|block| (std::cmp::Reverse(self.blocks[*block].bytes), self.blocks[*block].first));
        let mut placed: Vec<Taken> = Vec::with_capacity(by_size.len());
        let mut total = 0;
        for block in by_size {
            let own = &self.blocks[block];
            let size = own.bytes.next_multiple_of(ALIGNMENT);
            let (first, last) = (own.first as u32, own.last.min(u32::MAX as usize) as u32);
            // `placed` is kept by ascending start, so that the first gap found is the lowest.
            let mut offset = 0;
            for other in &placed {
                if offset + size <= other.start {
                    break;
                }
                let overlaps = other.first <= last && first <= other.last;
                offset = if overlaps { offset.max(other.end) } else { offset };
            }
            offsets[block] = offset;
            total = total.max(offset + size);
            let at = placed.partition_point(|other| other.start <= offset);
            placed.insert(at, Taken { start: offset, end: offset + size, first, last });
        }
        (offsets, total)
    }

    /// Offsets for more blocks than can be compared with each other: in the order of their lives, each in the smallest
    /// gap left by one that has ended, or else behind all.
    fn arrange_many(&self) -> (Vec<usize>, usize) {
        let mut offsets = vec![0; self.blocks.len()];
        let inside = || (0..self.blocks.len()).filter(|block| self.blocks[*block].output.is_none());
        let size = |block: usize| self.blocks[block].bytes.next_multiple_of(ALIGNMENT);
        let (mut begins, mut ends): (Vec<usize>, Vec<usize>) = (inside().collect(), inside().collect());
        begins.sort_by_key(|block| self.blocks[*block].first);
        ends.sort_by_key(|block| self.blocks[*block].last);
        let mut ends = ends.into_iter().peekable();
        // (length, offset) of gaps.
        let mut gaps: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut total = 0;
        for block in begins {
            while let Some(ended) = ends.next_if(|other| self.blocks[*other].last < self.blocks[block].first)
            {
                gaps.insert((size(ended), offsets[ended]));
            }
            let size = size(block);
            match gaps.range((size, 0)..).next().copied() {
                Some((length, offset)) => {
                    gaps.remove(&(length, offset));
                    offsets[block] = offset;
                    if length > size {
                        gaps.insert((length - size, offset + size));
                    }
                }
                None => {
                    offsets[block] = total;
                    total += size;
                }
            }
        }
        (offsets, total)
    }
}

fn bytes(resolved: &Resolved, value: &Value) -> usize {
    resolved.computes[value.node as usize].bytes(value.out)
}
