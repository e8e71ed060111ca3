//! Convolutions of sequences and volumes, and transposed ones. That of images is [`Conv2d`](crate::Conv2d).

use bolete_tensor::{Convolution, DType, Key, Param, Shape, Tensor, Tree};

use crate::{Context, Fan, Initialiser, Module};

/// Initial weight and bias as in PyTorch: U(±1/√fan_in), fan_in being the second axis of the weight times the window.
fn draw(shape: Shape, outputs: usize, bias: bool, key: &Key) -> (Param, Option<Param>) {
    let [first, second] = key.split();
    let fan = Fan::of(&shape);
    let sample = |shape: Shape, key: &Key| Param::new(Initialiser::FanIn.sample(shape, fan, key, DType::F32));
    (sample(shape, &first), bias.then(|| sample([outputs].into(), &second)))
}

/// The output with a bias per channel, axis 1.
fn with_bias(output: Tensor, bias: Option<&Param>) -> Tensor {
    let Some(bias) = bias else { return output };
    let ones = vec![1; output.rank() - 2];
    let shape: Shape = [bias.elements()].into_iter().chain(ones).collect();
    output + bias.reshape(shape)
}

macro_rules! convolution_layers {
    ($($(#[$doc:meta])* $layer:ident $config:ident $axes:literal $method:ident transposed $transposed:tt;)*) => {$(
        #[doc = concat!("What a [`", stringify!($layer), "`] layer is to be.")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $config {
            /// Channels of the input.
            pub input: usize,
            /// Channels of the output.
            pub output: usize,
            /// Lengths of the kernel.
            pub kernel: [usize; $axes],
            /// Stride, padding, dilation and groups.
            pub options: Convolution<$axes>,
            /// Elements put behind the output of a transposed convolution along each axis; nothing for others.
            pub further: [usize; $axes],
            /// Whether a bias is added.
            pub bias: bool,
        }

        impl $config {
            /// From `input` to `output` channels with stride 1, no padding, no dilation, one group and a bias.
            pub fn new(input: usize, output: usize, kernel: [usize; $axes]) -> $config {
                $config { input, output, kernel, options: Convolution::default(), further: [0; $axes], bias: true }
            }

            /// The layer with initial values U(±1/√fan_in) from a key, fan_in being the length of the second axis of the weight times
            /// those of the kernel, as in PyTorch.
            ///
            /// # Panics
            /// If the groups do not divide the numbers of channels.
            #[track_caller]
            pub fn init(&self, key: &Key) -> $layer {
                let groups = self.options.groups;
                assert!(
                    groups > 0 && self.input.is_multiple_of(groups) && self.output.is_multiple_of(groups),
                    "{}: {} input and {} output channels do not divide into {groups} groups",
                    stringify!($layer),
                    self.input,
                    self.output
                );
                let channels = if $transposed {
                    [self.input, self.output / groups]
                } else {
                    [self.output, self.input / groups]
                };
                let shape: Shape = channels.into_iter().chain(self.kernel).collect();
                let (weight, bias) = draw(shape, self.output, self.bias, key);
                $layer { weight, bias, options: self.options, further: self.further }
            }
        }

        $(#[$doc])*
        #[derive(Clone, Debug, Tree)]
        pub struct $layer {
            /// The kernels.
            pub weight: Param,
            /// `[output channels]`.
            pub bias: Option<Param>,
            options: Convolution<$axes>,
            further: [usize; $axes],
        }

        impl Module for $layer {
            /// # Panics
            /// If the input has another rank or number of channels, or the kernel does not fit.
            #[track_caller]
            fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
                let output = convolution_layers!(@apply $transposed self input $method);
                context.observe(self, input, with_bias(output, self.bias.as_ref()))
            }

            fn describe(&self) -> String {
                let shape = self.weight.shape();
                let groups = self.options.groups;
                let [input, output] =
                    if $transposed { [shape[0], shape[1] * groups] } else { [shape[1] * groups, shape[0]] };
                let kernel: Vec<String> = shape[2..].iter().map(usize::to_string).collect();
                format!("{} {input} → {output}, {}", stringify!($layer), kernel.join("×"))
            }

            fn operations(&self, input: &Shape, output: &Shape) -> u64 {
                // A multiply-add for each element of the kernel that meets one of the input, or makes one of the output.
                let places = if $transposed { input.elements() } else { output.elements() };
                (2 * places * self.weight.shape()[1..].iter().product::<usize>()) as u64
            }
        }
    )*};
    (@apply false $self:ident $input:ident $method:ident) => {
        $input.$method(&$self.weight, &$self.options)
    };
    (@apply true $self:ident $input:ident $method:ident) => {
        $input.$method(&$self.weight, &$self.options, $self.further)
    };
}

convolution_layers! {
    /// Convolution of sequences: `[batch, input, length] → [batch, output, length']`, weight `[output, input / groups, kernel]`.
    ///
    /// ```
    /// use bolete_nn::{Context, Conv1dConfig, Module};
    /// use bolete_tensor::{DType, Key, Tensor};
    /// let layer = Conv1dConfig::new(3, 8, [5]).init(&Key::new(0));
    /// let output = layer.forward(&Tensor::zeros([2, 3, 16], DType::F32), &mut Context::evaluation());
    /// assert_eq!(*output.shape(), [2, 8, 12]);
    /// ```
    Conv1d Conv1dConfig 1 conv1d transposed false;
    /// Convolution of volumes: `[batch, input, depth, height, width] → [batch, output, …]`, weight
    /// `[output, input / groups, kernel…]`.
    Conv3d Conv3dConfig 3 conv3d transposed false;
    /// Transposed convolution of sequences: `[batch, input, length] → [batch, output, length']`, weight
    /// `[input, output / groups, kernel]`.
    ConvTranspose1d ConvTranspose1dConfig 1 conv_transpose1d transposed true;
    /// Transposed convolution of images, which makes them larger where the stride is: weight `[input, output / groups, kernel…]`.
    ///
    /// ```
    /// use bolete_nn::{Context, ConvTranspose2dConfig, Module};
    /// use bolete_tensor::{Convolution2d, DType, Key, Tensor};
    /// let options = Convolution2d { stride: [2, 2], ..Convolution2d::padded(1) };
    /// let layer = ConvTranspose2dConfig { options, ..ConvTranspose2dConfig::new(8, 3, [4, 4]) }.init(&Key::new(0));
    /// let output = layer.forward(&Tensor::zeros([2, 8, 7, 7], DType::F32), &mut Context::evaluation());
    /// assert_eq!(*output.shape(), [2, 3, 14, 14]);
    /// ```
    ConvTranspose2d ConvTranspose2dConfig 2 conv_transpose2d transposed true;
    /// Transposed convolution of volumes: weight `[input, output / groups, kernel…]`.
    ConvTranspose3d ConvTranspose3dConfig 3 conv_transpose3d transposed true;
}
