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

/// Writes the winners. `beats(challenger, holder)` says of two updates, by their offsets in `[batch, m, post]`, whether the
/// later one takes the place of the earlier. Places count from the end if negative; those out of range are left out.
pub fn winners(
    pool: &Pool,
    sizes: Sizes,
    places: &[i64],
    winners: &mut [i64],
    beats: &(dyn Fn(usize, usize) -> bool + Sync),
) {
    let Sizes { batch, m, n, post } = sizes;
    if winners.is_empty() {
        return;
    }
    for_row_blocks(pool, [winners], batch, 1, &|first, [winners]| {
        for (row, winners) in winners.chunks_mut(n * post).enumerate() {
            let row = first + row;
            winners.fill(-1);
            for (update, place) in places[row * m..][..m].iter().enumerate() {
                let place = if *place < 0 { place + n as i64 } else { *place };
                let Ok(place) = usize::try_from(place) else { continue };
                if place >= n {
                    continue;
                }
                for (inner, winner) in winners[place * post..][..post].iter_mut().enumerate() {
                    let offset = |update: usize| (row * m + update) * post + inner;
                    if *winner < 0 || beats(offset(update), offset(*winner as usize)) {
                        *winner = update as i64;
                    }
                }
            }
        }
    });
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
        winners(&pool, sizes, &places, &mut found, &|_, _| true);
        assert_eq!(found, [3, -1, 2]);
        winners(&pool, sizes, &places, &mut found, &|new, old| values[new] > values[old]);
        assert_eq!(found, [0, -1, 2]);
    }
}
