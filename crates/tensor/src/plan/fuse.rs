//! Which computations share a pass over memory.
//!
//! Computations on elements and reductions form *groups*; each group becomes one loop. A group works on a *domain* of
//! `elements` positions in row-major order, cut into rows of `row` positions. A member lives at one of two levels: it
//! has a value per position, or one per row (the reduction of a row, and what is computed from it). So a softmax is
//! one group: maximum and sum are row values, all else has a value per position. A group may end in reductions over
//! columns; those of a matrix whose rows are the rows of the group share its pass: a layer norm's gradients, those of its
//! weight and bias included, are one group.
//!
//! Going backwards, a computation joins the group of its consumers if all of them are in the same group and read it
//! position by position (or repeat it along rows). What only its own group reads is never stored. Two groups with the
//! same domain that read a common computation become one, unless one needs what the other gives. If they cannot, the
//! computation joins one group that needs none of the other consumers, and is stored for those: a value that is needed
//! now and again in the backward pass is made by the loop that needs it now.

mod reach;

use smallvec::SmallVec;

use super::lists::Lists;
use super::resolve::{Access, Computation, Compute, Resolved};
use super::users::{consumers, waiting};
use reach::Reach;

/// Rows longer than this are reduced in pieces, and nothing per position can depend on their reduction in the same
/// pass: the values of a whole row would not stay in cache.
pub(crate) const LONGEST_ROW: usize = 8192;
/// Members of one group; more would not fit in registers of the loop anyway.
const LARGEST_GROUP: usize = 96;
/// Merging looks for paths in the graph, which huge chains cannot afford.
const LARGEST_MERGED_PROGRAM: usize = 20_000;

/// Elements that are worth reading once instead of twice.
const WORTH_MERGING: usize = 4096;

/// Where a member has values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Level {
    Position,
    Row,
}

/// What the loop of a group ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Values per position and per row.
    Rows,
    /// Reductions of `[outer, length, inner]` to `[outer, inner]`, beside values per position and, where rows have the
    /// length `inner`, per row.
    Columns { outer: usize, length: usize, inner: usize },
}

impl Form {
    /// Whether there may be rows of this length.
    fn has_room_for_rows(self, row: usize) -> bool {
        match self {
            Form::Rows => true,
            Form::Columns { inner, .. } => inner == row && row <= LONGEST_ROW,
        }
    }

    /// The form of two groups as one, where a group with columns takes in one whose rows are as long.
    fn together(self, other: Form, row: Option<usize>) -> Option<Form> {
        match (self, other) {
            _ if self == other => Some(self),
            (Form::Columns { .. }, Form::Columns { .. }) => None,
            (Form::Rows, columns) | (columns, Form::Rows) => {
                row.filter(|row| columns.has_room_for_rows(*row)).map(|_| columns)
            }
        }
    }
}

/// Computations that share a loop.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Members by descending index.
    pub members: Vec<u32>,
    pub form: Form,
    /// Positions of the domain.
    pub elements: usize,
    /// Positions of a row; `None` as long as nothing needs rows.
    pub row: Option<usize>,
    /// The product or convolution whose finished blocks this loop runs over.
    pub producer: Option<u32>,
}

/// A group number, by computation; `None` for those with a kernel of their own, for leaves and for trivial ones.
pub(crate) struct Fusion {
    pub groups: Vec<Option<Group>>,
    pub group_of: Vec<Option<usize>>,
    pub level: Vec<Level>,
}

/// Whether the computation takes part in fusion.
fn is_fusible(compute: &Compute) -> bool {
    matches!(compute.what, Computation::Element(_) | Computation::Reduce { .. })
}

pub(crate) fn is_trivial(compute: &Compute) -> bool {
    matches!(compute.what, Computation::Element(op) if op.is_trivial())
}

/// Groups all computations.
pub(crate) fn fuse(resolved: &Resolved) -> Fusion {
    let count = resolved.computes.len();
    let mut wanted = vec![false; count];
    for output in &resolved.outputs {
        wanted[output.node as usize] = true;
    }
    let mut fuser = Fuser {
        resolved,
        consumers: consumers(resolved),
        waiting: waiting(resolved),
        rows_below: rows_below(resolved),
        tail_of: vec![None; count],
        fusion: Fusion {
            groups: Vec::new(),
            group_of: vec![None; count],
            level: vec![Level::Position; count],
        },
        reach: Reach::new(count),
    };
    for index in (0..count).rev() {
        let compute = &resolved.computes[index];
        if !is_fusible(compute) {
            fuser.attach_producer(index);
            fuser.merge_readers(index);
            if fuser.tail_of[index].is_none() {
                fuser.settle(index);
            }
            continue;
        }
        let read_by_kernels = fuser.consumers[index]
            .iter()
            .any(|(consumer, _)| !is_fusible(&resolved.computes[*consumer as usize]));
        if is_trivial(compute) && !wanted[index] && !read_by_kernels {
            continue;
        }
        if !fuser.join(index) {
            fuser.found(index);
        }
    }
    #[cfg(test)]
    assert!(count > LARGEST_MERGED_PROGRAM || fuser.depths_hold());
    fuser.fusion
}

/// For each computation the length of the rows of which it is, or is computed from, a reduction; `None` if it is not.
fn rows_below(resolved: &Resolved) -> Vec<Option<usize>> {
    let mut rows: Vec<Option<usize>> = Vec::with_capacity(resolved.computes.len());
    for compute in &resolved.computes {
        let own = match compute.what {
            Computation::Reduce { length, inner: 1, .. } => Some(length),
            Computation::Element(_) => compute.inputs.iter().find_map(|access| {
                let flat = access.layout.is_contiguous() && access.layout.elements() == compute.elements;
                if flat { rows[access.root.node as usize] } else { None }
            }),
            _ => None,
        };
        rows.push(own);
    }
    rows
}

struct Fuser<'a> {
    resolved: &'a Resolved,
    consumers: Lists<(u32, u32)>,
    waiting: Lists<u32>,
    rows_below: Vec<Option<usize>>,
    /// The group that runs over the blocks of a product or convolution.
    tail_of: Vec<Option<usize>>,
    fusion: Fusion,
    reach: Reach,
}

/// What joining a group means for a computation and the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It joins at this level; rows of this length if the group has none yet.
    At(Level, Option<usize>),
    /// It is the reduction of rows of this length whose results the whole group works on: all members so far become
    /// row values.
    Below(usize),
}

impl Fit {
    /// What satisfies two consumers, if anything does.
    fn together(self, other: Fit) -> Option<Fit> {
        match (self, other) {
            (Fit::At(level, row), Fit::At(other_level, other_row)) if level == other_level => {
                match (row, other_row) {
                    (Some(row), Some(other_row)) if row != other_row => None,
                    _ => Some(Fit::At(level, row.or(other_row))),
                }
            }
            _ if self == other => Some(self),
            _ => None,
        }
    }
}

impl Fuser<'_> {
    fn group(&self, group: usize) -> &Group {
        self.fusion.groups[group].as_ref().expect("groups in use exist")
    }

    /// The single group of all consumers, merging two where that is possible.
    fn consuming_group(&mut self, index: usize) -> Option<usize> {
        let mut found: Option<usize> = None;
        for position in 0..self.consumers[index].len() {
            let (consumer, _) = self.consumers[index][position];
            let group = self.fusion.group_of[consumer as usize]?;
            match found {
                None => found = Some(group),
                Some(known) if known == group => {}
                Some(known) => {
                    if !self.can_merge(known, group, index) {
                        return None;
                    }
                    found = Some(self.merge(known, group, index));
                }
            }
        }
        found
    }

    /// Whether a computation that does not belong to the group of all consumers of `index` waits for it.
    fn is_awaited_outside(&self, index: usize) -> bool {
        let group = |user: u32| self.fusion.group_of[user as usize];
        let Some((first, _)) = self.consumers[index].first() else { return false };
        let mut users = self.waiting[index].iter().chain(self.consumers[index].iter().map(|(user, _)| user));
        !self.waiting[index].is_empty()
            && users.any(|user| group(*user).is_none() || group(*user) != group(*first))
    }

    fn join(&mut self, index: usize) -> bool {
        // Who waits for it may be needed by the group of its consumers: then it must be done before that group.
        if self.is_awaited_outside(index) {
            return false;
        }
        // A merge is only worth it if the computation then fits, so that is asked of every consumer first.
        let fit = self.fit_all(index);
        let all = fit.and_then(|fit| Some((self.consuming_group(index)?, fit)));
        let Some((group, fit)) = all.or_else(|| self.first_group(index)) else { return false };
        if self.group(group).members.len() >= LARGEST_GROUP {
            return false;
        }
        let level = match fit {
            Fit::At(level, _) => level,
            Fit::Below(_) => Level::Row,
        };
        let target = self.fusion.groups[group].as_mut().expect("groups in use exist");
        match fit {
            Fit::At(_, Some(row)) => target.row = Some(row),
            Fit::At(_, None) => {}
            Fit::Below(row) => {
                target.row = Some(row);
                target.elements *= row;
                for member in &target.members {
                    self.fusion.level[*member as usize] = Level::Row;
                }
            }
        }
        target.members.push(index as u32);
        self.fusion.group_of[index] = Some(group);
        self.fusion.level[index] = level;
        self.settle_among(index);
        true
    }

    /// How `index` would take part in the groups of all its consumers at once.
    fn fit_all(&self, index: usize) -> Option<Fit> {
        let mut all: Option<Fit> = None;
        for (consumer, input) in &self.consumers[index] {
            let group = self.fusion.group_of[*consumer as usize]?;
            let fit = self.fit(index, *consumer as usize, *input as usize, group)?;
            all = Some(all.map_or(Some(fit), |all| all.together(fit))?);
        }
        all
    }

    /// A group of some consumers that needs none of the others, and how `index` takes part in it.
    fn first_group(&self, index: usize) -> Option<(usize, Fit)> {
        let consumers = &self.consumers[index];
        if !self.waiting[index].is_empty() || self.resolved.computes.len() > LARGEST_MERGED_PROGRAM {
            return None;
        }
        let mut tried: SmallVec<[usize; 4]> = SmallVec::new();
        for (consumer, _) in consumers {
            let Some(group) = self.fusion.group_of[*consumer as usize] else { continue };
            if tried.contains(&group) {
                continue;
            }
            tried.push(group);
            let inside = |consumer: u32| self.fusion.group_of[consumer as usize] == Some(group);
            let mut fit: Option<Fit> = None;
            let mut fits = true;
            for (consumer, input) in consumers.iter().filter(|(consumer, _)| inside(*consumer)) {
                let own = self.fit(index, *consumer as usize, *input as usize, group);
                let joined = match (fit, own) {
                    (None, own) => own,
                    (Some(fit), Some(own)) => fit.together(own),
                    (Some(_), None) => None,
                };
                fit = joined;
                fits &= matches!(joined, Some(Fit::At(..)));
            }
            let others = || consumers.iter().map(|(consumer, _)| *consumer).filter(|other| !inside(*other));
            if let (true, Some(fit)) = (fits, fit)
                && !self.needs(group, index, &others().collect::<SmallVec<[u32; 8]>>())
            {
                return Some((group, fit));
            }
        }
        None
    }

    /// How `index` would take part in `group`, to which its consumer belongs.
    fn fit(&self, index: usize, consumer: usize, input: usize, group: usize) -> Option<Fit> {
        let group = self.group(group);
        let compute = &self.resolved.computes[index];
        let access = &self.resolved.computes[consumer].inputs[input];
        let own = compute.elements;
        let flat = access.layout.is_contiguous() && access.layout.elements() == own;
        let row_reduction = match compute.what {
            Computation::Reduce { length, inner: 1, .. } => Some(length),
            Computation::Reduce { .. } => return None,
            _ => None,
        };
        let consumer_reduces = matches!(self.resolved.computes[consumer].what, Computation::Reduce { .. });
        match (self.fusion.level[consumer], consumer_reduces) {
            // Read position by position.
            (Level::Position, false) | (Level::Row, true) | (Level::Position, true) if flat => {
                let Some(length) = row_reduction else { return Some(Fit::At(Level::Position, None)) };
                // A reduction all of whose readers work on what it gives.
                let free = group.row.is_none()
                    && group.form == Form::Rows
                    && group.producer.is_none()
                    && !consumer_reduces;
                free.then_some(Fit::Below(length))
            }
            (Level::Row, false) if flat => {
                if let (Some(length), Some(row)) = (row_reduction, group.row)
                    && length != row
                {
                    return None;
                }
                Some(Fit::At(Level::Row, None))
            }
            // Repeated along rows.
            (Level::Position, false) => {
                let length = access.layout.repeats_each(own)?;
                if !group.form.has_room_for_rows(length) {
                    return None;
                }
                let fits_row = group.row.map_or(group.producer.is_none(), |row| row == length)
                    && self.rows_below[index] == Some(length)
                    && length <= LONGEST_ROW
                    && own * length == group.elements;
                fits_row.then_some(Fit::At(Level::Row, Some(length)))
            }
            _ => None,
        }
    }

    /// A group of its own.
    fn found(&mut self, index: usize) {
        let compute = &self.resolved.computes[index];
        let own = compute.elements;
        let (form, elements, row) = match compute.what {
            Computation::Reduce { outer, length, inner, .. } if inner > 1 => {
                (Form::Columns { outer, length, inner }, own * length, None)
            }
            Computation::Reduce { length, .. } => {
                self.fusion.level[index] = Level::Row;
                (Form::Rows, own * length, Some(length))
            }
            _ => (Form::Rows, own, None),
        };
        let mut members = Vec::with_capacity(8);
        members.push(index as u32);
        self.fusion.group_of[index] = Some(self.fusion.groups.len());
        self.fusion.groups.push(Some(Group { members, form, elements, row, producer: None }));
        self.settle(index);
    }

    /// Whether two groups can become one for the sake of `index`, which both read.
    fn can_merge(&self, left: usize, right: usize, index: usize) -> bool {
        let (a, b) = (self.group(left), self.group(right));
        let (first_of_left, first_of_right) = (a.members[0], b.members[0]);
        let same_rows = a.row == b.row || a.row.is_none() || b.row.is_none();
        a.elements == b.elements
            && same_rows
            && a.form.together(b.form, a.row.or(b.row)).is_some()
            && a.producer.is_none()
            && b.producer.is_none()
            && a.members.len() + b.members.len() <= LARGEST_GROUP
            && self.resolved.computes.len() <= LARGEST_MERGED_PROGRAM
            && !self.needs(left, index, &[first_of_right])
            && !self.needs(right, index, &[first_of_left])
    }

    /// Lets loops that read all of `index` become one, so that it is read once.
    fn merge_readers(&mut self, index: usize) {
        let compute = &self.resolved.computes[index];
        let mut into: Option<usize> = None;
        for position in 0..self.consumers[index].len() {
            let (consumer, input) = self.consumers[index][position];
            let Some(group) = self.fusion.group_of[consumer as usize] else { continue };
            let access = &self.resolved.computes[consumer as usize].inputs[input as usize];
            let own = access.layout.elements();
            let whole = access.layout.is_contiguous()
                && access.root.out == 0
                && own == compute.elements
                && own == self.group(group).elements;
            if !whole || own < WORTH_MERGING || into == Some(group) {
                continue;
            }
            match into {
                Some(known) if self.can_merge(known, group, index) => {
                    into = Some(self.merge(known, group, index));
                }
                Some(_) => {}
                None => into = Some(group),
            }
        }
    }

    fn merge(&mut self, left: usize, right: usize, index: usize) -> usize {
        let gone = self.fusion.groups[right].take().expect("groups in use exist");
        for member in &gone.members {
            self.fusion.group_of[*member as usize] = Some(left);
        }
        let target = self.fusion.groups[left].as_mut().expect("groups in use exist");
        target.members.extend(gone.members);
        target.members.sort_unstable_by(|a, b| b.cmp(a));
        target.row = target.row.or(gone.row);
        target.form = target.form.together(gone.form, target.row).expect("asked before");
        self.settle_merged(left, right, index);
        left
    }

    /// Lets the loop that reads a product or convolution run over its blocks as they are finished.
    fn attach_producer(&mut self, index: usize) {
        use crate::ops::Op;
        use crate::ops::convolution::Role;
        let compute = &self.resolved.computes[index];
        // A finished block is a whole number of these many positions.
        let block = match &compute.what {
            Computation::Kernel(Op::Matmul) => compute.outputs[0].shape.last().copied().unwrap_or(1),
            Computation::Kernel(Op::Convolution(op)) if op.role == Role::Output => {
                op.output[1..].iter().product()
            }
            _ => return,
        };
        if self.is_awaited_outside(index) {
            return;
        }
        let consumers = &self.consumers[index];
        let fits = |group: usize| {
            let target = self.group(group);
            let whole_rows = target.row.is_none_or(|row| block % row == 0 && row <= LONGEST_ROW);
            let fits = target.form == Form::Rows && target.elements == compute.elements;
            let inside = |consumer: u32| self.fusion.group_of[consumer as usize] == Some(group);
            let position_by_position = |&(consumer, input): &(u32, u32)| {
                let access: &Access = &self.resolved.computes[consumer as usize].inputs[input as usize];
                let flat = access.layout.is_contiguous() && access.layout.elements() == compute.elements;
                // Reductions over the elements themselves sit one level above them.
                let position = self.fusion.level[consumer as usize] == Level::Position
                    || matches!(self.resolved.computes[consumer as usize].what, Computation::Reduce { .. });
                !inside(consumer) || flat && position
            };
            let others: SmallVec<[u32; 8]> =
                consumers.iter().map(|(consumer, _)| *consumer).filter(|other| !inside(*other)).collect();
            target.producer.is_none()
                && whole_rows
                && fits
                && block > 0
                && consumers.iter().all(position_by_position)
                && (others.is_empty()
                    || self.resolved.computes.len() <= LARGEST_MERGED_PROGRAM
                        && !self.needs(group, index, &others))
        };
        let group = consumers
            .iter()
            .filter_map(|(consumer, _)| self.fusion.group_of[*consumer as usize])
            .find(|group| fits(*group));
        let Some(group) = group else { return };
        self.fusion.groups[group].as_mut().expect("groups in use exist").producer = Some(index as u32);
        self.tail_of[index] = Some(group);
        self.settle_among(index);
    }
}
