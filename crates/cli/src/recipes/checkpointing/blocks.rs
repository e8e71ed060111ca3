//! A chain of residual blocks, its loss with and without checkpoints, and gradients of it.

use bolete::prelude::*;

use super::Config;

/// The two weights of a block.
pub(super) type Block = (Tensor, Tensor);

/// x + W₂ gelu(W₁ x̂), with x̂ of mean 0 and variance 1 in each row: half a block of a transformer.
fn block((up, down): &Block, x: &Tensor) -> Tensor {
    let (weight, bias) = (Tensor::ones([x.shape()[1]], x.dtype()), Tensor::zeros([x.shape()[1]], x.dtype()));
    x + x.layer_norm(&weight, &bias, 1e-5).matmul(up).gelu().matmul(down)
}

/// The weights of a chain.
pub(super) fn blocks(config: &Config) -> Vec<Block> {
    let keys = Key::new(config.seed).split_many(2 * config.depth);
    let draw = |index: usize, rows: usize, columns: usize| {
        let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        key.normal([rows, columns], DType::F32) * (0.5 / rows as f64).sqrt()
    };
    let (width, inner) = (config.width, 4 * config.width);
    let blocks: Vec<Block> = (0..config.depth)
        .map(|layer| (draw(2 * layer, width, inner), draw(2 * layer + 1, inner, width)))
        .collect();
    eval(blocks.iter().flat_map(|(up, down)| [up, down]));
    blocks
}

/// The mean square at the end of the chain. Of `segment` blocks at a time only the input is kept; 0 keeps everything.
pub(super) fn loss(blocks: &[Block], x: &Tensor, segment: usize) -> Tensor {
    let through =
        |blocks: &[Block], x: &Tensor| blocks.iter().fold(x.clone(), |x, weights| block(weights, &x));
    let last = if segment == 0 {
        through(blocks, x)
    } else {
        blocks.chunks(segment).fold(x.clone(), |x, part| {
            checkpoint(|(weights, x): &(Vec<Block>, Tensor)| through(weights, x))(&(part.to_vec(), x))
        })
    };
    last.square().mean(..)
}

/// The largest difference of two gradients beside the largest entry.
pub(super) fn difference(left: &[Block], right: &[Block]) -> f64 {
    let pairs = left.iter().zip(right).flat_map(|(l, r)| [(&l.0, &r.0), (&l.1, &r.1)]);
    pairs.map(|(l, r)| ((l - r).abs().max(..) / r.abs().max(..)).item()).fold(0.0, f64::max)
}
