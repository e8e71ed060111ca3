//! Gated recurrent units.

use bolete_tensor::{Key, Shape, Tensor};

use super::recurrent::{Given, recurrent};
use crate::{Context, Module};

recurrent! {
    "Gru", gates 3,
    /// What a [`Gru`] layer or a [`GruCell`] is to be.
    config GruConfig,
    /// Gated recurrent units (Cho et al. 2014, in the form of cuDNN and PyTorch) over sequences,
    /// `[batch, steps, input] → [batch, steps, directions · hidden]`, in any number of layers. For each step, with gates
    /// in the order r, z, n and x, u their parts W_ih x + b_ih and W_hh h + b_hh,
    ///
    /// ```text
    /// r = σ(x_r + u_r)
    /// z = σ(x_z + u_z)
    /// n = tanh(x_n + r u_n)
    /// h ← (1 − z) n + z h
    /// ```
    ///
    /// As a [`Module`] it starts from states of zeros; [`run`](Gru::run) takes states and lengths.
    ///
    /// ```
    /// use bolete_nn::{Context, GruConfig, Module};
    /// use bolete_tensor::{DType, Key, Tensor};
    ///
    /// let layer = GruConfig::new(3, 5).init(&Key::new(0));
    /// let output = layer.forward(&Tensor::zeros([4, 7, 3], DType::F32), &mut Context::evaluation());
    /// assert_eq!(*output.shape(), [4, 7, 5]);
    /// ```
    layer Gru,
    /// One step of a [`Gru`] layer, made by [`GruConfig::init_cell`].
    cell GruCell
}

impl Gru {
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
            self.stack.run("Gru", input, given, context, &|projected, weights, start, lengths| {
                let (all, last) =
                    projected.gru(&weights.weight_hh, &weights.state_bias(), &start[0], lengths);
                (all, vec![last])
            });
        (context.observe(self, input, output), last.remove(0))
    }
}

impl Module for Gru {
    /// # Panics
    /// If the input is not `[batch, steps, input]`.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        self.run(input, None, None, context).0
    }

    fn describe(&self) -> String {
        self.stack.describe("Gru")
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        // Per unit: three sums, three gates, a product with the reset gate, the new state in three.
        self.stack.operations(output, 10)
    }
}

impl GruCell {
    /// The next state `[batch, hidden]` for an input `[batch, input]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn step(&self, input: &Tensor, state: &Tensor) -> Tensor {
        let projected = self.weights.project(input).unsqueeze(0);
        projected.gru(&self.weights.weight_hh, &self.weights.state_bias(), state, None).1
    }
}
