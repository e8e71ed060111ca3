//! Attention and rotary embeddings against PyTorch.

use bolete_tensor::{AttentionOptions, DType, Rotary, Tensor, value_and_grad};

use crate::read::{assert_close, file, tensor};

#[test]
fn attention_and_its_gradients() {
    for case in file("attention")["cases"].as_array().expect("a list") {
        for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
            let name = case["name"].as_str().expect("a name");
            let inputs: Vec<Tensor> =
                case["inputs"].as_array().expect("a list").iter().map(|input| tensor(input, dtype)).collect();
            let cotangent = tensor(&case["cotangent"], dtype);
            let mut output = None;
            let (_, gradients) = value_and_grad(|inputs: &Vec<Tensor>| {
                let options = AttentionOptions {
                    causal: name == "causal",
                    scale: (name == "scale").then_some(0.3),
                    bias: inputs.get(3).cloned(),
                    mask: (!case["mask"].is_null()).then(|| tensor(&case["mask"], DType::Bool)),
                    ..AttentionOptions::default()
                };
                let found = inputs[0].attention(&inputs[1], &inputs[2], &options);
                output = Some(found.clone());
                (found * &cotangent).sum(..)
            })(&inputs);
            assert_close(name, &output.expect("computed"), &case["output"], tolerance);
            for (gradient, expected) in gradients.iter().zip(case["gradients"].as_array().expect("a list")) {
                assert_close(&format!("{name}: gradient"), gradient, expected, tolerance);
            }
        }
    }
}

#[test]
fn rotary_embeddings() {
    let golden = file("attention");
    let x = tensor(&golden["x"], DType::F64);
    let positions = Tensor::arange(5, DType::I64);
    let half = x.rotary(&positions, &Rotary::default());
    assert_close("halves", &half, &golden["rotary_half"], 1e-10);
    let options = Rotary { base: 500.0, width: Some(6), interleaved: true };
    assert_close("interleaved", &x.rotary(&positions, &options), &golden["rotary_interleaved"], 1e-10);
}
