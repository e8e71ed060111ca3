//! Moving rectangles and points along with the picture.

use super::homography::Point;
use super::{BoundingBox, Keypoint};

/// Moves rectangles into a picture of `height` and `width`: each becomes the smallest rectangle around the images of
/// its corners and of `between` further points on each side, cut at the edges. What is left of it with less than
/// `least` of its first area is dropped.
pub(super) fn move_boxes(
    boxes: &mut Vec<BoundingBox>,
    map: impl Fn(Point) -> Point,
    between: usize,
    (height, width): (usize, usize),
    least: f32,
) {
    boxes.retain_mut(|rectangle| {
        let [left, top, right, bottom] =
            [rectangle.left, rectangle.top, rectangle.right, rectangle.bottom].map(f64::from);
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        let mut include = |point: Point| {
            let (x, y) = map(point);
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        };
        for step in 0..=between + 1 {
            let part = step as f64 / (between + 1) as f64;
            let (x, y) = (left + (right - left) * part, top + (bottom - top) * part);
            [(x, top), (x, bottom), (left, y), (right, y)].into_iter().for_each(&mut include);
        }
        let whole = (high.0 - low.0) * (high.1 - low.1);
        let (across, along) = (width as f64, height as f64);
        let [left, right] = [low.0, high.0].map(|x| x.clamp(0.0, across) as f32);
        let [top, bottom] = [low.1, high.1].map(|y| y.clamp(0.0, along) as f32);
        let moved = BoundingBox { left, top, right, bottom, ..*rectangle };
        let visible = rectangle.visible * (f64::from(moved.area()) / whole).min(1.0) as f32;
        *rectangle = BoundingBox { visible, ..moved };
        // Also when it is not a number: a rectangle without an area.
        visible > 0.0 && visible >= least
    });
}

/// Moves points; those that leave the picture are no longer visible.
pub(super) fn move_keypoints(
    keypoints: &mut [Keypoint],
    map: impl Fn(Point) -> Point,
    (height, width): (usize, usize),
) {
    for keypoint in keypoints {
        let (x, y) = map((f64::from(keypoint.x), f64::from(keypoint.y)));
        (keypoint.x, keypoint.y) = (x as f32, y as f32);
        let inside = (0.0..width as f32).contains(&keypoint.x) && (0.0..height as f32).contains(&keypoint.y);
        keypoint.visible &= inside;
    }
}
