//! Decoding step by step, shared heads and positions.

use bolete_nn::{
    AttentionMask, Context, Module, MultiHeadAttentionConfig, NormPosition, Positions, RelativeBiasConfig,
    TransformerLayerConfig, cast_floats, summarise,
};
use bolete_tensor::{DType, Key, Rotary, Step, Tensor, grad};

fn assert_close(left: &Tensor, right: &Tensor, tolerance: f64) {
    assert_eq!(left.shape(), right.shape());
    let error = (left - right).abs().max(..).item();
    assert!(error < tolerance, "{error}");
}

fn configs() -> Vec<MultiHeadAttentionConfig> {
    let causal = MultiHeadAttentionConfig { causal: true, ..MultiHeadAttentionConfig::new(16, 4) };
    let with = |positions| MultiHeadAttentionConfig { positions, ..causal.clone() };
    vec![
        causal.clone(),
        MultiHeadAttentionConfig { key_value_heads: 2, ..causal.clone() },
        MultiHeadAttentionConfig { window: Some(3), ..causal.clone() },
        MultiHeadAttentionConfig { head_width: 6, bias: false, ..causal.clone() },
        with(Positions::Rotary(Rotary::default())),
        with(Positions::Alibi),
        with(Positions::Relative(RelativeBiasConfig { buckets: 8, farthest: 6 })),
    ]
}

#[test]
fn decoding_gives_what_a_pass_over_the_whole_gives() {
    for config in configs() {
        let layer = TransformerLayerConfig {
            attention: config.clone(),
            norm: NormPosition::Before,
            gated: true,
            ..TransformerLayerConfig::new(16, 4)
        };
        let [weights, data] = Key::new(1).split();
        let model = cast_floats(&layer.encoder(2, &weights), DType::F64);
        let x = data.normal([2, 9, 16], DType::F64);
        let whole = model.forward(&x, &mut Context::evaluation());
        let mut caches = model.caches(2, 10, DType::F64);
        let mut parts = Vec::new();
        // A prompt of five positions, then one at a time.
        for (start, length) in [(0, 5), (5, 1), (6, 1), (7, 2)] {
            let (part, next) = model.decode(&x.narrow(1, start, length), caches, &mut Context::evaluation());
            parts.push(part);
            caches = next;
        }
        assert_eq!(caches[1].length.item(), 9.0);
        assert_close(&Tensor::concatenate(&parts, 1), &whole, 1e-12);
    }
}

#[test]
fn a_decoding_step_is_planned_once() {
    let config =
        TransformerLayerConfig { attention: configs().swap_remove(4), ..TransformerLayerConfig::new(16, 4) };
    let model = config.encoder(1, &Key::new(0));
    let mut caches = model.caches(1, 8, DType::F32);
    let mut step = Step::new(|(caches, x): (Vec<_>, Tensor)| {
        let (output, caches) = model.decode(&x, caches, &mut Context::evaluation());
        (caches, output)
    });
    for position in 0..8 {
        let x = Key::new(position).normal([1, 1, 16], DType::F32);
        let output;
        (caches, output) = step.call((caches, x));
        assert!(output.is_finite().all(..).item() == 1.0);
    }
    assert_eq!(format!("{step:?}"), "Step { traces: 1, .. }");
}

#[test]
fn shared_heads_are_repeated_ones() {
    let config =
        MultiHeadAttentionConfig { key_value_heads: 2, bias: false, ..MultiHeadAttentionConfig::new(8, 4) };
    let shared = cast_floats(&config.init(&Key::new(0)), DType::F64);
    let full = MultiHeadAttentionConfig { bias: false, ..MultiHeadAttentionConfig::new(8, 4) };
    let mut repeated = cast_floats(&full.init(&Key::new(0)), DType::F64);
    let weight = |param: &Option<bolete_tensor::Param>| param.as_ref().expect("separate").tensor().clone();
    let twice = |param| weight(param).reshape([2, 2, 8]).repeat_interleave(2, 0).reshape([8, 8]);
    let packed = [weight(&shared.q_proj_weight), twice(&shared.k_proj_weight), twice(&shared.v_proj_weight)];
    repeated.in_proj_weight = Some(Tensor::concatenate(&packed, 0).into());
    repeated.out_proj = shared.out_proj.clone();
    let x = Key::new(1).normal([2, 5, 8], DType::F64);
    let outputs = [&shared, &repeated].map(|layer| layer.forward(&x, &mut Context::evaluation()));
    assert_close(&outputs[0], &outputs[1], 1e-12);
}

#[test]
fn slopes_of_linear_biases_fall_off_with_the_distance() {
    // The form that cancels a constant of each row gives the weights of the definition.
    let config = |causal| MultiHeadAttentionConfig {
        causal,
        positions: Positions::Alibi,
        ..MultiHeadAttentionConfig::new(8, 2)
    };
    let causal = cast_floats(&config(true).init(&Key::new(0)), DType::F64);
    let both = cast_floats(&config(false).init(&Key::new(0)), DType::F64);
    let x = Key::new(1).normal([1, 6, 8], DType::F64);
    let place = Tensor::arange(6, DType::I64);
    let behind = place.unsqueeze(1).greater_equal(place.unsqueeze(0));
    let mask = AttentionMask { pairs: Some(behind), keys: None };
    let masked = both.attend_to_self(&x, &mask, &mut Context::evaluation());
    assert_close(&causal.forward(&x, &mut Context::evaluation()), &masked, 1e-12);
}

#[test]
fn dropout_is_for_training_and_derivatives_exist() {
    let config = TransformerLayerConfig {
        dropout: 0.3,
        attention: MultiHeadAttentionConfig { dropout: 0.2, ..MultiHeadAttentionConfig::new(8, 2) },
        ..TransformerLayerConfig::new(8, 2)
    };
    let layer = config.encoder_layer(&Key::new(0));
    let x = Key::new(1).normal([2, 5, 8], DType::F32);
    let run = |key: u64| layer.forward(&x, &mut Context::training(Key::new(key))).to_vec::<f32>();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let evaluated = layer.forward(&x, &mut Context::evaluation()).to_vec::<f32>();
    assert_eq!(evaluated, layer.forward(&x, &mut Context::evaluation()).to_vec::<f32>());
    let slope = grad(|x: &Tensor| layer.forward(x, &mut Context::training(Key::new(1))).square().sum(..))(&x);
    assert!(slope.is_finite().all(..).item() == 1.0);
}

#[test]
fn summaries_show_the_parts() {
    let layer = TransformerLayerConfig::new(8, 2).encoder_layer(&Key::new(0));
    let text = summarise(&layer, [2, 5, 8]).to_string();
    for part in ["MultiHeadAttention, 2 heads of 4", "Linear 8 → 32", "LayerNorm"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
#[should_panic(expected = "only causal attention can be decoded step by step")]
fn what_sees_the_future_cannot_be_decoded() {
    let layer = MultiHeadAttentionConfig::new(8, 2).init(&Key::new(0));
    let cache = layer.cache(1, 4, DType::F32);
    layer.decode(&Tensor::zeros([1, 1, 8], DType::F32), cache, &mut Context::evaluation());
}
