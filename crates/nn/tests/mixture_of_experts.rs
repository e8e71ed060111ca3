//! Mixtures of experts against a loop over tokens and experts.

use bolete_nn::{Activation, Context, MixtureOfExperts, MixtureOfExpertsConfig, MixtureOutput, cast_floats};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Param, Tensor, value_and_grad, vmap};

/// One expert on one token `[width]`.
fn expert(layer: &MixtureOfExperts, number: usize, token: &Tensor) -> Tensor {
    let of = |parameter: &Param| parameter.narrow(0, number, 1).squeeze(0);
    let linear = |weight: &Param, bias: &Option<Param>, x: &Tensor| {
        let product = of(weight).matmul(x);
        bias.as_ref().map_or(product.clone(), |bias| product + of(bias))
    };
    let experts = &layer.experts;
    let up = linear(&experts.up, &experts.up_bias, token);
    let hidden = match &experts.gate {
        Some(gate) => experts.activation.apply(&linear(gate, &experts.gate_bias, token)) * up,
        None => experts.activation.apply(&up),
    };
    linear(&experts.down, &experts.down_bias, &hidden)
}

/// Output `[tokens, width]`, both losses, choices per expert and the number dropped, by the definitions.
fn naive(
    layer: &MixtureOfExperts,
    tokens: &Tensor,
    capacity: usize,
) -> (Tensor, Tensor, Tensor, Vec<i64>, usize) {
    let (count, experts) = (tokens.shape()[0], layer.router.shape()[0]);
    let token = |number: usize| tokens.narrow(0, number, 1).squeeze(0);
    let scores: Vec<Tensor> = (0..count).map(|number| layer.router.matmul(&token(number))).collect();
    let order: Vec<Vec<usize>> = (scores.iter())
        .map(|scores| {
            let scores = scores.to_vec::<f64>();
            let mut order: Vec<usize> = (0..experts).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            order
        })
        .collect();
    let exponential = |number: usize, expert: usize| scores[number].narrow(0, expert, 1).squeeze(0).exp();
    let sum_of = |number: usize, among: &[usize]| {
        Tensor::stack(&among.iter().map(|e| exponential(number, *e)).collect::<Vec<_>>(), 0).sum(0)
    };
    let all: Vec<usize> = (0..experts).collect();
    let mut outputs = vec![Tensor::zeros([tokens.shape()[1]], DType::F64); count];
    let (mut assigned, mut dropped) = (vec![0i64; experts], 0);
    for rank in 0..layer.chosen {
        for number in 0..count {
            let chosen = order[number][rank];
            assigned[chosen] += 1;
            if assigned[chosen] as usize > capacity {
                dropped += 1;
                continue;
            }
            let among = if layer.renormalise { &order[number][..layer.chosen] } else { &all[..] };
            let weight = exponential(number, chosen) / sum_of(number, among);
            outputs[number] = &outputs[number] + weight * expert(layer, chosen, &token(number));
        }
    }
    let (mut balance, mut squares) = (Tensor::scalar(0.0, DType::F64), Tensor::scalar(0.0, DType::F64));
    for number in 0..count {
        let sum = sum_of(number, &all);
        squares = squares + sum.log().square() / count as f64;
        for (expert, assigned) in assigned.iter().enumerate() {
            let share = *assigned as f64 / (count * layer.chosen) as f64;
            let probability = exponential(number, expert) / &sum;
            balance = balance + probability * (share * experts as f64 / count as f64);
        }
    }
    (Tensor::stack(&outputs, 0), balance, squares, assigned, dropped)
}

fn assert_close(what: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (found, expected) in found.to_vec::<f64>().into_iter().zip(expected.to_vec::<f64>()) {
        assert!(
            (found - expected).abs() <= 1e-10 * expected.abs().max(1.0),
            "{what}: {found} is not {expected}"
        );
    }
}

/// Output, losses and all gradients are those of the loop; returns how many choices were dropped.
fn compare(config: MixtureOfExpertsConfig, capacity: usize) -> usize {
    let [first, second, third] = Key::new(5).split();
    let layer = cast_floats(&config.init(&first), DType::F64);
    // Unequal loads.
    let router = layer.router.tensor() * 3.0;
    let layer = MixtureOfExperts { router: Param::new(router), ..layer };
    let tokens = second.normal([6, 3], DType::F64) + 0.3;
    let cotangent = third.normal([6, 3], DType::F64);
    let arguments = (layer, tokens);
    let loss = |output: &Tensor, balance: &Tensor, squares: &Tensor| {
        (output * &cotangent).sum(..) + balance * 0.7 + squares * 0.3
    };
    let ((_, found), slopes) = value_and_grad(|(layer, tokens): &(MixtureOfExperts, Tensor)| {
        let found = layer.forward(&tokens.reshape([2, 3, 3]), &mut Context::evaluation());
        let output = found.output.reshape([6, 3]);
        (loss(&output, &found.balance_loss, &found.router_z_loss), found)
    })(&arguments);
    let found: MixtureOutput = found;
    let (output, balance, squares, assigned, dropped) = naive(&arguments.0, &arguments.1, capacity);
    assert_close("output", &found.output, &output.reshape([2, 3, 3]));
    assert_close("balance", &found.balance_loss, &balance);
    assert_close("scores", &found.router_z_loss, &squares);
    assert_eq!(found.assigned.to_vec::<i64>(), assigned);
    let share = dropped as f64 / (6 * config.chosen) as f64;
    assert!((found.dropped.item() - share).abs() < 1e-12, "{} is not {share}", found.dropped.item());
    let (_, expected) = value_and_grad(|(layer, tokens): &(MixtureOfExperts, Tensor)| {
        let (output, balance, squares, ..) = naive(layer, tokens, capacity);
        loss(&output, &balance, &squares)
    })(&arguments);
    for (found, expected) in slopes.named_leaves().into_iter().zip(expected.named_leaves()) {
        assert_close(&format!("gradient of {}", found.path), found.tensor, expected.tensor);
    }
    dropped
}

#[test]
fn mixtures_are_what_a_loop_over_tokens_gives() {
    let config = MixtureOfExpertsConfig::new(3, 4, 4);
    // ⌈1.25 · 6 · 2 / 4⌉ and ⌈0.5 · 6 · 2 / 4⌉.
    compare(config.clone(), 4);
    let dropped = compare(MixtureOfExpertsConfig { capacity_factor: Some(0.5), ..config.clone() }, 2);
    assert!(dropped > 0);
    assert_eq!(compare(MixtureOfExpertsConfig { capacity_factor: None, ..config.clone() }, 6), 0);
    compare(MixtureOfExpertsConfig { renormalise: false, bias: true, ..config.clone() }, 4);
    let plain = MixtureOfExpertsConfig { gated: false, bias: true, activation: Activation::Tanh, ..config };
    compare(MixtureOfExpertsConfig { chosen: 3, capacity_factor: Some(0.6), ..plain }, 3);
    let switch = MixtureOfExpertsConfig::switch(3, 4, 3);
    compare(MixtureOfExpertsConfig { activation: Activation::Gelu, ..switch }, 3);
}

#[test]
fn dropped_tokens_give_zeros() {
    let config =
        MixtureOfExpertsConfig { capacity_factor: Some(1.0), ..MixtureOfExpertsConfig::switch(2, 3, 2) };
    let layer = config.init(&Key::new(0));
    // Alike, so that all go to one expert, which takes two.
    let found = layer.forward(&Tensor::ones([4, 2], DType::F32), &mut Context::evaluation());
    let output = found.output.to_vec::<f32>();
    assert!(output[..4].iter().all(|value| *value != 0.0), "{output:?}");
    assert_eq!(output[4..], [0.0; 4]);
    assert_eq!(found.dropped.item(), 0.5);
}

#[test]
fn mixtures_are_mapped_and_keep_the_type() {
    let layer = MixtureOfExpertsConfig::new(3, 4, 4).init(&Key::new(0));
    let batch = Key::new(1).normal([3, 5, 3], DType::F32);
    let run = |x: &Tensor| layer.forward(x, &mut Context::evaluation()).output;
    let mapped = vmap(run)(&batch);
    for number in 0..3 {
        let example = batch.narrow(0, number, 1).squeeze(0);
        let found = mapped.narrow(0, number, 1).squeeze(0).cast(DType::F64);
        for (found, single) in
            found.to_vec::<f64>().into_iter().zip(run(&example).cast(DType::F64).to_vec::<f64>())
        {
            assert!((found - single).abs() < 1e-6, "{found} is not {single}");
        }
    }
    let half = cast_floats(&layer, DType::BF16);
    let found = half.forward(&batch.cast(DType::BF16), &mut Context::evaluation());
    assert_eq!((found.output.dtype(), found.router_z_loss.dtype()), (DType::BF16, DType::F32));
    assert!(found.output.is_finite().all(..).item() == 1.0);
}

#[test]
fn noise_moves_choices_in_training_only() {
    let config = MixtureOfExpertsConfig { noisy: true, ..MixtureOfExpertsConfig::new(3, 4, 4) };
    let layer = config.init(&Key::new(0));
    let silent = MixtureOfExperts { noise: None, ..layer.clone() };
    let input = Key::new(1).normal([5, 3], DType::F32);
    let run = |layer: &MixtureOfExperts, mut context: Context| {
        layer.forward(&input, &mut context).router_z_loss.item()
    };
    assert_eq!(run(&layer, Context::evaluation()), run(&silent, Context::evaluation()));
    let training = || Context::training(Key::new(2));
    assert_ne!(run(&layer, training()), run(&silent, training()));
    assert_eq!(run(&layer, training()), run(&layer, training()));
    let (_, slope) =
        value_and_grad(|layer: &MixtureOfExperts| layer.forward(&input, &mut training()).output.sum(..))(
            &layer,
        );
    let noise = slope.noise.expect("the noise is learned").to_vec::<f32>();
    assert!(noise.iter().any(|value| *value != 0.0), "{noise:?}");
}

#[test]
#[should_panic(expected = "MixtureOfExperts: 3 of 2 experts cannot be chosen")]
fn there_are_enough_experts() {
    MixtureOfExpertsConfig { chosen: 3, ..MixtureOfExpertsConfig::new(4, 4, 2) }.init(&Key::new(0));
}

#[test]
#[should_panic(expected = "MixtureOfExperts: expected tokens […, 4], but the shape is [2, 3]")]
fn tokens_have_the_width_of_the_layer() {
    let layer = MixtureOfExpertsConfig::new(4, 4, 2).init(&Key::new(0));
    layer.forward(&Tensor::zeros([2, 3], DType::F32), &mut Context::evaluation());
}
