//! Repeating while a condition holds.

use std::sync::Arc;

use crate::buffer::allocate;
use crate::transform::trace::Traced;
use crate::transform::{forward, vmap_tensors};
use crate::tree::{Tree, TreeExt};
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

use super::branch::{check_predicate, chosen, cond, traced, widened};
use super::piece::Piece;
use super::scan::{check_carry, scan_steps, zeros};

/// Inputs: carries, then what condition and body take from outside.
#[derive(Debug)]
pub(super) struct While {
    pub condition: Piece,
    pub body: Piece,
}

impl While {
    fn new(condition: Traced, body: Traced) -> While {
        While { condition: Piece::new(Arc::new(condition), 0), body: Piece::new(Arc::new(body), 0) }
    }

    fn carries(&self) -> usize {
        self.body.traced.outputs().len()
    }
}

impl CustomOp for While {
    fn name(&self) -> &str {
        "while_loop"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.condition.traced.fingerprint, self.body.traced.fingerprint]
    }
    fn infer(&self, _: &[Metadata]) -> Vec<Metadata> {
        self.body.outputs()
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let carries = self.carries();
        let mut reads: Vec<*const u8> = inputs.iter().map(|input| input.bytes.as_ptr()).collect();
        let sizes: Vec<usize> = outputs.iter().map(|output| output.bytes.len()).collect();
        let own: Vec<*mut u8> = outputs.iter_mut().map(|output| output.bytes.as_mut_ptr()).collect();
        let mut memory: Vec<_> = sizes.iter().map(|size| allocate(*size)).collect();
        let spare: Vec<*mut u8> = memory.iter_mut().map(|memory| memory.as_mut_ptr()).collect();
        let (mut condition, mut body) = (self.condition.runner(), self.body.runner());
        let (mut target, mut other) = (&own, &spare);
        let mut goes_on = 0u8;
        loop {
            // SAFETY: arguments of the shapes of the pieces; the carry that is read is never the one that is written.
            unsafe { condition.run(&reads, &[&raw mut goes_on]) };
            if goes_on == 0 {
                break;
            }
            // SAFETY: as above.
            unsafe { body.run(&reads, target) };
            reads.iter_mut().zip(target).for_each(|(read, written)| *read = written.cast_const());
            std::mem::swap(&mut target, &mut other);
        }
        for carry in 0..carries {
            // SAFETY: both hold a value of the carry's shape, and may be the same.
            unsafe { std::ptr::copy(reads[carry], own[carry], sizes[carry]) };
        }
    }
    fn vjp(&self, _: &[Tensor], _: &[Tensor], _: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        panic!(
            "while_loop has no reverse derivative: the number of steps, hence the memory for going back, is not known \
             beforehand; use while_loop_bounded with a largest number of steps, or scan or fori_loop with a fixed one"
        )
    }
    fn jvp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let carries = self.carries();
        let floats: Vec<bool> = inputs[..carries].iter().map(|carry| carry.dtype().is_float()).collect();
        let start: Vec<Tensor> = (0..carries)
            .filter(|carry| floats[*carry])
            .map(|carry| tangents[carry].clone().unwrap_or_else(|| inputs[carry].zeros_like()))
            .collect();
        let directions: Vec<Tensor> = tangents[carries..].iter().flatten().cloned().collect();
        // Carries, their tangents, constants, their tangents.
        let (own, fixed) = inputs.split_at(carries);
        let all = [own, &start, fixed, &directions].concat();
        let (along, count) = (start.len(), fixed.len());
        let positions = (0..carries).chain(carries + along..carries + along + count);
        let condition = widened(&self.condition.traced, &all, positions.clone());
        let metas = all.iter().map(|input| input.meta().clone());
        let body = Traced::derived(&[&self.body.traced], metas, |holes| {
            let own: Vec<Tensor> = positions.map(|position| holes[position].clone()).collect();
            let mut moving = holes[carries..carries + along].iter().cloned();
            let mut fixed = holes[carries + along + count..].iter().cloned();
            let tangents: Vec<Option<Tensor>> = (0..own.len())
                .map(|index| match index < carries {
                    true if floats[index] => moving.next(),
                    true => None,
                    false => tangents[index].as_ref().and_then(|_| fixed.next()),
                })
                .collect();
            let pushed = forward::through(&own, &tangents, |own| self.body.traced.at(own));
            let pushed = pushed.into_iter().enumerate().filter(|(index, _)| floats[*index]);
            let pushed = pushed.map(|(index, tangent)| tangent.unwrap_or_else(|| zeros(own[index].meta())));
            let mut next = self.body.traced.at(&own);
            next.extend(pushed);
            next
        });
        let mut made = custom(While::new(condition, body), &all).into_iter().skip(carries);
        Some(floats.iter().map(|float| if *float { made.next() } else { None }).collect())
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        let carries = self.carries();
        let mut marks = mapped.to_vec();
        marks[..carries].fill(true);
        let given: Vec<Tensor> = (inputs.iter().enumerate())
            .map(|(index, input)| match marks[index] && !mapped[index] {
                true => input.broadcast_to(input.shape().inserted(0, size)),
                false => input.clone(),
            })
            .collect();
        let metas = || given.iter().map(|input| input.meta().clone());
        let holding = |holes: &[Tensor]| {
            vmap_tensors(holes, &marks, size, |one| self.condition.traced.at(one)).remove(0)
        };
        let condition = Traced::derived(&[&self.condition.traced], metas(), |holes| {
            vec![holding(holes).cast(DType::I64).sum(..).greater(0.0)]
        });
        // Whoever has finished stays as it is.
        let body = Traced::derived(&[&self.condition.traced, &self.body.traced], metas(), |holes| {
            let holds = holding(holes);
            let next = vmap_tensors(holes, &marks, size, |one| self.body.traced.at(one));
            next.iter().zip(holes).map(|(next, now)| chosen(&holds, next, now)).collect()
        });
        Some(custom(While::new(condition, body), &given))
    }
}

/// `body` applied again and again while `condition` holds, a single boolean: first to `init`, then to what it
/// returned. The graph has one node for the whole loop.
///
/// It has a forward derivative ([`jvp`](crate::jvp)), but no reverse one, for which see [`while_loop_bounded`]. Under
/// [`vmap`](crate::vmap) it runs until every example has finished; those that have stay as they are.
///
/// ```
/// use bolete_tensor::{Tensor, while_loop};
/// let (n, steps) = while_loop(
///     |(n, _): &(Tensor, Tensor)| n.greater(1.0),
///     |(n, steps): &(Tensor, Tensor)| (n / 2.0, steps + 1.0),
///     &(Tensor::from(10.0f32), Tensor::from(0.0f32)),
/// );
/// assert_eq!((n.item(), steps.item()), (0.625, 4.0));
/// ```
///
/// # Panics
/// If the condition is not a single boolean, the carry has no leaf, or the body changes its structure, shapes or
/// types. A condition that never fails makes a loop that never ends.
#[track_caller]
pub fn while_loop<C: Tree>(condition: impl FnOnce(&C) -> Tensor, body: impl FnOnce(&C) -> C, init: &C) -> C {
    let mut inputs = init.leaves();
    let own = inputs.len();
    assert!(own > 0, "while_loop: there is no tensor in the carry, so that the condition could never change");
    let (first, holds, first_free) = traced(init, &inputs, condition);
    check_predicate("while_loop", &holds);
    let (second, next, second_free) = traced(init, &inputs, body);
    check_carry("while_loop", init, &next);
    let middle = own + first_free.len();
    inputs.extend(first_free);
    inputs.extend(second_free);
    let condition = widened(&first, &inputs, 0..middle);
    let body = widened(&second, &inputs, (0..own).chain(middle..inputs.len()));
    next.with_leaves(custom(While::new(condition, body), &inputs))
}

/// [`while_loop`] that ends after `most` steps at the latest, and has a reverse derivative: a [`scan`](crate::scan)
/// of `most` steps, of which those after the condition has failed do nothing. Its memory is that of `most` carries.
///
/// ```
/// use bolete_tensor::{Tensor, grad, while_loop_bounded};
/// // Doubles until above 10: three times.
/// let double = |x: &Tensor| while_loop_bounded(8, |x: &Tensor| x.less(10.0), |x: &Tensor| x * 2.0, x);
/// assert_eq!(double(&Tensor::from(1.5f64)).item(), 12.0);
/// assert_eq!(grad(double)(&Tensor::from(1.5f64)).item(), 8.0);
/// ```
///
/// # Panics
/// As [`while_loop`].
#[track_caller]
pub fn while_loop_bounded<C: Tree>(
    most: usize,
    condition: impl FnOnce(&C) -> Tensor,
    body: impl FnOnce(&C) -> C,
    init: &C,
) -> C {
    let step = |carry: &C| {
        let holds = condition(carry);
        check_predicate("while_loop_bounded", &holds);
        let same = |carry: &C| carry.map(Tensor::clone);
        let next = |carry: &C| {
            let next = body(carry);
            check_carry("while_loop_bounded", carry, &next);
            next
        };
        (cond(&holds, next, same, carry), ())
    };
    scan_steps(most, step, init).0
}
