//! Values that a later loop computes again instead of reading them.
//!
//! What the backward pass needs of the forward pass is written by one loop and read by another one, so long after that
//! it comes from memory. If the later loop reads everything anyway that such a value was computed from, element by
//! element, a few instructions replace a pass of writing and one of reading. So a GELU keeps its input alone.
//!
//! The pass works on the groups of a first fusion: it clones computations right before those that read them, after
//! which a second fusion puts the clones in the loop of their readers. They give the same bits as the originals.

use std::collections::{BTreeMap, BTreeSet};

use crate::ops::map::MapOp;

use super::fuse::{Fusion, Group, is_trivial};
use super::lists::Lists;
use super::program::Value;
use super::resolve::{Access, Computation, Compute, ElementOp, Resolved};
use super::users::consumers;

/// Bytes: smaller values are still in a cache when they are read. The random graphs of the tests are small.
const WORTH_RECOMPUTING: usize = if cfg!(test) { 8 } else { 1 << 20 };
/// Most instructions for a value that need not be stored then. Writing and reading 16 numbers takes a core about 50
/// cycles.
const MOST_INSTRUCTIONS: usize = 24;
/// An input of so many times less elements than the value costs nothing to read.
const SMALL: usize = 16;

/// What a group computes again: for each value the place before which its clone goes.
type Clones = BTreeMap<u32, u32>;

/// Clones what is cheaper to compute again; `None` if nothing is.
pub(crate) fn recompute(resolved: &Resolved, fusion: &Fusion) -> Option<Resolved> {
    let worth = |compute: &Compute| compute.bytes(0) >= WORTH_RECOMPUTING;
    if !resolved.computes.iter().any(worth) {
        return None;
    }
    let consumers = consumers(resolved);
    let plans: Vec<(usize, Choice)> = (0..fusion.groups.len())
        .filter_map(|index| {
            let group = fusion.groups[index].as_ref()?;
            let choice = Choice::of(resolved, fusion, &consumers, index, group);
            (!choice.replaced.is_empty()).then_some((index, choice))
        })
        .collect();
    (!plans.is_empty()).then(|| rewrite(resolved, fusion, &consumers, &plans))
}

/// Vector instructions that an op takes, about; `None` if it has no vector code or is more than a computation on single
/// elements.
fn instructions(compute: &Compute) -> Option<usize> {
    let Computation::Element(op) = compute.what else { return None };
    let op = match op {
        ElementOp::Map(op) => op,
        ElementOp::Cast => return Some(1),
        _ => return None,
    };
    match op {
        MapOp::Exp | MapOp::Expm1 | MapOp::Tanh | MapOp::Sigmoid | MapOp::Erf => Some(10),
        MapOp::Div | MapOp::Sqrt | MapOp::Rsqrt | MapOp::Reciprocal => Some(4),
        MapOp::Add | MapOp::Sub | MapOp::Mul | MapOp::Square | MapOp::Neg | MapOp::Abs | MapOp::Sign => {
            Some(1)
        }
        MapOp::Relu | MapOp::Maximum | MapOp::Minimum | MapOp::Select | MapOp::Not => Some(1),
        MapOp::Equal | MapOp::NotEqual | MapOp::Less | MapOp::LessEqual => Some(1),
        MapOp::Greater | MapOp::GreaterEqual => Some(1),
        _ => None,
    }
}

/// What one group computes again.
#[derive(Default)]
struct Choice {
    /// Values that its members read.
    replaced: BTreeSet<u32>,
    /// Those, and what they are computed from.
    cloned: BTreeSet<u32>,
}

impl Choice {
    fn of(
        resolved: &Resolved,
        fusion: &Fusion,
        consumers: &Lists<(u32, u32)>,
        index: usize,
        group: &Group,
    ) -> Choice {
        let mut reads = BTreeSet::new();
        let mut elsewhere = BTreeSet::new();
        for member in &group.members {
            for access in &resolved.computes[*member as usize].inputs {
                let root = access.root.node;
                if fusion.group_of[root as usize] == Some(index) {
                    continue;
                }
                let flat = is_flat(resolved, access) && access.layout.elements() == group.elements;
                if flat {
                    reads.insert(root)
                } else {
                    elsewhere.insert(root)
                };
            }
        }
        let mut choice = Choice::default();
        for value in reads.iter().rev().copied() {
            let compute = &resolved.computes[value as usize];
            let Some(own) = fusion.group_of[value as usize] else { continue };
            if elsewhere.contains(&value) || compute.bytes(0) < WORTH_RECOMPUTING {
                continue;
            }
            let here = |reader: u32| [Some(own), Some(index)].contains(&fusion.group_of[reader as usize]);
            let stored = resolved.outputs.iter().any(|output| output.node == value)
                || consumers[value as usize].iter().any(|(reader, _)| !here(*reader));
            let most = if stored { MOST_INSTRUCTIONS / 2 } else { MOST_INSTRUCTIONS };
            let mut needed = BTreeSet::new();
            if choice.expand(resolved, &reads, value, most, &mut needed).is_some() {
                choice.replaced.insert(value);
                choice.cloned.extend(needed);
            }
        }
        choice
    }

    /// Adds to `needed` what has to be cloned for `value`, and gives what is left of `most` instructions; `None` if
    /// something would have to be read that is not among `reads`, or if it takes too many.
    fn expand(
        &self,
        resolved: &Resolved,
        reads: &BTreeSet<u32>,
        value: u32,
        most: usize,
        needed: &mut BTreeSet<u32>,
    ) -> Option<usize> {
        if self.cloned.contains(&value) || !needed.insert(value) {
            return Some(most);
        }
        let compute = &resolved.computes[value as usize];
        if !compute.after.is_empty() {
            return None;
        }
        let mut left = most.checked_sub(instructions(compute)?)?;
        for access in &compute.inputs {
            let input = &resolved.computes[access.root.node as usize];
            if is_trivial(input) || input.elements * SMALL <= compute.elements {
                continue;
            }
            if !is_flat(resolved, access) || access.layout.elements() != compute.elements {
                return None;
            }
            if !reads.contains(&access.root.node) {
                left = self.expand(resolved, reads, access.root.node, left, needed)?;
            }
        }
        Some(left)
    }

    /// The place of each clone: before all that read it in this group.
    fn places(&self, fusion: &Fusion, consumers: &Lists<(u32, u32)>, group: usize) -> Clones {
        let mut places = Clones::new();
        for value in self.cloned.iter().rev() {
            let place = consumers[*value as usize]
                .iter()
                .filter_map(|(reader, _)| {
                    let inside = fusion.group_of[*reader as usize] == Some(group);
                    let member = (inside && self.replaced.contains(value)).then_some(*reader);
                    member.into_iter().chain(places.get(reader).copied()).min()
                })
                .min();
            places.insert(*value, place.expect("a clone has a reader"));
        }
        places
    }
}

/// Whether an access reads the elements of its root in their order.
fn is_flat(resolved: &Resolved, access: &Access) -> bool {
    let root = &resolved.computes[access.root.node as usize];
    access.layout.is_contiguous() && access.layout.elements() == root.elements
}

/// The computations with all clones, and their readers reading them.
fn rewrite(
    resolved: &Resolved,
    fusion: &Fusion,
    consumers: &Lists<(u32, u32)>,
    plans: &[(usize, Choice)],
) -> Resolved {
    // By place, then by the order of the originals: that of what they need.
    let mut clones: Vec<(u32, u32, usize)> = Vec::new();
    let mut plan_of = vec![None; fusion.groups.len()];
    for (number, (group, choice)) in plans.iter().enumerate() {
        plan_of[*group] = Some(number);
        let places = choice.places(fusion, consumers, *group);
        clones.extend(places.into_iter().map(|(value, place)| (place, value, number)));
    }
    clones.sort_unstable();
    let mut new = Resolved::default();
    let mut index_of: Vec<u32> = Vec::with_capacity(resolved.computes.len());
    let mut clone_of: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); plans.len()];
    let mut clones = clones.into_iter().peekable();
    for (index, compute) in resolved.computes.iter().enumerate() {
        while let Some((_, value, plan)) = clones.next_if(|(place, ..)| *place as usize == index) {
            let own = &clone_of[plan];
            let clone = moved(&resolved.computes[value as usize], |root| {
                own.get(&root).copied().unwrap_or_else(|| index_of[root as usize])
            });
            clone_of[plan].insert(value, new.computes.len() as u32);
            new.computes.push(clone);
        }
        let plan = fusion.group_of[index].and_then(|group| plan_of[group]);
        let replaced = plan.map(|plan: usize| (&plans[plan].1.replaced, &clone_of[plan]));
        let compute = moved(compute, |root| match replaced {
            Some((replaced, clones)) if replaced.contains(&root) => clones[&root],
            _ => index_of[root as usize],
        });
        index_of.push(new.computes.len() as u32);
        new.computes.push(Compute {
            after: compute.after.iter().map(|awaited| index_of[*awaited as usize]).collect(),
            ..compute
        });
    }
    new.outputs = resolved
        .outputs
        .iter()
        .map(|output| Value { node: index_of[output.node as usize], ..*output })
        .collect();
    new
}

/// The same computation, reading what `to` says instead of each root.
fn moved(compute: &Compute, to: impl Fn(u32) -> u32) -> Compute {
    let mut compute = compute.clone();
    for access in &mut compute.inputs {
        access.root.node = to(access.root.node);
    }
    compute
}
