//! Running sums, products and extremes.

use std::cmp::Ordering;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::order::running::{Product, Sum, run};
use crate::ops::custom::{HostArray, HostArrayMut};
use crate::ops::view::index;
use crate::shape::axis_for;
use crate::{CustomOp, DType, Metadata, Tensor, custom};

use super::for_element;

/// Running sums along the last axis, from the start or from the end.
#[derive(Debug)]
struct CumulativeSum {
    reverse: bool,
}

/// Running products along the last axis.
#[derive(Debug)]
struct CumulativeProduct;

/// Positions of the running maximum along the last axis.
#[derive(Debug)]
struct CumulativeArgMax;

fn run_kernel(product: bool, reverse: bool, input: &HostArray, output: &mut HostArrayMut) {
    let length = input.shape[input.shape.rank() - 1];
    macro_rules! each {
        ($type:ty) => {{
            let (source, target) = (input.as_slice::<$type>(), output.as_mut_slice::<$type>());
            with_pool(|pool| match product {
                false => run(pool, Sum, length, reverse, source, target),
                true => run(pool, Product, length, reverse, source, target),
            })
        }};
    }
    match input.dtype {
        DType::F64 => each!(f64),
        DType::F32 => each!(f32),
        DType::I32 => each!(i32),
        DType::I64 => each!(i64),
        other => unreachable!("{other} is totalled in another type"),
    }
}

impl CustomOp for CumulativeSum {
    fn name(&self) -> &str {
        "cumsum"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.reverse.into()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        run_kernel(false, self.reverse, &inputs[0], &mut outputs[0]);
    }
    fn vjp(&self, _: &[Tensor], _: &[Tensor], cotangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        // Each element is in all totals from its own on.
        let cotangent = cotangents[0].clone()?;
        Some(vec![Some(custom(CumulativeSum { reverse: !self.reverse }, &[cotangent]).remove(0))])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// Running totals along the last axis by doubling distances, `join` being associative with the neutral element `neutral`.
#[track_caller]
fn by_doubling(x: &Tensor, neutral: f64, join: impl Fn(&Tensor, &Tensor) -> Tensor) -> Tensor {
    let length = x.shape()[x.rank() - 1];
    let mut total = x.clone();
    let mut distance = 1;
    while distance < length {
        let mut amounts = vec![(0, 0); x.rank()];
        amounts[x.rank() - 1] = (distance, 0);
        total = join(&total.narrow(-1, 0, length - distance).pad(&amounts, neutral), &total);
        distance *= 2;
    }
    total
}

impl CustomOp for CumulativeProduct {
    fn name(&self) -> &str {
        "cumprod"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        run_kernel(true, false, &inputs[0], &mut outputs[0]);
    }
    /// Differentiated, this is right also where elements are zero: nothing is divided.
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![by_doubling(&inputs[0], 1.0, |before, after| before * after)])
    }
    fn batched(&self, inputs: &[Tensor], _: &[bool], _: usize) -> Option<Vec<Tensor>> {
        Some(custom(CumulativeProduct, inputs))
    }
}

impl CustomOp for CumulativeArgMax {
    fn name(&self) -> &str {
        "cumargmax"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![Metadata { shape: inputs[0].shape.clone(), dtype: DType::I64 }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let length = inputs[0].shape[inputs[0].shape.rank() - 1].max(1);
        let positions = outputs[0].as_mut_slice::<i64>();
        for_element!(inputs[0].dtype, T => {
            for (row, positions) in inputs[0].as_slice::<T>().chunks(length).zip(positions.chunks_mut(length)) {
                let mut best = 0;
                for (at, position) in positions.iter_mut().enumerate() {
                    // The first NaN stays, as in a maximum.
                    let is_nan = |value: T| value.partial_cmp(&value).is_none();
                    if !is_nan(row[best]) && (is_nan(row[at]) || row[at].partial_cmp(&row[best]) == Some(Ordering::Greater)) {
                        best = at;
                    }
                    *position = best as i64;
                }
            }
        });
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// Running extremes and where they were attained first.
#[derive(Clone, Debug)]
pub struct Extremes {
    /// The extreme up to each place.
    pub values: Tensor,
    /// Its position along the axis, as `i64`.
    pub indices: Tensor,
}

/// Running totals along an axis.
impl Tensor {
    /// Sums of the elements along `axis` up to and including each. Booleans and `u8` are counted in `i64`; halves are
    /// summed in `f32`, and single precision in double.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// assert_eq!(Tensor::from([1i64, 2, 3]).cumsum(0).to_vec::<i64>(), [1, 3, 6]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        self.totalled("cumsum", axis, |rows| custom(CumulativeSum { reverse: false }, &[rows]).remove(0))
    }

    /// Sums of the elements along `axis` from each on, it included.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn cumsum_reversed(&self, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        self.totalled("cumsum_reversed", axis, |rows| {
            custom(CumulativeSum { reverse: true }, &[rows]).remove(0)
        })
    }

    /// Products of the elements along `axis` up to and including each, in the types of [`cumsum`](Tensor::cumsum). The
    /// derivative is right also where elements are zero.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        self.totalled("cumprod", axis, |rows| custom(CumulativeProduct, &[rows]).remove(0))
    }

    /// The largest element along `axis` up to each place, and where it was met first. The first NaN stays.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn cummax(&self, axis: isize) -> Extremes {
        let axis = axis_for("cummax", self.shape(), axis, self.rank()) as isize;
        let rows = self.move_axis(axis, -1);
        let indices = custom(CumulativeArgMax, &[rows]).remove(0).move_axis(-1, axis);
        Extremes { values: self.gather(axis, &indices), indices }
    }

    /// The smallest element along `axis` up to each place, and where it was met first. The first NaN stays.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn cummin(&self, axis: isize) -> Extremes {
        let indices = self.reversed_order().cummax(axis).indices;
        Extremes { values: self.gather(axis, &indices), indices }
    }

    /// ln Σ eˣ of the elements along `axis` up to and including each, without overflow.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn logcumsumexp(&self, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("logcumsumexp", self.shape(), axis, self.rank()) as isize;
        let dtype = self.dtype().to_float();
        let wide = if dtype.is_half() { DType::F32 } else { dtype };
        let rows = self.cast(wide).move_axis(axis, -1);
        // ln(eᵃ + eᵇ) where b is a number and a may be the −∞ of nothing.
        let join = |before: &Tensor, after: &Tensor| {
            let exists = before.greater(f64::NEG_INFINITY).logical_or(&after.greater(f64::NEG_INFINITY));
            let [a, b] = [before, after].map(|side| exists.select(side, 0.0));
            let largest = a.maximum(&b).stop_gradient();
            let sum = ((&a - &largest).exp() + (&b - &largest).exp()).log() + largest;
            exists.select(sum, f64::NEG_INFINITY)
        };
        by_doubling(&rows, f64::NEG_INFINITY, join).move_axis(-1, axis).cast(dtype)
    }

    /// Differences of neighbours along `axis`, `order` times over: the axis becomes `order` shorter.
    ///
    /// # Panics
    /// If the axis does not exist or is not that long.
    #[track_caller]
    pub fn diff(&self, order: usize, axis: isize) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let axis = axis_for("diff", self.shape(), axis, self.rank());
        let length = self.shape()[axis];
        assert!(
            length >= order,
            "diff: {order} differences need more than the {length} elements of axis {axis}"
        );
        let mut x = self.clone();
        for _ in 0..order {
            let cut = |range: crate::ops::view::Index| {
                let all = (0..self.rank()).map(|other| if other == axis { range } else { index(..) });
                x.slice(all)
            };
            x = cut(index(1..)) - cut(index(..-1));
        }
        x
    }

    /// `total` of the rows along an axis, in a type that totals fit in.
    #[track_caller]
    fn totalled(&self, name: &str, axis: isize, total: impl Fn(Tensor) -> Tensor) -> Tensor {
        let axis = axis_for(name, self.shape(), axis, self.rank()) as isize;
        let (inside, outside) = match self.dtype() {
            DType::Bool | DType::U8 => (DType::I64, DType::I64),
            half if half.is_half() => (DType::F32, half),
            other => (other, other),
        };
        total(self.cast(inside).move_axis(axis, -1)).move_axis(-1, axis).cast(outside)
    }

    /// Numbers in the opposite order, to find what is smallest as what is largest.
    #[track_caller]
    pub(crate) fn reversed_order(&self) -> Tensor {
        match self.dtype() {
            DType::Bool => self.logical_not(),
            // Of u8 the negative does not exist, and of the smallest integer neither.
            DType::U8 => 255 - self.cast(DType::I64),
            DType::I32 | DType::I64 => -1 - self,
            _ => self.neg(),
        }
    }
}
