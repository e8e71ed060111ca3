//! Embeddings of sets: the vectors of several numbers reduced to one.

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree};

use super::embedding::{from_the_front, is_padding};
use crate::{Context, EmbeddingConfig, Module};

/// What becomes of the vectors of a bag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Tree)]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    #[default]
    Mean,
    /// The largest in each place.
    Max,
}

/// What an [`EmbeddingBag`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingBagConfig {
    /// The table; its padding is left out of bags.
    pub table: EmbeddingConfig,
    /// What becomes of the vectors of a bag.
    pub mode: BagMode,
}

impl EmbeddingBagConfig {
    /// Means of `count` vectors of length `width`, initial values from N(0, 1).
    pub fn new(count: usize, width: usize) -> EmbeddingBagConfig {
        EmbeddingBagConfig { table: EmbeddingConfig::new(count, width), mode: BagMode::Mean }
    }

    /// The layer with initial values from a key.
    ///
    /// # Panics
    /// If there is no vector for the padding.
    #[track_caller]
    pub fn init(&self, key: &Key) -> EmbeddingBag {
        EmbeddingBag {
            weight: Param::new(self.table.table("EmbeddingBag", key)),
            padding: self.table.padding,
            mode: self.mode,
        }
    }
}

/// The vectors of the numbers of each bag reduced to one: integers `[…, numbers of a bag]` to `[…, width]`, or bags of
/// different sizes with [`forward_ragged`](EmbeddingBag::forward_ragged). Padding is left out; an empty bag gives zeros.
///
/// ```
/// use bolete_nn::{Context, EmbeddingBagConfig, Module};
/// use bolete_tensor::{Key, Param, Tensor};
/// let mut layer = EmbeddingBagConfig::new(3, 2).init(&Key::new(0));
/// layer.weight = Param::new(Tensor::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 0.0]]));
/// let output = layer.forward(&Tensor::from([[0i64, 1], [2, 2]]), &mut Context::evaluation());
/// assert_eq!(output.to_vec::<f32>(), [2.0, 3.0, 5.0, 0.0]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct EmbeddingBag {
    /// `[count, width]`.
    pub weight: Param,
    /// The number that is left out of bags.
    pub padding: Option<usize>,
    /// What becomes of the vectors of a bag.
    pub mode: BagMode,
}

impl EmbeddingBag {
    /// The vectors of `bags` bags: number i of `input` `[n]` belongs to bag `owners[i]`, multiplied by `weights[i]`.
    #[track_caller]
    fn bags(&self, input: &Tensor, owners: &Tensor, bags: usize, weights: Option<&Tensor>) -> Tensor {
        assert!(
            weights.is_none() || self.mode == BagMode::Sum,
            "{}: weights go with the mode Sum only",
            self.describe()
        );
        let numbers = from_the_front(&self.describe(), input, self.weight.shape()[0]);
        // Padding goes to a bag of its own, which is cut off.
        let owners = match self.padding {
            Some(padding) => {
                is_padding(&numbers, padding).select(Tensor::scalar(bags as f64, DType::I64), owners)
            }
            None => owners.clone(),
        };
        let vectors = self.weight.take(&numbers, 0);
        let vectors = match weights {
            Some(weights) => vectors * weights.unsqueeze(-1),
            None => vectors,
        };
        let reduced = match self.mode {
            BagMode::Sum => vectors.segment_sum(&owners, bags + 1),
            BagMode::Mean => vectors.segment_mean(&owners, bags + 1),
            BagMode::Max => vectors.segment_max(&owners, bags + 1, 0.0),
        };
        reduced.narrow(0, 0, bags)
    }

    /// Like [`forward`](Module::forward) with the vectors multiplied by `weights` first, one for each number; the mode must
    /// be [`BagMode::Sum`].
    ///
    /// # Panics
    /// If the mode is another, or the shapes of input and weights differ.
    #[track_caller]
    pub fn forward_weighted(&self, input: &Tensor, weights: &Tensor) -> Tensor {
        assert!(
            weights.shape() == input.shape(),
            "{}: the input {} and the weights {} must have one shape",
            self.describe(),
            input.shape(),
            weights.shape()
        );
        self.even(input, Some(weights))
    }

    /// Bags of the same size along the last axis.
    #[track_caller]
    fn even(&self, input: &Tensor, weights: Option<&Tensor>) -> Tensor {
        assert!(
            input.rank() > 0,
            "{}: expected integers […, numbers of a bag], found a single one",
            self.describe()
        );
        let outer: Shape = input.shape()[..input.rank() - 1].iter().copied().collect();
        let (bags, size) = (outer.elements(), input.shape()[input.rank() - 1]);
        let owners = Tensor::arange(bags, DType::I64).repeat_interleave(size, 0);
        let weights = weights.map(Tensor::flatten);
        let reduced = self.bags(&input.flatten(), &owners, bags, weights.as_ref());
        reduced.reshape(outer.iter().copied().chain([self.weight.shape()[1]]).collect::<Shape>())
    }

    /// Bags of different sizes, one after the other in `input` `[n]`: bag i begins at `starts[i]` and ends where the next
    /// begins; the result is `[bags, width]`. `starts` must ascend from 0; equal ones make empty bags.
    ///
    /// # Panics
    /// If one of the two is not a vector of integers.
    #[track_caller]
    pub fn forward_ragged(&self, input: &Tensor, starts: &Tensor) -> Tensor {
        assert!(
            input.rank() == 1 && starts.rank() == 1 && starts.dtype().is_integer(),
            "{}: expected vectors of integers, found {} and {} {}",
            self.describe(),
            input.shape(),
            starts.dtype(),
            starts.shape()
        );
        let places = Tensor::arange(input.elements(), DType::I64);
        let owners = starts.cast(DType::I64).searchsorted(&places, true) - 1;
        self.bags(input, &owners, starts.elements(), None)
    }
}

impl Module for EmbeddingBag {
    /// # Panics
    /// If the input does not consist of integers or has no axis. A number without a vector is found when the result is
    /// computed.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let output = self.even(input, None);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("EmbeddingBag {} × {}, {:?}", self.weight.shape()[0], self.weight.shape()[1], self.mode)
    }

    fn operations(&self, input: &Shape, _: &Shape) -> u64 {
        (input.elements() * self.weight.shape()[1]) as u64
    }
}
