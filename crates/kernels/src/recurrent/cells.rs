//! One step of one sequence: passes over the gates.
//!
//! Each pass is a loop of few arrays, so that the compiler vectorises it.

use super::{Cell, RecurrentElement};
use crate::isa::{Instructions, Kernel};
use crate::math::Real;

/// The new state from the product with the old one.
pub(super) struct Forward<'a, T> {
    pub cell: Cell,
    pub projected: &'a [T],
    pub product: &'a [T],
    pub bias: &'a [T],
    /// The old hidden state, then the new one.
    pub state: &'a mut [T],
    pub memory: &'a mut [T],
    pub saved: &'a mut [T],
}

impl<T: RecurrentElement> Kernel for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let hidden = self.state.len();
        let part = |index: usize| index * hidden..(index + 1) * hidden;
        match self.cell {
            Cell::Tanh => sum3(self.projected, self.product, self.bias, self.state, |x| x.tanh::<I>()),
            Cell::Relu => {
                sum3(self.projected, self.product, self.bias, self.state, |x| {
                    x.maximum::<I>(<T as Real>::ZERO)
                });
            }
            Cell::Lstm => {
                for gate in 0..4 {
                    let (x, r, b) =
                        (&self.projected[part(gate)], &self.product[part(gate)], &self.bias[part(gate)]);
                    let to = &mut self.saved[part(gate)];
                    match gate {
                        2 => sum3(x, r, b, to, |x| x.tanh::<I>()),
                        _ => sum3(x, r, b, to, |x| x.sigmoid::<I>()),
                    }
                }
                let (input, forget) = (&self.saved[part(0)], &self.saved[part(1)]);
                let (new, output) = (&self.saved[part(2)], &self.saved[part(3)]);
                let memory = &mut self.memory[..hidden];
                for index in 0..hidden {
                    memory[index] = forget[index] * memory[index] + input[index] * new[index];
                }
                let state = &mut self.state[..hidden];
                for index in 0..hidden {
                    state[index] = output[index] * memory[index].tanh::<I>();
                }
            }
            Cell::Gru => {
                let [x, r, b] = [self.projected, self.product, self.bias];
                let (reset, rest) = self.saved.split_at_mut(hidden);
                let (update, rest) = rest.split_at_mut(hidden);
                let (new, inner) = rest.split_at_mut(hidden);
                sum3(&x[part(0)], &r[part(0)], &b[part(0)], reset, |x| x.sigmoid::<I>());
                sum3(&x[part(1)], &r[part(1)], &b[part(1)], update, |x| x.sigmoid::<I>());
                let (x, r, b) = (&x[part(2)], &r[part(2)], &b[part(2)]);
                for index in 0..hidden {
                    inner[index] = r[index] + b[index];
                }
                for index in 0..hidden {
                    new[index] = (x[index] + reset[index] * inner[index]).tanh::<I>();
                }
                let state = &mut self.state[..hidden];
                for index in 0..hidden {
                    state[index] = new[index] + update[index] * (state[index] - new[index]);
                }
            }
        }
    }
}

/// `to = f(a + b + c)`.
#[inline(always)]
fn sum3<T: RecurrentElement>(a: &[T], b: &[T], c: &[T], to: &mut [T], f: impl Fn(T) -> T) {
    let length = to.len();
    let (a, b, c) = (&a[..length], &b[..length], &c[..length]);
    for index in 0..length {
        to[index] = f(a[index] + b[index] + c[index]);
    }
}

/// Cotangents of the gates from that of the new state. `state` and `memory` hold the cotangents of the state after
/// the step, then what goes to the state before it past the product.
pub(super) struct Backward<'a, T> {
    pub cell: Cell,
    pub before: &'a [T],
    pub memory_before: &'a [T],
    pub now: &'a [T],
    pub memory_now: &'a [T],
    pub saved: &'a [T],
    /// The cotangent of the state as an output.
    pub arrived: &'a [T],
    pub state: &'a mut [T],
    pub memory: &'a mut [T],
    pub projected: &'a mut [T],
    pub recurrent: &'a mut [T],
}

impl<T: RecurrentElement> Kernel for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let hidden = self.state.len();
        let part = |index: usize| index * hidden..(index + 1) * hidden;
        let state = self.state;
        for (state, arrived) in state.iter_mut().zip(self.arrived) {
            *state = *state + *arrived;
        }
        match self.cell {
            Cell::Tanh => {
                let (now, to) = (&self.now[..hidden], &mut self.projected[..hidden]);
                for index in 0..hidden {
                    to[index] = state[index] * (T::ONE - now[index] * now[index]);
                }
                state.fill(<T as Real>::ZERO);
            }
            Cell::Relu => {
                let (now, to) = (&self.now[..hidden], &mut self.projected[..hidden]);
                for index in 0..hidden {
                    to[index] = if now[index] > <T as Real>::ZERO { state[index] } else { <T as Real>::ZERO };
                }
                state.fill(<T as Real>::ZERO);
            }
            Cell::Lstm => {
                let (input, forget) = (&self.saved[part(0)], &self.saved[part(1)]);
                let (new, output) = (&self.saved[part(2)], &self.saved[part(3)]);
                let (to_input, rest) = self.projected.split_at_mut(hidden);
                let (to_forget, rest) = rest.split_at_mut(hidden);
                let (to_new, to_output) = rest.split_at_mut(hidden);
                let to_output = &mut to_output[..hidden];
                let memory = &mut self.memory[..hidden];
                let (now, before) = (&self.memory_now[..hidden], &self.memory_before[..hidden]);
                for index in 0..hidden {
                    let squashed = now[index].tanh::<I>();
                    let (sent, gate) = (state[index], output[index]);
                    to_output[index] = sent * squashed * gate * (T::ONE - gate);
                    memory[index] = memory[index] + sent * gate * (T::ONE - squashed * squashed);
                }
                for index in 0..hidden {
                    let gate = input[index];
                    to_input[index] = memory[index] * new[index] * gate * (T::ONE - gate);
                }
                for index in 0..hidden {
                    let gate = forget[index];
                    to_forget[index] = memory[index] * before[index] * gate * (T::ONE - gate);
                }
                for index in 0..hidden {
                    to_new[index] = memory[index] * input[index] * (T::ONE - new[index] * new[index]);
                }
                for index in 0..hidden {
                    memory[index] = memory[index] * forget[index];
                }
                state.fill(<T as Real>::ZERO);
            }
            Cell::Gru => {
                let (reset, update) = (&self.saved[part(0)], &self.saved[part(1)]);
                let (new, inner) = (&self.saved[part(2)], &self.saved[part(3)]);
                let before = &self.before[..hidden];
                let (to_reset, rest) = self.projected.split_at_mut(hidden);
                let (to_update, to_new) = rest.split_at_mut(hidden);
                let to_new = &mut to_new[..hidden];
                for index in 0..hidden {
                    to_new[index] =
                        state[index] * (T::ONE - update[index]) * (T::ONE - new[index] * new[index]);
                }
                for index in 0..hidden {
                    let gate = update[index];
                    to_update[index] = state[index] * (before[index] - new[index]) * gate * (T::ONE - gate);
                }
                for index in 0..hidden {
                    let gate = reset[index];
                    to_reset[index] = to_new[index] * inner[index] * gate * (T::ONE - gate);
                }
                let (to_gates, to_inner) = self.recurrent.split_at_mut(2 * hidden);
                to_gates[..hidden].copy_from_slice(to_reset);
                to_gates[hidden..].copy_from_slice(to_update);
                for index in 0..hidden {
                    to_inner[index] = to_new[index] * reset[index];
                }
                for index in 0..hidden {
                    state[index] = state[index] * update[index];
                }
            }
        }
    }
}
