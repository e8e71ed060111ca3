//! Pooling over windows of images.

use bolete_tensor::{Pool2d, Shape, Tensor, Tree};

use crate::{Context, Module};

macro_rules! pooling_layers {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
        pub struct $name {
            /// How the window moves.
            pub options: Pool2d,
        }

        impl $name {
            /// Windows of this height and width side by side.
            pub fn new(window: [usize; 2]) -> $name {
                $name { options: Pool2d::window(window) }
            }
        }

        impl Module for $name {
            /// # Panics
            /// If the input has fewer than two axes or the window does not fit into it.
            #[track_caller]
            fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
                context.observe(self, input, input.$method(&self.options))
            }

            fn describe(&self) -> String {
                describe(stringify!($name), &self.options)
            }

            fn operations(&self, _: &Shape, output: &Shape) -> u64 {
                (output.elements() * self.options.window.iter().product::<usize>()) as u64
            }
        }
    )*};
}

pooling_layers! {
    /// The largest element of each window over the last two axes:
    /// `[…, height, width] → […, height', width']`. Padding is ignored.
    ///
    /// ```
    /// use bolete_nn::{Context, MaxPool2d, Module};
    /// use bolete_tensor::Tensor;
    /// let image = Tensor::from([[1.0f32, 2.0, 5.0, 1.0], [3.0, 4.0, 0.0, 2.0]]);
    /// let output = MaxPool2d::new([2, 2]).forward(&image, &mut Context::evaluation());
    /// assert_eq!(output.to_vec::<f32>(), [4.0, 5.0]);
    /// ```
    MaxPool2d max_pool2d;
    /// The mean of each window over the last two axes: `[…, height, width] → […, height', width']`. Padding counts
    /// as zeros, as in PyTorch by default.
    ///
    /// ```
    /// use bolete_nn::{AvgPool2d, Context, Module};
    /// use bolete_tensor::Tensor;
    /// let image = Tensor::from([[1.0f32, 2.0, 5.0, 1.0], [3.0, 4.0, 0.0, 2.0]]);
    /// let output = AvgPool2d::new([2, 2]).forward(&image, &mut Context::evaluation());
    /// assert_eq!(output.to_vec::<f32>(), [2.5, 2.0]);
    /// ```
    AvgPool2d avg_pool2d;
}

fn describe(name: &str, options: &Pool2d) -> String {
    let window = options.window;
    if options.stride == window {
        format!("{name} {}×{}", window[0], window[1])
    } else {
        format!("{name} {}×{}, stride {}×{}", window[0], window[1], options.stride[0], options.stride[1])
    }
}
