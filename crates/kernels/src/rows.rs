//! Sharing the rows of several outputs among threads.

use std::sync::Mutex;

use super::threads::Pool;

/// Cuts each of `outputs` into `rows` equal rows and calls `body` with the number of each block of at least `block`
/// rows' first row and the blocks of all outputs. Where the cuts are does not depend on the pool, so that `body` may use
/// scratch memory per block without the results depending on the number of threads.
///
/// # Panics
/// If the length of an output is not a multiple of `rows`.
pub fn for_row_blocks<T: Send, const N: usize>(
    pool: &Pool,
    outputs: [&mut [T]; N],
    rows: usize,
    block: usize,
    body: &(dyn Fn(usize, [&mut [T]; N]) + Sync),
) {
    if rows == 0 {
        return;
    }
    let block = block.clamp(1, rows);
    let widths: [usize; N] = std::array::from_fn(|output| {
        assert!(outputs[output].len().is_multiple_of(rows), "the rows of an output differ in length");
        outputs[output].len() / rows
    });
    // Each block is taken once, by the thread that runs it.
    let mut rests = outputs;
    let blocks: Vec<Mutex<Option<[&mut [T]; N]>>> = (0..rows.div_ceil(block))
        .map(|index| {
            let count = block.min(rows - index * block);
            let heads = std::array::from_fn(|output| {
                let rest = std::mem::take(&mut rests[output]);
                let (head, tail) = rest.split_at_mut(count * widths[output]);
                rests[output] = tail;
                head
            });
            Mutex::new(Some(heads))
        })
        .collect();
    pool.run(blocks.len(), &|index| {
        let taken = blocks[index].lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        body(index * block, taken.expect("each block is run once"));
    });
}
