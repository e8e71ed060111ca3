//! What the engine itself costs: recording a node, and a replayed step of a network so small that nothing else counts.
//! `cargo bench -p bolete-tensor --bench overhead`

use std::time::Instant;

use bolete_tensor::{DType, Key, Step, Tensor, Tree, eval_tree, value_and_grad};

#[derive(Clone, Tree)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    fn new(key: &Key, input: usize, output: usize) -> Layer {
        let weight = key.normal([input, output], DType::F32) * (1.0 / (input as f64).sqrt());
        Layer { weight, bias: Tensor::zeros([output], DType::F32) }
    }
    fn forward(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.weight) + &self.bias
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let per_node = (0..50).map(|_| {
        let x = Tensor::from([1.0f32; 4]);
        let mut y = x.clone();
        let start = Instant::now();
        for _ in 0..10_000 {
            y = y.tanh();
        }
        let elapsed = start.elapsed().as_secs_f64() * 1e9 / 10_000.0;
        drop(y);
        elapsed
    });
    println!("record unary: {:.0} ns per node", median(per_node.collect()));
    let per_binary = (0..50).map(|_| {
        let x = Tensor::from([1.0f32; 4]);
        let mut y = x.clone();
        let start = Instant::now();
        for _ in 0..10_000 {
            y = y + &x;
        }
        let elapsed = start.elapsed().as_secs_f64() * 1e9 / 10_000.0;
        drop(y);
        elapsed
    });
    println!("record binary: {:.0} ns per node", median(per_binary.collect()));

    let [a, b, c, d] = Key::new(1).split();
    let mut model = [Layer::new(&a, 2, 32), Layer::new(&b, 32, 32), Layer::new(&c, 32, 1)];
    let x = d.normal([32, 2], DType::F32);
    let y = x.sum(1).unsqueeze(1);
    eval_tree(&(model.clone(), x.clone(), y.clone()));
    let mut step = Step::new(|(model, x, y): ([Layer; 3], Tensor, Tensor)| {
        let (loss, slopes) = value_and_grad(|model: &[Layer; 3]| {
            let hidden = model[1].forward(&model[0].forward(&x).tanh()).tanh();
            (model[2].forward(&hidden) - &y).square().mean(..)
        })(&model);
        let mut slopes = slopes.iter();
        let model = model.map(|layer| {
            let slope = slopes.next().expect("as many slopes as layers");
            Layer { weight: layer.weight - &slope.weight * 0.01, bias: layer.bias - &slope.bias * 0.01 }
        });
        (model, loss)
    });
    let mut times = Vec::new();
    for index in 0..20_000 {
        let start = Instant::now();
        let (next, _loss) = step.call((model, x.clone(), y.clone()));
        model = next;
        if index >= 1000 {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    println!("mlp_tiny step: {:.2} us", median(times));
    println!("{}", step.report().expect("the step has run"));
}
