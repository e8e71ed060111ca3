//! Random graphs, planned as a whole against one node at a time.
//!
//! A program is a function of a seed and of the shapes of its inputs only, so that it can be called again with other
//! inputs: for another evaluation, inside of a gradient, inside of a [`Step`]. The oracle evaluates each node by
//! itself, from inputs that are in memory already: nothing is fused, folded or merged. Custom ops are evaluated by
//! their fallback, node by node too.

use crate::graph::walk::reachable;
use crate::ops::Op;
use crate::ops::view::index;
use crate::{Convolution2d, DType, Key, Pool2d, Shape, Step, Tensor, checkpoint, eval, value_and_grad};

/// SplitMix64.
///
/// Products of matrices are summed in an order that depends on strides. So programs come in two kinds: with products
/// and without ops that jump, compared within a tolerance, and without products, compared bit by bit.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Whether the program of a seed has products, and no jumps.
fn has_products(seed: u64) -> bool {
    seed % 5 < 2
}

/// Elements that a value of a random program may have at most.
const LARGEST: usize = 2000;

fn axes(dice: &mut Dice, rank: usize) -> Vec<isize> {
    let mut chosen: Vec<isize> = (0..rank as isize).filter(|_| dice.chance(50)).collect();
    if dice.chance(30) {
        chosen.iter_mut().for_each(|axis| *axis -= rank as isize);
    }
    chosen
}

fn some_float(dice: &mut Dice, values: &[Tensor]) -> Option<Tensor> {
    let floats: Vec<&Tensor> =
        values.iter().filter(|value| matches!(value.dtype(), DType::F32 | DType::F64)).collect();
    if floats.is_empty() { None } else { Some((*dice.pick(&floats)).clone()) }
}

/// Another value of the same shape, often the value itself if there is none.
fn partner(dice: &mut Dice, values: &[Tensor], x: &Tensor) -> Tensor {
    let same: Vec<&Tensor> =
        values.iter().filter(|value| value.shape() == x.shape() && value.dtype() != DType::Bool).collect();
    if same.is_empty() { x.clone() } else { (*dice.pick(&same)).clone() }
}

fn unary(dice: &mut Dice, products: bool, x: &Tensor) -> Tensor {
    match dice.below(22) {
        0 => x.tanh(),
        1 => x.sin(),
        2 => x.cos(),
        3 => x.sigmoid(),
        4 => x.relu(),
        5 => x.abs(),
        6 => x.neg(),
        7 => x.tanh().exp(),
        8 => (x.abs() + 0.5).log(),
        9 => x.abs().sqrt(),
        10 => (x.square() + 1.0).rsqrt(),
        11 => (x.square() + 1.0).reciprocal(),
        12 => x.erf(),
        13 => x.softplus(),
        14 if !products => x.floor(),
        15 if !products => x.sign(),
        16 => x.clamp(-0.5, 0.7),
        17 => x.gelu_tanh(),
        18 => x.silu(),
        19 if !products => x.round(),
        20 => (x.abs() + 0.5).pow(x.tanh()),
        _ => x.square(),
    }
}

fn binary(dice: &mut Dice, a: &Tensor, b: &Tensor) -> Tensor {
    match dice.below(8) {
        0 => a + b,
        1 => a - b,
        2 => a * b,
        3 => a.maximum(b),
        4 => a.minimum(b),
        5 => a / (b.square() + 1.0),
        6 => a.less(b).select(a, b),
        _ => a.tanh() * b,
    }
}

fn reduced(dice: &mut Dice, x: &Tensor) -> Tensor {
    let axes = axes(dice, x.rank());
    let axes = axes.as_slice();
    let keep = dice.chance(50);
    let empty = x.elements() == 0;
    match (dice.below(9), keep) {
        (0 | 1, false) => x.sum(axes),
        (0 | 1, true) => x.sum_keepdim(axes),
        (2, false) => x.mean(axes),
        (2, true) => x.mean_keepdim(axes),
        (3, false) if !empty => x.max(axes),
        (3, true) if !empty => x.max_keepdim(axes),
        (4, _) if !empty => x.min(axes),
        (5, _) => x.tanh().prod(axes),
        (6, _) if !empty => x.logsumexp(axes),
        (7, _) => x.var(axes, 0),
        _ => x.sum(..),
    }
}

fn view(dice: &mut Dice, x: &Tensor) -> Tensor {
    let rank = x.rank();
    match dice.below(9) {
        0 => x.flatten(),
        1 | 2 if rank >= 2 => {
            let mut order: Vec<isize> = (0..rank as isize).collect();
            for axis in (1..rank).rev() {
                order.swap(axis, dice.below(axis + 1));
            }
            x.permute(&order)
        }
        3 if rank >= 1 => {
            let indices: Vec<_> = (0..rank)
                .map(|axis| {
                    let length = x.shape()[axis] as isize;
                    match dice.below(5) {
                        0 => index(..).step(-1),
                        1 => index(1..),
                        2 => index(..).step(2),
                        3 => index(..length - 1),
                        _ => index(..),
                    }
                })
                .collect();
            x.slice(indices)
        }
        4 if rank >= 1 => x.flip(axes(dice, rank).as_slice()),
        5 => {
            let mut shape: Vec<usize> =
                x.shape().iter().map(|length| if *length == 1 { 3 } else { *length }).collect();
            if dice.chance(50) {
                shape.insert(0, 2);
            }
            x.broadcast_to(shape)
        }
        6 if rank >= 2 => {
            // Two neighbouring axes as one.
            let axis = dice.below(rank - 1);
            let mut shape: Vec<usize> = x.shape().to_vec();
            let joined = shape.remove(axis);
            shape[axis] *= joined;
            x.reshape(shape)
        }
        7 => x.unsqueeze(dice.below(rank + 1) as isize),
        8 if rank >= 1 => {
            // An axis in two.
            let axis = dice.below(rank);
            let mut shape: Vec<usize> = x.shape().to_vec();
            let factor =
                [2, 3, 4].into_iter().find(|factor| shape[axis].is_multiple_of(*factor)).unwrap_or(1);
            shape[axis] /= factor;
            shape.insert(axis, factor);
            x.reshape(shape)
        }
        _ => x.stop_gradient(),
    }
}

fn joined(dice: &mut Dice, values: &[Tensor], x: &Tensor) -> Tensor {
    let rank = x.rank();
    let other = partner(dice, values, x);
    match dice.below(4) {
        0 if rank > 0 => {
            let amounts: Vec<(usize, usize)> = (0..rank).map(|_| (dice.below(3), dice.below(2))).collect();
            x.pad(&amounts, 0.5)
        }
        1 if rank > 0 => Tensor::concatenate(&[x.clone(), other, x.clone()], dice.below(rank) as isize),
        2 if rank > 0 && x.shape()[0] > 1 => Tensor::concatenate(&[x.clone(), other.narrow(0, 1, 1)], 0),
        _ => Tensor::stack(&[x.clone(), other], dice.below(rank + 1) as isize),
    }
}

fn matmul(dice: &mut Dice, values: &[Tensor], x: &Tensor) -> Option<Tensor> {
    if x.rank() == 0 {
        return None;
    }
    if dice.chance(40) && x.rank() >= 2 {
        return Some(if dice.chance(50) { x.matmul(&x.t()) } else { x.t().matmul(x) });
    }
    let inner = *x.shape().last()?;
    for _ in 0..6 {
        let other = dice.pick(values).clone();
        if other.rank() == 1 && other.shape()[0] == inner || other.rank() == 2 && other.shape()[0] == inner {
            return Some(x.matmul(&other));
        }
        if other.rank() == 2 && other.shape()[1] == inner {
            return Some(x.matmul(&other.t()));
        }
    }
    let weight = Tensor::arange(inner * 3, x.dtype()).reshape([3, inner]);
    Some(x.matmul(&(weight * 0.1).cast(x.dtype()).t()))
}

fn normalised(dice: &mut Dice, x: &Tensor) -> Option<Tensor> {
    if x.rank() == 0 {
        return None;
    }
    let axis = dice.below(x.rank()) as isize;
    let last = *x.shape().last()?;
    Some(match dice.below(6) {
        0 => x.softmax(axis),
        1 => x.softmax(-1),
        2 => x.log_softmax(axis),
        3 => {
            let weight = Tensor::arange(last, x.dtype()) * 0.1 + 1.0;
            let bias = Tensor::full([last], 0.25, x.dtype());
            x.layer_norm(&weight, &bias, 1e-5)
        }
        4 if last > 0 => {
            let rows: Shape = x.shape()[..x.rank() - 1].iter().copied().collect();
            let labels = Tensor::arange(rows.elements(), DType::I64).modulo(last).reshape(rows);
            x.cross_entropy(&labels)
        }
        5 if x.rank() >= 2 => {
            let channels = x.shape()[1];
            let weight = Tensor::arange(channels, x.dtype()) + 0.5;
            let norm = x.batch_norm(&weight, &Tensor::zeros([channels], x.dtype()), 1e-3);
            if dice.chance(50) { norm.output } else { norm.mean + norm.variance }
        }
        _ => x.softmax(axis),
    })
}

fn indexed(dice: &mut Dice, products: bool, x: &Tensor) -> Option<Tensor> {
    if x.rank() == 0 || x.elements() == 0 {
        return None;
    }
    let axis = dice.below(x.rank());
    let length = x.shape()[axis];
    let count = 1 + dice.below(4);
    let indices = (Tensor::arange(count, DType::I64) * 3 + 1).modulo(length);
    let axis = axis as isize;
    Some(match dice.below(if products { 3 } else { 5 }) {
        0 => x.take(&indices, axis),
        1 => x.take(&(indices.unsqueeze(0) - length), axis),
        2 => x.index_add(axis, &indices, &x.take(&indices.flip(0), axis)),
        3 => x.gather(axis, &x.argmax(axis).unsqueeze(axis)),
        _ => x.scatter_add(axis, &x.argmin(axis).unsqueeze(axis), &x.sum_keepdim(axis)),
    })
}

fn imaged(dice: &mut Dice, products: bool, x: &Tensor) -> Option<Tensor> {
    if x.rank() < 2 || x.elements() == 0 || x.rank() > 4 {
        return None;
    }
    let mut shape: Vec<usize> = x.shape().to_vec();
    while shape.len() < 4 {
        shape.insert(0, 1);
    }
    let image = x.reshape(shape.clone());
    let channels = shape[1];
    Some(match dice.below(2) + if products { 2 } else { 0 } {
        0 => {
            image.max_pool2d(&Pool2d { stride: [1, 1], padding: [(1, 1), (0, 1)], ..Pool2d::window([2, 2]) })
        }
        1 => image.avg_pool2d(&Pool2d { padding: [(1, 0), (1, 1)], ..Pool2d::window([2, 2]) }),
        2 => {
            let kernel =
                (Tensor::arange(2 * channels * 9, x.dtype()) * 0.7).sin().reshape([2, channels, 3, 3]);
            image.conv2d(&kernel, &Convolution2d::padded(1))
        }
        _ => {
            let kernel = (Tensor::arange(channels * 4, x.dtype()) * 0.3).cos().reshape([channels, 1, 2, 2]);
            let options = Convolution2d {
                groups: channels,
                stride: [2, 1],
                padding: [(1, 1), (0, 1)],
                ..Convolution2d::default()
            };
            image.conv2d(&kernel, &options)
        }
    })
}

fn whole(dice: &mut Dice, values: &[Tensor], x: &Tensor) -> Tensor {
    let types = [DType::I64, DType::I32, DType::U8];
    let a = (x * 3.0).cast(*dice.pick(&types));
    let b = (partner(dice, values, x) * 2.0).cast(*dice.pick(&types));
    match dice.below(8) {
        0 => a + b,
        1 => a * b - 1,
        2 => a.modulo(5),
        3 => (a.modulo(&b) + 2).abs(),
        4 => a.equal(&b).logical_or(&a.greater(&b).logical_not()),
        5 => a.sum(..),
        6 => a.maximum(&b).square().sign(),
        _ => a.less_equal(&b).select(&a, 7),
    }
}

/// One more value from those there are.
fn grow(dice: &mut Dice, values: &[Tensor], products: bool, depth: usize) -> Option<Tensor> {
    let x = some_float(dice, values)?;
    Some(match dice.below(34) {
        0..=5 => unary(dice, products, &x),
        6..=10 => {
            let other = partner(dice, values, &x);
            binary(dice, &x, &other)
        }
        11..=12 => {
            let number = *dice.pick(&[0.0, 1.0, -1.0, 0.5, 2.5]);
            match dice.below(5) {
                0 => &x + number,
                1 => &x * number,
                2 => &x / (number + 1.5),
                3 => &x * Tensor::full(x.shape(), number, x.dtype()),
                _ => &x - Tensor::full([], number, x.dtype()),
            }
        }
        13..=14 => {
            let along = axes(dice, x.rank());
            let mean = x.mean_keepdim(along.as_slice());
            binary(dice, &x, &mean)
        }
        15..=18 => reduced(dice, &x),
        19..=22 => view(dice, &x),
        23 => joined(dice, values, &x),
        24 if products => matmul(dice, values, &x)?,
        25 => normalised(dice, &x)?,
        26 => indexed(dice, products, &x)?,
        27 => imaged(dice, products, &x)?,
        28 if !products => whole(dice, values, &x),
        29 if !products => {
            let dtype = *dice.pick(&[DType::F32, DType::F64, DType::Bool, DType::I64]);
            let other = dice.pick(values);
            if other.dtype().is_float() { other.sin().cast(dtype) } else { other.cast(DType::F32) }
        }
        30 => {
            let key = Key::new(dice.next());
            match dice.below(3) {
                0 => key.uniform(x.shape(), x.dtype()) * &x,
                1 => x.dropout(0.25, &key),
                _ => key.normal(x.shape(), DType::F32) + &x,
            }
        }
        31 => x.elu(0.7),
        32 => {
            let ramp = Tensor::arange(x.elements(), x.dtype()).reshape(x.shape());
            binary(dice, &ramp, &x)
        }
        _ if depth == 0 => {
            let seed = dice.next();
            let captured = dice.pick(values).clone();
            let inputs = vec![x.clone(), partner(dice, values, &x)];
            checkpoint(move |inputs: &Vec<Tensor>| {
                let mut dice = Dice(seed);
                let mut values = inputs.clone();
                values.push(captured.clone());
                for _ in 0..4 {
                    let next = grow(&mut dice, &values, products, 1);
                    values.extend(next.filter(|next| next.elements() <= LARGEST && next.rank() <= 5));
                }
                values.pop().expect("there are inputs")
            })(&inputs)
        }
        _ => x.sin(),
    })
}

/// All values of the program of a seed.
fn program(seed: u64, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut dice = Dice(seed);
    let mut values = inputs.to_vec();
    let count = 3 + dice.below(38);
    for _ in 0..count {
        let next = grow(&mut dice, &values, has_products(seed), 0);
        values.extend(next.filter(|next| next.elements() <= LARGEST && next.rank() <= 5));
    }
    values
}

/// The inputs of a seed: of shapes that go together, so that there is something to fuse.
fn inputs(seed: u64) -> Vec<Tensor> {
    let mut dice = Dice(seed ^ 0xabcd);
    let rank = dice.below(4);
    let base: Vec<usize> =
        (0..rank).map(|_| if dice.chance(3) { 0 } else { *dice.pick(&[1, 2, 3, 4, 5, 7, 8, 17]) }).collect();
    let dtype = if dice.chance(50) { DType::F32 } else { DType::F64 };
    (0..1 + dice.below(4))
        .map(|_| {
            let shape: Vec<usize> = match dice.below(4) {
                0 => base.iter().map(|length| if dice.chance(30) { 1 } else { *length }).collect(),
                1 => base.iter().rev().copied().collect(),
                _ => base.clone(),
            };
            let count = shape.iter().product();
            let values: Vec<f64> = (0..count).map(|_| dice.unit() * 4.0 - 2.0).collect();
            // Of the right type from the start: a pending conversion would be part of the graph.
            if dtype == DType::F64 {
                Tensor::from_vec(values, shape)
            } else {
                Tensor::from_vec(values.iter().map(|value| *value as f32).collect(), shape)
            }
        })
        .collect()
}

/// Copies with memory of their own, held by nobody else.
fn copies(tensors: &[Tensor]) -> Vec<Tensor> {
    let copy = |tensor: &Tensor| {
        Tensor::from_bytes(&tensor.to_bytes(), tensor.shape(), tensor.dtype()).expect("a copy")
    };
    tensors.iter().map(copy).collect()
}

/// Evaluates each node by itself, in order; custom ops by their fallback, node by node as well.
fn one_by_one(targets: &[Tensor]) {
    let nodes = reachable(targets, |_| true);
    for tensor in &nodes {
        let node = &tensor.node;
        if node.is_evaluated() {
            continue;
        }
        if let Op::Custom(op) = &node.op {
            let outputs = op.fallback(&node.inputs()).expect("all ops here have a fallback");
            one_by_one(&outputs);
            for (out, output) in outputs.iter().enumerate() {
                node.store(out, output.value().expect("just evaluated").clone());
            }
            node.detach();
        } else {
            eval([tensor]);
        }
    }
}

/// How much a value of the program of a seed may differ, relative to the largest element.
fn tolerance(seed: u64, tensors: &[Tensor]) -> f64 {
    let single = tensors.iter().any(|tensor| tensor.dtype() == DType::F32);
    match (has_products(seed), single) {
        (false, _) => 0.0,
        // Derivatives of long chains magnify what single precision leaves.
        (true, true) => 1e-4,
        (true, false) => 1e-10,
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec()
}

/// What differs, if more does than the sign of a zero and the bits of a NaN.
fn difference(got: &Tensor, expected: &Tensor, tolerance: f64) -> Option<String> {
    if got.shape() != expected.shape() || got.dtype() != expected.dtype() {
        return Some(format!("{got:?} is not like {expected:?}"));
    }
    let (got, expected) = (numbers(got), numbers(expected));
    let scale = expected
        .iter()
        .filter(|value| value.is_finite())
        .fold(0.0f64, |largest, value| largest.max(value.abs()));
    let fits = |left: f64, right: f64| {
        left == right || left.is_nan() && right.is_nan() || (left - right).abs() <= tolerance * scale
    };
    let bad = got.iter().zip(&expected).position(|(left, right)| !fits(*left, *right))?;
    Some(format!("element {bad} of {} is {}, expected {}", got.len(), got[bad], expected[bad]))
}

/// The seeds to try. `BOLETE_TEST_SEED=n` tries that one alone, `BOLETE_TEST_GRAPHS=k` tries `k` times as many.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("BOLETE_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("BOLETE_TEST_GRAPHS").unwrap_or(1),
    }
}

#[test]
fn random_graphs_planned_as_a_whole_equal_node_by_node() {
    for seed in seeds(2500) {
        let inputs = inputs(seed);
        let reference = program(seed, &inputs);
        one_by_one(&reference);
        let mut dice = Dice(seed ^ 0x77);
        let mut values: Vec<(usize, Tensor)> = program(seed, &inputs).into_iter().enumerate().collect();
        assert_eq!(values.len(), reference.len());
        let last = values.len() - 1;
        // Some are wanted, some only held, most are dropped before anything is computed.
        values.retain(|(index, _)| *index == last || dice.chance(30));
        let wanted: Vec<&Tensor> = values
            .iter()
            .filter(|(index, _)| *index == last || dice.chance(60))
            .map(|(_, value)| value)
            .collect();
        eval(wanted.iter().copied());
        assert!(wanted.iter().all(|value| value.is_evaluated()));
        for (index, value) in &values {
            let difference = difference(value, &reference[*index], tolerance(seed, &reference));
            assert!(difference.is_none(), "seed {seed}, value {index}: {}", difference.unwrap_or_default());
        }
    }
}

#[test]
fn random_graphs_in_a_step_equal_node_by_node() {
    for seed in seeds(1000) {
        let given = inputs(seed);
        let reference = program(seed, &given);
        one_by_one(&reference);
        let kept = |index: usize| Dice(seed ^ index as u64 ^ 0x55).chance(35) || index + 1 == reference.len();
        let chosen = |values: Vec<Tensor>| -> Vec<Tensor> {
            values.into_iter().enumerate().filter(|(index, _)| kept(*index)).map(|(_, value)| value).collect()
        };
        let expected = chosen(reference.clone());
        let mut step = Step::new(|inputs: Vec<Tensor>| chosen(program(seed, &inputs)));
        let held = copies(&given);
        for round in 0..3 {
            // Moved in twice, so that the step may overwrite them; then lent, so that it may not.
            let results = if round < 2 { step.call(copies(&given)) } else { step.call(held.clone()) };
            assert_eq!(results.len(), expected.len());
            for (index, (got, expected)) in results.iter().zip(&expected).enumerate() {
                let difference = difference(got, expected, tolerance(seed, &reference));
                assert!(
                    difference.is_none(),
                    "seed {seed}, round {round}, {index}: {}",
                    difference.unwrap_or_default()
                );
            }
        }
        assert_eq!(step.traces(), 1);
        for (held, given) in held.iter().zip(&given) {
            assert!(
                held.to_bytes() == given.to_bytes(),
                "seed {seed}: an argument that is still held was overwritten"
            );
        }
    }
}

#[test]
fn gradients_of_random_graphs_planned_equal_node_by_node() {
    for seed in seeds(1500) {
        let given = inputs(seed);
        let function = |inputs: &Vec<Tensor>| {
            let values = program(seed, inputs);
            let floats = values.iter().filter(|value| value.dtype().is_float() && value.elements() > 0);
            let terms: Vec<Tensor> =
                floats.rev().take(3).map(|value| value.cast(DType::F64).tanh().mean(..)).collect();
            terms.into_iter().fold(Tensor::scalar(0.0, DType::F64), |sum, term| sum + term)
        };
        let both = |inputs: &Vec<Tensor>| {
            let (value, gradient) = value_and_grad(function)(inputs);
            let mut all = gradient;
            all.push(value);
            all
        };
        let reference = program(seed, &given);
        let expected = both(&given);
        one_by_one(&expected);
        let got = both(&given);
        eval(&got);
        let mut step = Step::new(|inputs: Vec<Tensor>| both(&inputs));
        let stepped = step.call(copies(&given));
        let again = step.call(copies(&given));
        for (index, expected) in expected.iter().enumerate() {
            for (name, got) in [("eval", &got[index]), ("step", &stepped[index]), ("replay", &again[index])] {
                let difference = difference(got, expected, tolerance(seed, &reference));
                assert!(
                    difference.is_none(),
                    "seed {seed}, {name}, {index}: {}",
                    difference.unwrap_or_default()
                );
            }
        }
    }
}

/// Plans, runs and compares with the oracle.
fn check(build: impl Fn() -> Vec<Tensor>) {
    let (expected, got) = (build(), build());
    one_by_one(&expected);
    eval(&got);
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(difference(got, expected, 1e-12), None);
    }
}

/// A group that is reached only through another whose members lie on both sides of it.
#[test]
fn groups_that_need_each_other_over_a_third_are_not_merged() {
    let x = (Tensor::arange(9, DType::F64) * 0.1).reshape([3, 3]);
    eval([&x]);
    check(|| {
        let shared = &x + 0.5;
        let low = x.cos();
        let early = low.sin();
        let middle = shared.exp();
        let late = low.square() + middle.t();
        let last = early.t() * &shared;
        vec![late, last]
    });
    // The same over a product, which belongs to no group.
    check(|| {
        let shared = &x + 0.5;
        let low = x.cos();
        let early = low.sin();
        let product = early.matmul(&x);
        let middle = shared.exp();
        let late = low.square() + middle.t();
        let last = product.t() * &shared;
        vec![late, last]
    });
}

/// What a recomputation waits for is read by the very loop that needs the recomputation.
#[test]
fn what_is_awaited_comes_before_who_waits() {
    let x = (Tensor::arange(9, DType::F64) * 0.1).reshape([3, 3]);
    let w = x.sin();
    eval([&x, &w]);
    let layer = checkpoint(|inputs: &(Tensor, Tensor)| inputs.0.exp().t() * &inputs.1);
    check(|| {
        let loss = |inputs: &(Tensor, Tensor)| layer(inputs).sin().sum(..);
        let (value, (dx, dw)) = value_and_grad(loss)(&(x.clone(), w.clone()));
        vec![value, dx, dw]
    });
    let product = checkpoint(|inputs: &(Tensor, Tensor)| inputs.0.exp().t() * &inputs.1);
    check(|| {
        let loss = |inputs: &(Tensor, Tensor)| product(inputs).matmul(&x).square().sum(..);
        let (value, (dx, dw)) = value_and_grad(loss)(&(x.clone(), w.clone()));
        vec![value, dx, dw]
    });
}

#[test]
fn products_of_no_matrices() {
    for shape in [[2, 0, 3, 4], [0, 2, 3, 4], [2, 3, 0, 4], [2, 3, 4, 0]] {
        let a = Tensor::zeros(shape, DType::F64);
        check(|| vec![(&a + 1.0).matmul(&(&a + 2.0).t()), (&a - 1.0).t().matmul(&a)]);
    }
}
