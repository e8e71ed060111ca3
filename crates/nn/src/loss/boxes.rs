//! Losses for boxes, given by two corners: `[…, 4]` with x₀, y₀, x₁, y₁, each predicted box beside its target.

use bolete_tensor::Tensor;

use super::assert_alike;

/// What is taken off the overlap of two boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxPenalty {
    /// Nothing: 1 − IoU. Boxes that do not overlap have no gradient.
    None,
    /// The part of the smallest box around both that neither covers: GIoU (Rezatofighi et al. 2019).
    Enclosure,
    /// The squared distance of the centres over that of the enclosing box's corners: DIoU (Zheng et al. 2020).
    Distance,
    /// The distance and how much the ratios of the sides differ: CIoU (Zheng et al. 2020).
    DistanceAndRatio,
}

/// Mean over all boxes of 1 − IoU + the penalty. A box without area is a point; two equal points have an IoU of 0.
///
/// # Panics
/// If the shapes differ or their last axis is not 4 long.
#[track_caller]
pub fn box_overlap(prediction: &Tensor, target: &Tensor, penalty: BoxPenalty) -> Tensor {
    assert_alike("box_overlap", prediction, target);
    assert!(
        target.shape().last() == Some(&4),
        "box_overlap: boxes need the shape […, 4], but it is {}",
        target.shape()
    );
    const EPSILON: f64 = 1e-7;
    let side = |boxes: &Tensor, index: usize| boxes.narrow(-1, index, 1).squeeze(-1);
    let [p, t] = [prediction, target].map(|boxes| [0, 1, 2, 3].map(|index| side(boxes, index)));
    let size = |boxes: &[Tensor; 4]| (&boxes[2] - &boxes[0], &boxes[3] - &boxes[1]);
    let ((p_width, p_height), (t_width, t_height)) = (size(&p), size(&t));
    let shared = |axis: usize| (p[axis + 2].minimum(&t[axis + 2]) - p[axis].maximum(&t[axis])).relu();
    let around = |axis: usize| p[axis + 2].maximum(&t[axis + 2]) - p[axis].minimum(&t[axis]);
    let intersection = shared(0) * shared(1);
    let union = &p_width * &p_height + &t_width * &t_height - &intersection;
    let overlap = intersection / (&union + EPSILON);
    let distance = || {
        let apart = |axis: usize| (&p[axis] + &p[axis + 2] - &t[axis] - &t[axis + 2]).square() * 0.25;
        (apart(0) + apart(1)) / (around(0).square() + around(1).square() + EPSILON)
    };
    let penalty = match penalty {
        BoxPenalty::None => return (1.0 - overlap).mean(..),
        BoxPenalty::Enclosure => {
            let enclosure = around(0) * around(1);
            (&enclosure - &union) / (&enclosure + EPSILON)
        }
        BoxPenalty::Distance => distance(),
        BoxPenalty::DistanceAndRatio => {
            let difference = t_width.atan2(&t_height) - p_width.atan2(&p_height);
            let ratio = difference.square() * (4.0 / std::f64::consts::PI.powi(2));
            let weight = (&ratio / (1.0 - &overlap + &ratio + EPSILON)).stop_gradient();
            distance() + weight * ratio
        }
    };
    (1.0 - overlap + penalty).mean(..)
}
