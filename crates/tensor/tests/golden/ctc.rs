//! The CTC loss against PyTorch.

use bolete_tensor::{DType, Tensor, value_and_grad};
use serde_json::Value;

/// Names of the value and of the gradient, how they are reduced, and a count.
type Reduction<'a> = (&'a str, &'a str, &'a dyn Fn(Tensor) -> Tensor, usize);

use crate::read::{assert_close, assert_numbers_close, file, numbers, tensor};

fn integers(value: &Value) -> Tensor {
    let flat: Vec<f64> = match value[0].is_array() {
        true => value.as_array().expect("rows").iter().flat_map(numbers).collect(),
        false => numbers(value),
    };
    let rows = value.as_array().expect("a list").len();
    let shape = if value[0].is_array() { vec![rows, flat.len() / rows] } else { vec![rows] };
    Tensor::from_vec(flat, shape).cast(DType::I64)
}

#[test]
fn losses_and_gradients() {
    let golden = file("ctc");
    let [input_lengths, target_lengths] =
        ["input_lengths", "target_lengths"].map(|name| integers(&golden[name]));
    let losses = |logits: &Tensor, targets: &str, blank: usize| {
        logits.log_softmax(-1).ctc_loss(&integers(&golden[targets]), &input_lengths, &target_lengths, blank)
    };
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let logits = tensor(&golden["logits"], dtype);
        let found = losses(&logits, "targets", 0).cast(DType::F64).to_vec::<f64>();
        for (found, expected) in found.iter().zip(golden["losses"].as_array().expect("a list")) {
            match expected.as_f64() {
                Some(expected) => assert_numbers_close("losses", &[*found], &[expected], tolerance),
                None => assert_eq!(*found, f64::INFINITY),
            }
        }
        let finite = |losses: Tensor| losses.is_infinite().select(0.0, losses);
        let reductions: [Reduction; 3] = [
            ("sum", "targets", &|losses| finite(losses).sum(..), 0),
            (
                "mean",
                "targets",
                &|losses| (finite(losses) / target_lengths.maximum(1).cast(dtype)).mean(..),
                0,
            ),
            ("last_blank", "moved", &|losses| finite(losses).sum(..), 4),
        ];
        for (name, targets, reduce, blank) in reductions {
            let objective = |logits: &Tensor| reduce(losses(logits, targets, blank));
            let (loss, gradient) = value_and_grad(objective)(&logits);
            let expected = golden[name]["loss"].as_f64().expect("a number");
            assert_numbers_close(name, &[loss.item()], &[expected], tolerance);
            assert_close(name, &gradient, &golden[name]["gradient"], tolerance);
        }
    }
}

#[test]
#[should_panic(expected = "label 5 of sequence 0 is the blank or not one of 3 classes")]
fn labels_exist() {
    let one = Tensor::from([1i64]);
    Tensor::zeros([2, 1, 3], DType::F32).ctc_loss(&Tensor::from([[5i64]]), &one, &one, 0).to_vec::<f32>();
}

#[test]
#[should_panic(expected = "ctc_loss: log probabilities [2, 1, 3] need targets [1, most] and lengths [1]")]
fn shapes_fit() {
    let one = Tensor::from([1i64]);
    Tensor::zeros([2, 1, 3], DType::F32).ctc_loss(&one, &one, &one, 0);
}
