//! Scanning: a loop with a carry over the first axis of its inputs.

use std::sync::Arc;

use crate::buffer::allocate;
use crate::graph::node::Meta;
use crate::transform::trace::Traced;
use crate::tree::{Tree, TreeExt};
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

use super::piece::Piece;

/// A loop over the first axis of sequences.
///
/// The body maps `(carries, elements of the sequences, constants)` to `(carries, elements of the stacks, terms of the
/// sums)`; the op maps `(initial carries, sequences, constants)` to `(final carries, stacks, sums, saved carries)`.
/// The kinds of input and output are chosen to be closed under differentiation: the cotangent of a constant is a sum
/// over the steps, and that of a sum is a constant.
#[derive(Debug)]
pub(super) struct Scan {
    pub body: Piece,
    pub carries: usize,
    pub sequences: usize,
    pub sums: usize,
    pub length: usize,
    /// Whether the last element comes first.
    pub reverse: bool,
    /// Whether the carries that each step began with are outputs too, for derivatives.
    pub save: bool,
}

impl Scan {
    /// The numbers of outputs before the saved carries.
    pub fn own_outputs(&self) -> usize {
        self.body.traced.outputs().len()
    }

    pub fn stacks(&self) -> usize {
        self.own_outputs() - self.carries - self.sums
    }

    /// The same loop, which saves its carries.
    pub fn saving(&self) -> Scan {
        let body = Piece::new(self.body.traced.clone(), self.sums);
        Scan { body, save: true, ..*self }
    }

    /// The carries that each step began with.
    pub fn saved(&self, inputs: &[Tensor], outputs: &[Tensor]) -> Vec<Tensor> {
        if self.save {
            return outputs[self.own_outputs()..].to_vec();
        }
        // Recorded where no derivative was in sight, as inside of a body: the loop runs again.
        custom(self.saving(), inputs).split_off(self.own_outputs())
    }
}

/// Whether the tensors may depend on what somebody differentiates in. Carries are saved only then.
pub(super) fn may_be_differentiated(inputs: &[Tensor]) -> bool {
    inputs.iter().any(|input| input.node.scope.is_some() && input.dtype().is_float())
}

pub(super) fn stacked(metadata: &Metadata, length: usize) -> Metadata {
    Metadata { shape: metadata.shape.inserted(0, length), dtype: metadata.dtype }
}

/// What the elements of a stack look like.
pub(super) fn element(stack: &Tensor) -> Meta {
    Meta { shape: stack.shape().without(&[0]), dtype: stack.dtype() }
}

impl CustomOp for Scan {
    fn name(&self) -> &str {
        "scan"
    }
    fn parameters(&self) -> Vec<u64> {
        let numbers = [self.carries, self.sequences, self.sums, self.length];
        let flags = u64::from(self.reverse) << 1 | u64::from(self.save);
        numbers.into_iter().map(|number| number as u64).chain([flags, self.body.traced.fingerprint]).collect()
    }
    fn infer(&self, _: &[Metadata]) -> Vec<Metadata> {
        let mut outputs = self.body.outputs();
        let saved: Vec<Metadata> =
            outputs[..self.carries].iter().map(|carry| stacked(carry, self.length)).collect();
        for stack in &mut outputs[self.carries..self.carries + self.stacks()] {
            *stack = stacked(stack, self.length);
        }
        if self.save {
            outputs.extend(saved);
        }
        outputs
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let (carries, stacks) = (self.carries, self.stacks());
        let read: Vec<*const u8> = inputs.iter().map(|input| input.bytes.as_ptr()).collect();
        let size: Vec<usize> = outputs[..carries].iter().map(|output| output.bytes.len()).collect();
        let written: Vec<*mut u8> = outputs.iter_mut().map(|output| output.bytes.as_mut_ptr()).collect();
        let per_step = |bytes: usize| bytes / self.length.max(1);
        let read_steps: Vec<usize> = inputs.iter().map(|input| per_step(input.bytes.len())).collect();
        let written_steps: Vec<usize> = outputs.iter().map(|output| per_step(output.bytes.len())).collect();
        if self.length == 0 {
            for (output, input) in outputs.iter_mut().zip(&inputs[..carries]) {
                output.bytes.copy_from_slice(input.bytes);
            }
            return;
        }
        let mut spare: Vec<_> =
            if self.save { Vec::new() } else { size.iter().map(|size| allocate(*size)).collect() };
        let position = |step: usize| if self.reverse { self.length - 1 - step } else { step };
        // Where the carry lies that step `step` reads: saved in a row, or in turn in the output and in spare memory,
        // so that the last step writes the output.
        let mut carry_at = |carry: usize, step: usize| -> *mut u8 {
            if step == self.length {
                return written[carry];
            }
            if self.save {
                let saved = self.own_outputs() + carry;
                // SAFETY: a position within the saved carries.
                return unsafe { written[saved].add(position(step) * written_steps[saved]) };
            }
            if (self.length - step).is_multiple_of(2) { written[carry] } else { spare[carry].as_mut_ptr() }
        };
        for carry in 0..carries {
            // SAFETY: both hold one carry; inputs and outputs do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(read[carry], carry_at(carry, 0), size[carry]) };
        }
        let mut runner = self.body.runner();
        let mut reads: Vec<*const u8> = read.clone();
        reads.extend(written[carries + stacks..self.own_outputs()].iter().map(|sum| sum.cast_const()));
        let mut writes: Vec<*mut u8> = written[..self.own_outputs()].to_vec();
        for step in 0..self.length {
            let at = position(step);
            for carry in 0..carries {
                reads[carry] = carry_at(carry, step);
                writes[carry] = carry_at(carry, step + 1);
            }
            for sequence in carries..carries + self.sequences {
                // SAFETY: a position within the sequence.
                reads[sequence] = unsafe { read[sequence].add(at * read_steps[sequence]) };
            }
            for stack in carries..carries + stacks {
                // SAFETY: a position within the stack.
                writes[stack] = unsafe { written[stack].add(at * written_steps[stack]) };
            }
            // SAFETY: arguments and outputs lie in arrays of the shapes that `infer` promised, each at a step of its
            // own; the carry that is read is not the one that is written.
            unsafe { runner.run(&reads, &writes) };
        }
    }
    fn vjp_wanted(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
        wanted: &[bool],
    ) -> Option<Vec<Option<Tensor>>> {
        Some(self.pulled(inputs, outputs, cotangents, wanted))
    }
    fn jvp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        Some(self.pushed(inputs, outputs, tangents))
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        let sequences = self.carries..self.carries + self.sequences;
        let mut marks = mapped.to_vec();
        let mut metas = Vec::new();
        let given: Vec<Tensor> = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| {
                if index < self.carries {
                    // A carry differs from example to example as soon as anything does.
                    marks[index] = true;
                    let input = match mapped[index] {
                        true => input.clone(),
                        false => input.broadcast_to(input.shape().inserted(0, size)),
                    };
                    metas.push(input.meta().clone());
                    return input;
                }
                if !sequences.contains(&index) {
                    metas.push(input.meta().clone());
                    return input.clone();
                }
                let input = if mapped[index] { input.move_axis(0, 1) } else { input.clone() };
                metas.push(element(&input));
                input
            })
            .collect();
        let body = Traced::derived(&[&self.body.traced], metas, |holes| {
            crate::transform::vmap_tensors(holes, &marks, size, |one| self.body.traced.at(one))
        });
        let op = Scan { body: Piece::new(Arc::new(body), self.sums), ..*self };
        let first_sum = self.carries + self.stacks();
        let is_stack =
            |index: usize| (self.carries..first_sum).contains(&index) || index >= self.own_outputs();
        let outputs = custom(op, &given).into_iter().enumerate();
        Some(
            outputs
                .map(|(index, output)| if is_stack(index) { output.move_axis(1, 0) } else { output })
                .collect(),
        )
    }
}

/// Which way a loop goes, and how far.
struct Course {
    name: &'static str,
    length: usize,
    reverse: bool,
}

#[track_caller]
fn run<C: Tree, Y: Tree>(
    course: Course,
    init: &C,
    sequences: &[Tensor],
    body: impl FnOnce(&C, &[Tensor]) -> (C, Y),
) -> (C, Y) {
    let Course { name, length, reverse } = course;
    let mut inputs = init.leaves();
    let carries = inputs.len();
    inputs.extend(sequences.iter().cloned());
    let like = |(index, input): (usize, &Tensor)| {
        let shape = if index < carries { input.shape().clone() } else { input.shape().without(&[0]) };
        Tensor::zeros(shape, input.dtype())
    };
    let examples: Vec<Tensor> = inputs.iter().enumerate().map(like).collect();
    let mut value = None;
    let (traced, free) = Traced::new(&examples, |leaves| {
        let (own, elements) = leaves.split_at(carries);
        let carry = init.with_leaves(own.iter().cloned());
        let (next, stack) = body(&carry, elements);
        check_carry(name, init, &next);
        let outputs = next.leaves().into_iter().chain(stack.leaves()).collect();
        value = Some((next, stack));
        outputs
    });
    let (next, stack) = value.expect("the body has been called");
    if traced.outputs().is_empty() {
        return (next, stack);
    }
    inputs.extend(free);
    let body = Piece::new(Arc::new(traced), 0);
    let save = may_be_differentiated(&inputs);
    let op = Scan { body, carries, sequences: sequences.len(), sums: 0, length, reverse, save };
    let mut outputs = custom(op, &inputs).into_iter();
    let carry = next.rebuild(&mut |_, _| outputs.next().expect("one output per leaf"));
    (carry, stack.rebuild(&mut |_, _| outputs.next().expect("one output per leaf")))
}

/// # Panics
/// If a body changes the kind of its carry.
#[track_caller]
pub(super) fn check_carry<C: Tree>(name: &str, before: &C, after: &C) {
    let (old, new) = (before.leaves(), after.leaves());
    assert!(
        old.len() == new.len() && before.structure() == after.structure(),
        "{name}: the body must keep the structure of the carry"
    );
    for (old, new) in old.iter().zip(&new) {
        assert!(
            old.meta() == new.meta(),
            "{name}: the body must keep shapes and types of the carry, but makes {} {} of {} {}",
            new.dtype(),
            new.shape(),
            old.dtype(),
            old.shape()
        );
    }
}

/// The first length of all sequences.
#[track_caller]
fn common_length(name: &str, sequences: &[Tensor]) -> usize {
    let first = sequences.first().unwrap_or_else(|| {
        panic!("{name}: there is no sequence, so that the number of steps is not known; use scan_steps")
    });
    for sequence in sequences {
        assert!(sequence.rank() > 0, "{name}: a sequence is a single number, which has no axis to go along");
        assert!(
            sequence.shape()[0] == first.shape()[0],
            "{name}: sequences of different lengths, of shapes {} and {}",
            first.shape(),
            sequence.shape()
        );
    }
    first.shape()[0]
}

/// Runs `body` along the first axis of all leaves of `sequences`: it maps a carry and the elements at one position to
/// the next carry and anything else, which is stacked along a new first axis. Returns the last carry and the stacks.
///
/// The body is called once, to be traced; the graph has one node for the whole loop, however long. Tensors that the
/// body captures take part in derivatives. The reverse derivative is a scan that goes back over the carries that each
/// step began with and computes the step again: its memory is that of the carries, not of all that the steps compute.
/// Wrap the body in [`checkpoint`](crate::checkpoint) to keep less within a step of its backward pass.
///
/// ```
/// use bolete_tensor::{Tensor, grad, scan};
/// let x = Tensor::from([1.0f64, 2.0, 3.0]);
/// let running = |x: &Tensor| scan(|sum: &Tensor, x: &Tensor| (sum + x, sum * x), &Tensor::from(0.0f64), x);
/// let (total, products) = running(&x);
/// assert_eq!(total.item(), 6.0);
/// assert_eq!(products.to_vec::<f64>(), [0.0, 2.0, 9.0]);
/// assert_eq!(grad(|x: &Tensor| running(x).1.sum(..))(&x).to_vec::<f64>(), [5.0, 4.0, 3.0]);
/// ```
///
/// # Panics
/// If the sequences have different lengths or there is none, or the body changes the structure, shapes or types of the
/// carry.
#[track_caller]
pub fn scan<C: Tree, X: Tree, Y: Tree>(
    body: impl FnOnce(&C, &X) -> (C, Y),
    init: &C,
    sequences: &X,
) -> (C, Y) {
    along(false, body, init, sequences)
}

/// [`scan`] from the last position to the first. Stacks are in the order of the sequences.
///
/// # Panics
/// As [`scan`].
#[track_caller]
pub fn scan_reversed<C: Tree, X: Tree, Y: Tree>(
    body: impl FnOnce(&C, &X) -> (C, Y),
    init: &C,
    sequences: &X,
) -> (C, Y) {
    along(true, body, init, sequences)
}

#[track_caller]
fn along<C: Tree, X: Tree, Y: Tree>(
    reverse: bool,
    body: impl FnOnce(&C, &X) -> (C, Y),
    init: &C,
    sequences: &X,
) -> (C, Y) {
    let leaves = sequences.leaves();
    let length = common_length("scan", &leaves);
    run(Course { name: "scan", length, reverse }, init, &leaves, |carry, elements| {
        body(carry, &sequences.with_leaves(elements.iter().cloned()))
    })
}

/// [`scan`] of `length` steps without sequences.
///
/// ```
/// use bolete_tensor::{Tensor, scan_steps};
/// let (last, powers) = scan_steps(4, |x: &Tensor| (x * 2.0, x.clone()), &Tensor::from(1.0f32));
/// assert_eq!(last.item(), 16.0);
/// assert_eq!(powers.to_vec::<f32>(), [1.0, 2.0, 4.0, 8.0]);
/// ```
///
/// # Panics
/// If the body changes the structure, shapes or types of the carry.
#[track_caller]
pub fn scan_steps<C: Tree, Y: Tree>(length: usize, body: impl FnOnce(&C) -> (C, Y), init: &C) -> (C, Y) {
    run(Course { name: "scan_steps", length, reverse: false }, init, &[], |carry, _| body(carry))
}

/// `body(i, carry)` for i = 0, 1, …, `count` − 1 (`i64`), each on the carry that the last one returned.
///
/// ```
/// use bolete_tensor::{DType, Tensor, fori_loop};
/// let factorial = fori_loop(5, |i, x: &Tensor| x * (i + 1.0).cast(DType::F64), &Tensor::from(1.0f64));
/// assert_eq!(factorial.item(), 120.0);
/// ```
///
/// # Panics
/// If the body changes the structure, shapes or types of the carry.
#[track_caller]
pub fn fori_loop<C: Tree>(count: usize, body: impl FnOnce(&Tensor, &C) -> C, init: &C) -> C {
    let positions = [Tensor::arange(count, DType::I64)];
    run(Course { name: "fori_loop", length: count, reverse: false }, init, &positions, |carry, position| {
        (body(&position[0], carry), ())
    })
    .0
}

/// The derivative that nothing flows into.
pub(super) fn zeros(meta: &Meta) -> Tensor {
    Tensor::zeros(&meta.shape, meta.dtype)
}
