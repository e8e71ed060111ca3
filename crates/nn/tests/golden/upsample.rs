//! Layers that resize and rearrange images against PyTorch.

use bolete_nn::{
    ChannelShuffle, Context, Layer, Module, PixelShuffle, PixelUnshuffle, Sequential, Upsample, summarise,
};
use bolete_tensor::{DType, Interpolation, Resize, Tensor, grad};

use crate::read::{assert_close, file, tensor};

fn layer(name: &str) -> Layer {
    match name {
        "nearest" => Upsample::by([2.0, 2.0], Interpolation::Nearest).into(),
        "linear" => Upsample::to([3, 5], Interpolation::Linear).into(),
        "corners" => {
            let plain = Upsample::by([1.5, 2.0], Interpolation::Linear);
            Upsample { options: Resize { align_corners: true, ..plain.options }, ..plain }.into()
        }
        "cubic" => Upsample::to([7, 3], Interpolation::Cubic).into(),
        "shuffle" => PixelShuffle { factor: 2 }.into(),
        "unshuffle" => PixelUnshuffle { factor: 2 }.into(),
        "channels" => ChannelShuffle { groups: 2 }.into(),
        _ => panic!("there is no layer for {name}"),
    }
}

#[test]
fn outputs_and_gradients() {
    let golden = file("upsample");
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let x = tensor(&golden["input"], dtype);
        for (name, expected) in golden["layers"].as_object().expect("an object") {
            let layer = layer(name);
            let forward = |x: &Tensor| layer.forward(x, &mut Context::evaluation());
            assert_close(name, &forward(&x), &expected["output"], tolerance);
            let gradient = grad(|x: &Tensor| forward(x).square().sum(..))(&x);
            assert_close(name, &gradient, &expected["gradient"], tolerance);
        }
    }
}

#[test]
fn descriptions_and_operations() {
    let network = Sequential::new(["corners", "cubic", "nearest", "shuffle"].map(layer));
    let summary = summarise(&network, [1, 4, 4, 2]).to_string();
    for line in [
        "Upsample by 1.5×2, linear, corners aligned",
        "Upsample to 7×3, cubic",
        "by 2×2, nearest",
        "PixelShuffle 2",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
    let [from, to] = [[1, 4, 4, 2], [1, 4, 6, 4]].map(|shape| Tensor::zeros(shape, DType::F32));
    // Two positions for each of 4 · 6 · 2 elements, then of 4 · 6 · 4.
    let linear = Upsample::by([1.5, 2.0], Interpolation::Linear);
    assert_eq!(linear.operations(from.shape(), to.shape()), 4 * (48 + 96));
    assert_eq!(layer("nearest").describe(), "Upsample by 2×2, nearest");
}
