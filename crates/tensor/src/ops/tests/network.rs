//! Fused ops of networks.

use super::{Case, anywhere, case, positive};
use crate::{DType, Key, Tensor, grad};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("softmax", &[&[3, 4]], anywhere, |x| x[0].softmax(-1)),
        case("softmax first axis", &[&[3, 4]], anywhere, |x| x[0].softmax(0)),
        case("log_softmax", &[&[3, 4]], anywhere, |x| x[0].log_softmax(1)),
        case("cross_entropy", &[&[3, 4]], anywhere, |x| x[0].cross_entropy(&Tensor::from([0i64, 3, 1]))),
        case("layer_norm", &[&[3, 4], &[4], &[4]], anywhere, |x| x[0].layer_norm(&x[1], &x[2], 1e-5)),
        case("layer_norm axes", &[&[2, 3, 2], &[3, 2], &[3, 2]], anywhere, |x| {
            x[0].layer_norm(&x[1], &x[2], 1e-3)
        }),
        case("batch_norm", &[&[4, 3], &[3], &[3]], anywhere, |x| x[0].batch_norm(&x[1], &x[2], 1e-5).output),
        case("batch_norm images", &[&[2, 3, 2, 2], &[3], &[3]], anywhere, |x| {
            let norm = x[0].batch_norm(&x[1], &x[2], 1e-5);
            norm.output * norm.variance.reshape([3, 1, 1]) + norm.mean.reshape([3, 1, 1])
        }),
        case("batch_norm_with", &[&[4, 3], &[3], &[3]], positive, |x| {
            x[0].batch_norm_with(&x[1], &x[2], &x[2], &x[1], 1e-5)
        }),
        case("rms_norm", &[&[3, 4], &[4]], anywhere, |x| x[0].rms_norm(&x[1], 1e-5)),
        case("rms_norm axes", &[&[2, 3, 2], &[3, 2]], anywhere, |x| x[0].rms_norm(&x[1], 1e-3)),
        case("pixel_norm", &[&[2, 3, 2, 2]], anywhere, |x| x[0].pixel_norm(1e-5)),
        case("l2_normalise", &[&[3, 4]], anywhere, |x| x[0].l2_normalise(-1)),
        case("l2_normalise first axis", &[&[3, 4]], anywhere, |x| x[0].l2_normalise(0)),
        case("group_norm", &[&[2, 4, 3], &[4], &[4]], anywhere, |x| x[0].group_norm(2, &x[1], &x[2], 1e-5)),
        case("group_norm vectors", &[&[2, 6], &[6], &[6]], anywhere, |x| {
            x[0].group_norm(2, &x[1], &x[2], 1e-3)
        }),
        case("instance_norm", &[&[2, 2, 2, 2], &[2], &[2]], anywhere, |x| {
            x[0].instance_norm(&x[1], &x[2], 1e-3)
        }),
        case("swiglu", &[&[2, 6]], anywhere, |x| x[0].swiglu(-1)),
        case("swiglu_with", &[&[2, 3], &[2, 3]], anywhere, |x| x[0].swiglu_with(&x[1])),
        case("geglu", &[&[4, 3]], anywhere, |x| x[0].geglu(0)),
        case("geglu_with", &[&[2, 3], &[2, 3]], anywhere, |x| x[0].geglu_with(&x[1])),
        case("dropout", &[&[5, 4]], anywhere, |x| x[0].dropout(0.3, &Key::new(3)) * &x[0]),
    ]
}

#[test]
fn the_norm_of_nothing_is_flat() {
    let x = Tensor::from([[0.0f64, 0.0], [3.0, 4.0]]);
    let y = x.l2_normalise(1);
    assert_eq!(y.to_vec::<f64>(), [0.0, 0.0, 0.6, 0.8]);
    let slope = grad(|x: &Tensor| x.l2_normalise(1).narrow(1, 0, 1).sum(..))(&x).to_vec::<f64>();
    assert_eq!(slope[..2], [0.0, 0.0]);
    assert!((slope[2] - 0.128).abs() < 1e-12 && (slope[3] + 0.096).abs() < 1e-12, "{slope:?}");
    // Squares of these are not numbers of the type.
    let far = Tensor::from([3e30f32, -4e30]).l2_normalise(0).to_vec::<f32>();
    let near = Tensor::from([3e-30f32, -4e-30]).l2_normalise(0).to_vec::<f32>();
    for (found, expected) in far.iter().chain(&near).zip([0.6f32, -0.8, 0.6, -0.8]) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
}

#[test]
fn norms_of_empty_tensors_are_empty() {
    let none = |shape: &[usize]| Tensor::zeros(shape, DType::F32);
    assert_eq!(**none(&[0, 4]).rms_norm(&none(&[4]), 1e-5).shape(), [0, 4]);
    assert!(none(&[0, 4, 2]).group_norm(2, &none(&[4]), &none(&[4]), 1e-5).to_vec::<f32>().is_empty());
    assert!(none(&[2, 0]).instance_norm(&none(&[0]), &none(&[0]), 1e-5).to_vec::<f32>().is_empty());
    assert!(none(&[3, 0]).l2_normalise(1).to_vec::<f32>().is_empty());
}

#[test]
#[should_panic(expected = "rms_norm: the last axes of [2, 3] must be the shape of the weight [2]")]
fn weights_of_root_mean_squares_fit_the_last_axes() {
    Tensor::zeros([2, 3], DType::F32).rms_norm(&Tensor::zeros([2], DType::F32), 1e-5);
}

#[test]
#[should_panic(expected = "group_norm: 4 channels do not divide into 3 groups")]
fn groups_divide_the_channels() {
    let vector = Tensor::zeros([4], DType::F32);
    Tensor::zeros([2, 4], DType::F32).group_norm(3, &vector, &vector, 1e-5);
}

#[test]
#[should_panic(expected = "swiglu: axis -1 of [2, 3] does not divide into halves")]
fn gated_units_need_two_halves() {
    Tensor::zeros([2, 3], DType::F32).swiglu(-1);
}
