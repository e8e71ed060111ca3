//! One sequence at a time, one number after the other.

use super::{Cell, ForwardInputs, Sizes};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Hidden states `[steps, batch, hidden]`, and hidden and cell states at the end.
pub fn forward(cell: Cell, sizes: Sizes, inputs: ForwardInputs<f64>) -> [Vec<f64>; 3] {
    let Sizes { steps, batch, hidden } = sizes;
    let gates = cell.gates() * hidden;
    let mut sequence = vec![0.0; steps * batch * hidden];
    let (mut states, mut memories) = (inputs.hidden.to_vec(), inputs.memory.to_vec());
    for one in 0..batch {
        for step in 0..inputs.lengths[one].clamp(0, steps as i64) as usize {
            let at = step * batch + one;
            let state = states[one * hidden..][..hidden].to_vec();
            let product: Vec<f64> = (0..gates)
                .map(|gate| {
                    let weights = &inputs.weight[gate * hidden..][..hidden];
                    weights.iter().zip(&state).map(|(w, h)| w * h).sum::<f64>() + inputs.bias[gate]
                })
                .collect();
            for unit in 0..hidden {
                let x = |gate: usize| inputs.projected[at * gates + gate * hidden + unit];
                let r = |gate: usize| product[gate * hidden + unit];
                let next = match cell {
                    Cell::Tanh => (x(0) + r(0)).tanh(),
                    Cell::Relu => (x(0) + r(0)).max(0.0),
                    Cell::Lstm => {
                        let gate = |gate: usize| sigmoid(x(gate) + r(gate));
                        let memory = &mut memories[one * hidden + unit];
                        *memory = gate(1) * *memory + gate(0) * (x(2) + r(2)).tanh();
                        gate(3) * memory.tanh()
                    }
                    Cell::Gru => {
                        let (reset, update) = (sigmoid(x(0) + r(0)), sigmoid(x(1) + r(1)));
                        (1.0 - update) * (x(2) + reset * r(2)).tanh() + update * state[unit]
                    }
                };
                states[one * hidden + unit] = next;
                sequence[at * hidden + unit] = next;
            }
        }
    }
    [sequence, states, memories]
}
