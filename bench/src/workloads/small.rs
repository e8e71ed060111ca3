//! Networks of a first course: perceptrons, LeNet, a variational auto-encoder, a graph network, an LSTM.

use bolete::nn::loss::distribution::kl_to_standard_normal;
use bolete::nn::{BinaryCrossEntropy, MaxPool2d};
use bolete::prelude::*;

use super::{adam, normal, numbers};
use crate::workload::{Count, Mode, Training, Workload};

pub(super) fn all() -> Vec<Workload> {
    vec![
        Workload::plain("mlp", Count::Steps, || {
            let model = perceptron(&[784, 512, 256, 10], Activation::Relu);
            let optimiser = adam().init(&model);
            let batch = [normal(1, [64, 784]), numbers(2, [64], 10)];
            Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
                cross_entropy(&model.forward(&batch[0], context), &batch[1])
            })
        }),
        Workload::plain("mlp_tiny", Count::Steps, || {
            let model = perceptron(&[2, 32, 32, 1], Activation::Tanh);
            let optimiser = SgdConfig { learning_rate: 1e-2, ..SgdConfig::default() }.init(&model);
            let batch = [normal(1, [32, 2]), normal(2, [32, 1])];
            Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
                mean_squared_error(&model.forward(&batch[0], context), &batch[1])
            })
        }),
        Workload::plain("lenet", Count::Steps, || {
            let model = lenet();
            let optimiser = adam().init(&model);
            let batch = [normal(1, [128, 1, 28, 28]), numbers(2, [128], 10)];
            Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
                cross_entropy(&model.forward(&batch[0], context), &batch[1])
            })
        }),
        Workload::plain("vae", Count::Steps, || {
            let model = Vae::new();
            let optimiser = adam().init(&model);
            let batch = [Key::new(1).uniform([128, 784], DType::F32)];
            Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
                model.loss(&batch[0], context)
            })
        }),
        Workload::plain("gcn", Count::Steps, gcn),
        Workload::plain("lstm", Count::Steps, || {
            let [recurrent, last] = Key::new(0).split();
            let model = (LstmConfig::new(128, 256).init(&recurrent), LinearConfig::new(256, 10).init(&last));
            let optimiser = adam().init(&model);
            let batch = [normal(1, [32, 64, 128]), numbers(2, [32], 10)];
            Training::boxed(model, optimiser, batch, Mode::Plain, |(recurrent, last), batch, context| {
                let (_, state) = recurrent.run(&batch[0], None, None, context);
                cross_entropy(&last.forward(&state.hidden.squeeze(0), context), &batch[1])
            })
        }),
    ]
}

fn perceptron(widths: &[usize], activation: Activation) -> Sequential {
    let mut layers: Vec<Layer> = Vec::new();
    for (index, pair) in widths.windows(2).enumerate() {
        if index > 0 {
            layers.push(activation.into());
        }
        layers.push(LinearConfig::new(pair[0], pair[1]).init(&Key::new(index as u64)).into());
    }
    Sequential::new(layers)
}

fn lenet() -> Sequential {
    let [first, second, third, last] = Key::new(0).split();
    let convolution = |input, output| Conv2dConfig {
        padding: Padding::Both([2, 2]),
        ..Conv2dConfig::new(input, output, [5, 5])
    };
    Sequential::new([
        convolution(1, 32).init(&first).into(),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        convolution(32, 64).init(&second).into(),
        Activation::Relu.into(),
        MaxPool2d::new([2, 2]).into(),
        Flatten::default().into(),
        LinearConfig::new(3136, 128).init(&third).into(),
        Activation::Relu.into(),
        LinearConfig::new(128, 10).init(&last).into(),
    ])
}

/// The variational auto-encoder of Kingma and Welling with one hidden layer each way.
#[derive(Clone, Debug, Tree)]
struct Vae {
    hidden: Linear,
    mean: Linear,
    log_variance: Linear,
    decoded: Linear,
    output: Linear,
}

impl Vae {
    fn new() -> Vae {
        let [a, b, c, d, e] = Key::new(0).split();
        Vae {
            hidden: LinearConfig::new(784, 400).init(&a),
            mean: LinearConfig::new(400, 20).init(&b),
            log_variance: LinearConfig::new(400, 20).init(&c),
            decoded: LinearConfig::new(20, 400).init(&d),
            output: LinearConfig::new(400, 784).init(&e),
        }
    }

    fn loss(&self, x: &Tensor, context: &mut Context) -> Tensor {
        let hidden = self.hidden.forward(x, context).relu();
        let (mean, log_variance) =
            (self.mean.forward(&hidden, context), self.log_variance.forward(&hidden, context));
        let noise = context.next_key().normal(mean.shape(), DType::F32);
        let latent = &mean + noise * (&log_variance * 0.5).exp();
        let logits = self.output.forward(&self.decoded.forward(&latent, context).relu(), context);
        let summed = BinaryCrossEntropy { reduction: Reduction::Sum, ..BinaryCrossEntropy::default() };
        summed.of(&logits, x) + kl_to_standard_normal(&mean, &log_variance) * x.shape()[0] as f64
    }
}

/// A layer of a graph network: features times a weight, gathered along edges, weighed, summed where they arrive.
#[derive(Clone, Debug, Tree)]
struct GraphConvolution {
    weight: Param,
    bias: Param,
}

impl GraphConvolution {
    fn new(seed: u64, input: usize, output: usize) -> GraphConvolution {
        GraphConvolution {
            weight: Param::new(normal(seed, [input, output]) * 0.05),
            bias: Param::new(Tensor::zeros([output], DType::F32)),
        }
    }

    fn forward(&self, nodes: &Tensor, [from, to, weights]: [&Tensor; 3]) -> Tensor {
        let features = nodes.matmul(&self.weight);
        let sent = features.take(from, 0) * weights;
        features.zeros_like().index_add(0, to, &sent) + self.bias.tensor()
    }
}

fn gcn() -> Box<dyn crate::workload::Repeated> {
    let (nodes, edges) = (2708, 10556);
    let model = (GraphConvolution::new(3, 1433, 16), GraphConvolution::new(4, 16, 7));
    let optimiser = AdamConfig { learning_rate: 1e-2, ..adam() }.init(&model);
    let batch = [
        Key::new(0).uniform([nodes, 1433], DType::F32).less(0.0127).cast(DType::F32),
        numbers(1, [edges], nodes),
        numbers(2, [edges], nodes),
        Key::new(5).uniform([edges, 1], DType::F32),
        numbers(6, [140], 7),
    ];
    Training::boxed(model, optimiser, batch, Mode::Plain, |(first, second), batch, _| {
        let edges = [&batch[1], &batch[2], &batch[3]];
        let hidden = first.forward(&batch[0], edges).relu();
        cross_entropy(&second.forward(&hidden, edges).narrow(0, 0, 140), &batch[4])
    })
}
