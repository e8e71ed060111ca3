//! Rectangles in images, as `[…, 4]`. Where nothing else is said these are corners x₁, y₁, x₂, y₂ with x₁ ≤ x₂, y₁ ≤ y₂.

use crate::{DType, Tensor};

/// What the four numbers of a box mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoxFormat {
    /// x₁, y₁, x₂, y₂: the first and the last corner.
    Corners,
    /// x₁, y₁, width, height.
    CornerAndSize,
    /// Centre x, centre y, width, height.
    CentreAndSize,
}

/// The largest logarithm of a size that is decoded: boxes grow by 1000/16 at most.
const LARGEST_GROWTH: f64 = 62.5;

/// The columns of boxes, each `[…, 1]`.
#[track_caller]
fn columns(name: &str, boxes: &Tensor) -> [Tensor; 4] {
    let _site = crate::graph::site::on_behalf_of_caller();
    assert!(
        boxes.rank() >= 1 && boxes.shape()[boxes.rank() - 1] == 4,
        "{name}: expected boxes […, 4], found {}",
        boxes.shape()
    );
    let boxes = boxes.cast(boxes.dtype().to_float());
    [0, 1, 2, 3].map(|column| boxes.narrow(-1, column, 1))
}

/// Centre and size of boxes by their corners.
#[track_caller]
fn centred(name: &str, boxes: &Tensor) -> [Tensor; 4] {
    let [left, top, right, bottom] = columns(name, boxes);
    let (width, height) = (&right - &left, &bottom - &top);
    [(left + right) * half(&width), (top + bottom) * half(&width), width, height]
}

#[track_caller]
fn half(like: &Tensor) -> Tensor {
    Tensor::constant(0.5, like.dtype())
}

/// The corners of boxes by their centre and size.
#[track_caller]
fn corners([x, y, width, height]: &[Tensor; 4]) -> Tensor {
    let (dx, dy) = (width * half(width), height * half(height));
    Tensor::concatenate(&[x - &dx, y - &dy, x + dx, y + dy], -1)
}

/// The areas of overlap and of the union, and the corners that enclose both, for each pair of two lists of boxes.
struct Pairs {
    overlap: Tensor,
    union: Tensor,
    enclosing: Tensor,
}

#[track_caller]
fn pairs(name: &str, a: &Tensor, b: &Tensor) -> Pairs {
    let _site = crate::graph::site::on_behalf_of_caller();
    let (a_area, b_area) = (a.box_area().unsqueeze(-1), b.box_area().unsqueeze(-2));
    let [a_left, a_top, a_right, a_bottom] = columns(name, a);
    let [b_left, b_top, b_right, b_bottom] = columns(name, b).map(|column| column.transpose(-1, -2));
    let extent = |from: Tensor, to: Tensor| (to - from).relu();
    let overlap = extent(a_left.maximum(&b_left), a_right.minimum(&b_right))
        * extent(a_top.maximum(&b_top), a_bottom.minimum(&b_bottom));
    let enclosing = extent(a_left.minimum(&b_left), a_right.maximum(&b_right))
        * extent(a_top.minimum(&b_top), a_bottom.maximum(&b_bottom));
    let union = a_area + b_area - &overlap;
    Pairs { overlap, union, enclosing }
}

#[track_caller]
fn check_lists(name: &str, a: &Tensor, b: &Tensor) {
    assert!(
        a.rank() >= 2 && b.rank() >= 2,
        "{name}: expected two lists of boxes […, n, 4], found {} and {}",
        a.shape(),
        b.shape()
    );
}

/// Boxes.
impl Tensor {
    /// Boxes `[…, 4]` in another format.
    ///
    /// ```
    /// use bolete_tensor::{BoxFormat, Tensor};
    /// let corners = Tensor::from([[1.0f32, 2.0, 5.0, 4.0]]);
    /// let centred = corners.convert_boxes(BoxFormat::Corners, BoxFormat::CentreAndSize);
    /// assert_eq!(centred.to_vec::<f32>(), [3.0, 3.0, 4.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If the last axis is not 4 long.
    #[track_caller]
    pub fn convert_boxes(&self, from: BoxFormat, to: BoxFormat) -> Tensor {
        let [a, b, c, d] = columns("convert_boxes", self);
        let corner_boxes = match from {
            BoxFormat::Corners => Tensor::concatenate(&[a, b, c, d], -1),
            BoxFormat::CornerAndSize => Tensor::concatenate(&[a.clone(), b.clone(), a + c, b + d], -1),
            BoxFormat::CentreAndSize => corners(&[a, b, c, d]),
        };
        match to {
            BoxFormat::Corners => corner_boxes,
            BoxFormat::CornerAndSize => {
                let [left, top, right, bottom] = columns("convert_boxes", &corner_boxes);
                let (width, height) = (right - &left, bottom - &top);
                Tensor::concatenate(&[left, top, width, height], -1)
            }
            BoxFormat::CentreAndSize => Tensor::concatenate(&centred("convert_boxes", &corner_boxes), -1),
        }
    }

    /// The areas of boxes: `[…, 4] → […]`.
    ///
    /// # Panics
    /// If the last axis is not 4 long.
    #[track_caller]
    pub fn box_area(&self) -> Tensor {
        let [left, top, right, bottom] = columns("box_area", self);
        ((right - left) * (bottom - top)).squeeze(-1)
    }

    /// Overlap divided by union of each pair: `[…, n, 4]` and `[…, m, 4]` give `[…, n, m]`. NaN for two boxes without area.
    ///
    /// # Panics
    /// If one is not a list of boxes.
    #[track_caller]
    pub fn box_iou(&self, other: &Tensor) -> Tensor {
        check_lists("box_iou", self, other);
        let pairs = pairs("box_iou", self, other);
        pairs.overlap / pairs.union
    }

    /// [`box_iou`](Tensor::box_iou) less the part of the smallest enclosing box that belongs to neither, in [−1, 1]
    /// (Rezatofighi et al., 2019).
    ///
    /// # Panics
    /// If one is not a list of boxes.
    #[track_caller]
    pub fn generalized_box_iou(&self, other: &Tensor) -> Tensor {
        check_lists("generalized_box_iou", self, other);
        let pairs = pairs("generalized_box_iou", self, other);
        let free = (&pairs.enclosing - &pairs.union) / pairs.enclosing;
        pairs.overlap / pairs.union - free
    }

    /// Boxes with their corners brought into an image of `[height, width]`.
    ///
    /// # Panics
    /// If the last axis is not 4 long.
    #[track_caller]
    pub fn clip_boxes(&self, [height, width]: [usize; 2]) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let within = |column: Tensor, length: usize| column.clamp(0.0, length as f64);
        let [left, top, right, bottom] = columns("clip_boxes", self);
        let clipped =
            [within(left, width), within(top, height), within(right, width), within(bottom, height)];
        Tensor::concatenate(&clipped, -1)
    }

    /// These boxes relative to `anchors`, both corners: the shift of the centre in sizes of the anchor and the logarithm of
    /// the growth, times `weights` (Girshick et al., 2014).
    ///
    /// # Panics
    /// If a last axis is not 4 long or the shapes do not go together.
    #[track_caller]
    pub fn encode_boxes(&self, anchors: &Tensor, weights: [f64; 4]) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let [x, y, width, height] = centred("encode_boxes", self);
        let [anchor_x, anchor_y, anchor_width, anchor_height] = centred("encode_boxes", anchors);
        let weight = |index: usize| Tensor::constant(weights[index], x.dtype());
        let encoded = [
            (&x - anchor_x) / &anchor_width * weight(0),
            (&y - anchor_y) / &anchor_height * weight(1),
            (width / anchor_width).log() * weight(2),
            (height / anchor_height).log() * weight(3),
        ];
        Tensor::concatenate(&encoded, -1)
    }

    /// The boxes, by their corners, that [`encode_boxes`](Tensor::encode_boxes) has encoded so relative to `anchors`. No
    /// box is larger than its anchor by more than 1000/16.
    ///
    /// # Panics
    /// If a last axis is not 4 long or the shapes do not go together.
    #[track_caller]
    pub fn decode_boxes(&self, anchors: &Tensor, weights: [f64; 4]) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let [dx, dy, dw, dh] = columns("decode_boxes", self);
        let [anchor_x, anchor_y, anchor_width, anchor_height] = centred("decode_boxes", anchors);
        let dtype = dx.dtype();
        let weighed = |column: Tensor, index: usize| column * Tensor::constant(1.0 / weights[index], dtype);
        let growth = |column: Tensor, index: usize| {
            weighed(column, index).minimum(Tensor::constant(LARGEST_GROWTH.ln(), dtype)).exp()
        };
        corners(&[
            weighed(dx, 0) * &anchor_width + anchor_x,
            weighed(dy, 1) * &anchor_height + anchor_y,
            growth(dw, 2) * anchor_width,
            growth(dh, 3) * anchor_height,
        ])
    }

    /// The positions of the boxes `[n, 4]` to keep, best score first, as `i64`: a box goes if its overlap by union with a
    /// better one that stays is above `threshold`. At equal scores the first box is the better one. The number is not
    /// known before, so the values are read at the call; it cannot be used under `vmap`.
    ///
    /// # Panics
    /// If the boxes are not `[n, 4]` and `scores` `[n]`.
    #[track_caller]
    pub fn non_maximum_suppression(&self, scores: &Tensor, threshold: f64) -> Tensor {
        suppress("non_maximum_suppression", self, scores, None, threshold)
    }

    /// [`non_maximum_suppression`](Tensor::non_maximum_suppression) among boxes of the same class, `classes` being integers
    /// `[n]`. The result is in order of the scores of all.
    ///
    /// # Panics
    /// If the boxes are not `[n, 4]`, `scores` and `classes` `[n]`.
    #[track_caller]
    pub fn batched_non_maximum_suppression(
        &self,
        scores: &Tensor,
        classes: &Tensor,
        threshold: f64,
    ) -> Tensor {
        let name = "batched_non_maximum_suppression";
        assert!(
            classes.dtype().is_integer(),
            "{name}: classes must be integers, but are {}",
            classes.dtype()
        );
        suppress(name, self, scores, Some(classes), threshold)
    }
}

#[track_caller]
fn suppress(name: &str, boxes: &Tensor, scores: &Tensor, classes: Option<&Tensor>, threshold: f64) -> Tensor {
    let count = boxes.shape().dims().first().copied().unwrap_or(0);
    assert!(
        *boxes.shape() == [count, 4]
            && [Some(scores), classes].into_iter().flatten().all(|list| *list.shape() == [count]),
        "{name}: expected boxes [n, 4] and lists [n], found {}, {}{}",
        boxes.shape(),
        scores.shape(),
        classes.map_or(String::new(), |classes| format!(" and {}", classes.shape()))
    );
    let (boxes, scores) = (boxes.cast(DType::F64), scores.cast(DType::F64));
    crate::eval([&boxes, &scores]);
    let (corners, scores) = (boxes.to_vec::<f64>(), scores.to_vec::<f64>());
    let classes = classes.map(|classes| classes.cast(DType::I64).to_vec::<i64>());
    let corner = |index: usize| &corners[4 * index..4 * index + 4];
    let area = |index: usize| (corner(index)[2] - corner(index)[0]) * (corner(index)[3] - corner(index)[1]);
    let overlaps = |one: usize, other: usize| {
        let (a, b) = (corner(one), corner(other));
        let overlap = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0) * (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
        overlap / (area(one) + area(other) - overlap) > threshold
    };
    let alike =
        |one: usize, other: usize| classes.as_ref().is_none_or(|classes| classes[one] == classes[other]);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        if !kept.iter().any(|better| alike(*better, candidate) && overlaps(*better, candidate)) {
            kept.push(candidate);
        }
    }
    let count = kept.len();
    Tensor::from_vec(kept.into_iter().map(|index| index as i64).collect::<Vec<i64>>(), [count])
}
