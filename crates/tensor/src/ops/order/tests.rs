//! Values, edge cases and messages; derivatives are in the op × transform test.

use crate::{DType, Tensor, grad};

#[test]
fn running_extremes_keep_the_first_nan() {
    let x = Tensor::from([1.0f32, 3.0, f32::NAN, 5.0, 2.0]);
    let found = x.cummax(0);
    assert_eq!(found.indices.to_vec::<i64>(), [0, 1, 2, 2, 2]);
    assert_eq!(x.cummin(0).indices.to_vec::<i64>(), [0, 0, 2, 2, 2]);
    let bytes = Tensor::from([3u8, 0, 255]);
    assert_eq!(bytes.cummin(0).values.to_vec::<u8>(), [3, 0, 0]);
    assert_eq!(bytes.cumsum(0).to_vec::<i64>(), [3, 3, 258]);
}

#[test]
fn long_sums_keep_their_digits() {
    let ones = Tensor::full([20_000_000], 1.0, DType::F32);
    assert_eq!(ones.cumsum(0).narrow(0, 19_999_999, 1).item(), 2e7);
}

#[test]
fn logarithms_of_sums_start_from_nothing() {
    let x = Tensor::from([f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, 800.0]);
    let found = x.logcumsumexp(0).to_vec::<f64>();
    assert_eq!(found, [f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, 800.0]);
    let slope = grad(|x: &Tensor| x.logcumsumexp(0).narrow(0, 2, 2).sum(..))(&x);
    assert_eq!(slope.to_vec::<f64>(), [0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn quantiles_are_numpys() {
    let x = Tensor::from([[3.0f64, 1.0, 2.0], [10.0, f64::NAN, 30.0]]);
    let found = x.quantile(&[0.0, 0.3, 0.5, 1.0], 1);
    assert_eq!(found.shape().dims(), [4, 2]);
    let found = found.to_vec::<f64>();
    assert_eq!([found[0], found[2], found[4], found[6]], [1.0, 1.6, 2.0, 3.0]);
    assert!([1, 3, 5, 7].iter().all(|index| found[*index].is_nan()));
    assert_eq!(Tensor::from([4i64, 1, 3, 2]).median(0).item(), 2.5);
}

#[test]
fn unique_values_count_nan_once() {
    let x = Tensor::from([[2.0f32, f32::NAN, 1.0], [2.0, f32::NAN, 2.0]]);
    let unique = x.unique();
    assert_eq!(unique.values.to_vec::<f32>()[..2], [1.0, 2.0]);
    assert!(unique.values.to_vec::<f32>()[2].is_nan());
    assert_eq!(unique.counts.to_vec::<i64>(), [1, 3, 2]);
    assert_eq!(unique.inverse.shape().dims(), [2, 3]);
    assert_eq!(unique.inverse.to_vec::<i64>(), [1, 2, 0, 1, 2, 1]);
    let nothing = Tensor::zeros([0, 3], DType::I32).unique();
    assert_eq!((nothing.values.elements(), nothing.inverse.shape().dims()), (0, &[0usize, 3][..]));
}

#[test]
fn true_places_in_order() {
    let mask = Tensor::from([[true, false, true], [false, true, false]]);
    assert_eq!(mask.nonzero().to_vec::<i64>(), [0, 0, 0, 2, 1, 1]);
    assert_eq!(Tensor::from(3.0f32).nonzero().shape().dims(), [1, 0]);
    let x = Tensor::from([[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(x.masked_select(&mask).to_vec::<f64>(), [1.0, 3.0, 5.0]);
    let slope = grad(|x: &Tensor| x.masked_select(&mask).square().sum(..))(&x);
    assert_eq!(slope.to_vec::<f64>(), [2.0, 0.0, 6.0, 0.0, 10.0, 0.0]);
    let filled = x.masked_scatter(&mask, &Tensor::from([-1.0f64, -2.0, -3.0]));
    assert_eq!(filled.to_vec::<f64>(), [-1.0, 2.0, -2.0, 4.0, -3.0, 6.0]);
    assert_eq!(x.count_nonzero(..).item(), 6.0);
}

#[test]
fn histograms_hold_the_last_edge_and_nothing_outside() {
    let x = Tensor::from([0.0f64, 1.0, 2.0, 2.5, -1.0, f64::NAN, 3.0]);
    let edges = Tensor::from([0.0f64, 1.0, 2.0]);
    assert_eq!(x.histogram(&edges).to_vec::<i64>(), [1, 2]);
    assert_eq!(Tensor::from([0i64, 2, 2, 7, -1]).bincount(3).to_vec::<i64>(), [1, 0, 2]);
    assert_eq!(Tensor::from([1i64, 5]).isin(&Tensor::from([5i64, 6])).to_vec::<bool>(), [false, true]);
}

#[test]
fn sorting_large_rows_agrees_with_the_library() {
    let values: Vec<f32> = (0..100_003).map(|index| ((index * 7919) % 10_007) as f32 - 5000.0).collect();
    let found = Tensor::from_slice(&values, [values.len()]).sort(0, false);
    let mut order: Vec<i64> = (0..values.len() as i64).collect();
    order.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
    assert_eq!(found.indices.to_vec::<i64>(), order);
    let best = Tensor::from_slice(&values, [values.len()]).topk(5, 0);
    assert_eq!(best.values.to_vec::<f32>(), [5006.0; 5]);
}

#[test]
#[should_panic(expected = "topk: axis 0 of [3] has fewer than 4 elements")]
fn not_more_than_there_are() {
    Tensor::zeros([3], DType::F32).topk(4, 0);
}

#[test]
#[should_panic(expected = "searchsorted: rows [2, 3] and values [4] must have the same leading axes")]
fn rows_must_match() {
    Tensor::zeros([2, 3], DType::F32).searchsorted(&Tensor::zeros([4], DType::F32), false);
}
