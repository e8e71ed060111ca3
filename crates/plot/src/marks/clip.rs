//! Cutting away what lies far outside, and points that nobody could tell apart.

use crate::scene::{Point, Rect};

/// The parts of a line within `rect`.
pub(crate) fn line(points: &[Point], rect: Rect) -> Vec<Vec<Point>> {
    if points.iter().all(|&point| rect.contains(point)) {
        return vec![points.to_vec()];
    }
    let mut parts: Vec<Vec<Point>> = Vec::new();
    let mut connected = false;
    for pair in points.windows(2) {
        let Some((from, to)) = segment(pair[0], pair[1], rect) else {
            connected = false;
            continue;
        };
        match parts.last_mut() {
            Some(part) if connected && part.last() == Some(&from) => part.push(to),
            _ => parts.push(vec![from, to]),
        }
        connected = to == pair[1];
    }
    parts
}

/// Liang and Barsky 1984.
fn segment(from: Point, to: Point, rect: Rect) -> Option<(Point, Point)> {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    let sides = [
        (-dx, from.x - rect.x),
        (dx, rect.right() - from.x),
        (-dy, from.y - rect.y),
        (dy, rect.bottom() - from.y),
    ];
    for (direction, distance) in sides {
        if direction == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if direction < 0.0 {
            enter = enter.max(distance / direction);
        } else {
            leave = leave.min(distance / direction);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |part: f64| Point::new(from.x + dx * part, from.y + dy * part);
    // Ends inside are kept to the bit, as neighbours are recognised by them.
    Some((if enter > 0.0 { at(enter) } else { from }, if leave < 1.0 { at(leave) } else { to }))
}

/// The part of a polygon within `rect` (Sutherland and Hodgman 1974).
pub(crate) fn polygon(points: &[Point], rect: Rect) -> Vec<Point> {
    let mut points = points.to_vec();
    type Side = (fn(Point, Rect) -> f64, bool);
    let sides: [Side; 4] = [
        (|point, rect| point.x - rect.x, true),
        (|point, rect| rect.right() - point.x, true),
        (|point, rect| point.y - rect.y, false),
        (|point, rect| rect.bottom() - point.y, false),
    ];
    for (depth, _) in sides {
        if points.iter().all(|&point| depth(point, rect) >= 0.0) {
            continue;
        }
        let mut kept = Vec::with_capacity(points.len() + 4);
        for (index, &to) in points.iter().enumerate() {
            let from = points[(index + points.len() - 1) % points.len()];
            let (before, after) = (depth(from, rect), depth(to, rect));
            if (before >= 0.0) != (after >= 0.0) {
                let part = before / (before - after);
                kept.push(Point::new(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part));
            }
            if after >= 0.0 {
                kept.push(to);
            }
        }
        points = kept;
    }
    points
}

/// Fewer points that look the same: of each half pixel column the first, lowest, highest and last, in their order.
/// A line that goes back and forth loses the points that are nearly where the one before is.
pub(crate) fn thin(points: Vec<Point>) -> Vec<Point> {
    const FEW: usize = 2000;
    if points.len() <= FEW {
        return points;
    }
    if points.windows(2).any(|pair| pair[1].x < pair[0].x) {
        let mut kept: Vec<Point> = Vec::new();
        let last = points.len() - 1;
        for (index, point) in points.into_iter().enumerate() {
            let far = |before: &Point| (before.x - point.x).hypot(before.y - point.y) >= 0.5;
            if index == last || kept.last().is_none_or(far) {
                kept.push(point);
            }
        }
        return kept;
    }
    let column = |point: &Point| (point.x * 2.0).floor();
    let mut kept = Vec::new();
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let height = |&index: &usize| group[index].y;
        let (mut low, mut high) = (0, 0);
        for index in 1..group.len() {
            low = if height(&index) < height(&low) { index } else { low };
            high = if height(&index) > height(&high) { index } else { high };
        }
        let mut chosen = [0, low.min(high), low.max(high), group.len() - 1].to_vec();
        chosen.dedup();
        kept.extend(chosen.into_iter().map(|index| group[index]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_extremes_and_ends() {
        let wave = |index: usize| (index as f64 * 0.37).sin() * 50.0 + (index as f64 * 0.0001).cos() * 20.0;
        let mut points: Vec<Point> =
            (0..100_000).map(|index| Point::new(index as f64 * 0.004, wave(index))).collect();
        points[34_567].y = 1000.0;
        points[76_543].y = -1000.0;
        let kept = thin(points.clone());
        assert!(kept.len() <= 4 * 802, "{}", kept.len());
        for column in 0..800 {
            let of = |points: &[Point]| {
                let heights = points.iter().filter(|p| (p.x * 2.0).floor() as usize == column).map(|p| p.y);
                heights.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)))
            };
            assert_eq!(of(&kept), of(&points));
        }
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[points.len() - 1]));
    }

    #[test]
    fn clipped_lines_stay_inside_and_keep_their_course() {
        let rect = Rect::new(0.0, 0.0, 10.0, 10.0);
        let points = [(-5.0, 5.0), (5.0, 5.0), (5.0, 30.0), (20.0, 5.0), (8.0, 5.0), (8.0, 8.0)];
        let parts = line(&points.map(|(x, y)| Point::new(x, y)), rect);
        let flat: Vec<Vec<(f64, f64)>> =
            parts.iter().map(|part| part.iter().map(|p| (p.x, p.y)).collect()).collect();
        assert_eq!(
            flat,
            [vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)], vec![(10.0, 5.0), (8.0, 5.0), (8.0, 8.0)]]
        );
    }

    #[test]
    fn clipped_polygons_have_the_area_that_is_inside() {
        let square = [(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)].map(|(x, y)| Point::new(x, y));
        let kept = polygon(&square, Rect::new(0.0, 0.0, 10.0, 10.0));
        let area: f64 = (0..kept.len())
            .map(|i| {
                let (a, b) = (kept[i], kept[(i + 1) % kept.len()]);
                (a.x * b.y - b.x * a.y) / 2.0
            })
            .sum();
        assert_eq!(area, 25.0);
        assert!(polygon(&square, Rect::new(6.0, 6.0, 1.0, 1.0)).is_empty());
    }
}
