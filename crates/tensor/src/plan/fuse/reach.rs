//! Whether one group needs another, over whatever way.
//!
//! A *unit* is a group with its producer, or a computation outside of all groups. Every unit has a depth, greater than
//! that of all units that need it, so that a search need not look at what lies as deep as what it is for.

use std::cell::RefCell;

use smallvec::{SmallVec, smallvec};

use super::{Fuser, LARGEST_MERGED_PROGRAM};

/// How deep units lie, and what searches among them remember.
pub(super) struct Reach {
    /// The depth of computations outside of all groups, and of groups.
    own: Vec<u32>,
    groups: Vec<u32>,
    search: RefCell<Search>,
}

struct Search {
    /// How many searches there have been.
    number: u32,
    /// The last search that has seen each computation, or the first of its group.
    seen: Vec<u32>,
    stack: Vec<u32>,
}

impl Reach {
    pub fn new(computations: usize) -> Reach {
        let search = Search { number: 0, seen: vec![0; computations], stack: Vec::new() };
        // Those that are in no unit have no inputs, and nothing is to be found behind them.
        Reach { own: vec![u32::MAX; computations], groups: Vec::new(), search: RefCell::new(search) }
    }
}

impl Fuser<'_> {
    /// The group of a computation, or the one that runs over its blocks.
    pub(super) fn group_or_tail(&self, computation: u32) -> Option<usize> {
        self.fusion.group_of[computation as usize].or(self.tail_of[computation as usize])
    }

    fn depth(&self, computation: u32) -> u32 {
        let group = self.group_or_tail(computation);
        group.map_or(self.reach.own[computation as usize], |group| self.reach.groups[group])
    }

    /// Gives `index` the depth that follows from its users: as a unit of its own, or as a new group.
    pub(super) fn settle(&mut self, index: usize) {
        let depth = self.depth_below_users(index);
        match self.group_or_tail(index as u32) {
            Some(group) => {
                debug_assert!(group == self.reach.groups.len(), "new groups are last");
                self.reach.groups.push(depth);
            }
            None => self.reach.own[index] = depth,
        }
    }

    /// Lowers the unit that `index` has just joined below all others that use `index`.
    pub(super) fn settle_among(&mut self, index: usize) {
        let depth = self.depth_below_users(index);
        self.lower(index as u32, depth, index);
    }

    /// Lowers a group below the users of one that it has just taken in.
    pub(super) fn settle_merged(&mut self, group: usize, gone: usize, index: usize) {
        let depth = self.reach.groups[gone].max(self.reach.groups[group]);
        // What the one needed lies below it already, but perhaps not below the other.
        self.reach.groups[group] = 0;
        self.lower(self.group(group).members[0], depth, index);
    }

    /// The least depth below all users of `index` outside of its unit.
    fn depth_below_users(&self, index: usize) -> u32 {
        let unit = self.group_or_tail(index as u32);
        let users = self.consumers[index].iter().map(|(user, _)| user).chain(&self.waiting[index]);
        let outside = users.filter(|user| unit.is_none() || self.group_or_tail(**user) != unit);
        outside.map(|user| self.depth(*user).saturating_add(1)).max().unwrap_or(0)
    }

    /// Moves the unit of a computation down to a depth, and what it needs below that, as far as computations behind
    /// `index` are concerned: those before it are in no unit yet.
    fn lower(&mut self, computation: u32, depth: u32, index: usize) {
        if self.resolved.computes.len() > LARGEST_MERGED_PROGRAM {
            return;
        }
        let mut rest: SmallVec<[(u32, u32); 16]> = smallvec![(computation, depth)];
        while let Some((computation, depth)) = rest.pop() {
            let unit = self.group_or_tail(computation);
            let own = match unit {
                Some(group) => &mut self.reach.groups[group],
                None => &mut self.reach.own[computation as usize],
            };
            if *own >= depth {
                continue;
            }
            *own = depth;
            self.each_needed(computation, index, |needed| {
                if unit.is_none() || self.group_or_tail(needed) != unit {
                    rest.push((needed, depth + 1));
                }
            });
        }
    }

    /// Whether every unit lies deeper than all that need it.
    #[cfg(test)]
    pub(super) fn depths_hold(&self) -> bool {
        (0..self.resolved.computes.len() as u32).all(|computation| {
            let own = self.depth(computation);
            let mut holds = true;
            self.each_needed(computation, 0, |needed| {
                let same = self.group_or_tail(needed).is_some()
                    && self.group_or_tail(needed) == self.group_or_tail(computation);
                holds &= same || self.depth(needed) > own || own == u32::MAX;
            });
            holds
        })
    }

    /// Calls `each` with what the unit of a computation reads or waits for, as far as it lies behind `index`.
    fn each_needed(&self, computation: u32, index: usize, mut each: impl FnMut(u32)) {
        let mut needed_by = |computation: u32| {
            let compute = &self.resolved.computes[computation as usize];
            let read = compute.inputs.iter().map(|access| access.root.node);
            let needed = read.chain(compute.after.iter().copied());
            needed.filter(|needed| *needed as usize > index).for_each(&mut each);
        };
        match self.group_or_tail(computation) {
            Some(group) => {
                let group = self.group(group);
                group.members.iter().chain(&group.producer).for_each(|member| needed_by(*member));
            }
            None => needed_by(computation),
        }
    }

    /// Whether a group needs, over whatever way, the unit of one of `targets`. Only computations behind `index` have
    /// been grouped yet, so that no way leads through one before it.
    pub(super) fn needs(&self, group: usize, index: usize, targets: &[u32]) -> bool {
        let in_unit =
            |target: &u32, unit: Option<usize>| unit == self.group_or_tail(*target) && unit.is_some();
        if targets.iter().any(|target| in_unit(target, Some(group))) {
            return true;
        }
        let Some(deepest) = targets.iter().map(|target| self.depth(*target)).max() else { return false };
        if self.reach.groups[group] >= deepest {
            return false;
        }
        let search = &mut *self.reach.search.borrow_mut();
        search.number += 1;
        let (number, seen, stack) = (search.number, &mut search.seen, &mut search.stack);
        let begin = self.group(group).members[0];
        seen[begin as usize] = number;
        stack.clear();
        stack.push(begin);
        let mut found = false;
        while let (false, Some(computation)) = (found, stack.pop()) {
            self.each_needed(computation, index, |needed| {
                let unit = self.group_or_tail(needed);
                let first = unit.map_or(needed, |group| self.group(group).members[0]) as usize;
                let depth = self.depth(needed);
                if depth > deepest || std::mem::replace(&mut seen[first], number) == number {
                    return;
                }
                found |= targets.iter().any(|target| *target == needed || in_unit(target, unit));
                if depth < deepest {
                    stack.push(needed);
                }
            });
        }
        found
    }
}
