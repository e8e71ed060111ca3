//! Convolutions of sequences and volumes, transposed ones, padding and pooling against PyTorch.

use bolete_tensor::{
    Convolution1d, Convolution2d, Convolution3d, DType, PadMode, Pool1d, Pool2d, Pool3d, Tensor,
    value_and_grad,
};

use crate::read::{assert_close, file, tensor};

fn apply(name: &str, x: &[Tensor]) -> Tensor {
    let edge = [(1, 3), (2, 1)];
    let pool1 = Pool1d { stride: [2], padding: [(1, 1)], ..Pool1d::window([3]) };
    let pool3 = Pool3d { stride: [2, 1, 2], padding: [(1, 1), (1, 1), (0, 0)], ..Pool3d::window([2, 3, 2]) };
    match name {
        "conv1d" => {
            let options = Convolution1d { stride: [2], dilation: [2], groups: 2, ..Convolution1d::padded(1) };
            x[0].conv1d(&x[1], &options)
        }
        "conv3d" => {
            let options = Convolution3d {
                stride: [2, 1, 2],
                padding: [(1, 1), (0, 0), (1, 1)],
                dilation: [1, 2, 1],
                groups: 2,
            };
            x[0].conv3d(&x[1], &options)
        }
        "conv_transpose1d" => {
            let options = Convolution1d { stride: [3], groups: 2, ..Convolution1d::padded(1) };
            x[0].conv_transpose1d(&x[1], &options, [2])
        }
        "conv_transpose2d" => {
            let options =
                Convolution2d { stride: [2, 1], padding: [(1, 1), (0, 0)], dilation: [1, 2], groups: 1 };
            x[0].conv_transpose2d(&x[1], &options, [1, 1])
        }
        "conv_transpose3d" => {
            let options = Convolution3d { stride: [2; 3], groups: 2, ..Convolution3d::padded(1) };
            x[0].conv_transpose3d(&x[1], &options, [1; 3])
        }
        "unfold" => {
            let options = Convolution2d { stride: [2; 2], dilation: [2, 1], ..Convolution2d::padded(1) };
            x[0].unfold([2, 3], &options)
        }
        "fold" => x[0].fold([4, 5], [2, 2], &Convolution2d { stride: [2; 2], ..Convolution2d::padded(1) }),
        "reflect" => x[0].pad_with_mode(&edge, PadMode::Reflect),
        "replicate" => x[0].pad_with_mode(&edge, PadMode::Replicate),
        "circular" => x[0].pad_with_mode(&edge, PadMode::Circular),
        "constant" => x[0].pad_with_mode(&[(-2, 3), (2, -1)], PadMode::Constant(0.7)),
        "max_pool1d" => x[0].max_pool1d(&pool1),
        "avg_pool1d" => x[0].avg_pool1d(&pool1),
        "max_pool3d" => x[0].max_pool3d(&pool3),
        "avg_pool3d" => x[0].avg_pool3d(&pool3),
        "avg_without_padding" => {
            let options = Pool2d { stride: [2, 2], padding: [(1, 1); 2], ..Pool2d::window([3, 3]) };
            x[0].avg_pool2d_without_padding(&options)
        }
        "lp_pool2d" => x[0].lp_pool2d(3.0, &Pool2d::window([2, 2])),
        "adaptive_avg" => x[0].adaptive_avg_pool(&[3, 2]),
        "adaptive_max" => x[0].adaptive_max_pool(&[3, 2]),
        "unpool" => {
            let pooled = x[0].max_pool2d_with_indices(&Pool2d::window([2, 2]));
            pooled.values.max_unpool2d(&pooled.indices, [6, 4])
        }
        unknown => panic!("image.py has a case `{unknown}` that is not tested"),
    }
}

#[test]
fn image_ops_and_their_gradients() {
    for case in file("image")["cases"].as_array().expect("a list") {
        for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
            let name = case["name"].as_str().expect("a name");
            let inputs: Vec<Tensor> =
                case["inputs"].as_array().expect("a list").iter().map(|input| tensor(input, dtype)).collect();
            let cotangent = tensor(&case["cotangent"], dtype);
            let mut output = None;
            let (_, gradients) = value_and_grad(|inputs: &Vec<Tensor>| {
                let found = apply(name, inputs);
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
fn places_of_maxima() {
    let golden = file("image");
    let options = Pool2d { stride: [2, 2], padding: [(1, 1); 2], ..Pool2d::window([3, 3]) };
    for dtype in [DType::F64, DType::F32] {
        let indices = tensor(&golden["x"], dtype).max_pool2d_with_indices(&options).indices;
        assert_eq!(indices.dtype(), DType::I64);
        assert_close("indices", &indices, &golden["indices"], 0.0);
    }
}

#[test]
fn what_pytorch_gives_in_corners() {
    // Further elements first give back what the padding takes off.
    let options = Convolution1d { dilation: [3], ..Convolution1d::padded(1) };
    let kernel = Tensor::from([[[1.0f64, 10.0]]]);
    let spread = Tensor::from([[[1.0f64]]]).conv_transpose1d(&kernel, &options, [2]);
    assert_eq!(spread.to_vec::<f64>(), [0.0, 0.0, 10.0, 0.0]);
    let bad = Tensor::from([[f64::NAN, 1.0], [1.0, 1.0]]);
    assert!(bad.lp_pool2d(2.0, &Pool2d::window([2, 2])).to_vec::<f64>()[0].is_nan());
    let (_, slope) =
        value_and_grad(|x: &Tensor| x.adaptive_max_pool(&[2]).sum(..))(&Tensor::ones([3], DType::F64));
    assert_eq!(slope.to_vec::<f64>(), [1.0, 1.0, 0.0]);
    let far = Tensor::from([1.0f64, 3.0, 1.0, f64::INFINITY, 2.0]);
    let means = far.adaptive_avg_pool(&[5, 1][..1]).to_vec::<f64>();
    assert_eq!(means, far.to_vec::<f64>());
    let means = Tensor::from([1.0f64, 3.0, 1.0, 4.0, f64::INFINITY]).adaptive_avg_pool(&[3]).to_vec::<f64>();
    assert_eq!(means, [2.0, 8.0 / 3.0, f64::INFINITY]);
}

#[test]
#[should_panic(expected = "conv1d: inputs [1, 2, 4] and kernels [1, 3, 2] do not go together in 1 groups")]
fn channels_must_fit() {
    Tensor::zeros([1, 2, 4], DType::F32)
        .conv1d(&Tensor::zeros([1, 3, 2], DType::F32), &Convolution1d::default());
}

#[test]
#[should_panic(expected = "pad_with_mode: axis 0 of [2] is too short for [(2, 0)]")]
fn mirrors_need_enough() {
    Tensor::zeros([2], DType::F32).pad_with_mode(&[(2, 0)], PadMode::Reflect);
}

#[test]
#[should_panic(
    expected = "conv3d: the kernel [1, 1, 5, 1, 1] does not fit into the padded volume [1, 1, 3, 2, 2] once"
)]
fn kernels_must_fit() {
    let kernel = Tensor::zeros([1, 1, 5, 1, 1], DType::F32);
    Tensor::zeros([1, 1, 3, 2, 2], DType::F32).conv3d(&kernel, &Convolution3d::default());
}
