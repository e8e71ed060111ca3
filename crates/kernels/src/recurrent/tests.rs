use super::*;

const CELLS: [Cell; 4] = [Cell::Tanh, Cell::Relu, Cell::Lstm, Cell::Gru];

/// Numbers between -1 and 1.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

struct Problem {
    cell: Cell,
    sizes: Sizes,
    arrays: [Vec<f64>; 5],
    lengths: Vec<i64>,
}

struct Results {
    sequence: Vec<f64>,
    hidden: Vec<f64>,
    memory: Vec<f64>,
    saved: Vec<f64>,
    memories: Vec<f64>,
}

impl Problem {
    fn new(cell: Cell, [steps, batch, hidden]: [usize; 3]) -> Problem {
        let gates = cell.gates() * hidden;
        let memory = if cell.has_memory() { batch * hidden } else { 0 };
        let counts = [steps * batch * gates, gates * hidden, gates, batch * hidden, memory];
        Problem {
            cell,
            sizes: Sizes { steps, batch, hidden },
            arrays: std::array::from_fn(|index| numbers(counts[index], index as u64 + 1)),
            lengths: (0..batch).map(|one| (one * 5 % (steps + 1)) as i64).collect(),
        }
    }

    fn inputs(&self) -> ForwardInputs<'_, f64> {
        let [projected, weight, bias, hidden, memory] = &self.arrays;
        ForwardInputs { projected, weight, bias, lengths: &self.lengths, hidden, memory }
    }

    fn forward(&self, isa: Isa, threads: usize) -> Results {
        let Sizes { steps, batch, hidden } = self.sizes;
        let (all, one) = (steps * batch * hidden, batch * hidden);
        let has = usize::from(self.cell.has_memory());
        let mut results = Results {
            sequence: vec![f64::NAN; all],
            hidden: vec![f64::NAN; one],
            memory: vec![f64::NAN; one * has],
            saved: vec![f64::NAN; all * self.cell.saved()],
            memories: vec![f64::NAN; all * has],
        };
        let outputs = ForwardOutputs {
            sequence: &mut results.sequence,
            hidden: &mut results.hidden,
            memory: &mut results.memory,
            saved: &mut results.saved,
            memories: &mut results.memories,
        };
        forward(&Pool::new(threads), isa, self.cell, self.sizes, self.inputs(), outputs);
        results
    }
}

#[test]
fn forward_is_the_oracle_for_odd_sizes() {
    for cell in CELLS {
        for sizes in [[5, 3, 7], [4, 37, 19], [3, 1, 1], [0, 2, 3], [2, 0, 3], [7, 33, 64]] {
            let problem = Problem::new(cell, sizes);
            let [sequence, hidden, memory] = oracle::forward(cell, problem.sizes, problem.inputs());
            for &isa in Isa::available() {
                let found = problem.forward(isa, 2);
                let all = [(&found.sequence, &sequence), (&found.hidden, &hidden), (&found.memory, &memory)];
                for (found, expected) in all {
                    assert_eq!(found.len(), expected.len());
                    for (found, expected) in found.iter().zip(expected) {
                        let close = (found - expected).abs() < 1e-12 * expected.abs().max(1.0);
                        assert!(close, "{cell:?} {sizes:?} {isa:?}: {found} and {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn backward_is_the_slope_of_the_oracle() {
    for cell in CELLS {
        let problem = Problem::new(cell, [4, 19, 5]);
        let Sizes { steps, batch, hidden } = problem.sizes;
        let forward = problem.forward(Isa::detected(), 1);
        let weights =
            [steps * batch * hidden, batch * hidden, batch * hidden].map(|count| numbers(count, 99));
        let loss = |arrays: &[Vec<f64>; 5]| -> f64 {
            let [projected, weight, bias, hidden, memory] = arrays;
            let inputs = ForwardInputs { projected, weight, bias, lengths: &problem.lengths, hidden, memory };
            let made = oracle::forward(cell, problem.sizes, inputs);
            made.iter().zip(&weights).flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| a * b).sum()
        };
        let gates = cell.gates() * hidden;
        let mut results = [
            vec![f64::NAN; steps * batch * gates],
            vec![f64::NAN; if cell == Cell::Gru { steps * batch * gates } else { 0 }],
            vec![f64::NAN; batch * hidden],
            vec![f64::NAN; forward.memory.len()],
        ];
        let [projected, recurrent, of_hidden, of_memory] = &mut results;
        let inputs = BackwardInputs {
            weight: &problem.arrays[1],
            lengths: &problem.lengths,
            hidden: &problem.arrays[3],
            memory: &problem.arrays[4],
            sequence: &forward.sequence,
            saved: &forward.saved,
            memories: &forward.memories,
            of_sequence: &weights[0],
            of_hidden: &weights[1],
            of_memory: &weights[2][..forward.memory.len()],
        };
        let outputs = BackwardOutputs { projected, recurrent, hidden: of_hidden, memory: of_memory };
        backward(&Pool::new(2), Isa::detected(), cell, problem.sizes, inputs, outputs);
        for (array, found) in [(0, &results[0]), (3, &results[2]), (4, &results[3])] {
            for index in (0..found.len()).step_by(3) {
                let at = |by: f64| {
                    let mut arrays = problem.arrays.clone();
                    arrays[array][index] += by;
                    loss(&arrays)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                let close = (found[index] - slope).abs() < 1e-7 * slope.abs().max(1.0);
                assert!(close, "{cell:?} array {array} element {index}: {} and {slope}", found[index]);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for cell in CELLS {
        let problem = Problem::new(cell, [6, 45, 24]);
        let (one, three) = (problem.forward(Isa::detected(), 1), problem.forward(Isa::detected(), 3));
        assert!(one.sequence == three.sequence && one.hidden == three.hidden && one.saved == three.saved);
    }
}
