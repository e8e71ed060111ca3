//! A table of vectors that are looked up by number.

use bolete_tensor::{DType, Key, Param, Shape, Tensor, Tree, value_and_grad};

use crate::{Context, Fan, Initialiser, Module, SparseRows};

/// What an [`Embedding`] layer is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingConfig {
    /// Number of vectors.
    pub count: usize,
    /// Length of each.
    pub width: usize,
    /// A number that stands for nothing: its vector is zero at first and does not learn.
    pub padding: Option<usize>,
    /// Initial values; the default is N(0, 1), as in PyTorch.
    pub initialiser: Initialiser,
}

impl EmbeddingConfig {
    /// `count` vectors of length `width`, without padding, initial values from N(0, 1).
    pub fn new(count: usize, width: usize) -> EmbeddingConfig {
        let initialiser = Initialiser::Normal { mean: 0.0, deviation: 1.0 };
        EmbeddingConfig { count, width, padding: None, initialiser }
    }

    /// The layer with initial values from a key.
    ///
    /// # Panics
    /// If there is no vector for the padding.
    #[track_caller]
    pub fn init(&self, key: &Key) -> Embedding {
        Embedding { weight: Param::new(self.table("Embedding", key)), padding: self.padding }
    }

    #[track_caller]
    pub(super) fn table(&self, name: &str, key: &Key) -> Tensor {
        let fan = Fan { input: self.width, output: self.count };
        let table = self.initialiser.sample([self.count, self.width], fan, key, DType::F32);
        let Some(padding) = self.padding else { return table };
        assert!(
            padding < self.count,
            "{name}: the padding is number {padding}, but there are only {} vectors",
            self.count
        );
        table.slice_assign(&[padding, 0], &[1, self.width], &Tensor::zeros([1, self.width], DType::F32))
    }
}

/// The vector of each number: integers `[…]` to `[…, width]`. Negative numbers count from the end.
///
/// Differentiated like any layer it gives a gradient as large as the table, most of which is zero. For tables that are
/// large beside a batch, [`value_and_sparse_grad`](Embedding::value_and_sparse_grad) or
/// [`look_up`](Embedding::look_up) give the gradient of the rows that were used.
///
/// ```
/// use bolete_nn::{Context, EmbeddingConfig, Module};
/// use bolete_tensor::{Key, Tensor};
/// let layer = EmbeddingConfig { padding: Some(0), ..EmbeddingConfig::new(10, 4) }.init(&Key::new(0));
/// let output = layer.forward(&Tensor::from([[3i64, 1, 0], [2, 0, 0]]), &mut Context::evaluation());
/// assert_eq!(*output.shape(), [2, 3, 4]);
/// assert_eq!(output.to_vec::<f32>()[8..12], [0.0; 4]);
/// ```
#[derive(Clone, Debug, Tree)]
pub struct Embedding {
    /// `[count, width]`.
    pub weight: Param,
    /// The number whose vector does not learn.
    pub padding: Option<usize>,
}

/// Where `numbers`, which are not negative, are the padding.
pub(super) fn is_padding(numbers: &Tensor, padding: usize) -> Tensor {
    numbers.equal(Tensor::scalar(padding as f64, DType::I64))
}

/// Integers with negative ones counted from the end of a table of `count` rows.
#[track_caller]
pub(super) fn from_the_front(layer: &str, input: &Tensor, count: usize) -> Tensor {
    assert!(input.dtype().is_integer(), "{layer}: the input must be integers, but is {}", input.dtype());
    let numbers = input.cast(DType::I64);
    numbers.less(0).select(&numbers + Tensor::scalar(count as f64, DType::I64), &numbers)
}

/// `vectors` `[…, width]` of `numbers` `[…]`, no derivative going to those of the padding.
fn hold_padding(vectors: Tensor, numbers: &Tensor, padding: Option<usize>) -> Tensor {
    match padding {
        Some(padding) => is_padding(numbers, padding).unsqueeze(-1).select(vectors.stop_gradient(), &vectors),
        None => vectors,
    }
}

/// The rows of a table that an input needs, each once: what the derivative can be taken in instead of the table.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Numbers of the rows, ascending, `i64` `[n]`.
    pub rows: Tensor,
    /// The rows `[n, width]`.
    pub values: Tensor,
    /// For each element of the input its place among the rows, in the shape of the input.
    inverse: Tensor,
    padding: Option<usize>,
}

impl Lookup {
    /// The output of the layer if its rows were these: `[n, width]` to `[…, width]`, where `[…]` is the shape of the
    /// input. With [`values`](Lookup::values) it is the output itself.
    ///
    /// # Panics
    /// If there are not as many rows.
    #[track_caller]
    pub fn vectors(&self, values: &Tensor) -> Tensor {
        assert!(
            values.shape() == self.values.shape(),
            "Lookup: the rows have shape {}, not {}",
            self.values.shape(),
            values.shape()
        );
        let vectors = values.take(&self.inverse, 0);
        match self.padding {
            Some(_) => hold_padding(vectors, &self.rows.take(&self.inverse, 0), self.padding),
            None => vectors,
        }
    }

    /// The gradient of the table from that of the rows.
    pub fn gradient(&self, values: Tensor) -> SparseRows {
        SparseRows { rows: self.rows.clone(), values }
    }
}

impl Embedding {
    /// The rows that `input` needs. Since their number depends on it, it is evaluated at the call; this cannot be done
    /// under `vmap` or in a [`Step`](bolete_tensor::Step).
    ///
    /// ```
    /// use bolete_nn::EmbeddingConfig;
    /// use bolete_tensor::{Key, Tensor, value_and_grad};
    ///
    /// let layer = EmbeddingConfig::new(1000, 2).init(&Key::new(0));
    /// let lookup = layer.look_up(&Tensor::from([7i64, 3, 7]));
    /// let (_, slope) = value_and_grad(|rows| lookup.vectors(rows).sum(..))(&lookup.values);
    /// let gradient = lookup.gradient(slope);
    /// assert_eq!(gradient.rows.to_vec::<i64>(), [3, 7]);
    /// assert_eq!(gradient.values.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0]);
    /// let _table = gradient.update(&layer.weight, |rows, slope| rows - slope * 0.1);
    /// ```
    ///
    /// # Panics
    /// If the input does not consist of integers.
    #[track_caller]
    pub fn look_up(&self, input: &Tensor) -> Lookup {
        let numbers = from_the_front(&self.describe(), input, self.weight.shape()[0]);
        let unique = numbers.unique();
        let values = self.weight.take(&unique.values, 0);
        Lookup { rows: unique.values, values, inverse: unique.inverse, padding: self.padding }
    }

    /// The loss of a model on the vectors of `input` `[…, width]`, its gradient in the model, and its gradient in the table as
    /// the rows that were used. Like [`look_up`](Embedding::look_up), on which it rests, it evaluates `input` at the call.
    ///
    /// # Panics
    /// If the input does not consist of integers or the loss is not a single number.
    #[track_caller]
    pub fn value_and_sparse_grad<M: Tree>(
        &self,
        input: &Tensor,
        model: M,
        mut loss: impl FnMut(&M, &Tensor) -> Tensor,
    ) -> (Tensor, M, SparseRows) {
        let lookup = self.look_up(input);
        let arguments = (model, lookup.values.clone());
        let (value, (gradient, rows)) =
            value_and_grad(|(model, rows): &(M, Tensor)| loss(model, &lookup.vectors(rows)))(&arguments);
        (value, gradient, lookup.gradient(rows))
    }
}

impl Module for Embedding {
    /// # Panics
    /// If the input does not consist of integers. A number without a vector is found when the result is computed.
    #[track_caller]
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let numbers = from_the_front(&self.describe(), input, self.weight.shape()[0]);
        let output = hold_padding(self.weight.take(&numbers, 0), &numbers, self.padding);
        context.observe(self, input, output)
    }

    fn describe(&self) -> String {
        format!("Embedding {} × {}", self.weight.shape()[0], self.weight.shape()[1])
    }

    fn operations(&self, _: &Shape, _: &Shape) -> u64 {
        0
    }
}
