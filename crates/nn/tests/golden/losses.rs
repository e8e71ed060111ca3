//! Losses and their gradients.

use bolete_nn::Reduction;
use bolete_nn::loss::adversarial::*;
use bolete_nn::loss::boxes::{BoxPenalty, box_overlap};
use bolete_nn::loss::classification::*;
use bolete_nn::loss::contrastive::*;
use bolete_nn::loss::distribution::*;
use bolete_nn::loss::regression::*;
use bolete_nn::loss::segmentation::{Overlap, dice};
use bolete_tensor::{DType, Key, Tensor, value_and_grad};

use crate::read::{assert_close, file, tensor};

/// The loss of a case.
fn loss(name: &str, x: &[Tensor]) -> Tensor {
    let plain = CrossEntropy::default();
    let holes = CrossEntropy { ignore: Some(-7), smoothing: 0.2, ..plain.clone() };
    let tversky = Overlap {
        false_positives: 0.3,
        false_negatives: 0.7,
        smooth: 2.0,
        reduction: Reduction::None,
        ..Overlap::dice()
    };
    // The critic of the penalties.
    let critic = |items: &Tensor| items.matmul(&x[1]).tanh().sum(-1);
    match name {
        "cross_entropy" => cross_entropy(&x[0], &x[1]),
        "smoothed" => CrossEntropy { smoothing: 0.1, ..plain }.of(&x[0], &x[1]),
        "ignoring" => holes.of(&x[0], &x[1]),
        "weighted" => CrossEntropy { class_weights: Some(x[2].clone()), ..holes }.of(&x[0], &x[1]),
        "summed" => CrossEntropy { reduction: Reduction::Sum, ..plain }.of(&x[0], &x[1]),
        "unreduced" => {
            CrossEntropy { ignore: Some(-7), reduction: Reduction::None, ..plain }.of(&x[0], &x[1])
        }
        "soft" => CrossEntropy { smoothing: 0.1, ..plain }.of_probabilities(&x[0], &x[1]),
        "binary_cross_entropy" => binary_cross_entropy(&x[0], &x[1]),
        "binary_cross_entropy_with_logits" => binary_cross_entropy_with_logits(&x[0], &x[1]),
        "positive_weight" => {
            let options =
                BinaryCrossEntropy { positive_weight: Some(x[2].clone()), ..BinaryCrossEntropy::default() };
            options.of(&x[0], &x[1])
        }
        "focal" => Focal::default().of(&x[0], &x[1]),
        "hinge" => hinge(&x[0], &(&x[1] * 2.0 - 1.0)),
        "multi_class_hinge" => multi_class_hinge(&x[0], &x[1], 0.7),
        "mean_squared_error" => mean_squared_error(&x[0], &x[1]),
        "mean_absolute_error" => mean_absolute_error(&x[0], &x[1]),
        "huber" => huber(&x[0], &x[1], 0.6),
        "smooth_l1" => smooth_l1(&x[0], &x[1], 0.6),
        "log_cosh" => log_cosh(&x[0], &x[1]),
        "pinball" => pinball(&x[0], &x[1], 0.3),
        "gaussian" => gaussian_negative_log_likelihood(&x[0], &x[1], &x[2]),
        "mixture" => mixture_negative_log_likelihood(&x[0], &x[1], &x[2], &x[3]),
        "kl_divergence" => kl_divergence(&x[0].log_softmax(-1), &x[1]),
        "jensen_shannon" => jensen_shannon(&x[0], &x[1]),
        "kl_to_standard_normal" => kl_to_standard_normal(&x[0], &x[1]),
        "dice" => dice(&x[0], &x[1]),
        "jaccard" => Overlap::jaccard().of(&x[0], &x[1]),
        "tversky" => tversky.of(&x[0], &x[1]),
        "box_none" => box_overlap(&x[0], &x[1], BoxPenalty::None),
        "box_giou" => box_overlap(&x[0], &x[1], BoxPenalty::Enclosure),
        "box_diou" => box_overlap(&x[0], &x[1], BoxPenalty::Distance),
        "box_ciou" => box_overlap(&x[0], &x[1], BoxPenalty::DistanceAndRatio),
        "cosine_similarity" => cosine_similarity(&x[0], &x[1]),
        "cosine_embedding" => cosine_embedding(&x[0], &x[1], &x[2], -0.2),
        "contrastive_pairs" => contrastive_pairs(&x[0], &x[1], &x[2], 3.0),
        "triplet" => triplet(&x[0], &x[1], &x[2], 0.5),
        "info_nce" => info_nce(&x[0], &x[1], &x[2]),
        "clip" => clip(&x[0], &x[1], &x[2]),
        "critic_logistic" => critic_logistic(&x[0], &x[1]),
        "generator_logistic" => generator_logistic(&x[0]),
        "critic_hinge" => critic_hinge(&x[0], &x[1]),
        "critic_least_squares" => critic_least_squares(&x[0], &x[1]),
        "generator_least_squares" => generator_least_squares(&x[0]),
        "critic_wasserstein" => critic_wasserstein(&x[0], &x[1]),
        "generator_wasserstein" => generator_wasserstein(&x[0]),
        // Between a point and itself there is only that point.
        "gradient_penalty" => gradient_penalty(critic, &x[0], &x[0], &Key::new(0)),
        "zero_centred_penalty" => zero_centred_penalty(critic, &x[0]),
        unknown => panic!("losses.py has a loss `{unknown}` that is not tested"),
    }
}

fn check(dtype: DType, tolerance: f64) {
    for case in file("losses").as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let arguments: Vec<Tensor> = case["arguments"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|argument| {
                let kind = match argument["kind"].as_str() {
                    Some("bool") => DType::Bool,
                    Some("i64") => DType::I64,
                    _ => dtype,
                };
                tensor(argument, kind)
            })
            .collect();
        let mut value = None;
        let (_, gradients) = value_and_grad(|x: &Vec<Tensor>| {
            let loss = loss(name, x);
            let weights = (Tensor::arange(loss.elements(), dtype) * 0.37 + 1.0).reshape(loss.shape());
            value = Some(loss.clone());
            (loss * weights).sum(..)
        })(&arguments);
        let value = value.expect("the loss was computed");
        assert_eq!(value.dtype(), dtype, "{name}");
        assert_close(name, &value, &case["loss"], tolerance);
        for (gradient, expected) in gradients.iter().zip(case["gradients"].as_array().expect("a list")) {
            if !expected.is_null() {
                assert_close(&format!("{name}: gradient"), gradient, expected, tolerance);
            }
        }
    }
}

#[test]
fn losses_in_f64() {
    check(DType::F64, 1e-10);
}

#[test]
fn losses_in_f32() {
    check(DType::F32, 1e-5);
}

#[test]
fn extremes_have_finite_losses_and_gradients() {
    for dtype in [DType::F32, DType::F64] {
        let certain = Tensor::from([0.0f64, 1.0, 0.0, 1.0]).cast(dtype);
        let target = Tensor::from([1.0f64, 0.0, 0.0, 1.0]).cast(dtype);
        let (loss, gradient) = value_and_grad(|p: &Tensor| binary_cross_entropy(p, &target))(&certain);
        assert_eq!(loss.item(), 50.0);
        assert!(gradient.is_finite().all(..).item() == 1.0, "{gradient}");
        let logits = Tensor::from([-200.0f64, 200.0, -200.0, 200.0]).cast(dtype);
        let (loss, gradient) =
            value_and_grad(|x: &Tensor| binary_cross_entropy_with_logits(x, &target))(&logits);
        assert_eq!(loss.item(), 100.0);
        let expected = Tensor::from([-0.25f64, 0.25, 0.0, 0.0]);
        assert!((gradient.cast(DType::F64) - expected).abs().max(..).item() < 1e-12, "{gradient}");
    }
}

#[test]
fn penalties_of_constant_critics_and_equal_vectors_have_finite_gradients() {
    let (x, w) = (Tensor::ones([2, 3], DType::F64), Tensor::zeros([3, 2], DType::F64));
    let penalty = |w: &Tensor| gradient_penalty(|x| x.matmul(w).sum(-1), &x, &x, &Key::new(0));
    let (value, gradient) = value_and_grad(penalty)(&w);
    assert_eq!(value.item(), 1.0);
    assert!(gradient.is_finite().all(..).item() == 1.0, "{gradient}");
    let equal = |x: &Tensor| triplet(x, x, x, 0.5) + cosine_similarity(&(x * 0.0), x).sum(..);
    let (value, gradient) = value_and_grad(equal)(&x);
    assert_eq!(value.item(), 0.5);
    assert_eq!(gradient.to_vec::<f64>(), [0.0; 6]);
}

#[test]
fn masks_without_pixels_are_no_loss() {
    let nothing = Tensor::zeros([1, 1, 2, 2], DType::F32);
    assert_eq!(dice(&nothing, &nothing).item(), 0.0);
}

#[test]
#[should_panic(expected = "prediction [3, 1] and target [3] must have the same shape")]
fn errors_are_not_broadcast() {
    mean_squared_error(&Tensor::zeros([3, 1], DType::F32), &Tensor::zeros([3], DType::F32));
}
