//! A small vision transformer (Dosovitskiy et al. 2021).

use bolete::nn::NormPosition;
use bolete::prelude::*;

use super::{normal, numbers};
use crate::workload::{Count, Mode, Training, Workload};

const WIDTH: usize = 192;

pub(super) fn all() -> Vec<Workload> {
    vec![Workload::plain("vit_tiny", Count::Steps, || {
        let model = VisionTransformer::new();
        let optimiser =
            AdamWConfig { learning_rate: 1e-3, weight_decay: 0.1, ..AdamWConfig::default() }.init(&model);
        let batch = [normal(1, [32, 3, 32, 32]), numbers(2, [32], 10)];
        Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
            cross_entropy(&model.forward(&batch[0], context), &batch[1])
        })
    })]
}

#[derive(Clone, Debug, Tree)]
struct VisionTransformer {
    patches: Conv2d,
    class: Param,
    positions: Param,
    body: bolete::nn::TransformerEncoder,
    head: Linear,
}

impl VisionTransformer {
    fn new() -> VisionTransformer {
        let [patches, positions, body, head] = Key::new(0).split();
        let layer = TransformerLayerConfig {
            activation: Activation::Gelu,
            norm: NormPosition::Before,
            ..TransformerLayerConfig::new(WIDTH, 3)
        };
        VisionTransformer {
            patches: Conv2dConfig { stride: [4, 4], ..Conv2dConfig::new(3, WIDTH, [4, 4]) }.init(&patches),
            class: Param::new(Tensor::zeros([1, 1, WIDTH], DType::F32)),
            positions: Param::new(positions.normal([1, 65, WIDTH], DType::F32) * 0.02),
            body: layer.encoder(6, &body),
            head: LinearConfig::new(WIDTH, 10).init(&head),
        }
    }

    fn forward(&self, images: &Tensor, context: &mut Context) -> Tensor {
        let patches = self.patches.forward(images, context).flatten_from(2).transpose(1, 2);
        let class = self.class.broadcast_to([images.shape()[0], 1, WIDTH]);
        let sequence = Tensor::concatenate(&[class, patches], 1) + self.positions.tensor();
        let output = self.body.forward(&sequence, context);
        self.head.forward(&output.narrow(1, 0, 1).squeeze(1), context)
    }
}
