//! The order of kernels.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::lists::Lists;
use super::lower::Unplaced;
use super::program::Value;
use super::resolve::{Computation, Resolved};

/// How many of the kernels that could run next are compared.
const WINDOW: usize = 32;

/// Bytes that do not matter.
const FEW_BYTES: isize = 1024;

/// An order in which every kernel comes after those it needs and few bytes are alive at a time: of the kernels that
/// could run next, one that frees more than it makes, if there is one; else one that makes a few bytes, because others
/// may wait for it that free many, as updates of parameters do for the size of their step; else the one that was
/// recorded first.
pub(crate) fn order(resolved: &Resolved, kernels: &[Unplaced]) -> Vec<usize> {
    let mut does = vec![None; resolved.computes.len()];
    for (index, kernel) in kernels.iter().enumerate() {
        for compute in &kernel.computes {
            does[*compute as usize] = Some(index);
        }
    }
    // Who must come before each kernel, each of them once.
    let mut needs: Vec<(u32, u32)> = Vec::with_capacity(2 * kernels.len());
    let mut noted = vec![usize::MAX; kernels.len()];
    for (index, kernel) in kernels.iter().enumerate() {
        for compute in &kernel.computes {
            let compute = &resolved.computes[*compute as usize];
            let inputs = compute.inputs.iter().map(|access| access.root.node);
            for input in inputs.chain(compute.after.iter().copied()) {
                let Some(other) = does[input as usize].filter(|other| *other != index) else { continue };
                if std::mem::replace(&mut noted[other], index) != index {
                    needs.push((other as u32, index as u32));
                }
            }
        }
    }
    let enables =
        Lists::new(kernels.len(), |hand_out| needs.iter().for_each(|(other, own)| hand_out(*other, *own)));
    let mut missing = vec![0usize; kernels.len()];
    needs.iter().for_each(|(_, own)| missing[*own as usize] += 1);
    let mut wanted = vec![false; resolved.computes.len()];
    for output in &resolved.outputs {
        wanted[output.node as usize] = true;
    }
    let reads = |kernel: &Unplaced| {
        let mut all: SmallVec<[Value; 6]> = SmallVec::new();
        for value in kernel.reads.iter().chain(kernel.tail.iter().flat_map(|tail| &tail.reads)) {
            if !kernel.writes.contains(value) {
                all.push(*value);
            }
        }
        all.sort_unstable_by_key(|value| (value.node, value.out));
        all.dedup();
        all
    };
    let all_reads: Vec<SmallVec<[Value; 6]>> = kernels.iter().map(reads).collect();
    let mut readers = vec![0usize; resolved.computes.len()];
    for reads in &all_reads {
        for value in reads {
            readers[value.node as usize] += 1;
        }
    }
    let size = |value: &Value| resolved.computes[value.node as usize].bytes(value.out) as isize;
    let is_temporary = |value: &Value| {
        !wanted[value.node as usize]
            && !matches!(resolved.computes[value.node as usize].what, Computation::Buffer(_))
    };
    let growth = |index: usize, readers: &[usize]| {
        let kernel = &kernels[index];
        let made = kernel.tail.iter().flat_map(|tail| &tail.writes).chain(&kernel.writes);
        let (mut temporary, mut all) = (0, 0);
        for value in made {
            all += size(value);
            temporary += if is_temporary(value) { size(value) } else { 0 };
        }
        let freed =
            all_reads[index].iter().filter(|value| is_temporary(value) && readers[value.node as usize] == 1);
        let growth = temporary - freed.map(size).sum::<isize>();
        if all <= FEW_BYTES { growth.min(-1) } else { growth.min(0) }
    };
    // Recorded order: by the last computation of each kernel.
    let rank = |index: usize| kernels[index].computes.iter().max().copied().unwrap_or(0);
    let mut ready: BTreeSet<(u32, usize)> =
        (0..kernels.len()).filter(|index| missing[*index] == 0).map(|index| (rank(index), index)).collect();
    let mut order = Vec::with_capacity(kernels.len());
    while let Some(first) = ready.first().copied() {
        let best = ready
            .iter()
            .take(WINDOW)
            .map(|entry| (growth(entry.1, &readers), *entry))
            .min()
            .map_or(first, |(_, entry)| entry);
        ready.remove(&best);
        let index = best.1;
        for value in &all_reads[index] {
            readers[value.node as usize] -= 1;
        }
        order.push(index);
        for next in enables[index].iter().map(|next| *next as usize) {
            missing[next] -= 1;
            if missing[next] == 0 {
                ready.insert((rank(next), next));
            }
        }
    }
    assert!(order.len() == kernels.len(), "planning error: kernels wait for each other");
    order
}
