//! Recurrent layers over whole sequences: simple networks, LSTM and GRU.
//!
//! One op runs all steps, and another all of them backwards. Their plain-op forms are scans ([`plain`]), from which
//! forward derivatives, batching over weights and higher derivatives follow.

mod plain;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::recurrent::{
    self as kernels, BackwardInputs, BackwardOutputs, Cell, ForwardInputs, ForwardOutputs, RecurrentElement,
    Sizes,
};
use crate::ops::custom::Engine;
use crate::{CustomOp, DType, Element, HostArray, HostArrayMut, Metadata, Shape, Tensor, custom};

/// What an LSTM makes of a sequence.
#[derive(Clone)]
pub struct LstmOutput {
    /// Hidden states, `[steps, batch, hidden]`.
    pub sequence: Tensor,
    /// The hidden state at the end of each sequence, `[batch, hidden]`.
    pub hidden: Tensor,
    /// The cell state at the end of each sequence, `[batch, hidden]`.
    pub cell: Tensor,
}

/// All steps. Inputs: projected inputs, weight, bias, lengths, hidden state, cell state if there is one. Outputs:
/// hidden states, last hidden state, last cell state, what the backward pass needs: gates, cell states.
#[derive(Debug)]
struct Recurrence(Cell);

/// All steps backwards. Inputs: weight, lengths, hidden state, cell state, hidden states, gates, cell states, and the
/// cotangents of hidden states, last hidden state and last cell state. Outputs: cotangents of the projected inputs, of
/// the recurrent products where they differ, of hidden and cell state.
#[derive(Debug)]
struct RecurrenceGradient(Cell);

/// The parts of a list of which a cell has only some.
struct Parts<'a, T> {
    rest: &'a [T],
}

impl<'a, T> Parts<'a, T> {
    fn next(&mut self) -> &'a T {
        let (first, rest) = self.rest.split_first().expect("as many parts as the cell has");
        self.rest = rest;
        first
    }
    fn next_if(&mut self, has: bool) -> Option<&'a T> {
        has.then(|| self.next())
    }
}

fn has_products_apart(cell: Cell) -> bool {
    cell == Cell::Gru
}

fn read<'a, T: Element>(array: Option<&&'a HostArray>) -> &'a [T] {
    array.map_or(&[], |array| array.as_slice())
}

impl Recurrence {
    fn run<T: RecurrentElement + Element>(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let cell = self.0;
        let shape = inputs[0].shape;
        let sizes = Sizes { steps: shape[0], batch: shape[1], hidden: inputs[1].shape[1] };
        let inputs = ForwardInputs {
            projected: inputs[0].as_slice::<T>(),
            weight: inputs[1].as_slice(),
            bias: inputs[2].as_slice(),
            lengths: inputs[3].as_slice(),
            hidden: inputs[4].as_slice(),
            memory: inputs.get(5).map_or(&[], |memory| memory.as_slice()),
        };
        let mut made = outputs.iter_mut().map(HostArrayMut::as_mut_slice::<T>);
        let mut next = |has: bool| if has { made.next().expect("as many as inferred") } else { &mut [] };
        let outputs = ForwardOutputs {
            sequence: next(true),
            hidden: next(true),
            memory: next(cell.has_memory()),
            saved: next(cell.saved() > 0),
            memories: next(cell.has_memory()),
        };
        with_pool(|pool| kernels::forward(pool, Isa::detected(), cell, sizes, inputs, outputs));
    }
}

impl RecurrenceGradient {
    fn run<T: RecurrentElement + Element>(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let cell = self.0;
        let arrays: Vec<&HostArray> = inputs.iter().collect();
        let mut parts = Parts { rest: &arrays };
        let (weight, lengths, hidden) = (parts.next(), parts.next(), parts.next());
        let memory = parts.next_if(cell.has_memory());
        let sequence = parts.next();
        let shape = sequence.shape;
        let sizes = Sizes { steps: shape[0], batch: shape[1], hidden: shape[2] };
        let inputs = BackwardInputs {
            weight: weight.as_slice::<T>(),
            lengths: lengths.as_slice(),
            hidden: hidden.as_slice(),
            memory: read(memory),
            sequence: sequence.as_slice(),
            saved: read(parts.next_if(cell.saved() > 0)),
            memories: read(parts.next_if(cell.has_memory())),
            of_sequence: parts.next().as_slice(),
            of_hidden: parts.next().as_slice(),
            of_memory: read(parts.next_if(cell.has_memory())),
        };
        let mut made = outputs.iter_mut().map(HostArrayMut::as_mut_slice::<T>);
        let mut next = |has: bool| if has { made.next().expect("as many as inferred") } else { &mut [] };
        let outputs = BackwardOutputs {
            projected: next(true),
            recurrent: next(has_products_apart(cell)),
            hidden: next(true),
            memory: next(cell.has_memory()),
        };
        with_pool(|pool| kernels::backward(pool, Isa::detected(), cell, sizes, inputs, outputs));
    }
}

/// Inputs of many examples as those of one with a larger batch: `[examples, …, batch, …]` with the batch at `axis` of
/// each input to `[…, examples · batch, …]`.
#[track_caller]
fn joined(input: &Tensor, mapped: bool, size: usize, axis: usize) -> Tensor {
    let input = if mapped { input.clone() } else { input.broadcast_to(input.shape().inserted(0, size)) };
    let input = input.move_axis(0, axis as isize);
    let mut shape = input.shape().dims().to_vec();
    let batch = shape.remove(axis + 1);
    shape[axis] *= batch;
    input.reshape(shape)
}

#[track_caller]
fn parted(output: &Tensor, size: usize, axis: usize) -> Tensor {
    let mut shape = output.shape().dims().to_vec();
    shape[axis] /= size.max(1);
    shape.insert(axis, size);
    output.reshape(shape).move_axis(axis as isize, 0)
}

/// The axis of the batch: sequences have that of the steps in front.
fn batch_axis(rank: usize) -> usize {
    rank.saturating_sub(2)
}

/// Runs `op` once for all examples, if they share the inputs that `shared` says.
#[track_caller]
fn batched(
    op: impl CustomOp,
    inputs: &[Tensor],
    mapped: &[bool],
    size: usize,
    shared: std::ops::Range<usize>,
) -> Option<Vec<Tensor>> {
    if mapped[shared.clone()].contains(&true) {
        return None;
    }
    let given: Vec<Tensor> = (inputs.iter().enumerate())
        .map(|(index, input)| {
            if shared.contains(&index) {
                return input.clone();
            }
            let own = input.rank() - usize::from(mapped[index]);
            joined(input, mapped[index], size, batch_axis(own))
        })
        .collect();
    Some(custom(op, &given).iter().map(|output| parted(output, size, batch_axis(output.rank()))).collect())
}

impl CustomOp for Recurrence {
    fn name(&self) -> &str {
        "recurrence"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.0 as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let cell = self.0;
        let (shape, state) = (&inputs[0].shape, &inputs[4].shape);
        let hidden = state[1];
        let of = |shape: Shape| Metadata { shape, dtype: inputs[0].dtype };
        let along = |width: usize| of([shape[0], shape[1], width].into());
        let mut outputs = vec![along(hidden), of(state.clone())];
        if cell.has_memory() {
            outputs.push(of(state.clone()));
        }
        if cell.saved() > 0 {
            outputs.push(along(cell.saved() * hidden));
        }
        if cell.has_memory() {
            outputs.push(along(hidden));
        }
        outputs
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(plain::forward(self.0, inputs))
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn overwrites(&self, _: Engine) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, outputs),
            _ => self.run::<f32>(inputs, outputs),
        }
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let cell = self.0;
        let visible = 2 + usize::from(cell.has_memory());
        if cotangents[visible..].iter().any(Option::is_some) {
            // A derivative of the derivative: through the plain form.
            return None;
        }
        let (weight, lengths, hidden) = (&inputs[1], &inputs[3], &inputs[4]);
        let sequence = &outputs[0];
        let mut given = vec![weight.clone(), lengths.clone()];
        given.extend_from_slice(&inputs[4..]);
        given.push(sequence.clone());
        given.extend_from_slice(&outputs[visible..]);
        given.extend(
            cotangents
                .iter()
                .zip(&outputs[..visible])
                .map(|(cotangent, output)| cotangent.clone().unwrap_or_else(|| output.zeros_like())),
        );
        let mut made = custom(RecurrenceGradient(cell), &given).into_iter();
        let projected = made.next()?;
        let products = if has_products_apart(cell) { made.next()? } else { projected.clone() };
        // The states that the products were taken of.
        let steps = sequence.shape()[0];
        let before = Tensor::concatenate(&[hidden.unsqueeze(0), sequence.clone()], 0).narrow(0, 0, steps);
        let flat = |tensor: &Tensor| {
            let rows = tensor.shape()[0] * tensor.shape()[1];
            tensor.reshape([rows, tensor.shape()[2]])
        };
        let of_weight = flat(&products).t().matmul(&flat(&before));
        let of_bias = products.sum([0, 1]);
        let states = made.map(Some);
        Some([Some(projected), Some(of_weight), Some(of_bias), None].into_iter().chain(states).collect())
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        batched(Recurrence(self.0), inputs, mapped, size, 1..3)
    }
}

impl CustomOp for RecurrenceGradient {
    fn name(&self) -> &str {
        "recurrence_gradient"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.0 as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let cell = self.0;
        let state = &inputs[2];
        let sequence = &inputs[if cell.has_memory() { 4 } else { 3 }].shape;
        let shape = [sequence[0], sequence[1], cell.gates() * sequence[2]];
        let gates = Metadata { shape: shape.into(), dtype: state.dtype };
        let mut outputs = vec![gates.clone()];
        if has_products_apart(cell) {
            outputs.push(gates);
        }
        outputs.push(state.clone());
        if cell.has_memory() {
            outputs.push(state.clone());
        }
        outputs
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(plain::backward(self.0, inputs))
    }
    fn batched(&self, inputs: &[Tensor], mapped: &[bool], size: usize) -> Option<Vec<Tensor>> {
        batched(RecurrenceGradient(self.0), inputs, mapped, size, 0..1)
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn overwrites(&self, _: Engine) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        match inputs[0].dtype {
            DType::F64 => self.run::<f64>(inputs, outputs),
            _ => self.run::<f32>(inputs, outputs),
        }
    }
}

impl Tensor {
    /// Checks what all recurrent layers are given, and makes the inputs of the op.
    #[track_caller]
    fn recurrence(
        &self,
        name: &str,
        cell: Cell,
        [weight, bias]: [&Tensor; 2],
        states: &[&Tensor],
        lengths: Option<&Tensor>,
    ) -> Vec<Tensor> {
        assert!(
            self.rank() == 3,
            "{name}: expected projected inputs [steps, batch, {} · hidden], but the shape is {}",
            cell.gates(),
            self.shape()
        );
        let (batch, gates) = (self.shape()[1], self.shape()[2]);
        let hidden = gates / cell.gates();
        assert!(
            hidden * cell.gates() == gates && *weight.shape() == [gates, hidden] && *bias.shape() == [gates],
            "{name}: projected inputs {} need a weight [{gates}, {gates} / {}] and a bias [{gates}], not {} and {}",
            self.shape(),
            cell.gates(),
            weight.shape(),
            bias.shape()
        );
        for state in states {
            assert!(
                *state.shape() == [batch, hidden],
                "{name}: a state must have shape [{batch}, {hidden}], not {}",
                state.shape()
            );
        }
        let lengths = match lengths {
            Some(lengths) => {
                assert!(
                    *lengths.shape() == [batch] && lengths.dtype().is_integer(),
                    "{name}: lengths must be integers of shape [{batch}], not {} {}",
                    lengths.dtype(),
                    lengths.shape()
                );
                lengths.cast(DType::I64)
            }
            None => Tensor::full([batch], self.shape()[0] as f64, DType::I64),
        };
        let dtype = self.dtype().to_float();
        let wide = if dtype.is_half() { DType::F32 } else { dtype };
        let floats = |tensor: &Tensor| tensor.cast(wide);
        let mut inputs = vec![floats(self), floats(weight), floats(bias), lengths];
        inputs.extend(states.iter().map(|state| floats(state)));
        custom(Recurrence(cell), &inputs).iter().map(|output| output.cast(dtype)).collect()
    }

    /// A simple recurrent network (Elman 1990) over a sequence of inputs that are projected already, `[steps, batch,
    /// hidden]`: h ← tanh(x + W h + b), from a first state `[batch, hidden]`, with a weight `[hidden, hidden]`. Returns
    /// all states and, for each sequence, the last.
    ///
    /// `lengths`, integers `[batch]`, are the steps of each sequence; without them all have all. Behind its end a
    /// sequence's states are zero, and its last state is that at its end.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn rnn_tanh(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        hidden: &Tensor,
        lengths: Option<&Tensor>,
    ) -> (Tensor, Tensor) {
        let made = self.recurrence("rnn_tanh", Cell::Tanh, [weight, bias], &[hidden], lengths);
        (made[0].clone(), made[1].clone())
    }

    /// [`rnn_tanh`](Tensor::rnn_tanh) with max(·, 0) in place of tanh.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn rnn_relu(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        hidden: &Tensor,
        lengths: Option<&Tensor>,
    ) -> (Tensor, Tensor) {
        let made = self.recurrence("rnn_relu", Cell::Relu, [weight, bias], &[hidden], lengths);
        (made[0].clone(), made[1].clone())
    }

    /// Long short-term memory (Hochreiter, Schmidhuber 1997, with the forget gate of Gers et al. 2000) over a sequence
    /// of inputs that are projected already to the gates i, f, g, o: `[steps, batch, 4 · hidden]`. With a weight
    /// `[4 · hidden, hidden]`, each step is
    ///
    /// ```text
    /// i, f, g, o = x + W h + b
    /// c ← σ(f) c + σ(i) tanh(g)
    /// h ← σ(o) tanh(c)
    /// ```
    ///
    /// `lengths` as in [`rnn_tanh`](Tensor::rnn_tanh).
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn lstm(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        hidden: &Tensor,
        cell: &Tensor,
        lengths: Option<&Tensor>,
    ) -> LstmOutput {
        let made = self.recurrence("lstm", Cell::Lstm, [weight, bias], &[hidden, cell], lengths);
        LstmOutput { sequence: made[0].clone(), hidden: made[1].clone(), cell: made[2].clone() }
    }

    /// Gated recurrent units (Cho et al. 2014, in the form of cuDNN and PyTorch) over a sequence of inputs that are
    /// projected already to the gates r, z, n: `[steps, batch, 3 · hidden]`. With a weight `[3 · hidden, hidden]`, each
    /// step is
    ///
    /// ```text
    /// r = σ(x₁ + W₁ h + b₁)
    /// z = σ(x₂ + W₂ h + b₂)
    /// n = tanh(x₃ + r (W₃ h + b₃))
    /// h ← (1 − z) n + z h
    /// ```
    ///
    /// Returns all states and, for each sequence, the last; `lengths` as in [`rnn_tanh`](Tensor::rnn_tanh).
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn gru(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        hidden: &Tensor,
        lengths: Option<&Tensor>,
    ) -> (Tensor, Tensor) {
        let made = self.recurrence("gru", Cell::Gru, [weight, bias], &[hidden], lengths);
        (made[0].clone(), made[1].clone())
    }
}
