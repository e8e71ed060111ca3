//! Networks that more than one recipe trains.

use bolete::prelude::*;

/// One hidden layer with ReLU; `sizes` are the numbers of inputs, hidden units and outputs.
pub fn one_hidden_layer([inputs, hidden, outputs]: [usize; 3], key: &Key) -> Sequential {
    let [first, second] = key.split();
    Sequential::new([
        LinearConfig::new(inputs, hidden).init(&first).into(),
        Activation::Relu.into(),
        LinearConfig::new(hidden, outputs).init(&second).into(),
    ])
}
