//! Two interleaved spirals told apart by a small network.
//! `cargo run --release -p bolete --example train_mlp`

use bolete::prelude::*;

/// `[2 · count, 2]` points on two arms, and which arm each is on.
fn spirals(count: usize, key: &Key) -> (Tensor, Tensor) {
    let radius = Tensor::linspace(0.05, 1.0, count, DType::F32);
    let arms: Vec<Tensor> = (0..2)
        .map(|arm| {
            let angle = &radius * 9.0 + f64::from(arm) * std::f64::consts::PI;
            Tensor::stack(&[&radius * angle.cos(), &radius * angle.sin()], 1)
        })
        .collect();
    let points = Tensor::concatenate(&arms, 0) + key.normal([2 * count, 2], DType::F32) * 0.02;
    (points, Tensor::arange(2 * count, DType::I64).greater_equal(count as i64).cast(DType::I64))
}

fn main() {
    let [first, second, third, noise] = Key::new(1).split();
    let (points, arms) = spirals(200, &noise);
    let model = Sequential::new([
        LinearConfig::new(2, 64).init(&first).into(),
        Activation::Tanh.into(),
        LinearConfig::new(64, 64).init(&second).into(),
        Activation::Tanh.into(),
        LinearConfig::new(64, 2).init(&third).into(),
    ]);
    println!("{}", summarise(&model, [400, 2]));

    let optimiser = AdamConfig { learning_rate: 0.01, ..AdamConfig::default() }.init(&model);
    // Planned once, then replayed; model and optimiser are moved in and come back updated in place.
    let mut step = Step::new(|(model, optimiser, points, arms): (Sequential, Adam, Tensor, Tensor)| {
        let ((loss, logits), gradients) = value_and_grad(|model: &Sequential| {
            let logits = model.forward(&points, &mut Context::evaluation());
            (cross_entropy(&logits, &arms), logits)
        })(&model);
        let right = logits.argmax(-1).equal(&arms).cast(DType::F32).mean(..);
        let (model, optimiser) = optimiser.update(model, &gradients);
        (model, optimiser, loss, right)
    });
    let (mut model, mut optimiser) = (model, optimiser);
    for epoch in 1..=500 {
        let (next, state, loss, right) = step.call((model, optimiser, points.clone(), arms.clone()));
        (model, optimiser) = (next, state);
        if epoch % 100 == 0 {
            println!("step {epoch:3}  loss {:.4}  right {:.1} %", loss.item(), right.item() * 100.0);
        }
    }
}
