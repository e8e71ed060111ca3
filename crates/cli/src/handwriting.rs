//! Handwritten digits for lectures: those of MNIST where the user has them, else drawn ones.

use std::path::Path;

use bolete::data::drawn_digits::{self, DrawOptions};
use bolete::data::{ImageClassification, Randomness, TrainTest, idx_digits};
use bolete::tensor::{DType, Tensor};

use crate::pictures::SIDE;

/// Training and test digits: the first of the IDX files in `folder`, or drawn ones without it. A size of `None` takes
/// all of the files, or as many drawn ones as MNIST has.
///
/// # Errors
/// If the files cannot be read or have pictures of another size than 28×28.
pub fn load(
    folder: Option<&Path>,
    train_size: Option<usize>,
    test_size: Option<usize>,
    seed: u64,
) -> anyhow::Result<TrainTest> {
    let Some(folder) = folder else {
        let drawn = |count: usize, seed: u64| {
            drawn_digits::draw(
                count,
                seed,
                &DrawOptions { wobble: 0.042, shift: 0.5, ..DrawOptions::default() },
            )
        };
        // Far from all seeds that people choose.
        let unseen = Randomness::keyed(&[u64::from_be_bytes(*b"UNSEEN\0\0"), seed, 0]).bits();
        let train = drawn(train_size.unwrap_or(60_000), seed);
        return Ok(TrainTest { train, test: drawn(test_size.unwrap_or(10_000), unseen) });
    };
    let first = |all: ImageClassification, size: Option<usize>| match size {
        Some(size) if size < all.labels().len() => all.select(&(0..size).collect::<Vec<_>>()),
        _ => all,
    };
    let TrainTest { train, test } = idx_digits::load(folder)?;
    let shape = train.shape();
    anyhow::ensure!(
        (shape.channels, shape.height, shape.width) == (1, SIDE, SIDE) && test.shape() == shape,
        "{}: expected gray pictures of 28×28, found {}×{} with {} channels",
        folder.display(),
        shape.height,
        shape.width,
        shape.channels
    );
    Ok(TrainTest { train: first(train, train_size), test: first(test, test_size) })
}

/// Where digits come from, in words.
pub fn origin(folder: Option<&Path>) -> String {
    folder.map_or_else(|| "drawn by this program".to_owned(), |folder| format!("from {}", folder.display()))
}

/// All pictures as `f32` from 0 to 1, `[n, 784]`, and their classes `[n]`.
pub fn tensors(digits: &ImageClassification) -> (Tensor, Tensor) {
    let count = digits.labels().len();
    let pixels: Vec<u8> = (0..count).flat_map(|index| digits.pixels(index).iter().copied()).collect();
    let pixels = Tensor::from_vec(pixels, [count, SIDE * SIDE]).cast(DType::F32) / 255.0;
    (pixels, Tensor::from_slice(digits.labels(), [count]))
}
