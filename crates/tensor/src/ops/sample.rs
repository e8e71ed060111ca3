//! Images read at points between their positions: on grids, and in boxes.

use crate::{DType, Shape, Tensor};

use super::indexing::take;
use super::resize::Interpolation;

/// What lies around an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SamplePadding {
    /// Zeros.
    #[default]
    Zeros,
    /// The nearest position of the image.
    Border,
    /// The image mirrored: at its outer edges, or at the centres of its outermost positions if corners are aligned.
    Reflection,
}

/// How [`Tensor::grid_sample`] reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GridSample {
    /// `Linear`, `Cubic` (images with two axes only) or `Nearest`, which here is the nearest position, halves to the even one.
    pub interpolation: Interpolation,
    /// What lies around the image.
    pub padding: SamplePadding,
    /// Whether −1 and 1 are the centres of the outermost positions instead of the outer edges.
    pub align_corners: bool,
}

/// How [`Tensor::roi_align`] reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoiAlign {
    /// Height and width of the result for each box.
    pub size: [usize; 2],
    /// What coordinates of boxes are multiplied with to be positions of the image.
    pub spatial_scale: f64,
    /// Points per cell along each axis; none for as many as there are positions in a cell, rounded up, which reads the
    /// boxes at the call.
    pub sampling_ratio: Option<usize>,
    /// Whether a position's centre lies half a position from its corner, instead of on it.
    pub aligned: bool,
}

impl RoiAlign {
    /// Cells of `size`, one position per unit of the boxes, as many points as there are positions, aligned.
    pub fn new(size: [usize; 2]) -> RoiAlign {
        RoiAlign { size, spatial_scale: 1.0, sampling_ratio: None, aligned: true }
    }
}

#[track_caller]
fn constant(value: f64, like: &Tensor) -> Tensor {
    Tensor::constant(value, like.dtype())
}

impl GridSample {
    /// From −1 … 1 to positions of an axis.
    #[track_caller]
    fn unnormalised(&self, coordinate: &Tensor, length: usize) -> Tensor {
        let (length, one) = (length as f64, constant(1.0, coordinate));
        if self.align_corners {
            (coordinate + one) * constant((length - 1.0) / 2.0, coordinate)
        } else {
            (coordinate + one) * constant(length / 2.0, coordinate) - constant(0.5, coordinate)
        }
    }

    /// Positions brought into the image, except for padding by zeros.
    #[track_caller]
    fn padded(&self, position: &Tensor, length: usize) -> Tensor {
        let last = length as f64 - 1.0;
        match self.padding {
            SamplePadding::Zeros => position.clone(),
            SamplePadding::Border => position.clamp(0.0, last),
            SamplePadding::Reflection => {
                let (low, span) = if self.align_corners { (0.0, last) } else { (-0.5, last + 1.0) };
                if span == 0.0 {
                    return position.zeros_like();
                }
                let (low, span) = (constant(low, position), constant(span, position));
                let way = (position - &low).modulo(&(&span * constant(2.0, position)));
                (&span - (way - &span).abs() + low).clamp(0.0, last)
            }
        }
    }

    /// The whole positions along one axis that count for `position`, each with its weight.
    #[track_caller]
    fn taps(&self, position: &Tensor, length: usize) -> Vec<(Tensor, Tensor)> {
        let _site = crate::graph::site::on_behalf_of_caller();
        match self.interpolation {
            Interpolation::Linear => {
                let position = self.padded(position, length);
                let from = position.floor();
                let part = &position - &from;
                let one = constant(1.0, &part);
                vec![(from.clone(), &one - &part), (from + one, part)]
            }
            Interpolation::Cubic => {
                let from = position.floor();
                let part = position - &from;
                let tap = |offset: f64| {
                    let to = self.padded(&(&from + constant(offset, &from)), length);
                    (to, cubic(&(&part - constant(offset, &part)), offset == 0.0 || offset == 1.0))
                };
                [-1.0, 0.0, 1.0, 2.0].map(tap).to_vec()
            }
            _ => vec![(self.padded(position, length).round(), position.ones_like())],
        }
    }
}

/// The cubic convolution kernel with a = −0.75, at distances below 1 (`near`) or from 1 to 2.
#[track_caller]
fn cubic(distance: &Tensor, near: bool) -> Tensor {
    let _site = crate::graph::site::on_behalf_of_caller();
    let x = distance.abs();
    let number = |value: f64| constant(value, &x);
    if near {
        (&x * number(1.25) - number(2.25)) * x.square() + number(1.0)
    } else {
        (((&x - number(5.0)) * &x + number(8.0)) * &x - number(4.0)) * number(-0.75)
    }
}

/// Indices that exist from whole positions, and whether they did before.
#[track_caller]
fn inside(position: &Tensor, length: usize) -> (Tensor, Tensor) {
    let last = length as f64 - 1.0;
    let exists = position.greater_equal(0.0).logical_and(&position.less_equal(last));
    (position.stop_gradient().clamp(0.0, last).cast(DType::I64), exists)
}

/// Reading at points.
impl Tensor {
    /// Images `[n, channels, height, width]` read at the points of `grid` `[n, height', width', 2]`, as `[n, channels,
    /// height', width']`. A point is x, y between −1 and 1. Volumes `[n, channels, depth, height, width]` go with points
    /// x, y, z, and likewise for any number of axes (Jaderberg et al., 2015). Differentiable in both. At a coordinate
    /// that is NaN the result is NaN, or 0 with zeros around the image or nearest positions.
    ///
    /// # Panics
    /// If the shapes do not fit, an axis of the image is empty, or the interpolation is not one of those that
    /// [`GridSample`] names.
    #[track_caller]
    pub fn grid_sample(&self, grid: &Tensor, options: &GridSample) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axes = self.rank().saturating_sub(2);
        let fits = axes > 0
            && grid.rank() == self.rank()
            && grid.shape()[0] == self.shape()[0]
            && grid.shape()[axes + 1] == axes;
        assert!(
            fits && self.shape()[2..].iter().all(|length| *length > 0),
            "grid_sample: images [n, channels, …] with d axes more need a grid [n, …, d], found {} and {}",
            self.shape(),
            grid.shape()
        );
        let known = match options.interpolation {
            Interpolation::Nearest | Interpolation::Linear => true,
            Interpolation::Cubic => axes == 2,
            _ => false,
        };
        assert!(known, "grid_sample: {:?} does not go with {axes} axes", options.interpolation);
        let dtype = self.dtype().promote(grid.dtype()).to_float();
        let (image, grid) = (self.cast(dtype), grid.cast(dtype));
        let (batch, channels) = (self.shape()[0], self.shape()[1]);
        let lengths = &self.shape()[2..];
        let points = &grid.shape()[..axes + 1];
        // Index into the flattened image and weight, for each combination of one tap per axis.
        let mut taps = vec![(Tensor::zeros(points, DType::I64), Tensor::ones(points, dtype))];
        for (axis, length) in lengths.iter().enumerate() {
            let coordinate = grid.narrow(-1, axes - 1 - axis, 1).squeeze(-1);
            let position = options.unnormalised(&coordinate, *length);
            let along: Vec<(Tensor, Tensor)> = (options.taps(&position, *length).into_iter())
                .map(|(position, weight)| {
                    let (index, exists) = inside(&position, *length);
                    (index, exists.select(&weight, constant(0.0, &weight)))
                })
                .collect();
            let each = |(index, weight): &(Tensor, Tensor)| -> Vec<(Tensor, Tensor)> {
                let index = index * *length;
                along.iter().map(|(next, factor)| (&index + next, weight * factor)).collect()
            };
            taps = taps.iter().flat_map(each).collect();
        }
        let flat = image.reshape([batch, channels, lengths.iter().product()]);
        let terms = taps.iter().map(|(index, weight)| take(&flat, index, 1, 2) * weight.unsqueeze(1));
        terms.reduce(|sum, term| sum + term).unwrap_or_else(|| unreachable!("there is a tap"))
    }

    /// The grid that [`grid_sample`](Tensor::grid_sample) reads at to apply affine maps to images: maps `[n, d, d + 1]` from
    /// points of the result to points of the image give `[n, size…, d]`.
    ///
    /// # Panics
    /// If the maps are not `[n, d, d + 1]`, `d` being the number of lengths in `size`.
    #[track_caller]
    pub fn affine_grid(&self, size: &[usize], align_corners: bool) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axes = size.len();
        assert!(
            axes > 0 && self.rank() == 3 && self.shape()[1..] == [axes, axes + 1],
            "affine_grid: for images of {size:?} the maps must be [n, {axes}, {}], not {}",
            axes + 1,
            self.shape()
        );
        let maps = self.cast(self.dtype().to_float());
        let along = |length: usize| {
            let point = |position: usize| match (align_corners, length) {
                (true, 1) => 0.0,
                (true, _) => 2.0 * position as f64 / (length - 1) as f64 - 1.0,
                (false, _) => (2.0 * position as f64 + 1.0) / length as f64 - 1.0,
            };
            Tensor::from_vec((0..length).map(point).collect::<Vec<f64>>(), [length]).cast(maps.dtype())
        };
        // Points count x first, axes last.
        let mut points = Tensor::meshgrid(&size.iter().map(|length| along(*length)).collect::<Vec<_>>());
        points.reverse();
        points.push(points[0].ones_like());
        let points = Tensor::stack(&points, -1).reshape([size.iter().product(), axes + 1]);
        let shape: Shape = [self.shape()[0]].iter().chain(size).chain([&axes]).copied().collect();
        points.matmul(&maps.transpose(1, 2)).reshape(shape)
    }

    /// For each of `boxes` `[k, 4]`, by their corners, a result `[channels, height, width]` read from the image `[n, channels,
    /// …, …]` that `images` `[k]` names: the mean of points spread evenly over each cell, read by linear interpolation
    /// (He et al., 2017). Differentiable in the image and in the boxes.
    ///
    /// # Panics
    /// If the shapes do not fit, `images` are not integers, or an axis of the image is empty.
    #[track_caller]
    pub fn roi_align(&self, boxes: &Tensor, images: &Tensor, options: &RoiAlign) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let [count, channels, height, width] = self.check_regions("roi_align", boxes, images);
        let dtype = self.dtype().promote(boxes.dtype()).to_float();
        let (image, boxes) = (self.cast(dtype), boxes.cast(dtype));
        let corners = boxes * Tensor::constant(options.spatial_scale, dtype)
            - Tensor::constant(if options.aligned { 0.5 } else { 0.0 }, dtype);
        let [y, x] =
            [(1, options.size[0], height), (0, options.size[1], width)].map(|(corner, cells, length)| {
                let (start, end) = (corners.narrow(1, corner, 1), corners.narrow(1, corner + 2, 1));
                Points::along(&start, &end, cells, length, options)
            });
        // [k, cells and points along height, those along width] against all images in one row.
        let across = |tensor: &Tensor| tensor.flatten_from(1).unsqueeze(2);
        let along = |tensor: &Tensor| tensor.flatten_from(1).unsqueeze(1);
        // Images that do not exist lead to positions that do not exist, which is found where they are read.
        let base = (images.cast(DType::I64) * (height * width)).reshape([count, 1, 1]);
        let flat = image.transpose(0, 1).reshape([channels, self.shape()[0] * height * width]);
        let mut sum = None;
        for (row, row_weight) in &y.taps {
            for (column, column_weight) in &x.taps {
                let index = &base + across(row) * width + along(column);
                let term = take(&flat, &index, 0, 1) * (across(row_weight) * along(column_weight));
                sum = Some(sum.map_or_else(|| term.clone(), |sum: Tensor| sum + &term));
            }
        }
        let sum = sum.unwrap_or_else(|| unreachable!("there are taps"));
        let [cells_y, cells_x] = options.size;
        sum.reshape([channels, count, cells_y, y.points, cells_x, x.points]).sum([3, 5]).transpose(0, 1)
    }

    /// For each of `boxes` `[k, 4]`, by their corners, times `spatial_scale`, a result `[channels, size[0], size[1]]` from the
    /// image `[n, channels, height, width]` that `images` `[k]` names: the largest element of each cell, whose borders
    /// are whole positions; 0 for a cell outside of the image (Girshick, 2015). Differentiable in the image.
    ///
    /// # Panics
    /// If the shapes do not fit, `images` are not integers, or an axis of the image is empty.
    #[track_caller]
    pub fn roi_pool(&self, boxes: &Tensor, images: &Tensor, size: [usize; 2], spatial_scale: f64) -> Tensor {
        let [count, _, height, width] = self.check_regions("roi_pool", boxes, images);
        let boxes = boxes.cast(boxes.dtype().to_float()).stop_gradient();
        let scaled = &boxes * constant(spatial_scale, &boxes);
        // Halves away from zero.
        let corners = scaled.sign() * (scaled.abs() + constant(0.5, &scaled)).floor();
        let mut pooled = self.take(images, 0);
        for (axis, corner, cells, length) in [(-2, 1, size[0], height), (-1, 0, size[1], width)] {
            let (start, end) = (corners.narrow(1, corner, 1), corners.narrow(1, corner + 2, 1));
            let extent = (end - &start + constant(1.0, &start)).maximum(constant(1.0, &start));
            let cell = Tensor::arange(cells, boxes.dtype());
            let step = extent * constant(1.0 / cells as f64, &cell);
            let from = ((&step * &cell).floor() + &start).unsqueeze(2);
            let to = ((step * (cell + constant(1.0, &boxes))).ceil() + start).unsqueeze(2);
            let position = Tensor::arange(length, boxes.dtype());
            let member = from.less_equal(&position).logical_and(&to.greater(&position));
            // [k, channels, cells, length] along height first, then [k, channels, rows, cells, length].
            let middle = if axis == -2 {
                [count, 1, cells, length, 1].to_vec()
            } else {
                [count, 1, 1, cells, length].to_vec()
            };
            let wide = if axis == -2 { pooled.unsqueeze(2) } else { pooled.unsqueeze(3) };
            let lowest = constant(f64::NEG_INFINITY, &wide);
            pooled = member.reshape(middle).select(&wide, lowest).max(if axis == -2 { 3 } else { 4 });
        }
        let empty = pooled.equal(f64::NEG_INFINITY);
        empty.select(constant(0.0, &pooled), &pooled)
    }

    /// How many boxes there are, and the lengths of the image's axes but the first.
    #[track_caller]
    fn check_regions(&self, name: &str, boxes: &Tensor, images: &Tensor) -> [usize; 4] {
        let count = boxes.shape().dims().first().copied().unwrap_or(0);
        assert!(
            self.rank() == 4 && *boxes.shape() == [count, 4] && *images.shape() == [count],
            "{name}: expected images [n, channels, height, width], boxes [k, 4] and numbers of images [k], found {}, {} and {}",
            self.shape(),
            boxes.shape(),
            images.shape()
        );
        assert!(
            images.dtype().is_integer(),
            "{name}: numbers of images must be integers, not {}",
            images.dtype()
        );
        assert!(
            self.shape()[0] > 0 && self.shape()[2] > 0 && self.shape()[3] > 0,
            "{name}: there is nothing in images of {}",
            self.shape()
        );
        [count, self.shape()[1], self.shape()[2], self.shape()[3]]
    }
}

/// Points along one axis of regions: the two positions each reads, with weights that include the mean, all
/// `[k, cells, points]`.
struct Points {
    points: usize,
    taps: [(Tensor, Tensor); 2],
}

impl Points {
    /// For regions from `start` to `end`, both `[k, 1]`, on an axis of `length` positions.
    #[track_caller]
    fn along(start: &Tensor, end: &Tensor, cells: usize, length: usize, options: &RoiAlign) -> Points {
        let _site = crate::graph::site::on_behalf_of_caller();
        let number = |value: f64| constant(value, start);
        let extent = end - start;
        let extent = if options.aligned { extent } else { extent.maximum(number(1.0)) };
        let step = extent.unsqueeze(2) * number(1.0 / cells as f64);
        // How many points each region has per cell, and the most that one has.
        let (each, points) = match options.sampling_ratio {
            Some(ratio) => (number(ratio as f64), ratio),
            None => {
                let each = step.stop_gradient().ceil();
                let most = each.cast(DType::F64).to_vec::<f64>().into_iter().fold(1.0, f64::max);
                (each.maximum(number(1.0)), most as usize)
            }
        };
        let point = Tensor::arange(points, start.dtype());
        let cell = Tensor::arange(cells, start.dtype()).unsqueeze(1);
        let position = start.unsqueeze(2) + step * (cell + (&point + number(0.5)) / &each);
        let counts = point.less(&each).logical_and(&position.greater_equal(-1.0));
        let counts = counts.logical_and(&position.less_equal(length as f64));
        let weight = counts.select(each.reciprocal(), number(0.0));
        let last = length as f64 - 1.0;
        let position = position.clamp(0.0, last);
        let low = position.stop_gradient().floor();
        let part = position - &low;
        let high = (&low + number(1.0)).clamp(0.0, last);
        let taps = [(low, number(1.0) - &part), (high, part)]
            .map(|(at, part)| (at.cast(DType::I64), part * &weight));
        Points { points, taps }
    }
}
