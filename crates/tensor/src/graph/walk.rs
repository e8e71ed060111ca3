//! Collecting the nodes a transform or the planner works on.

use smallvec::SmallVec;

use crate::Tensor;
pub(crate) use crate::cpu::kernels::hashing::{IdHasher, IdMap};

/// The key of one output of a node.
pub(crate) fn key(tensor: &Tensor) -> (u64, u16) {
    (tensor.node.id, tensor.out)
}

/// Every node that `targets` depend on for which `enter` says yes, by ascending id: inputs before their users. Nodes
/// for which it says no are left out, and so is what only they reach.
pub(crate) fn reachable<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    enter: impl Fn(&Tensor) -> bool,
) -> Vec<Tensor> {
    walk(targets, enter, |_| true).nodes
}

/// Every node that `targets` depend on, by ascending id, looking no further than those for which `stop` says yes,
/// which are included.
pub(crate) fn reachable_until<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    stop: impl Fn(&Tensor) -> bool,
) -> Reached {
    let Walked { nodes, ids, spans, read } = walk(targets, |_| true, |tensor| !stop(tensor));
    let place = |id| ids.place(id).expect("what is read is reached") as u32;
    let inputs = read.into_iter().map(|(id, out)| Input { place: place(id), out }).collect();
    Reached { nodes, ids, spans, inputs }
}

/// What a walk has found.
struct Walked {
    /// By ascending id.
    nodes: Vec<Tensor>,
    ids: Ids,
    /// Where what each node reads stands in `read`.
    spans: Vec<(u32, u32)>,
    /// Node and output.
    read: Vec<(u64, u16)>,
}

fn walk<'a>(
    targets: impl IntoIterator<Item = &'a Tensor>,
    enter: impl Fn(&Tensor) -> bool,
    descend: impl Fn(&Tensor) -> bool,
) -> Walked {
    let targets: SmallVec<[&Tensor; 8]> = targets.into_iter().collect();
    let top = targets.iter().map(|target| target.node.id).max().unwrap_or(0);
    let mut ids = Ids { top, ..Ids::default() };
    let mut stack: Vec<Tensor> = Vec::with_capacity(targets.len());
    let mut found: Vec<(Tensor, (u32, u32))> = Vec::with_capacity(4 * targets.len());
    let mut read: Vec<(u64, u16)> = Vec::with_capacity(8 * targets.len());
    let push = |tensor: &Tensor, ids: &mut Ids, stack: &mut Vec<Tensor>| {
        if enter(tensor) && ids.insert(tensor.node.id) {
            stack.push(tensor.clone());
        }
    };
    for target in targets {
        push(target, &mut ids, &mut stack);
    }
    while let Some(tensor) = stack.pop() {
        let begin = read.len() as u32;
        if descend(&tensor) {
            tensor.node.with_inputs(|inputs| {
                for input in inputs {
                    read.push((input.node.id, input.out));
                    push(input, &mut ids, &mut stack);
                }
            });
        }
        found.push((tensor, (begin, read.len() as u32)));
    }
    ids.number();
    let mut nodes: Vec<Option<Tensor>> = vec![None; found.len()];
    let mut spans = vec![(0, 0); found.len()];
    for (tensor, span) in found {
        let place = ids.place(tensor.node.id).expect("every node found was seen");
        (nodes[place], spans[place]) = (Some(tensor), span);
    }
    let nodes = nodes.into_iter().map(|node| node.expect("places are distinct")).collect();
    Walked { nodes, ids, spans, read }
}

/// Nodes by ascending id, with what they read of each other.
pub(crate) struct Reached {
    pub nodes: Vec<Tensor>,
    ids: Ids,
    /// Where the inputs of each node stand in `inputs`.
    spans: Vec<(u32, u32)>,
    inputs: Vec<Input>,
}

/// An input of a node: an output of the node at a place.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Input {
    pub place: u32,
    pub out: u16,
}

impl Reached {
    /// The input that reads this tensor.
    ///
    /// # Panics
    /// If its node has not been reached.
    pub fn input(&self, tensor: &Tensor) -> Input {
        let place = self.ids.place(tensor.node.id).expect("the node has been reached");
        Input { place: place as u32, out: tensor.out }
    }

    /// The inputs of the node at a place; none where the walk has stopped.
    pub fn inputs(&self, place: usize) -> &[Input] {
        let (begin, end) = self.spans[place];
        &self.inputs[begin as usize..end as usize]
    }
}

/// So many words of bits may be there before any id is.
const FEW_WORDS: usize = 64;
/// So many may come with each id.
const WORDS_PER_ID: usize = 4;

/// A set of ids that knows the place of each among them.
///
/// What is computed at one go was recorded at one go, so that most ids lie close together below the highest: they are
/// bits. Those further below, as of parameters, are few and in a map.
#[derive(Default)]
struct Ids {
    /// The highest id there can be.
    top: u64,
    count: usize,
    /// Bit `i` stands for the id `top - i`.
    words: Vec<u64>,
    /// For each word the ids that lie below it.
    below: Vec<u32>,
    /// All ids that the words do not reach, with their places.
    far: IdMap<u64, u32>,
}

impl Ids {
    /// The word and bit of an id.
    fn bit(&self, id: u64) -> (usize, u32) {
        let distance = self.top - id;
        ((distance / 64) as usize, (distance % 64) as u32)
    }

    /// Whether the id is new.
    fn insert(&mut self, id: u64) -> bool {
        let (word, bit) = self.bit(id);
        if word >= self.words.len() && !self.reach(word) {
            let new = self.far.insert(id, 0).is_none();
            self.count += usize::from(new);
            return new;
        }
        let new = self.words[word] >> bit & 1 == 0;
        self.words[word] |= 1 << bit;
        self.count += usize::from(new);
        new
    }

    /// Lengthens the words to reach this one, if there are enough ids for it.
    fn reach(&mut self, word: usize) -> bool {
        let most = FEW_WORDS + WORDS_PER_ID * self.count;
        if word >= most {
            return false;
        }
        self.words.resize((word + 1).max(2 * self.words.len()).min(most), 0);
        let lowest = self.top.saturating_sub(64 * self.words.len() as u64 - 1);
        let (top, words) = (self.top, &mut self.words);
        self.far.retain(|id, _| {
            if *id >= lowest {
                words[((top - id) / 64) as usize] |= 1 << ((top - id) % 64);
            }
            *id < lowest
        });
        true
    }

    /// Gives each id its place.
    fn number(&mut self) {
        let mut far: Vec<u64> = self.far.keys().copied().collect();
        far.sort_unstable();
        for (place, id) in far.iter().enumerate() {
            self.far.insert(*id, place as u32);
        }
        let mut below = far.len() as u32;
        self.below = vec![0; self.words.len()];
        for (word, count) in self.words.iter().zip(&mut self.below).rev() {
            *count = below;
            below += word.count_ones();
        }
    }

    fn place(&self, id: u64) -> Option<usize> {
        if id > self.top {
            return None;
        }
        let (word, bit) = self.bit(id);
        let Some(bits) = self.words.get(word).map(|bits| bits >> bit) else {
            return self.far.get(&id).map(|place| *place as usize);
        };
        (bits & 1 == 1).then(|| (self.below[word] + (bits >> 1).count_ones()) as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_found_at_their_places_however_far_apart_they_lie() {
        let mut state = 7u64;
        let mut next = |range: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % range
        };
        for spread in [10, 300, 5_000, 1_000_000, 1 << 31] {
            let top = 1 << 32;
            let mut ids = Ids { top, ..Ids::default() };
            let mut all = BTreeSet::new();
            for turn in 0..2000 {
                // First far ones, then such that the words grow over them.
                let id = top - next(if turn < 1000 { spread } else { 1 + spread / 50 });
                assert_eq!(ids.insert(id), all.insert(id), "{id} within {spread}");
            }
            ids.number();
            for (place, id) in all.iter().enumerate() {
                assert_eq!(ids.place(*id), Some(place), "{id} within {spread}");
            }
            assert_eq!(ids.place(top + 1), None);
            let missing = (1..).map(|distance| top - distance).find(|id| !all.contains(id)).unwrap();
            assert_eq!(ids.place(missing), None);
        }
    }
}
