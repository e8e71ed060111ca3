//! Pooling over windows of sequences, images and volumes.

use bolete_tensor::{Pool, Shape, Tensor, Tree};

use crate::{Context, Module};

macro_rules! pooling_layers {
    ($($(#[$doc:meta])* $name:ident $method:ident $axes:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Tree)]
        pub struct $name {
            /// How the window moves.
            pub options: Pool<$axes>,
        }

        impl $name {
            /// Windows of these lengths side by side.
            pub fn new(window: [usize; $axes]) -> $name {
                $name { options: Pool::window(window) }
            }
        }

        impl Module for $name {
            /// # Panics
            /// If the input has too few axes or the window does not fit into it.
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
    MaxPool2d max_pool2d 2;
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
    AvgPool2d avg_pool2d 2;
    /// The largest element of each window over the last axis: `[…, length] → […, length']`. Padding is ignored.
    MaxPool1d max_pool1d 1;
    /// The mean of each window over the last axis: `[…, length] → […, length']`. Padding counts as zeros.
    AvgPool1d avg_pool1d 1;
    /// The largest element of each window over the last three axes. Padding is ignored.
    MaxPool3d max_pool3d 3;
    /// The mean of each window over the last three axes. Padding counts as zeros.
    AvgPool3d avg_pool3d 3;
}

/// (Σ |x|ᵖ)^(1/p) of each window over the last two axes.
#[derive(Clone, Copy, Debug, PartialEq, Tree)]
pub struct LpPool2d {
    /// p.
    pub power: f64,
    /// How the window moves.
    pub options: Pool<2>,
}

impl Module for LpPool2d {
    /// # Panics
    /// If the input has fewer than two axes or the window does not fit into it.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        context.observe(self, input, input.lp_pool2d(self.power, &self.options))
    }

    fn describe(&self) -> String {
        format!("{}, power {}", describe("LpPool2d", &self.options), self.power)
    }

    fn operations(&self, _: &Shape, output: &Shape) -> u64 {
        (2 * output.elements() * self.options.window.iter().product::<usize>()) as u64
    }
}

/// Windows of the last axes such that these get given lengths, whatever they were.
#[derive(Clone, Debug, PartialEq, Tree)]
pub struct AdaptivePool {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// The lengths of the last axes of the output: one of a sequence, two of an image, three of a volume. All ones is global pooling.
    pub lengths: Vec<usize>,
}

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Tree)]
pub enum PoolKind {
    /// The mean.
    Average,
    /// The largest element.
    Max,
}

impl AdaptivePool {
    /// Means.
    pub fn average(lengths: impl Into<Vec<usize>>) -> AdaptivePool {
        AdaptivePool { kind: PoolKind::Average, lengths: lengths.into() }
    }

    /// Largest elements.
    pub fn max(lengths: impl Into<Vec<usize>>) -> AdaptivePool {
        AdaptivePool { kind: PoolKind::Max, lengths: lengths.into() }
    }
}

impl Module for AdaptivePool {
    /// # Panics
    /// If the input has fewer axes or one of them is empty.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = match self.kind {
            PoolKind::Average => input.adaptive_avg_pool(&self.lengths),
            PoolKind::Max => input.adaptive_max_pool(&self.lengths),
        };
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        let lengths: Vec<String> = self.lengths.iter().map(usize::to_string).collect();
        format!("AdaptivePool {:?} to {}", self.kind, lengths.join("×"))
    }

    fn operations(&self, input: &Shape, _: &Shape) -> u64 {
        input.elements() as u64
    }
}

fn describe<const N: usize>(name: &str, options: &Pool<N>) -> String {
    let lengths = |values: [usize; N]| values.map(|value| value.to_string()).join("×");
    let window = lengths(options.window);
    if options.stride == options.window {
        format!("{name} {window}")
    } else {
        format!("{name} {window}, stride {}", lengths(options.stride))
    }
}
