//! Recurrent layers by plain ops: scans over the steps.

use super::{Parts, has_products_apart};
use crate::cpu::kernels::recurrent::Cell;
use crate::{DType, Tensor, scan, scan_reversed};

/// The parts of the last axis that belong to each gate.
#[track_caller]
fn gates(tensor: &Tensor, count: usize) -> Vec<Tensor> {
    tensor.chunk(count, -1)
}

#[track_caller]
fn one_minus(x: &Tensor) -> Tensor {
    Tensor::constant(1.0, x.dtype()) - x
}

/// The numbers of the steps, and which sequences still run at one of them, as a column.
#[track_caller]
fn positions(steps: usize) -> Tensor {
    Tensor::arange(steps, DType::I64)
}

#[track_caller]
fn running(lengths: &Tensor, step: &Tensor) -> Tensor {
    lengths.greater(step).unsqueeze(-1)
}

/// `new` in the rows of `which`, else `old`.
#[track_caller]
fn chosen(which: &Tensor, new: &Tensor, old: &Tensor) -> Tensor {
    which.broadcast_to(new.shape()).select(new, old)
}

/// Inputs and outputs of [`Recurrence`](super::Recurrence).
#[track_caller]
pub(super) fn forward(cell: Cell, inputs: &[Tensor]) -> Vec<Tensor> {
    let [projected, weight, bias, lengths] = [0, 1, 2, 3].map(|index| &inputs[index]);
    let step = |states: &Vec<Tensor>, (step, x): &(Tensor, Tensor)| {
        let state = &states[0];
        let product = state.matmul(&weight.t()) + bias;
        // New states, and what is saved.
        let (next, saved) = match cell {
            Cell::Tanh => (vec![(x + product).tanh()], vec![]),
            Cell::Relu => (vec![(x + product).relu()], vec![]),
            Cell::Lstm => {
                let parts = gates(&(x + product), 4);
                let (input, forget) = (parts[0].sigmoid(), parts[1].sigmoid());
                let (new, output) = (parts[2].tanh(), parts[3].sigmoid());
                let memory = &forget * &states[1] + &input * &new;
                let state = &output * memory.tanh();
                let saved = Tensor::concatenate(&[input, forget, new, output], -1);
                (vec![state, memory.clone()], vec![saved, memory])
            }
            Cell::Gru => {
                let (x, r) = (gates(x, 3), gates(&product, 3));
                let (reset, update) = ((&x[0] + &r[0]).sigmoid(), (&x[1] + &r[1]).sigmoid());
                let new = (&x[2] + &reset * &r[2]).tanh();
                let next = &new + &update * (state - &new);
                (vec![next], vec![Tensor::concatenate(&[reset, update, new, r[2].clone()], -1)])
            }
        };
        let runs = running(lengths, step);
        let kept: Vec<Tensor> = next.iter().zip(states).map(|(new, old)| chosen(&runs, new, old)).collect();
        let stacks = std::iter::once(&next[0]).chain(&saved);
        (kept, stacks.map(|stack| chosen(&runs, stack, &stack.zeros_like())).collect::<Vec<Tensor>>())
    };
    let start = inputs[4..].to_vec();
    let (last, mut stacks) = scan(step, &start, &(positions(projected.shape()[0]), projected.clone()));
    let saved = stacks.split_off(1);
    [stacks, last, saved].concat()
}

/// Inputs and outputs of [`RecurrenceGradient`](super::RecurrenceGradient).
#[track_caller]
pub(super) fn backward(cell: Cell, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut parts = Parts { rest: inputs };
    let (weight, lengths, hidden) = (parts.next(), parts.next(), parts.next());
    let memory = parts.next_if(cell.has_memory());
    let sequence = parts.next();
    let saved = parts.next_if(cell.saved() > 0);
    let memories = parts.next_if(cell.has_memory());
    let of_sequence = parts.next();
    let last = parts.rest.to_vec();
    let steps = sequence.shape()[0];
    // What stood before each step.
    let before = |first: &Tensor, all: &Tensor| {
        Tensor::concatenate(&[first.unsqueeze(0), all.clone()], 0).narrow(0, 0, steps)
    };
    let mut along = vec![positions(steps), of_sequence.clone(), sequence.clone(), before(hidden, sequence)];
    along.extend(saved.cloned());
    if let (Some(memory), Some(memories)) = (memory, memories) {
        along.extend([memories.clone(), before(memory, memories)]);
    }
    let step = |states: &Vec<Tensor>, along: &Vec<Tensor>| {
        let [number, arrived, now, before] = [0, 1, 2, 3].map(|index| &along[index]);
        let sent = &states[0] + arrived;
        // Cotangents of the projected inputs and of the products, and what goes to the states past the products.
        let (projected, products, past) = match cell {
            Cell::Tanh => {
                let made = &sent * one_minus(&now.square());
                (made.clone(), made, vec![sent.zeros_like()])
            }
            Cell::Relu => {
                let made = now.greater(0.0).select(&sent, sent.zeros_like());
                (made.clone(), made, vec![sent.zeros_like()])
            }
            Cell::Lstm => {
                let saved = gates(&along[4], 4);
                let [input, forget, new, output] = [0, 1, 2, 3].map(|index| &saved[index]);
                let squashed = along[5].tanh();
                let of_memory = &states[1] + &sent * output * one_minus(&squashed.square());
                let slope = |gate: &Tensor| gate * one_minus(gate);
                let made = [
                    &of_memory * new * slope(input),
                    &of_memory * &along[6] * slope(forget),
                    &of_memory * input * one_minus(&new.square()),
                    &sent * &squashed * slope(output),
                ];
                let made = Tensor::concatenate(&made, -1);
                (made.clone(), made, vec![sent.zeros_like(), of_memory * forget])
            }
            Cell::Gru => {
                let saved = gates(&along[4], 4);
                let [reset, update, new, inner] = [0, 1, 2, 3].map(|index| &saved[index]);
                let slope = |gate: &Tensor| gate * one_minus(gate);
                let to_new = &sent * one_minus(update) * one_minus(&new.square());
                let to_update = &sent * (before - new) * slope(update);
                let to_reset = &to_new * inner * slope(reset);
                let join =
                    |last: Tensor| Tensor::concatenate(&[to_reset.clone(), to_update.clone(), last], -1);
                (join(to_new.clone()), join(&to_new * reset), vec![&sent * update])
            }
        };
        let mut next = past;
        next[0] = &next[0] + products.matmul(weight);
        let runs = running(lengths, number);
        let kept: Vec<Tensor> = next.iter().zip(states).map(|(new, old)| chosen(&runs, new, old)).collect();
        let mut stacks = vec![projected];
        if has_products_apart(cell) {
            stacks.push(products);
        }
        (kept, stacks.iter().map(|stack| chosen(&runs, stack, &stack.zeros_like())).collect::<Vec<Tensor>>())
    };
    let (states, stacks) = scan_reversed(step, &last, &along);
    [stacks, states].concat()
}
