//! Dropping whole channels and whole examples, and pooling by powers.

use bolete_nn::{ChannelDropout, Context, LpPool2d, Module, StochasticDepth};
use bolete_tensor::{DType, Key, Pool2d, Tensor};

/// The parts of `[64, 50, 3]` that belong together, as lists of their elements.
fn parts(output: &Tensor, length: usize) -> Vec<Vec<f32>> {
    output.to_vec::<f32>().chunks(length).map(<[f32]>::to_vec).collect()
}

fn check(layer: &impl Module, length: usize) {
    let ones = Tensor::ones([64, 50, 3], DType::F32);
    let output = layer.forward(&ones, &mut Context::training(Key::new(0)));
    let parts = parts(&output, length);
    for part in &parts {
        // All or nothing, and what stays is divided by the probability of staying.
        assert!(part.iter().all(|value| value == &part[0]) && [0.0, 1.25].contains(&part[0]), "{part:?}");
    }
    let dropped = parts.iter().filter(|part| part[0] == 0.0).count() as f64 / parts.len() as f64;
    let spread = (0.2f64 * 0.8 / parts.len() as f64).sqrt();
    assert!(dropped > 0.0 && (dropped - 0.2).abs() < 4.0 * spread, "{dropped}");
    let kept = layer.forward(&ones, &mut Context::evaluation());
    assert_eq!(kept.to_vec::<f32>(), ones.to_vec::<f32>());
}

#[test]
fn channels_and_examples_are_dropped_as_a_whole() {
    check(&ChannelDropout { probability: 0.2 }, 3);
    check(&StochasticDepth { probability: 0.2 }, 150);
}

#[test]
fn powers_of_windows() {
    let layer = LpPool2d { power: 2.0, options: Pool2d::window([1, 2]) };
    let output = layer.forward(&Tensor::from([[3.0f64, -4.0, 0.0, 0.0]]), &mut Context::evaluation());
    assert_eq!(output.to_vec::<f64>(), [5.0, 0.0]);
    assert_eq!(layer.describe(), "LpPool2d 1×2, power 2");
}
