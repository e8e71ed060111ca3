//! Keys and values of positions that have been decoded.

use bolete_tensor::{DType, Tensor, Tree};

/// Keys and values of the positions so far, in memory for a fixed number of them.
#[derive(Clone, Debug, Tree)]
pub struct KeyValueCache {
    /// `[batch, key heads, capacity, head width]`, turned by their positions already; zero where nothing is yet.
    pub key: Tensor,
    /// `[batch, key heads, capacity, head width]`.
    pub value: Tensor,
    /// How many positions are filled: a single `i64`.
    pub length: Tensor,
}

impl KeyValueCache {
    pub(super) fn new(shape: [usize; 4], dtype: DType) -> KeyValueCache {
        let zeros = Tensor::zeros(shape, dtype);
        KeyValueCache { key: zeros.clone(), value: zeros, length: Tensor::scalar(0.0, DType::I64) }
    }

    /// Positions that there is room for.
    pub fn capacity(&self) -> usize {
        self.key.shape()[2]
    }

    /// The cache with further keys and values `[batch, key heads, new, head width]`.
    #[track_caller]
    pub(super) fn append(self, key: &Tensor, value: &Tensor) -> KeyValueCache {
        let new = key.shape()[2];
        let places = Tensor::arange(new, DType::I64) + &self.length;
        // The places are zero, so that adding is writing, and an index beyond the capacity is noticed.
        let written = |all: Tensor, part: &Tensor| all.index_add(2, &places, &part.cast(all.dtype()));
        KeyValueCache {
            key: written(self.key, key),
            value: written(self.value, value),
            length: self.length + new,
        }
    }
}
