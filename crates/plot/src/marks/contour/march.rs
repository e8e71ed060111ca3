//! Marching squares: lines of a level, and areas between two levels, cell by cell.
//!
//! A cell is one piece, or four triangles around its middle where its corners are a saddle (both ends of one diagonal
//! above those of the other); so lines and areas agree, and areas of neighbouring bands share their edges.

use std::collections::HashMap;

/// Values at every pair of `x` and `y`, row-major.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub values: Vec<f64>,
}

/// A corner of a piece: position and value.
type Corner = (f64, f64, f64);

impl Grid {
    fn cell(&self, row: usize, column: usize) -> Option<[Corner; 4]> {
        let corner = |row: usize, column: usize| {
            (self.x[column], self.y[row], self.values[row * self.x.len() + column])
        };
        let corners = [
            corner(row, column),
            corner(row, column + 1),
            corner(row + 1, column + 1),
            corner(row + 1, column),
        ];
        corners
            .iter()
            .all(|corner| corner.0.is_finite() && corner.1.is_finite() && corner.2.is_finite())
            .then_some(corners)
    }

    /// Calls `see` with the pieces of every cell, row by row.
    fn pieces(&self, row: usize, column: usize, mut see: impl FnMut(&[Corner])) {
        let Some(cell) = self.cell(row, column) else { return };
        let [a, b, c, d] = cell.map(|corner| corner.2);
        if a.min(c) > b.max(d) || b.min(d) > a.max(c) {
            let middle =
                ((cell[0].0 + cell[1].0) / 2.0, (cell[0].1 + cell[3].1) / 2.0, (a + b) / 4.0 + (c + d) / 4.0);
            for side in 0..4 {
                see(&[cell[side], cell[(side + 1) % 4], middle]);
            }
        } else {
            see(&cell);
        }
    }

    /// The lines on which the value is `level`, joined to as few as possible.
    pub fn lines(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        let mut pieces: Vec<[(f64, f64); 2]> = Vec::new();
        for row in 0..self.y.len().saturating_sub(1) {
            for column in 0..self.x.len().saturating_sub(1) {
                self.pieces(row, column, |corners| {
                    let mut ends = Vec::new();
                    for (index, &from) in corners.iter().enumerate() {
                        let to = corners[(index + 1) % corners.len()];
                        if (from.2 >= level) != (to.2 >= level) {
                            ends.push(crossing(from, to, level));
                        }
                    }
                    if let [from, to] = ends[..]
                        && from != to
                    {
                        pieces.push([from, to]);
                    }
                });
            }
        }
        join(&pieces)
    }

    /// Polygons of the area where the value is at least `low` and below `high`. Cells of one row that lie wholly inside
    /// are one rectangle.
    pub fn band(&self, low: f64, high: f64) -> Vec<Vec<(f64, f64)>> {
        let mut polygons = Vec::new();
        for row in 0..self.y.len().saturating_sub(1) {
            let mut run: Option<(usize, usize)> = None;
            let end_run = |run: &mut Option<(usize, usize)>, polygons: &mut Vec<_>| {
                if let Some((first, last)) = run.take() {
                    let (left, right) = (self.x[first], self.x[last + 1]);
                    let (bottom, top) = (self.y[row], self.y[row + 1]);
                    polygons.push(vec![(left, bottom), (right, bottom), (right, top), (left, top)]);
                }
            };
            for column in 0..self.x.len().saturating_sub(1) {
                let inside = |corner: &Corner| corner.2 >= low && corner.2 < high;
                if self.cell(row, column).is_some_and(|cell| cell.iter().all(inside)) {
                    run = Some((run.map_or(column, |(first, _)| first), column));
                    continue;
                }
                end_run(&mut run, &mut polygons);
                self.pieces(row, column, |corners| {
                    let upper = part(corners, low, |value, level| value >= level);
                    let both = part(&upper, high, |value, level| value < level);
                    if both.len() >= 3 {
                        polygons.push(both.into_iter().map(|(x, y, _)| (x, y)).collect());
                    }
                });
            }
            end_run(&mut run, &mut polygons);
        }
        polygons
    }
}

/// The part of a piece on one side of a level.
fn part(corners: &[Corner], level: f64, inside: impl Fn(f64, f64) -> bool) -> Vec<Corner> {
    let mut kept = Vec::with_capacity(corners.len() + 2);
    for (index, &to) in corners.iter().enumerate() {
        let from = corners[(index + corners.len() - 1) % corners.len()];
        if inside(from.2, level) != inside(to.2, level) {
            let (x, y) = crossing(from, to, level);
            kept.push((x, y, level));
        }
        if inside(to.2, level) {
            kept.push(to);
        }
    }
    kept
}

/// Where the value is `level` between two corners, to the same bits whichever comes first.
fn crossing(a: Corner, b: Corner, level: f64) -> (f64, f64) {
    let (a, b) = if (a.0, a.1) <= (b.0, b.1) { (a, b) } else { (b, a) };
    if a.2 == b.2 {
        return (a.0, a.1);
    }
    let part = ((level - a.2) / (b.2 - a.2)).clamp(0.0, 1.0);
    (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
}

/// Pieces with common ends as lines.
fn join(pieces: &[[(f64, f64); 2]]) -> Vec<Vec<(f64, f64)>> {
    let key = |point: (f64, f64)| (point.0.to_bits(), point.1.to_bits());
    let mut at: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (index, piece) in pieces.iter().enumerate() {
        for &end in piece {
            at.entry(key(end)).or_default().push(index);
        }
    }
    let mut used = vec![false; pieces.len()];
    let next = |point: (f64, f64), used: &mut Vec<bool>| {
        let candidates = at.get(&key(point))?;
        let &piece = candidates.iter().find(|&&piece| !used[piece])?;
        used[piece] = true;
        let [from, to] = pieces[piece];
        Some(if from == point { to } else { from })
    };
    let mut lines = Vec::new();
    for index in 0..pieces.len() {
        if used[index] {
            continue;
        }
        used[index] = true;
        let mut line = pieces[index].to_vec();
        while let Some(point) = next(line[line.len() - 1], &mut used) {
            line.push(point);
        }
        line.reverse();
        while let Some(point) = next(line[line.len() - 1], &mut used) {
            line.push(point);
        }
        lines.push(line);
    }
    lines
}
