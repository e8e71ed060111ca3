//! The U-Net of denoising diffusion (Ho et al. 2020) for pictures of 32 × 32.

use bolete::nn::Upsample;
use bolete::prelude::*;
use bolete::tensor::Interpolation;

use super::{adam, normal, numbers};
use crate::workload::{Count, Mode, Training, Workload};

const CHANNELS: [usize; 3] = [32, 64, 128];
const TIME: usize = 128;

pub(super) fn all() -> Vec<Workload> {
    vec![Workload::plain("unet", Count::Steps, || {
        let model = UNet::new();
        let optimiser = adam().init(&model);
        let batch = [normal(1, [16, 1, 32, 32]), numbers(2, [16], 1000), normal(3, [16, 1, 32, 32])];
        Training::boxed(model, optimiser, batch, Mode::Plain, |model, batch, context| {
            mean_squared_error(&model.forward(&batch[0], &batch[1], context), &batch[2])
        })
    })]
}

/// Keys one after the other.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> Key {
        self.0 += 1;
        Key::new(self.0)
    }

    fn convolution(&mut self, input: usize, output: usize, stride: usize) -> Conv2d {
        let config = Conv2dConfig {
            padding: Padding::Both([1; 2]),
            stride: [stride; 2],
            ..Conv2dConfig::new(input, output, [3, 3])
        };
        config.init(&self.next())
    }

    fn mixing(&mut self, input: usize, output: usize) -> Conv2d {
        Conv2dConfig::new(input, output, [1, 1]).init(&self.next())
    }
}

#[derive(Clone, Debug, Tree)]
struct ResidualBlock {
    norm1: GroupNorm,
    convolution1: Conv2d,
    time: Linear,
    norm2: GroupNorm,
    convolution2: Conv2d,
    skip: Option<Conv2d>,
}

impl ResidualBlock {
    fn new(keys: &mut Keys, input: usize, output: usize) -> ResidualBlock {
        ResidualBlock {
            norm1: GroupNormConfig::new(8, input).init(),
            convolution1: keys.convolution(input, output, 1),
            time: LinearConfig::new(TIME, output).init(&keys.next()),
            norm2: GroupNormConfig::new(8, output).init(),
            convolution2: keys.convolution(output, output, 1),
            skip: (input != output).then(|| keys.mixing(input, output)),
        }
    }

    fn forward(&self, images: &Tensor, time: &Tensor, context: &mut Context) -> Tensor {
        let hidden = Activation::Silu.apply(&self.norm1.forward(images, context));
        let shift = self.time.forward(&Activation::Silu.apply(time), context);
        let hidden = self.convolution1.forward(&hidden, context) + shift.unsqueeze(-1).unsqueeze(-1);
        let hidden = Activation::Silu.apply(&self.norm2.forward(&hidden, context));
        let skip = match &self.skip {
            Some(skip) => skip.forward(images, context),
            None => images.clone(),
        };
        self.convolution2.forward(&hidden, context) + skip
    }
}

/// Attention of all positions to each other, one head.
#[derive(Clone, Debug, Tree)]
struct SpatialAttention {
    norm: GroupNorm,
    projections: Conv2d,
    output: Conv2d,
}

impl SpatialAttention {
    fn new(keys: &mut Keys, channels: usize) -> SpatialAttention {
        SpatialAttention {
            norm: GroupNormConfig::new(8, channels).init(),
            projections: keys.mixing(channels, 3 * channels),
            output: keys.mixing(channels, channels),
        }
    }

    fn forward(&self, images: &Tensor, context: &mut Context) -> Tensor {
        let [count, channels, height, width] = [0, 1, 2, 3].map(|axis| images.shape()[axis]);
        let projected = self.projections.forward(&self.norm.forward(images, context), context);
        let parts = projected.chunk(3, 1);
        let [query, key, value] =
            [0, 1, 2].map(|part| parts[part].reshape([count, 1, channels, height * width]).transpose(2, 3));
        let attended = query.attention(&key, &value, &AttentionOptions::default());
        let joined = attended.transpose(2, 3).reshape([count, channels, height, width]);
        images + self.output.forward(&joined, context)
    }
}

/// A residual block and, at the lowest resolution, attention.
#[derive(Clone, Debug, Tree)]
struct Stage {
    block: ResidualBlock,
    attention: Option<SpatialAttention>,
}

impl Stage {
    fn new(keys: &mut Keys, input: usize, output: usize, attends: bool) -> Stage {
        Stage {
            block: ResidualBlock::new(keys, input, output),
            attention: attends.then(|| SpatialAttention::new(keys, output)),
        }
    }

    fn forward(&self, images: &Tensor, time: &Tensor, context: &mut Context) -> Tensor {
        let output = self.block.forward(images, time, context);
        match &self.attention {
            Some(attention) => attention.forward(&output, context),
            None => output,
        }
    }
}

#[derive(Clone, Debug, Tree)]
struct UNet {
    time1: Linear,
    time2: Linear,
    first: Conv2d,
    /// Two stages per resolution.
    down: Vec<Stage>,
    /// Halving of the resolution after the first two.
    halve: Vec<Conv2d>,
    middle: (Stage, ResidualBlock),
    up: Vec<Stage>,
    /// After doubling of the resolution.
    double: Vec<Conv2d>,
    norm: GroupNorm,
    last: Conv2d,
}

impl UNet {
    fn new() -> UNet {
        let keys = &mut Keys(0);
        let (mut channels, mut skips) = (CHANNELS[0], Vec::new());
        let (mut down, mut halve, mut up, mut double) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (level, &output) in CHANNELS.iter().enumerate() {
            for _ in 0..2 {
                down.push(Stage::new(keys, channels, output, level == 2));
                channels = output;
                skips.push(channels);
            }
            if level < 2 {
                halve.push(keys.convolution(channels, channels, 2));
            }
        }
        let middle =
            (Stage::new(keys, channels, channels, true), ResidualBlock::new(keys, channels, channels));
        for (level, &output) in CHANNELS.iter().enumerate().rev() {
            for _ in 0..2 {
                let skip = skips.pop().expect("as many ways up as down");
                up.push(Stage::new(keys, channels + skip, output, level == 2));
                channels = output;
            }
            if level > 0 {
                double.push(keys.convolution(channels, channels, 1));
            }
        }
        UNet {
            time1: LinearConfig::new(32, TIME).init(&keys.next()),
            time2: LinearConfig::new(TIME, TIME).init(&keys.next()),
            first: keys.convolution(1, CHANNELS[0], 1),
            down,
            halve,
            middle,
            up,
            double,
            norm: GroupNormConfig::new(8, channels).init(),
            last: keys.convolution(channels, 1, 1),
        }
    }

    fn forward(&self, images: &Tensor, times: &Tensor, context: &mut Context) -> Tensor {
        let waves = (Tensor::arange(16, DType::F32) * (-(10000f64.ln()) / 16.0)).exp();
        let angles = times.cast(DType::F32).unsqueeze(1) * waves;
        let time = Tensor::concatenate(&[angles.sin(), angles.cos()], 1);
        let time = Activation::Silu.apply(&self.time1.forward(&time, context));
        let time = self.time2.forward(&time, context);
        let (mut hidden, mut skips) = (self.first.forward(images, context), Vec::new());
        for (index, stage) in self.down.iter().enumerate() {
            hidden = stage.forward(&hidden, &time, context);
            skips.push(hidden.clone());
            if let (1, Some(halve)) = (index % 2, self.halve.get(index / 2)) {
                hidden = halve.forward(&hidden, context);
            }
        }
        hidden = self.middle.0.forward(&hidden, &time, context);
        hidden = self.middle.1.forward(&hidden, &time, context);
        let twice = Upsample::by([2.0, 2.0], Interpolation::Nearest);
        for (index, stage) in self.up.iter().enumerate() {
            let skip = skips.pop().expect("as many ways up as down");
            hidden = stage.forward(&Tensor::concatenate(&[hidden, skip], 1), &time, context);
            if let (1, Some(double)) = (index % 2, self.double.get(index / 2)) {
                hidden = double.forward(&twice.forward(&hidden, context), context);
            }
        }
        self.last.forward(&Activation::Silu.apply(&self.norm.forward(&hidden, context)), context)
    }
}
