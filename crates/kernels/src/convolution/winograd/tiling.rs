//! How the outputs of all images are cut in tiles, and the tiles in blocks.

use super::transform::Algorithm;
use std::ops::Range;

/// Most bytes of the values of a block at the points.
const VOLUME_BYTES: usize = 6 << 20;

/// The tiles of a batch of images. A unit is a row of the tiles of an image, or a part of one if rows are long; a block
/// is a run of units, which may be of several images.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// Rows and columns of tiles of an image.
    pub tiles: [usize; 2],
    /// Parts of a row of tiles.
    parts: usize,
    /// Tiles of a part.
    width: usize,
    /// Units of a block.
    group: usize,
    units: usize,
}

/// Tiles of one block that lie in the same image, row by row.
#[derive(Clone, Debug)]
pub struct Run {
    /// The image.
    pub image: usize,
    /// The rows of tiles.
    pub rows: Range<usize>,
    /// The columns of tiles.
    pub columns: Range<usize>,
    /// The unit after the last.
    pub end: usize,
}

impl Run {
    /// Number of tiles.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

impl Tiling {
    /// The tiles of `images` images with this size of the output, which is not zero, in as few blocks as there can be,
    /// but a multiple of `multiple`. `channels` are those whose values a task keeps.
    pub fn new<A: Algorithm>(images: usize, output: [usize; 2], channels: usize, multiple: usize) -> Tiling {
        let tiles = output.map(|size| size.div_ceil(A::OUTPUT));
        let fitting = VOLUME_BYTES / (A::POINTS * A::POINTS * size_of::<f32>() * channels);
        let most = fitting.clamp(A::BLOCK_TILES / 4, A::BLOCK_TILES);
        let parts = tiles[1].div_ceil(most);
        let width = tiles[1].div_ceil(parts);
        let parts = tiles[1].div_ceil(width);
        let units = images * tiles[0] * parts;
        let most = if parts == 1 { (most / width).max(1) } else { 1 };
        let blocks = units.div_ceil(most).next_multiple_of(multiple).min(units);
        Tiling { tiles, parts, width, group: units.div_ceil(blocks), units }
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.units.div_ceil(self.group)
    }

    /// Most tiles of a block.
    pub fn capacity(&self) -> usize {
        self.group * self.width
    }

    /// Most rows of tiles of a run, and most columns.
    pub fn largest_run(&self) -> [usize; 2] {
        [self.group.min(self.tiles[0]), self.width]
    }

    /// The units of a block.
    #[inline(always)]
    pub fn units(&self, block: usize) -> Range<usize> {
        let end = (block + 1) * self.group;
        block * self.group..if end < self.units { end } else { self.units }
    }

    /// Tiles of a block.
    #[inline(always)]
    pub fn tiles_of(&self, block: usize) -> usize {
        let units = self.units(block);
        if self.parts == 1 { units.len() * self.width } else { self.run(units.start, units.end).len() }
    }

    /// Rows of tiles of a block, if it has whole ones.
    pub fn lines_of_block(&self) -> Option<usize> {
        (self.parts == 1).then_some(self.group)
    }

    /// The run that begins with `unit` and ends before `end`.
    #[inline(always)]
    pub fn run(&self, unit: usize, end: usize) -> Run {
        let (row, part) = (unit / self.parts, unit % self.parts);
        let (image, row) = (row / self.tiles[0], row % self.tiles[0]);
        let first = part * self.width;
        let last = if first + self.width < self.tiles[1] { first + self.width } else { self.tiles[1] };
        let rows = if self.parts > 1 {
            1
        } else if end - unit < self.tiles[0] - row {
            end - unit
        } else {
            self.tiles[0] - row
        };
        Run { image, rows: row..row + rows, columns: first..last, end: unit + rows }
    }
}

/// Values at the points of the tiles of a block, `[panels of channels, points, tiles, channels of a panel]`.
#[derive(Clone, Copy)]
pub struct Volume {
    /// First value.
    pub start: *mut f32,
    /// Channels of a panel, a multiple of the lanes.
    pub pitch: usize,
    /// Panels.
    pub panels: usize,
    /// From point to point.
    pub point: usize,
    /// Points of a tile.
    pub points: usize,
}

// SAFETY: every task has a volume of its own.
unsafe impl Send for Volume {}
// SAFETY: as above.
unsafe impl Sync for Volume {}

impl Volume {
    /// A volume for a block of at most `capacity` tiles, and the number of its values.
    pub fn new<A: Algorithm>(capacity: usize, channels: usize, pitch: usize) -> (Volume, usize) {
        // A cache line more, so that the points of a tile do not compete for the same places in the caches.
        let point = capacity * pitch + 16;
        let panels = channels.div_ceil(pitch);
        let points = A::POINTS * A::POINTS;
        (Volume { start: std::ptr::null_mut(), pitch, panels, point, points }, panels * points * point)
    }

    /// The values of a panel at the first point of the first tile.
    #[inline(always)]
    pub fn panel(&self, panel: usize) -> *mut f32 {
        self.start.wrapping_add(panel * self.points * self.point)
    }
}
