//! Images of another size, without parameters: interpolation, and channels exchanged for positions.

use bolete_tensor::{Interpolation, Resize, Shape, Tensor, Tree};

use crate::{Context, Module};

/// What size an image is to get.
#[derive(Clone, Debug, PartialEq, Tree)]
pub enum NewSize {
    /// These lengths of the last axes.
    Lengths(Vec<usize>),
    /// The lengths of the last axes times these factors, rounded down.
    Factors(Vec<f64>),
}

/// The last axes resized, to a size or by factors: `[…, height, width] → […, height', width']` with two numbers, and
/// likewise for one axis or three. Smaller sizes are as good as larger ones.
///
/// ```
/// use bolete_nn::{Context, Module, Upsample};
/// use bolete_tensor::{Interpolation, Tensor};
/// let image = Tensor::from([[1.0f32, 2.0]]);
/// let output = Upsample::by([2.0, 2.0], Interpolation::Nearest).forward(&image, &mut Context::evaluation());
/// assert_eq!(output.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Tree)]
pub struct Upsample {
    /// The size of the result.
    pub size: NewSize,
    /// How values between positions are found.
    pub options: Resize,
}

impl Upsample {
    /// To these lengths of the last axes.
    pub fn to(lengths: impl Into<Vec<usize>>, interpolation: Interpolation) -> Upsample {
        Upsample { size: NewSize::Lengths(lengths.into()), options: Resize::new(interpolation) }
    }

    /// By these factors along the last axes.
    pub fn by(factors: impl Into<Vec<f64>>, interpolation: Interpolation) -> Upsample {
        Upsample { size: NewSize::Factors(factors.into()), options: Resize::new(interpolation) }
    }
}

impl Module for Upsample {
    /// # Panics
    /// If there are fewer axes than numbers, a length is or becomes 0, or the options do not go together.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = match &self.size {
            NewSize::Lengths(lengths) => input.resize(lengths, &self.options),
            NewSize::Factors(factors) => input.resize_by(factors, &self.options),
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        let joined = |numbers: Vec<String>| numbers.join("×");
        let size = match &self.size {
            NewSize::Lengths(lengths) => {
                format!("to {}", joined(lengths.iter().map(usize::to_string).collect()))
            }
            NewSize::Factors(factors) => {
                format!("by {}", joined(factors.iter().map(f64::to_string).collect()))
            }
        };
        let kind = match self.options.interpolation {
            Interpolation::Nearest => "nearest",
            Interpolation::NearestExact => "nearest centre",
            Interpolation::Linear => "linear",
            Interpolation::Cubic => "cubic",
            Interpolation::Area => "area",
        };
        let corners = if self.options.align_corners { ", corners aligned" } else { "" };
        let antialias = if self.options.antialias { ", antialiased" } else { "" };
        format!("Upsample {size}, {kind}{corners}{antialias}")
    }

    /// Axis by axis, a multiply-add for each position that an element is made of.
    fn operations(&self, input: &Shape, output: &Shape) -> u64 {
        let mut shape = input.dims().to_vec();
        let mut operations = 0;
        for (axis, (from, to)) in input.iter().zip(output.iter().copied()).enumerate() {
            if *from == to {
                continue;
            }
            shape[axis] = to;
            let shrinking = from.div_ceil(to);
            let taps = match self.options.interpolation {
                Interpolation::Nearest | Interpolation::NearestExact => 0,
                Interpolation::Area => shrinking,
                Interpolation::Linear => 2 * if self.options.antialias { shrinking } else { 1 },
                Interpolation::Cubic => 4 * if self.options.antialias { shrinking } else { 1 },
            };
            operations += 2 * taps * shape.iter().product::<usize>();
        }
        operations as u64
    }
}

macro_rules! rearrangements {
    ($($(#[$doc:meta])* $name:ident $method:ident $field:ident: $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
        pub struct $name {
            #[doc = $what]
            pub $field: usize,
        }

        impl Module for $name {
            /// # Panics
            /// If the input has fewer than three axes or they do not divide.
            #[track_caller]
            fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
                context.observe(self, input, input.$method(self.$field))
            }

            fn describe(&self) -> String {
                format!("{} {}", stringify!($name), self.$field)
            }
        }
    )*};
}

rearrangements! {
    /// Channels exchanged for positions (Shi et al., 2016): `[…, channels · factor², height, width] → […, channels,
    /// height · factor, width · factor]`.
    ///
    /// ```
    /// use bolete_nn::{Context, Module, PixelShuffle};
    /// use bolete_tensor::Tensor;
    /// let channels = Tensor::from([1.0f32, 2.0, 3.0, 4.0]).reshape([4, 1, 1]);
    /// let image = PixelShuffle { factor: 2 }.forward(&channels, &mut Context::evaluation());
    /// assert_eq!(*image.shape(), [1, 2, 2]);
    /// assert_eq!(image.to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]);
    /// ```
    PixelShuffle pixel_shuffle factor: "How many times as high and wide the result is.";
    /// The inverse of [`PixelShuffle`]: `[…, channels, height · factor, width · factor] → […, channels · factor²,
    /// height, width]`.
    PixelUnshuffle pixel_unshuffle factor: "Height and width of the blocks whose positions become channels.";
    /// The channels of groups dealt out in turn (Zhang et al., 2018), so that the next grouped convolution sees all
    /// groups: `[…, channels, height, width]` to the same shape.
    ChannelShuffle channel_shuffle groups: "The number of groups.";
}
