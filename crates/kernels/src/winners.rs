//! Which of several updates of one place wins.
//!
//! Updates are `[batch, m, post]` with places `[batch, m]` among `n`; the winners are `[batch, n, post]`: the position of
//! the update among the `m`, or −1 where there is none.

use super::rows::for_row_blocks;
use super::threads::Pool;

/// The sizes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Axes that places and updates share.
    pub batch: usize,
    /// Updates in a batch.
    pub m: usize,
    /// Places in a batch.
    pub n: usize,
    /// Elements of one update.
    pub post: usize,
}

/// Updated elements that are worth handing to a thread.
const WORTHWHILE: usize = 32 * 1024;
/// Into how many parts the places of a batch are cut; each part looks at all updates.
const PARTS: usize = 4;

/// Writes the winners. `beats(challenger, holder)` says of two updates, by their offsets in `[batch, m, post]`, whether the
/// later one takes the place of the earlier. Places count from the end if negative; those out of range are left out.
pub fn winners(
    pool: &Pool,
    sizes: Sizes,
    places: &[i64],
    winners: &mut [i64],
    beats: impl Fn(usize, usize) -> bool + Sync,
) {
    let Sizes { batch, m, n, post } = sizes;
    if winners.is_empty() {
        return;
    }
    // The winners of the places from `first` on of one batch.
    let one = |row: usize, first: usize, winners: &mut [i64]| {
        winners.fill(-1);
        let count = winners.len() / post;
        for (update, place) in places[row * m..][..m].iter().enumerate() {
            let place = if *place < 0 { place + n as i64 } else { *place };
            // What is below the part becomes a number beyond all.
            let own = (place as usize).wrapping_sub(first);
            if place < 0 || own >= count {
                continue;
            }
            let offset = (row * m + update) * post;
            for (inner, winner) in winners[own * post..][..post].iter_mut().enumerate() {
                if *winner < 0 || beats(offset + inner, (row * m + *winner as usize) * post + inner) {
                    *winner = update as i64;
                }
            }
        }
    };
    if batch >= PARTS || m * post < WORTHWHILE {
        let block = WORTHWHILE / (m * post).max(1);
        return for_row_blocks(pool, [winners], batch, block, &|first, [winners]| {
            for (row, winners) in winners.chunks_mut(n * post).enumerate() {
                one(first + row, 0, winners);
            }
        });
    }
    for (row, winners) in winners.chunks_mut(n * post).enumerate() {
        for_row_blocks(pool, [winners], n, n.div_ceil(PARTS), &|first, [winners]| one(row, first, winners));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_the_largest() {
        let pool = Pool::new(2);
        let sizes = Sizes { batch: 1, m: 5, n: 3, post: 1 };
        let places = [0, 2, -1, 0, 7];
        let values = [5.0, 1.0, 9.0, 2.0, 4.0];
        let mut found = [0; 3];
        winners(&pool, sizes, &places, &mut found, |_, _| true);
        assert_eq!(found, [3, -1, 2]);
        winners(&pool, sizes, &places, &mut found, |new, old| values[new] > values[old]);
        assert_eq!(found, [0, -1, 2]);
    }

    #[test]
    fn parts_agree_with_the_whole() {
        let sizes = Sizes { batch: 1, m: 3000, n: 37, post: 16 };
        let places: Vec<i64> = (0..3000).map(|update| update * 7919 % 41 - 2).collect();
        let values: Vec<i64> = (0..3000 * 16).map(|element| element * 104_729 % 1009).collect();
        let beats = |new: usize, old: usize| values[new] > values[old];
        let mut found = vec![0; 37 * 16];
        winners(&Pool::new(3), sizes, &places, &mut found, beats);
        for place in 0..37i64 {
            for inner in 0..16 {
                let own = |update: &usize| (places[*update] + 37) % 37 == place && places[*update] < 37;
                let best = (0..3000)
                    .filter(own)
                    .max_by_key(|update| (values[update * 16 + inner], usize::MAX - update));
                assert_eq!(found[place as usize * 16 + inner], best.map_or(-1, |update| update as i64));
            }
        }
    }
}
