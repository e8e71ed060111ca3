//! What recurrent layers have in common: weights by PyTorch's names, stacks of layers in one or both directions.

use bolete_tensor::tree::{LeafKind, PathPart, Visitor};
use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser};

/// The weights of one direction of one recurrent layer, the gates one after the other.
///
/// Initial values are U(±1/√hidden).
#[derive(Clone, Debug, Tree)]
pub struct RecurrentWeights {
    /// Of the input, `[gates · hidden, input]`.
    pub weight_ih: Param,
    /// Of the state, `[gates · hidden, hidden]`.
    pub weight_hh: Param,
    /// Added to the product with the input, `[gates · hidden]`.
    pub bias_ih: Option<Param>,
    /// Added to the product with the state, `[gates · hidden]`.
    pub bias_hh: Option<Param>,
}

impl RecurrentWeights {
    /// Initial values from a key.
    pub(crate) fn init(gates: usize, input: usize, hidden: usize, bias: bool, key: &Key) -> RecurrentWeights {
        let keys = key.split::<4>();
        let fan = Fan { input: hidden, output: hidden };
        let draw =
            |shape: Shape, key: &Key| Param::new(Initialiser::FanIn.sample(shape, fan, key, DType::F32));
        let rows = gates * hidden;
        RecurrentWeights {
            weight_ih: draw([rows, input].into(), &keys[0]),
            weight_hh: draw([rows, hidden].into(), &keys[1]),
            bias_ih: bias.then(|| draw([rows].into(), &keys[2])),
            bias_hh: bias.then(|| draw([rows].into(), &keys[3])),
        }
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.weight_hh.shape()[1]
    }

    /// The input's part of the gates, `[…, input] → […, gates · hidden]`.
    pub(crate) fn project(&self, input: &Tensor) -> Tensor {
        let product = input.matmul(&self.weight_ih.t());
        match &self.bias_ih {
            Some(bias) => product + bias.tensor(),
            None => product,
        }
    }

    /// The bias of the state's part.
    pub(crate) fn state_bias(&self) -> Tensor {
        match &self.bias_hh {
            Some(bias) => bias.tensor().clone(),
            None => Tensor::zeros([self.weight_hh.shape()[0]], self.weight_hh.dtype()),
        }
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &Param)> {
        let all = [
            ("weight_ih", Some(&self.weight_ih)),
            ("weight_hh", Some(&self.weight_hh)),
            ("bias_ih", self.bias_ih.as_ref()),
            ("bias_hh", self.bias_hh.as_ref()),
        ];
        all.into_iter().filter_map(|(name, param)| Some((name, param?)))
    }

    /// Floating-point operations per input, `per_unit` of them elementwise per hidden unit.
    pub(crate) fn operations(&self, per_unit: usize) -> usize {
        let products = self.weight_ih.elements() + self.weight_hh.elements();
        let biases = self.bias_ih.iter().chain(&self.bias_hh).map(|bias| bias.elements()).sum::<usize>();
        2 * products + biases + per_unit * self.hidden()
    }
}

/// Recurrent layers on top of each other, in one or both directions.
///
/// Leaves have the names that PyTorch gives them, such as `weight_ih_l0` and `bias_hh_l1_reverse`.
#[derive(Clone, Debug)]
pub struct RecurrentStack {
    /// Layer by layer, the backward direction after the forward one.
    pub weights: Vec<RecurrentWeights>,
    /// Whether each layer also goes backwards.
    pub bidirectional: bool,
    /// Probability of dropout between layers.
    pub dropout: f64,
}

impl Tree for RecurrentStack {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        self.dropout.visit(visitor);
        self.bidirectional.visit(visitor);
        visitor.structure(self.weights.len() as u64);
        for (index, weights) in self.weights.iter().enumerate() {
            let layer = index / self.directions();
            let direction = if index % self.directions() == 1 { "_reverse" } else { "" };
            for (name, param) in weights.named() {
                visitor.enter(PathPart::Name(&format!("{name}_l{layer}{direction}")));
                param.visit(visitor);
                visitor.leave();
            }
            // Whether there is a bias.
            visitor.structure(u64::from(weights.bias_ih.is_some()));
        }
    }

    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> RecurrentStack {
        let weights = self.weights.iter().map(|weights| weights.rebuild(leaf)).collect();
        RecurrentStack { weights, ..*self }
    }
}

/// What a stack is given besides its input.
pub(crate) struct Given<'a> {
    /// First states; none for zeros.
    pub states: &'a [&'a Tensor],
    /// Kinds of state.
    pub count: usize,
    /// Steps of each sequence.
    pub lengths: Option<&'a Tensor>,
}

/// Runs one direction of one layer: from the projected inputs `[steps, batch, gates · hidden]`, the weights and the
/// first states to all hidden states and the last states.
pub(crate) type Run<'a> =
    &'a dyn Fn(&Tensor, &RecurrentWeights, &[Tensor], Option<&Tensor>) -> (Tensor, Vec<Tensor>);

impl RecurrentStack {
    /// 1 or 2.
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Layers.
    pub fn layers(&self) -> usize {
        self.weights.len() / self.directions()
    }

    /// Hidden units per direction.
    pub fn hidden(&self) -> usize {
        self.weights[0].hidden()
    }

    /// Features of the input.
    pub fn input(&self) -> usize {
        self.weights[0].weight_ih.shape()[1]
    }

    /// From `[batch, steps, input]` and first states `[layers · directions, batch, hidden]` to
    /// `[batch, steps, directions · hidden]` and the last states.
    #[track_caller]
    pub(crate) fn run(
        &self,
        name: &str,
        input: &Tensor,
        Given { states, count, lengths }: Given,
        context: &mut Context,
        run: Run,
    ) -> (Tensor, Vec<Tensor>) {
        assert!(
            input.rank() == 3 && input.shape()[2] == self.input(),
            "{name}: expected [batch, steps, {}], but the shape is {}",
            self.input(),
            input.shape()
        );
        let (batch, expected) = (input.shape()[0], [self.weights.len(), input.shape()[0], self.hidden()]);
        for state in states {
            assert!(
                *state.shape() == expected,
                "{name}: a state must have shape {}, not {}",
                Shape::from(expected),
                state.shape()
            );
        }
        if let Some(lengths) = lengths {
            assert!(
                *lengths.shape() == [batch] && lengths.dtype().is_integer(),
                "{name}: lengths must be integers of shape [{batch}], not {} {}",
                lengths.dtype(),
                lengths.shape()
            );
        }
        let zeros = Tensor::zeros([batch, self.hidden()], input.dtype());
        let mut sequence = input.transpose(0, 1);
        let mut last: Vec<Vec<Tensor>> = vec![Vec::new(); count];
        for (layer, directions) in self.weights.chunks(self.directions()).enumerate() {
            if layer > 0 && context.is_training() && self.dropout > 0.0 {
                sequence = sequence.dropout(self.dropout, &context.next_key());
            }
            let mut outputs = Vec::new();
            for (direction, weights) in directions.iter().enumerate() {
                let index = layer * self.directions() + direction;
                let start: Vec<Tensor> = (0..count)
                    .map(|state| match states.get(state) {
                        Some(state) => state.narrow(0, index, 1).squeeze(0),
                        None => zeros.clone(),
                    })
                    .collect();
                let turn = |sequence: &Tensor| match direction {
                    1 => reversed(sequence, lengths),
                    _ => sequence.clone(),
                };
                let (output, ends) = run(&weights.project(&turn(&sequence)), weights, &start, lengths);
                outputs.push(turn(&output));
                last.iter_mut().zip(ends).for_each(|(last, end)| last.push(end));
            }
            sequence = Tensor::concatenate(&outputs, -1);
        }
        (sequence.transpose(0, 1), last.iter().map(|last| Tensor::stack(last, 0)).collect())
    }

    /// One line about the layer.
    pub(crate) fn describe(&self, name: &str) -> String {
        let layers = if self.layers() > 1 { format!(", {} layers", self.layers()) } else { String::new() };
        let directions = if self.bidirectional { ", bidirectional" } else { "" };
        format!("{name} {} → {}{layers}{directions}", self.input(), self.hidden() * self.directions())
    }

    /// Floating-point operations for an output `[batch, steps, features]`.
    pub(crate) fn operations(&self, output: &Shape, per_unit: usize) -> u64 {
        let each: usize = self.weights.iter().map(|weights| weights.operations(per_unit)).sum();
        (output[0] * output[1] * each) as u64
    }
}

/// Each sequence of `[steps, batch, features]` with its own steps in reverse order; what lies behind them stays.
fn reversed(sequence: &Tensor, lengths: Option<&Tensor>) -> Tensor {
    let Some(lengths) = lengths else { return sequence.flip([0]) };
    let (steps, batch, features) = (sequence.shape()[0], sequence.shape()[1], sequence.shape()[2]);
    let lengths = lengths.cast(DType::I64);
    let step = Tensor::arange(steps, DType::I64).unsqueeze(1).broadcast_to([steps, batch]);
    let from = step.less(&lengths).select(&lengths - 1 - &step, &step);
    let rows = (from * batch as i64 + Tensor::arange(batch, DType::I64)).flatten();
    sequence.reshape([steps * batch, features]).take(&rows, 0).reshape([steps, batch, features])
}

/// Defines the configuration, the layer and the cell of one kind of recurrent network.
macro_rules! recurrent {
    (
        $kind:literal, gates $gates:literal,
        $(#[$config_doc:meta])* config $config:ident,
        $(#[$layer_doc:meta])* layer $layer:ident,
        $(#[$cell_doc:meta])* cell $cell:ident
        $(, $(#[$extra_doc:meta])* $extra:ident: $extra_type:ty = $extra_default:expr)?
    ) => {
        $(#[$config_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $config {
            /// Features per input.
            pub input: usize,
            /// Hidden units per direction.
            pub hidden: usize,
            /// Layers on top of each other.
            pub layers: usize,
            /// Whether each layer also goes backwards; its outputs are those of both directions side by side.
            pub bidirectional: bool,
            /// Probability of dropout between layers in training.
            pub dropout: f64,
            /// Whether there are biases.
            pub bias: bool,
            $($(#[$extra_doc])* pub $extra: $extra_type,)?
        }

        impl $config {
            /// One layer with biases, forwards.
            pub fn new(input: usize, hidden: usize) -> $config {
                $config {
                    input,
                    hidden,
                    layers: 1,
                    bidirectional: false,
                    dropout: 0.0,
                    bias: true,
                    $($extra: $extra_default,)?
                }
            }

            /// The layer with initial values U(±1/√hidden) from a key.
            ///
            /// # Panics
            /// If there is no layer.
            #[track_caller]
            pub fn init(&self, key: &Key) -> $layer {
                assert!(self.layers > 0, concat!($kind, ": a network needs a layer"));
                let directions = if self.bidirectional { 2 } else { 1 };
                let keys = key.split_many(self.layers * directions);
                let weights = (0..self.layers * directions)
                    .map(|index| {
                        let input = if index < directions { self.input } else { self.hidden * directions };
                        let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
                        $crate::layers::recurrent::RecurrentWeights::init(
                            $gates, input, self.hidden, self.bias, &key,
                        )
                    })
                    .collect();
                let stack = $crate::layers::recurrent::RecurrentStack {
                    weights,
                    bidirectional: self.bidirectional,
                    dropout: self.dropout,
                };
                $layer { stack $(, $extra: self.$extra)? }
            }

            /// A cell of these sizes with initial values U(±1/√hidden) from a key; layers and directions do not count.
            pub fn init_cell(&self, key: &Key) -> $cell {
                let weights = $crate::layers::recurrent::RecurrentWeights::init(
                    $gates, self.input, self.hidden, self.bias, key,
                );
                $cell { weights $(, $extra: self.$extra)? }
            }
        }

        $(#[$layer_doc])*
        #[derive(Clone, Debug)]
        pub struct $layer {
            /// The weights of all layers and directions.
            pub stack: $crate::layers::recurrent::RecurrentStack,
            $($(#[$extra_doc])* pub $extra: $extra_type,)?
        }

        $(#[$cell_doc])*
        #[derive(Clone, Debug)]
        pub struct $cell {
            /// The weights.
            pub weights: $crate::layers::recurrent::RecurrentWeights,
            $($(#[$extra_doc])* pub $extra: $extra_type,)?
        }

        $crate::layers::recurrent::transparent!($layer, stack $(, $extra)?);
        $crate::layers::recurrent::transparent!($cell, weights $(, $extra)?);
    };
}
pub(crate) use recurrent;

/// A tree whose leaves are those of one field, under their own names.
macro_rules! transparent {
    ($type:ident, $field:ident $(, $extra:ident)?) => {
        impl bolete_tensor::Tree for $type {
            fn visit<'a>(&'a self, visitor: &mut dyn bolete_tensor::tree::Visitor<'a>) {
                $(bolete_tensor::Tree::visit(&self.$extra, visitor);)?
                self.$field.visit(visitor);
            }
            fn rebuild(
                &self,
                leaf: &mut dyn FnMut(bolete_tensor::tree::LeafKind, &Tensor) -> Tensor,
            ) -> $type {
                $type { $field: self.$field.rebuild(leaf) $(, $extra: self.$extra)? }
            }
        }
    };
}
pub(crate) use transparent;
