//! The same bits on any number of threads.
//!
//! The number of threads belongs to the process: all of it is one test.

use bolete_tensor::{
    Convolution2d, DType, Key, Pool2d, Step, Tensor, Tree, eval_tree, set_threads, threads, tree::TreeExt,
    value_and_grad,
};

#[derive(Clone, Tree)]
struct Net {
    kernel: Tensor,
    bias: Tensor,
    scale: (Tensor, Tensor),
    weight: Tensor,
    offset: Tensor,
}

fn net() -> Net {
    let [a, b] = Key::new(1).split();
    Net {
        kernel: a.normal([8, 1, 3, 3], DType::F32) * 0.3,
        bias: Tensor::zeros([8, 1, 1], DType::F32),
        scale: (Tensor::ones([8], DType::F32), Tensor::zeros([8], DType::F32)),
        weight: b.normal([8 * 7 * 7, 10], DType::F32) * 0.05,
        offset: Tensor::zeros([10], DType::F32),
    }
}

fn loss(net: &Net, images: &Tensor, labels: &Tensor, key: &Key) -> Tensor {
    let x = images.conv2d(&net.kernel, &Convolution2d::padded(1)) + &net.bias;
    let x = x.batch_norm(&net.scale.0, &net.scale.1, 1e-5).output.relu();
    let x = x.max_pool2d(&Pool2d::window([2, 2])).flatten_from(1).dropout(0.2, key);
    (x.matmul(&net.weight) + &net.offset).cross_entropy(labels).mean(..)
}

/// Trains for `steps` steps, replayed or recorded anew, and gives the bytes of all weights and of the last loss.
fn trained(steps: u64, replayed: bool) -> Vec<Vec<u8>> {
    let update = |(net, images, labels, key): (Net, Tensor, Tensor, Key)| {
        let (value, slope) = value_and_grad(|net: &Net| loss(net, &images, &labels, &key))(&net);
        let mut slopes = slope.leaves().into_iter();
        (net.map(|weight| weight - slopes.next().expect("a slope for each weight") * 0.05), value)
    };
    let mut step = Step::new(update);
    let mut net = net();
    let mut last = Tensor::from(0.0f32);
    for count in 0..steps {
        let [a, b, dropout] = Key::new(count).split();
        let images = a.normal([32, 1, 14, 14], DType::F32);
        let labels = (b.uniform([32], DType::F32) * 10.0).cast(DType::I64);
        let arguments = (net, images, labels, dropout);
        (net, last) = if replayed { step.call(arguments) } else { update(arguments) };
        eval_tree(&(net.clone(), last.clone()));
    }
    net.leaves().iter().chain([&last]).map(Tensor::to_bytes).collect()
}

/// Computations large enough to be shared among threads, in many ways.
fn large() -> Vec<Vec<u8>> {
    let key = Key::new(7);
    let normal = |shape: &[usize], dtype: DType| key.normal(shape, dtype);
    let mut results = Vec::new();
    for dtype in [DType::F32, DType::F64] {
        let long = normal(&[1_000_003], dtype);
        let wide = normal(&[777, 1031], dtype);
        let a = normal(&[301, 517], dtype);
        let b = normal(&[517, 263], dtype);
        let image = normal(&[5, 6, 33, 31], dtype);
        let kernel = normal(&[12, 6, 3, 3], dtype);
        let indices = (key.uniform([5000], DType::F32) * 700.0).cast(DType::I64);
        results.extend([
            long.sum(..),
            long.sin().mean(..),
            long.var(.., 1),
            long.logsumexp(..),
            wide.sum(0),
            wide.sum(1),
            wide.sum(..),
            wide.t().sum(0),
            wide.reshape([777 * 1031]).square().sum(..),
            wide.softmax(0).sum(1),
            wide.softmax(1).sum(0),
            a.matmul(&b),
            a.t().matmul(&b.narrow(0, 0, 301)),
            a.matmul(&b).relu().sum(0),
            a.narrow(0, 0, 1).matmul(&b),
            image.conv2d(&kernel, &Convolution2d::padded(1)),
            wide.take(&indices, 0).sum(0),
            Tensor::zeros([700, 40], dtype).index_add(0, &indices, &normal(&[5000, 40], dtype)),
        ]);
        let (value, (dx, dw)) = value_and_grad(|inputs: &(Tensor, Tensor)| {
            let y = inputs.0.conv2d(&inputs.1, &Convolution2d { stride: [2, 1], ..Convolution2d::padded(1) });
            y.avg_pool2d(&Pool2d::window([2, 2])).square().sum(..)
        })(&(image, kernel));
        results.extend([value, dx, dw]);
    }
    results.push(key.permutation(10_000));
    results.push(key.bernoulli(0.3, [100_000]).cast(DType::U8));
    eval_tree(&results);
    results.iter().map(Tensor::to_bytes).collect()
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    set_threads(1);
    assert_eq!(threads(), 1);
    let (steps, singly, computed) = (trained(200, true), trained(20, false), large());
    assert!(steps.iter().flatten().any(|byte| *byte != 0));
    for count in [2, 5] {
        set_threads(count);
        assert_eq!(threads(), count);
        assert!(trained(200, true) == steps, "200 steps on {count} threads");
        assert!(trained(20, false) == singly, "20 steps without Step on {count} threads");
        for (index, (got, expected)) in large().iter().zip(&computed).enumerate() {
            assert!(got == expected, "computation {index} on {count} threads");
        }
    }
    // Replayed and recorded anew give the same bits too.
    assert!(trained(20, true) == singly);
}
