//! Resizing, sampling and filters of images, and boxes, against PyTorch, torchvision and SciPy: values and gradients.

use bolete_tensor::{
    BoxFormat, DType, GridSample, Interpolation, Resize, RoiAlign, SamplePadding, Tensor, grad,
};
use serde_json::Value;

use crate::read::{assert_close, file, numbers, shape, tensor};

fn input(golden: &Value, name: &str) -> Tensor {
    tensor(&golden["inputs"][name], DType::F64)
}

fn flag(value: &Value) -> bool {
    value.as_bool().expect("a truth value")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Compares the value at the inputs, and the gradients of its sum under the weights of the other side.
#[track_caller]
fn check(name: &str, expected: &Value, inputs: &[Tensor], function: impl Fn(&[Tensor]) -> Tensor) {
    let value = function(inputs);
    assert_close(name, &value, &expected["value"], 1e-10);
    let weights: Vec<f64> = (0..value.elements()).map(|index| (index % 11 + 1) as f64 / 10.0).collect();
    let weights = Tensor::from_vec(weights, value.shape());
    let gradients = grad(|x: &Vec<Tensor>| (function(x) * &weights).sum(..))(&inputs.to_vec());
    for (gradient, expected) in gradients.iter().zip(expected["gradients"].as_array().expect("a list")) {
        assert_close(&format!("{name}, gradient"), gradient, expected, 1e-10);
    }
    let single: Vec<Tensor> = inputs.iter().map(|input| input.cast(DType::F32)).collect();
    assert_close(name, &function(&single), &expected["value"], 3e-5);
}

fn interpolation(name: &str) -> Interpolation {
    match name {
        "nearest" => Interpolation::Nearest,
        "nearest-exact" => Interpolation::NearestExact,
        "linear" | "bilinear" => Interpolation::Linear,
        "cubic" | "bicubic" => Interpolation::Cubic,
        "area" => Interpolation::Area,
        _ => unreachable!("{name}"),
    }
}

#[test]
fn resizing() {
    let golden = file("image_sampling");
    for case in golden["resize"].as_array().expect("a list") {
        let options = Resize {
            interpolation: interpolation(text(&case["mode"])),
            align_corners: flag(&case["corners"]),
            antialias: flag(&case["antialias"]),
        };
        let of = text(&case["input"]);
        let name = format!("{of}, {options:?}, {} {}", case["size"], case["factors"]);
        check(&name, case, &[input(&golden, of)], |x| match &case["size"] {
            Value::Null => x[0].resize_by(&numbers(&case["factors"]), &options),
            size => x[0].resize(&shape(size), &options),
        });
    }
    let shuffle = &golden["shuffle"];
    let [channels, positions] = ["channels", "positions"].map(|name| tensor(&shuffle[name], DType::F64));
    assert_close("pixel_shuffle", &channels.pixel_shuffle(2), &shuffle["pixel_shuffle"], 0.0);
    assert_close("pixel_unshuffle", &positions.pixel_unshuffle(2), &shuffle["pixel_unshuffle"], 0.0);
    assert_close("channel_shuffle", &channels.channel_shuffle(4), &shuffle["channel_shuffle"], 0.0);
    // With one channel both orders are the same.
    assert_close("space_to_depth", &positions.space_to_depth(2), &shuffle["pixel_unshuffle"], 0.0);
    let back = channels.depth_to_space(2).space_to_depth(2);
    assert_close("depth_to_space", &back, &shuffle["channels"], 0.0);
    // By the definition of ONNX: channel c at (row, column) of its block comes from channel (2 · row + column) · 2 + c.
    let blocks = channels.depth_to_space(2);
    assert_eq!(blocks.slice([0, 1, 1, 0]).item(), channels.slice([0, 5, 0, 0]).item());
}

#[test]
fn points() {
    let golden = file("image_sampling");
    for case in golden["grid_sample"].as_array().expect("a list") {
        let options = GridSample {
            interpolation: interpolation(text(&case["mode"])),
            padding: match text(&case["padding"]) {
                "zeros" => SamplePadding::Zeros,
                "border" => SamplePadding::Border,
                _ => SamplePadding::Reflection,
            },
            align_corners: flag(&case["corners"]),
        };
        let of = text(&case["of"]);
        let inputs = [input(&golden, of), input(&golden, if of == "image" { "grid" } else { "volume_grid" })];
        check(&format!("{of}, {options:?}"), case, &inputs, |x| x[0].grid_sample(&x[1], &options));
    }
    for case in golden["affine_grid"].as_array().expect("a list") {
        let (of, corners) = (text(&case["of"]), flag(&case["corners"]));
        let inputs = [input(&golden, of)];
        check(of, case, &inputs, |x| x[0].affine_grid(&shape(&case["size"]), corners));
    }
}

#[test]
fn regions() {
    let golden = file("image_sampling");
    let pictures = [input(&golden, "pictures")];
    let regions = input(&golden, "regions");
    let images = input(&golden, "numbers").cast(DType::I64);
    for case in golden["roi_align"].as_array().expect("a list") {
        let ratio = case["ratio"].as_u64().expect("a number") as usize;
        let options = RoiAlign {
            size: [2, 3],
            spatial_scale: 0.6,
            sampling_ratio: (ratio > 0).then_some(ratio),
            aligned: flag(&case["aligned"]),
        };
        check(&format!("{options:?}"), case, &pictures, |x| {
            x[0].roi_align(&regions.cast(x[0].dtype()), &images, &options)
        });
    }
    check("roi_pool", &golden["roi_pool"], &pictures, |x| x[0].roi_pool(&regions, &images, [2, 3], 0.6));
}

#[test]
fn filters() {
    let golden = file("image_sampling");
    let image = input(&golden, "image");
    // The other side counts width first.
    check("gaussian_blur", &golden["gaussian_blur"], std::slice::from_ref(&image), |x| {
        x[0].gaussian_blur([3, 5], [0.7, 1.3])
    });
    let plain = image.slice([0, 0]);
    for (found, expected) in plain.sobel().iter().zip(golden["sobel"].as_array().expect("a list")) {
        assert_close("sobel", found, expected, 1e-11);
    }
    assert_close("laplacian", &plain.laplacian(), &golden["laplacian"], 1e-11);
}

#[test]
fn boxes() {
    let golden = file("image_sampling");
    let [boxes, anchors, wild, scores] =
        ["boxes", "anchors", "wild", "scores"].map(|name| input(&golden, name));
    let classes = input(&golden, "classes").cast(DType::I64);
    let expected = &golden["boxes"];
    let pair = [boxes.clone(), anchors.narrow(0, 0, 3)];
    check("area", &expected["area"], &pair[..1], |x| x[0].box_area());
    check("iou", &expected["iou"], &pair, |x| x[0].box_iou(&x[1]));
    check("giou", &expected["giou"], &pair, |x| x[0].generalized_box_iou(&x[1]));
    let weights = [10.0, 10.0, 5.0, 5.0];
    let results = [
        ("clip", (&boxes * 1.5 - 2.0).clip_boxes([2, 3])),
        ("xywh", boxes.convert_boxes(BoxFormat::Corners, BoxFormat::CornerAndSize)),
        ("cxcywh", boxes.convert_boxes(BoxFormat::Corners, BoxFormat::CentreAndSize)),
        ("encode", boxes.encode_boxes(&anchors, weights)),
        ("decode", wild.decode_boxes(&anchors, weights)),
    ];
    for (name, found) in results {
        assert_close(name, &found, &expected[name], 1e-10);
    }
    for case in expected["nms"].as_array().expect("a list") {
        let threshold = case["threshold"].as_f64().expect("a number");
        assert_close("nms", &boxes.non_maximum_suppression(&scores, threshold), &case["all"], 0.0);
        let batched = boxes.batched_non_maximum_suppression(&scores, &classes, threshold);
        assert_close("batched nms", &batched, &case["batched"], 0.0);
    }
}
