//! The bilinear layer of two inputs.

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use crate::{Fan, Initialiser};

/// What a [`Bilinear`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct BilinearConfig {
    /// Features of the first input.
    pub first: usize,
    /// Features of the second input.
    pub second: usize,
    /// Features per output.
    pub output: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Initial values of the weight; the default is [`Initialiser::FanIn`], U(±1/√first).
    pub weight_initialiser: Initialiser,
    /// Initial values of the bias; the default is [`Initialiser::FanIn`], U(±1/√first).
    pub bias_initialiser: Initialiser,
}

impl BilinearConfig {
    /// From `first` and `second` to `output` features, with a bias, initial values as in PyTorch.
    pub fn new(first: usize, second: usize, output: usize) -> BilinearConfig {
        BilinearConfig {
            first,
            second,
            output,
            bias: true,
            weight_initialiser: Initialiser::FanIn,
            bias_initialiser: Initialiser::FanIn,
        }
    }

    /// The layer with initial values from a key.
    pub fn init(&self, key: &Key) -> Bilinear {
        let [weight_key, bias_key] = key.split();
        let fan = Fan { input: self.first, output: self.output };
        let draw = |initialiser: Initialiser, shape: Shape, key: &Key| {
            Param::new(initialiser.sample(shape, fan, key, DType::F32))
        };
        Bilinear {
            weight: draw(self.weight_initialiser, [self.output, self.first, self.second].into(), &weight_key),
            bias: self.bias.then(|| draw(self.bias_initialiser, [self.output].into(), &bias_key)),
        }
    }
}

/// yₖ = aᵀ Wₖ b + cₖ over the last axes: `[…, first]` and `[…, second]` to `[…, output]`.
///
/// With two inputs it is no [`Module`](crate::Module), and called in a model of your own.
///
/// ```
/// use bolete_nn::BilinearConfig;
/// use bolete_tensor::{DType, Key, Tensor};
/// let layer = BilinearConfig::new(3, 4, 2).init(&Key::new(0));
/// let output = layer.forward(&Tensor::zeros([5, 3], DType::F32), &Tensor::zeros([5, 4], DType::F32));
/// assert_eq!(*output.shape(), [5, 2]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Bilinear {
    /// `[output, first, second]`.
    pub weight: Param,
    /// `[output]`.
    pub bias: Option<Param>,
}

impl Bilinear {
    /// The output.
    ///
    /// # Panics
    /// If the leading axes of the inputs differ or the last are not as long as the layer has inputs.
    #[track_caller]
    pub fn forward(&self, first: &Tensor, second: &Tensor) -> Tensor {
        let [output, rows, columns] = [0, 1, 2].map(|axis| self.weight.shape()[axis]);
        let leading = |x: &Tensor| x.shape()[..x.rank().saturating_sub(1)].to_vec();
        assert!(
            first.shape().last() == Some(&rows)
                && second.shape().last() == Some(&columns)
                && leading(first) == leading(second),
            "Bilinear {rows}, {columns} → {output}: expected inputs […, {rows}] and […, {columns}], found {} and {}",
            first.shape(),
            second.shape()
        );
        // [n, first] × [first, output · second], then the second input along each row.
        let weight = self.weight.transpose(0, 1).reshape([rows, output * columns]);
        let count: usize = leading(first).iter().product();
        let half = first.reshape([count, rows]).matmul(&weight).reshape([count, output, columns]);
        let product = (half * second.reshape([count, 1, columns])).sum(-1);
        let shape: Shape = leading(first).into_iter().chain([output]).collect();
        let product = product.reshape(shape);
        match &self.bias {
            Some(bias) => product + bias.tensor(),
            None => product,
        }
    }
}
