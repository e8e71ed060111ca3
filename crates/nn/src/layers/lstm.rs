//! Long short-term memory.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use super::recurrent::{Given, recurrent};
use crate::{Context, Module};

recurrent! {
    "Lstm", gates 4,
    /// What an [`Lstm`] layer or an [`LstmCell`] is to be.
    config LstmConfig,
    /// Long short-term memory (Hochreiter, Schmidhuber 1997, with the forget gate of Gers et al. 2000) over sequences,
    /// `[batch, steps, input] → [batch, steps, directions · hidden]`, in any number of layers. For each step, with gates
    /// in the order i, f, g, o,
    ///
    /// ```text
    /// i, f, g, o = W_ih x + b_ih + W_hh h + b_hh
    /// c ← σ(f) c + σ(i) tanh(g)
    /// h ← σ(o) tanh(c)
    /// ```
    ///
    /// As a [`Module`] it starts from states of zeros; [`run`](Lstm::run) takes states and lengths.
    ///
    /// ```
    /// use bolete_nn::{Context, LstmConfig, Module};
    /// use bolete_tensor::{DType, Key, Tensor};
    ///
    /// let layer = LstmConfig { layers: 2, bidirectional: true, ..LstmConfig::new(3, 5) }.init(&Key::new(0));
    /// let output = layer.forward(&Tensor::zeros([4, 7, 3], DType::F32), &mut Context::evaluation());
    /// assert_eq!(*output.shape(), [4, 7, 10]);
    /// ```
    layer Lstm,
    /// One step of an [`Lstm`] layer, made by [`LstmConfig::init_cell`].
    cell LstmCell
}

/// Hidden and cell states: `[layers · directions, batch, hidden]` of a layer, `[batch, hidden]` of a cell.
#[derive(Clone, Tree)]
pub struct LstmState {
    /// The hidden states.
    pub hidden: Tensor,
    /// The cell states.
    pub cell: Tensor,
}

impl Lstm {
    /// Outputs `[batch, steps, directions · hidden]` and last states for inputs `[batch, steps, input]`, from first
    /// states, or zeros. `lengths`, integers `[batch]` of at most `steps`, are the steps of each sequence: behind its
    /// end outputs are zero, its last state is that at its end, and there it begins backwards.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn run(
        &self,
        input: &Tensor,
        state: Option<&LstmState>,
        lengths: Option<&Tensor>,
        context: &mut Context,
    ) -> (Tensor, LstmState) {
        let states = state.map(|state| [&state.hidden, &state.cell]);
        let states = states.as_ref().map_or(&[][..], |states| &states[..]);
        let given = Given { states, count: 2, lengths };
        let (output, last) =
            self.stack.run("Lstm", input, given, context, &|projected, weights, start, lengths| {
                let bias = weights.state_bias();
                let made = projected.lstm(&weights.weight_hh, &bias, &start[0], &start[1], lengths);
                (made.sequence, vec![made.hidden, made.cell])
            });
        let output = context.observe(self, input, output);
        (output, LstmState { hidden: last[0].clone(), cell: last[1].clone() })
    }
}

impl Module for Lstm {
    /// # Panics
    /// If the input is not `[batch, steps, input]`.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        self.run(input, None, None, context).0
    }

    fn describe(&self) -> String {
        self.stack.describe("Lstm")
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // Per unit: four sums, four gates, the new cell state in three, the new state in two.
        self.stack.operations(output, 13)
    }
}

impl LstmCell {
    /// The next state for an input `[batch, input]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn step(&self, input: &Tensor, state: &LstmState) -> LstmState {
        let projected = self.weights.project(input).unsqueeze(0);
        let bias = self.weights.state_bias();
        let made = projected.lstm(&self.weights.weight_hh, &bias, &state.hidden, &state.cell, None);
        LstmState { hidden: made.hidden, cell: made.cell }
    }
}
