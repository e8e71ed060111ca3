//! The two-dimensional convolutional layer.

use bolete_tensor::{Convolution2d, DType, Key, Param, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser, Module};

/// How many zeros surround an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Tree)]
pub enum Padding {
    /// None.
    #[default]
    Valid,
    /// As many as make each side of the output ⌈input / stride⌉ long; an odd one goes behind the image. With stride 1
    /// this is PyTorch's `same`.
    Same,
    /// This many on each side, (vertically, horizontally).
    Both([usize; 2]),
    /// These many (before, after) the image, vertically and horizontally.
    Explicit([(usize, usize); 2]),
}

impl Padding {
    /// Zeros (before, after) an image of size `image`, vertically and horizontally.
    fn amounts(
        self,
        image: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
    ) -> [(usize, usize); 2] {
        match self {
            Padding::Valid => [(0, 0); 2],
            Padding::Both(amounts) => amounts.map(|amount| (amount, amount)),
            Padding::Explicit(amounts) => amounts,
            Padding::Same => [0, 1].map(|axis| {
                let windows = image[axis].div_ceil(stride[axis].max(1));
                let covered = windows.saturating_sub(1) * stride[axis]
                    + dilation[axis] * kernel[axis].saturating_sub(1)
                    + 1;
                let total = covered.saturating_sub(image[axis]);
                (total / 2, total - total / 2)
            }),
        }
    }
}

/// What a [`Conv2d`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2dConfig {
    /// Channels of the input.
    pub input: usize,
    /// Channels of the output.
    pub output: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Distance between neighbouring outputs, (vertical, horizontal).
    pub stride: [usize; 2],
    /// Zeros around the image.
    pub padding: Padding,
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; 2],
    /// Into how many parts the channels are divided that do not see each other; as many as there are input channels
    /// for a depthwise convolution.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Initial values of the weight; the default is [`Initialiser::FanIn`], U(±1/√fan_in) with
    /// fan_in = input / groups · kernel height · kernel width.
    pub weight_initialiser: Initialiser,
    /// Initial values of the bias; the default is [`Initialiser::FanIn`] with the same fan_in.
    pub bias_initialiser: Initialiser,
}

impl Conv2dConfig {
    /// From `input` to `output` channels with stride 1, no padding, no dilation, one group, a bias, and initial values
    /// as in PyTorch.
    pub fn new(input: usize, output: usize, kernel: [usize; 2]) -> Conv2dConfig {
        Conv2dConfig {
            input,
            output,
            kernel,
            stride: [1, 1],
            padding: Padding::Valid,
            dilation: [1, 1],
            groups: 1,
            bias: true,
            weight_initialiser: Initialiser::FanIn,
            bias_initialiser: Initialiser::FanIn,
        }
    }

    /// The layer with initial values from a key.
    ///
    /// # Panics
    /// If `groups` does not divide the numbers of channels.
    #[track_caller]
    pub fn init(&self, key: &Key) -> Conv2d {
        let Conv2dConfig { input, output, kernel: [height, width], groups, .. } = *self;
        assert!(
            groups > 0 && input.is_multiple_of(groups) && output.is_multiple_of(groups),
            "Conv2d: {input} input and {output} output channels do not divide into {groups} groups"
        );
        let [weight_key, bias_key] = key.split();
        let shape: Shape = [output, input / groups, height, width].into();
        let fan = Fan::of(&shape);
        let draw = |initialiser: Initialiser, shape: Shape, key: &Key| {
            Param::new(initialiser.sample(shape, fan, key, DType::F32))
        };
        Conv2d {
            weight: draw(self.weight_initialiser, shape, &weight_key),
            bias: self.bias.then(|| draw(self.bias_initialiser, [output].into(), &bias_key)),
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups,
        }
    }
}

/// Convolution (cross-correlation) of images with learned kernels:
/// `[images, input, height, width] → [images, output, height', width']`.
///
/// ```
/// use bolete_nn::{Context, Conv2dConfig, Module, Padding};
/// use bolete_tensor::{DType, Key, Tensor};
///
/// let config = Conv2dConfig { padding: Padding::Same, stride: [2, 2], ..Conv2dConfig::new(3, 8, [5, 5]) };
/// let layer = config.init(&Key::new(0));
/// let output = layer.forward(&Tensor::zeros([1, 3, 17, 32], DType::F32), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [1, 8, 9, 16]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Conv2d {
    /// `[output, input / groups, kernel height, kernel width]`.
    pub weight: Param,
    /// `[output]`.
    pub bias: Option<Param>,
    /// Distance between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zeros around the image.
    pub padding: Padding,
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; 2],
    /// Number of parts of the channels that do not see each other.
    pub groups: usize,
}

impl Module for Conv2d {
    /// # Panics
    /// If the input does not have rank 4 and the layer's input channels, or is smaller than the kernel.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let channels = self.weight.shape()[1] * self.groups;
        assert!(
            input.rank() == 4 && input.shape()[1] == channels,
            "{}: expected images [images, {channels}, height, width], but the shape is {}",
            self.describe(),
            input.shape()
        );
        let kernel = [self.weight.shape()[2], self.weight.shape()[3]];
        let image = [input.shape()[2], input.shape()[3]];
        let options = Convolution2d {
            stride: self.stride,
            padding: self.padding.amounts(image, kernel, self.stride, self.dilation),
            dilation: self.dilation,
            groups: self.groups,
        };
        let convolved = input.conv2d(&self.weight, &options);
        let output = match &self.bias {
            Some(bias) => convolved + bias.reshape([bias.elements(), 1, 1]),
            None => convolved,
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        let weight = self.weight.shape();
        let mut text =
            format!("Conv2d {} → {}, {}×{}", weight[1] * self.groups, weight[0], weight[2], weight[3]);
        if self.stride != [1, 1] {
            text += &format!(", stride {}×{}", self.stride[0], self.stride[1]);
        }
        if self.dilation != [1, 1] {
            text += &format!(", dilation {}×{}", self.dilation[0], self.dilation[1]);
        }
        if self.groups != 1 {
            text += &format!(", {} groups", self.groups);
        }
        text
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        let window: usize = self.weight.shape()[1..].iter().product();
        (output.elements() * (2 * window + usize::from(self.bias.is_some()))) as u64
    }
}
