//! The simple recurrent network.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use super::recurrent::{Given, RecurrentWeights, recurrent};
use crate::{Context, Module};

/// What an [`Rnn`] does to its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Tree)]
pub enum Nonlinearity {
    /// tanh.
    Tanh,
    /// max(·, 0).
    Relu,
}

recurrent! {
    "Rnn", gates 1,
    /// What an [`Rnn`] layer or an [`RnnCell`] is to be.
    config RnnConfig,
    /// A simple recurrent network (Elman 1990) over sequences,
    /// `[batch, steps, input] → [batch, steps, directions · hidden]`, in any number of layers:
    /// h ← tanh(W_ih x + b_ih + W_hh h + b_hh), or max(·, 0) in place of tanh.
    ///
    /// As a [`Module`] it starts from states of zeros; [`run`](Rnn::run) takes states and lengths.
    ///
    /// ```
    /// use bolete_nn::{Context, Module, RnnConfig};
    /// use bolete_tensor::{DType, Key, Tensor};
    ///
    /// let layer = RnnConfig::new(3, 5).init(&Key::new(0));
    /// let output = layer.forward(&Tensor::zeros([4, 7, 3], DType::F32), &mut Context::evaluation());
    /// assert_eq!(*output.shape(), [4, 7, 5]);
    /// ```
    layer Rnn,
    /// One step of an [`Rnn`] layer, made by [`RnnConfig::init_cell`].
    cell RnnCell,
    /// What is done to the sums; the default is tanh.
    nonlinearity: Nonlinearity = Nonlinearity::Tanh
}

impl Nonlinearity {
    #[track_caller]
    fn run(
        self,
        projected: &Tensor,
        weights: &RecurrentWeights,
        start: &Tensor,
        lengths: Option<&Tensor>,
    ) -> (Tensor, Tensor) {
        let (weight, bias) = (weights.weight_hh.tensor(), weights.state_bias());
        match self {
            Nonlinearity::Tanh => projected.rnn_tanh(weight, &bias, start, lengths),
            Nonlinearity::Relu => projected.rnn_relu(weight, &bias, start, lengths),
        }
    }
}

impl Rnn {
    /// Outputs `[batch, steps, directions · hidden]` and last states `[layers · directions, batch, hidden]` for inputs
    /// `[batch, steps, input]`, from first states, or zeros. `lengths`, integers `[batch]` of at most `steps`, are the
    /// steps of each sequence: behind its end outputs are zero, its last state is that at its end, and there it begins
    /// backwards.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn run(
        &self,
        input: &Tensor,
        state: Option<&Tensor>,
        lengths: Option<&Tensor>,
        context: &mut Context,
    ) -> (Tensor, Tensor) {
        let states = state.as_slice();
        let given = Given { states, count: 1, lengths };
        let (output, mut last) =
            self.stack.run("Rnn", input, given, context, &|projected, weights, start, lengths| {
                let (all, last) = self.nonlinearity.run(projected, weights, &start[0], lengths);
                (all, vec![last])
            });
        (context.observe(self, input, output), last.remove(0))
    }
}

impl Module for Rnn {
    /// # Panics
    /// If the input is not `[batch, steps, input]`.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        self.run(input, None, None, context).0
    }

    fn describe(&self) -> String {
        self.stack.describe("Rnn")
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // Per unit: a sum and the nonlinearity.
        self.stack.operations(output, 2)
    }
}

impl RnnCell {
    /// The next state `[batch, hidden]` for an input `[batch, input]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn step(&self, input: &Tensor, state: &Tensor) -> Tensor {
        let projected = self.weights.project(input).unsqueeze(0);
        self.nonlinearity.run(&projected, &self.weights, state, None).1
    }
}
