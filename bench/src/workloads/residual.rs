//! Residual networks (He et al. 2016): ResNet-18 for pictures of 32 × 32, ResNet-50 in its usual form, stride in the
//! middle convolution of a block.

use bolete::prelude::*;

use super::{normal, numbers};
use crate::workload::{Count, Function, Mode, Repeated, Training, Workload};

pub(super) fn all() -> Vec<Workload> {
    vec![
        Workload {
            name: "resnet18_train_b32",
            modes: &[Mode::Plain, Mode::Mixed],
            count: Count::Steps,
            make: Box::new(|mode| {
                let model = ResNet::resnet18();
                let optimiser =
                    SgdConfig { learning_rate: 0.1, momentum: 0.9, ..SgdConfig::default() }.init(&model);
                let batch = [normal(1, [32, 3, 32, 32]), numbers(2, [32], 10)];
                Training::boxed(model, optimiser, batch, mode, |model, batch, context| {
                    let images = batch[0].cast(model.head.weight.dtype());
                    cross_entropy(&model.forward(&images, context).cast(DType::F32), &batch[1])
                })
            }),
        },
        Workload::plain("resnet18_infer_b1", Count::Steps, || {
            inference(ResNet::resnet18(), normal(1, [1, 3, 32, 32]))
        }),
        Workload::plain("resnet18_infer_b32", Count::Steps, || {
            inference(ResNet::resnet18(), normal(1, [32, 3, 32, 32]))
        }),
        Workload::plain("resnet50_infer_b1", Count::Steps, || {
            inference(ResNet::resnet50(), normal(1, [1, 3, 224, 224]))
        }),
    ]
}

fn inference(model: ResNet, images: Tensor) -> Box<dyn Repeated> {
    eval_tree(&model);
    Function::boxed([images], move |images| vec![model.forward(&images[0], &mut Context::evaluation())])
}

/// A convolution without bias and the norm that follows it.
#[derive(Clone, Debug, Tree)]
struct Normed {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl Normed {
    fn new(keys: &mut Keys, channels: [usize; 2], kernel: usize, stride: usize) -> Normed {
        let [input, output] = channels;
        let config = Conv2dConfig {
            stride: [stride; 2],
            padding: Padding::Both([kernel / 2; 2]),
            bias: false,
            ..Conv2dConfig::new(input, output, [kernel; 2])
        };
        Normed { convolution: config.init(&keys.next()), norm: BatchNormConfig::new(output).init() }
    }

    fn forward(&self, images: &Tensor, context: &mut Context) -> Tensor {
        self.norm.forward(&self.convolution.forward(images, context), context)
    }
}

/// Keys one after the other.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> Key {
        self.0 += 1;
        Key::new(self.0)
    }
}

/// Convolutions whose sum with their input is the output.
#[derive(Clone, Debug, Tree)]
struct Block {
    convolutions: Vec<Normed>,
    /// What brings the input to the size of the output.
    shortcut: Option<Normed>,
}

impl Block {
    fn forward(&self, images: &Tensor, context: &mut Context) -> Tensor {
        let mut output = images.clone();
        for (index, normed) in self.convolutions.iter().enumerate() {
            if index > 0 {
                output = output.relu();
            }
            output = normed.forward(&output, context);
        }
        let input = match &self.shortcut {
            Some(shortcut) => shortcut.forward(images, context),
            None => images.clone(),
        };
        (output + input).relu()
    }
}

#[derive(Clone, Debug, Tree)]
struct ResNet {
    stem: Normed,
    pool: Option<MaxPool2d>,
    blocks: Vec<Block>,
    head: Linear,
}

impl ResNet {
    fn resnet18() -> ResNet {
        let mut keys = Keys(0);
        let stem = Normed::new(&mut keys, [3, 64], 3, 1);
        let (mut blocks, mut input) = (Vec::new(), 64);
        for (output, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
            for stride in [stride, 1] {
                let convolutions = vec![
                    Normed::new(&mut keys, [input, output], 3, stride),
                    Normed::new(&mut keys, [output, output], 3, 1),
                ];
                let shortcut = (stride != 1 || input != output)
                    .then(|| Normed::new(&mut keys, [input, output], 1, stride));
                blocks.push(Block { convolutions, shortcut });
                input = output;
            }
        }
        ResNet { stem, pool: None, blocks, head: LinearConfig::new(512, 10).init(&keys.next()) }
    }

    fn resnet50() -> ResNet {
        let mut keys = Keys(0);
        let stem = Normed::new(&mut keys, [3, 64], 7, 2);
        let (mut blocks, mut input) = (Vec::new(), 64);
        for (width, count, stride) in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)] {
            for index in 0..count {
                let stride = if index == 0 { stride } else { 1 };
                let output = 4 * width;
                let convolutions = vec![
                    Normed::new(&mut keys, [input, width], 1, 1),
                    Normed::new(&mut keys, [width, width], 3, stride),
                    Normed::new(&mut keys, [width, output], 1, 1),
                ];
                let shortcut = (stride != 1 || input != output)
                    .then(|| Normed::new(&mut keys, [input, output], 1, stride));
                blocks.push(Block { convolutions, shortcut });
                input = output;
            }
        }
        let options = Pool2d { stride: [2; 2], padding: [(1, 1); 2], ..Pool2d::window([3, 3]) };
        ResNet {
            stem,
            pool: Some(MaxPool2d { options }),
            blocks,
            head: LinearConfig::new(2048, 1000).init(&keys.next()),
        }
    }

    fn forward(&self, images: &Tensor, context: &mut Context) -> Tensor {
        let mut output = self.stem.forward(images, context).relu();
        if let Some(pool) = &self.pool {
            output = pool.forward(&output, context);
        }
        for block in &self.blocks {
            output = block.forward(&output, context);
        }
        self.head.forward(&output.mean([2, 3]), context)
    }
}
