//! Recurrent layers and cells against PyTorch.

use bolete_nn::{
    Context, Gru, GruConfig, Lstm, LstmConfig, LstmState, Module, Nonlinearity, Rnn, RnnConfig, summarise,
};
use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Key, Tensor, Tree, grad, jvp, value_and_grad, vmap};
use serde_json::Value;

use crate::read::{assert_close, assert_leaves_close, file, numbers, tensor, with_leaves};

const PRECISIONS: [(DType, f64); 2] = [(DType::F64, 1e-10), (DType::F32, 1e-5)];

/// A layer that maps inputs, states and lengths to an output and states.
trait Recurrent: Tree {
    fn call(&self, x: &Tensor, states: &[Tensor], lengths: Option<&Tensor>) -> Vec<Tensor>;
}

impl Recurrent for Lstm {
    fn call(&self, x: &Tensor, states: &[Tensor], lengths: Option<&Tensor>) -> Vec<Tensor> {
        let state =
            (states.len() == 2).then(|| LstmState { hidden: states[0].clone(), cell: states[1].clone() });
        let (output, last) = self.run(x, state.as_ref(), lengths, &mut Context::evaluation());
        vec![output, last.hidden, last.cell]
    }
}

impl Recurrent for Gru {
    fn call(&self, x: &Tensor, states: &[Tensor], lengths: Option<&Tensor>) -> Vec<Tensor> {
        let (output, last) = self.run(x, states.first(), lengths, &mut Context::evaluation());
        vec![output, last]
    }
}

impl Recurrent for Rnn {
    fn call(&self, x: &Tensor, states: &[Tensor], lengths: Option<&Tensor>) -> Vec<Tensor> {
        let (output, last) = self.run(x, states.first(), lengths, &mut Context::evaluation());
        vec![output, last]
    }
}

fn tensors(list: &Value, dtype: DType) -> Vec<Tensor> {
    list.as_array().expect("a list").iter().map(|value| tensor(value, dtype)).collect()
}

fn check<L: Recurrent>(name: &str, layer: &L) {
    let golden = &file("recurrent")[name];
    for (dtype, tolerance) in PRECISIONS {
        let layer = with_leaves(layer, &golden["parameters"], dtype);
        let x = tensor(&golden["x"], dtype);
        let states = tensors(&golden["states"], dtype);
        let lengths = golden["lengths"].is_array().then(|| {
            let lengths = numbers(&golden["lengths"]);
            Tensor::from_vec(lengths, [x.shape()[0]]).cast(DType::I64)
        });
        let weights = tensors(&golden["weights"], dtype);
        let made = layer.call(&x, &states, lengths.as_ref());
        for (found, expected) in made.iter().zip(golden["outputs"].as_array().expect("a list")) {
            assert_close(name, found, expected, tolerance);
        }
        let argument = (layer, (x, states));
        let (_, (of_layer, (of_x, of_states))) =
            value_and_grad(|(layer, (x, states)): &(L, (Tensor, Vec<Tensor>))| {
                let made = layer.call(x, states, lengths.as_ref());
                let terms = made.iter().zip(&weights).map(|(made, weight)| (made * weight).sum(..));
                terms.reduce(|a, b| a + b).expect("outputs")
            })(&argument);
        assert_close(name, &of_x, &golden["x_gradient"], tolerance);
        for (found, expected) in of_states.iter().zip(golden["state_gradients"].as_array().expect("a list")) {
            assert_close(name, found, expected, tolerance);
        }
        assert_leaves_close(name, &of_layer, LeafKind::Param, &golden["parameter_gradients"], tolerance);
    }
}

#[test]
fn lstm_layers() {
    let key = Key::new(0);
    check("lstm", &LstmConfig::new(2, 3).init(&key));
    check(
        "lstm_everything",
        &LstmConfig { layers: 2, bidirectional: true, ..LstmConfig::new(2, 2) }.init(&key),
    );
    check("lstm_without_bias", &LstmConfig { bias: false, ..LstmConfig::new(2, 2) }.init(&key));
}

#[test]
fn gru_layers() {
    let key = Key::new(0);
    check("gru", &GruConfig::new(2, 3).init(&key));
    check("gru_everything", &GruConfig { layers: 2, bidirectional: true, ..GruConfig::new(2, 2) }.init(&key));
    check("gru_without_bias", &GruConfig { bias: false, ..GruConfig::new(2, 2) }.init(&key));
}

#[test]
fn simple_layers() {
    let key = Key::new(0);
    check("rnn", &RnnConfig::new(2, 3).init(&key));
    check("rnn_relu", &RnnConfig { nonlinearity: Nonlinearity::Relu, ..RnnConfig::new(2, 3) }.init(&key));
    check("rnn_everything", &RnnConfig { layers: 2, bidirectional: true, ..RnnConfig::new(2, 2) }.init(&key));
}

#[test]
fn cells() {
    let golden = file("recurrent");
    let key = Key::new(0);
    for (dtype, tolerance) in PRECISIONS {
        let given = |name: &str| (tensor(&golden[name]["x"], dtype), tensors(&golden[name]["states"], dtype));
        let expected = |name: &str, index: usize| golden[name]["outputs"][index].clone();
        let (x, states) = given("lstm_cell");
        let cell =
            with_leaves(&LstmConfig::new(2, 3).init_cell(&key), &golden["lstm_cell"]["parameters"], dtype);
        let next = cell.step(&x, &LstmState { hidden: states[0].clone(), cell: states[1].clone() });
        assert_close("lstm_cell", &next.hidden, &expected("lstm_cell", 0), tolerance);
        assert_close("lstm_cell", &next.cell, &expected("lstm_cell", 1), tolerance);
        let (x, states) = given("gru_cell");
        let cell =
            with_leaves(&GruConfig::new(2, 3).init_cell(&key), &golden["gru_cell"]["parameters"], dtype);
        assert_close("gru_cell", &cell.step(&x, &states[0]), &expected("gru_cell", 0), tolerance);
        let (x, states) = given("rnn_cell");
        let cell =
            with_leaves(&RnnConfig::new(2, 3).init_cell(&key), &golden["rnn_cell"]["parameters"], dtype);
        assert_close("rnn_cell", &cell.step(&x, &states[0]), &expected("rnn_cell", 0), tolerance);
    }
}

#[test]
fn transforms_pass_through_layers() {
    // Gradients per example against gradients of each, and a forward derivative against the reverse one.
    let layer = LstmConfig { layers: 2, ..LstmConfig::new(2, 3) }.init(&Key::new(0));
    let layer = bolete_nn::cast_floats(&layer, DType::F64);
    let x = Key::new(1).normal([4, 5, 2], DType::F64);
    let loss = |layer: &Lstm, x: &Tensor| {
        layer.forward(&x.unsqueeze(0), &mut Context::evaluation()).square().sum(..)
    };
    let per_example = vmap(|x: &Tensor| grad(|layer: &Lstm| loss(layer, x))(&layer).leaves())(&x);
    for example in 0..4 {
        let one = grad(|layer: &Lstm| loss(layer, &x.narrow(0, example, 1).squeeze(0)))(&layer);
        for (all, one) in per_example.iter().zip(one.leaves()) {
            let difference = (all.narrow(0, example, 1).squeeze(0) - one).abs().max(..).item();
            assert!(difference < 1e-12);
        }
    }
    let one = x.narrow(0, 0, 1).squeeze(0);
    let direction = one.sin();
    let forward = jvp(|x: &Tensor| loss(&layer, x), &one, &direction).1.item();
    let reverse = (grad(|x: &Tensor| loss(&layer, x))(&one) * direction).sum(..).item();
    assert!((forward - reverse).abs() < 1e-12 * reverse.abs().max(1.0));
}

#[test]
fn dropout_lies_between_layers_in_training() {
    let x = Tensor::ones([1, 3, 2], DType::F32);
    let output = |layers: usize, seed: u64| {
        let config = LstmConfig { layers, dropout: 0.5, ..LstmConfig::new(2, 32) };
        config.init(&Key::new(0)).forward(&x, &mut Context::training(Key::new(seed))).to_vec::<f32>()
    };
    assert_eq!(output(1, 1), output(1, 2));
    assert_ne!(output(2, 1), output(2, 2));
}

#[test]
fn layers_say_what_they_are() {
    let layer = LstmConfig { layers: 2, bidirectional: true, ..LstmConfig::new(3, 4) }.init(&Key::new(0));
    assert_eq!(layer.describe(), "Lstm 3 → 8, 2 layers, bidirectional");
    let names: Vec<String> = layer.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(names[3..6], ["bias_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse"]);
    let summary = summarise(&GruConfig::new(3, 4).init(&Key::new(0)), [2, 5, 3]);
    assert_eq!(summary.parameters, 12 * (3 + 4 + 2));
    assert_eq!(summary.operations, 2 * 5 * (2 * 12 * 7 + 24 + 40));
}

#[test]
#[should_panic(expected = "Gru: a state must have shape [1, 2, 4], not [2, 4]")]
fn states_fit() {
    let layer = GruConfig::new(3, 4).init(&Key::new(0));
    let state = Tensor::zeros([2, 4], DType::F32);
    layer.run(&Tensor::zeros([2, 5, 3], DType::F32), Some(&state), None, &mut Context::evaluation());
}

#[test]
#[should_panic(expected = "Lstm: expected [batch, steps, 3], but the shape is [5, 3]")]
fn inputs_fit() {
    LstmConfig::new(3, 4)
        .init(&Key::new(0))
        .forward(&Tensor::zeros([5, 3], DType::F32), &mut Context::evaluation());
}
