//! Multi-head attention and transformer layers: outputs and gradients.

use bolete_nn::{
    Activation, AttentionMask, Context, Module, MultiHeadAttention, MultiHeadAttentionConfig, NormPosition,
    TransformerLayerConfig,
};
use bolete_tensor::tree::LeafKind;
use bolete_tensor::{DType, Key, Tensor, Tree, value_and_grad};
use serde_json::Value;

use crate::read::{assert_close, assert_leaves_close, file, tensor, with_leaves};

fn check<M: Tree>(case: &Value, model: M, forward: impl Fn(&M, &[Tensor], &[Tensor]) -> Tensor) {
    let list = |name: &str| case[name].as_array().expect("a list").iter();
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let what = format!("{} in {dtype}", case["name"].as_str().expect("a name"));
        let model = with_leaves(&model, &case["leaves"], dtype);
        let inputs: Vec<Tensor> = list("inputs").map(|input| tensor(input, dtype)).collect();
        let masks: Vec<Tensor> = list("masks").map(|mask| tensor(mask, DType::Bool)).collect();
        let cotangent = tensor(&case["cotangent"], dtype);
        let ((_, output), (gradients, input_gradients)) =
            value_and_grad(|(model, inputs): &(M, Vec<Tensor>)| {
                let output = forward(model, inputs, &masks);
                ((&output * &cotangent).sum(..), output)
            })(&(model, inputs));
        assert_close(&what, &output, &case["output"], tolerance);
        for (gradient, expected) in input_gradients.iter().zip(list("input_gradients")) {
            assert_close(&format!("{what}: input gradient"), gradient, expected, tolerance);
        }
        assert_leaves_close(&what, &gradients, LeafKind::Param, &case["gradients"], tolerance);
    }
}

#[test]
fn attention_and_transformer_layers() {
    let key = Key::new(0);
    let attention = |heads: usize| MultiHeadAttentionConfig::new(8, heads);
    let layer = || TransformerLayerConfig { feed_forward: 12, ..TransformerLayerConfig::new(8, 2) };
    let before = || TransformerLayerConfig { norm: NormPosition::Before, ..layer() };
    let all = AttentionMask::default();
    let context = Context::evaluation;
    let plain = |layer: &MultiHeadAttention, x: &[Tensor], _: &[Tensor]| layer.forward(&x[0], &mut context());
    for case in file("attention").as_array().expect("a list") {
        match case["name"].as_str().expect("a name") {
            "self" => check(case, attention(2).init(&key), plain),
            "without_bias" => {
                check(case, MultiHeadAttentionConfig { bias: false, ..attention(4) }.init(&key), plain);
            }
            "causal" => {
                check(case, MultiHeadAttentionConfig { causal: true, ..attention(2) }.init(&key), plain)
            }
            "padded" => check(case, attention(2).init(&key), |layer, x, masks| {
                let mask = AttentionMask::of_keys(masks[0].clone());
                layer.attend_to_self(&x[0], &mask, &mut context())
            }),
            "cross" => {
                let config = MultiHeadAttentionConfig { source_widths: [5, 6], ..attention(2) };
                check(case, config.init(&key), |layer, x, _| {
                    layer.attend(&x[0], &x[1], &x[2], &all, &mut context())
                });
            }
            "encoder_after" => {
                check(case, layer().encoder_layer(&key), |layer, x, _| layer.forward(&x[0], &mut context()))
            }
            "encoder_before" => {
                let config = TransformerLayerConfig { activation: Activation::Gelu, ..before() };
                check(case, config.encoder_layer(&key), |layer, x, masks| {
                    layer.forward_masked(&x[0], &AttentionMask::of_keys(masks[0].clone()), &mut context())
                });
            }
            "decoder_after" => check(case, layer().decoder_layer(&key), |layer, x, _| {
                layer.forward(&x[0], &x[1], [&all, &all], &mut context())
            }),
            "decoder_before" => check(case, before().decoder_layer(&key), |layer, x, masks| {
                let source = AttentionMask::of_keys(masks[0].clone());
                layer.forward(&x[0], &x[1], [&all, &source], &mut context())
            }),
            "transformer" => {
                // PyTorch's stacks end with a norm wherever the layers have theirs, and so do ours before the sublayers.
                check(case, before().transformer(1, 2, &key), |model, x, _| {
                    model.forward(&x[0], &x[1], [&all, &all], &mut context())
                });
            }
            unknown => panic!("attention.py has a case `{unknown}` that is not tested"),
        }
    }
}
