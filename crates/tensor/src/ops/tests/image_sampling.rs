//! Images of another size, read at points, filtered; boxes in them.

use super::{Case, anywhere, apart, case, flat, positive, within_one};
use crate::{BoxFormat, DType, GridSample, Interpolation, Resize, RoiAlign, SamplePadding, Tensor};

/// Boxes by their corners from any numbers.
fn boxes(x: &Tensor) -> Tensor {
    x.abs().convert_boxes(BoxFormat::CornerAndSize, BoxFormat::Corners)
}

fn classes() -> Tensor {
    Tensor::from([0i64, 1, 0, 1, 0])
}

pub(super) fn cases() -> Vec<Case> {
    let resize = |interpolation, align_corners, antialias| Resize { interpolation, align_corners, antialias };
    let weights = [10.0, 10.0, 5.0, 5.0];
    let sample = |interpolation, padding, align_corners| GridSample { interpolation, padding, align_corners };
    let images = || Tensor::from([1i64, 0]);
    vec![
        case("resize", &[&[2, 3, 4]], anywhere, move |x| {
            x[0].resize(&[5, 3], &resize(Interpolation::Linear, false, false)).square()
        }),
        case("resize corners", &[&[2, 3, 2]], anywhere, move |x| {
            x[0].resize(&[3, 2, 4], &resize(Interpolation::Linear, true, false)).square()
        }),
        case("resize cubic", &[&[3, 4]], anywhere, move |x| {
            x[0].resize(&[5, 3], &resize(Interpolation::Cubic, false, false)).square()
        }),
        case("resize antialiased", &[&[5, 6]], anywhere, move |x| {
            x[0].resize(&[2, 8], &resize(Interpolation::Linear, false, true)).square()
        }),
        case("resize nearest", &[&[3, 4]], anywhere, |x| {
            x[0].resize(&[6, 3], &Resize::new(Interpolation::Nearest)).square()
                + x[0].resize(&[6, 3], &Resize::new(Interpolation::NearestExact)).exp()
        }),
        case("resize area", &[&[5, 3]], anywhere, |x| {
            x[0].resize(&[2, 4], &Resize::new(Interpolation::Area)).square()
        }),
        case("resize_by", &[&[5, 3]], anywhere, move |x| {
            x[0].resize_by(&[0.7, 1.5], &resize(Interpolation::Linear, false, false)).square()
        }),
        case("pixel_shuffle", &[&[2, 8, 2, 3]], anywhere, |x| x[0].pixel_shuffle(2).square()),
        case("pixel_unshuffle", &[&[2, 4, 6]], anywhere, |x| x[0].pixel_unshuffle(2).square()),
        case("space_to_depth", &[&[2, 4, 6]], anywhere, |x| x[0].space_to_depth(2).square()),
        case("depth_to_space", &[&[8, 2, 3]], anywhere, |x| x[0].depth_to_space(2).square()),
        case("channel_shuffle", &[&[2, 6, 1, 2]], anywhere, |x| x[0].channel_shuffle(3).square()),
        case("grid_sample", &[&[2, 2, 3, 4], &[2, 2, 2, 2]], within_one, move |x| {
            let options = sample(Interpolation::Linear, SamplePadding::Zeros, false);
            x[0].grid_sample(&(&x[1] * 1.4), &options)
        }),
        case("grid_sample volume", &[&[1, 1, 2, 3, 2], &[1, 2, 1, 2, 3]], within_one, move |x| {
            x[0].grid_sample(&x[1], &sample(Interpolation::Linear, SamplePadding::Border, true))
        }),
        case("grid_sample cubic", &[&[1, 2, 4, 3], &[1, 2, 2, 2]], within_one, move |x| {
            x[0].grid_sample(&x[1], &sample(Interpolation::Cubic, SamplePadding::Reflection, false))
        }),
        case("grid_sample nearest", &[&[1, 2, 4, 3], &[1, 2, 2, 2]], within_one, move |x| {
            let options = sample(Interpolation::Nearest, SamplePadding::Reflection, true);
            x[0].grid_sample(&(&x[1] * 1.7), &options).square()
        }),
        case("affine_grid", &[&[2, 2, 3]], anywhere, |x| {
            x[0].affine_grid(&[2, 3], false).square() + x[0].affine_grid(&[2, 3], true)
        }),
        case("roi_align", &[&[2, 2, 5, 4], &[2, 4]], apart, move |x| {
            let options = RoiAlign { sampling_ratio: Some(2), spatial_scale: 1.5, ..RoiAlign::new([2, 3]) };
            x[0].roi_align(&boxes(&x[1]), &images(), &options)
        }),
        case("roi_align adaptive", &[&[2, 1, 6, 5]], anywhere, move |x| {
            let boxes = Tensor::from([[0.5f64, 0.25, 4.5, 5.5], [1.0, 1.0, 2.0, 3.0]]).cast(x[0].dtype());
            let options = RoiAlign { aligned: false, ..RoiAlign::new([2, 2]) };
            x[0].roi_align(&boxes, &images(), &options).square()
        }),
        case("roi_pool", &[&[2, 2, 5, 4]], apart, move |x| {
            let boxes = Tensor::from([[0.5f64, 1.25, 3.5, 4.5], [2.0, 1.0, 7.0, 9.0]]).cast(x[0].dtype());
            x[0].roi_pool(&boxes, &images(), [2, 2], 0.8).square()
        }),
        case("gaussian_blur", &[&[2, 4, 5]], anywhere, |x| x[0].gaussian_blur([3, 5], [0.8, 1.2]).square()),
        case("sobel", &[&[2, 3, 4]], anywhere, |x| {
            let [vertical, horizontal] = x[0].sobel();
            vertical * horizontal
        }),
        case("laplacian", &[&[3, 4]], anywhere, |x| x[0].laplacian().square()),
        case("convert_boxes", &[&[3, 4]], anywhere, |x| {
            let centred = x[0].convert_boxes(BoxFormat::CornerAndSize, BoxFormat::CentreAndSize);
            centred.convert_boxes(BoxFormat::CentreAndSize, BoxFormat::CornerAndSize).square() + centred
        }),
        case("box_area", &[&[3, 4]], anywhere, |x| x[0].box_area()),
        case("box_iou", &[&[3, 4], &[2, 4]], positive, |x| boxes(&x[0]).box_iou(&boxes(&x[1]))),
        case("generalized_box_iou", &[&[3, 4], &[2, 4]], positive, |x| {
            boxes(&x[0]).generalized_box_iou(&boxes(&x[1]))
        }),
        case("clip_boxes", &[&[3, 4]], anywhere, |x| (&x[0] * 3.0).clip_boxes([1, 2]).square()),
        case("encode_boxes", &[&[3, 4], &[3, 4]], positive, move |x| {
            boxes(&x[0]).encode_boxes(&boxes(&x[1]), weights)
        }),
        case("decode_boxes", &[&[3, 4], &[3, 4]], positive, move |x| {
            x[0].decode_boxes(&boxes(&x[1]), weights).square()
        }),
        flat("non_maximum_suppression", &[&[5, 4], &[5]], |x| {
            boxes(&x[0]).non_maximum_suppression(&x[1], 0.3)
        })
        .computed_at_the_call(),
        flat("batched_non_maximum_suppression", &[&[5, 4], &[5]], |x| {
            boxes(&x[0]).batched_non_maximum_suppression(&x[1], &classes(), 0.3)
        })
        .computed_at_the_call(),
    ]
}

#[test]
fn wrong_arguments_are_named() {
    let message = |call: &dyn Fn() -> Tensor| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("a panic");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let image = Tensor::ones([1, 2, 3, 4], DType::F32);
    let options = |interpolation, align_corners| Resize { align_corners, ..Resize::new(interpolation) };
    let cases: [(&dyn Fn() -> Tensor, &str); 9] = [
        (&|| image.resize(&[0, 2], &Resize::default()), "resize: from [1, 2, 3, 4] to [0, 2]"),
        (&|| image.resize(&[2], &options(Interpolation::Area, true)), "resize: aligned corners"),
        (&|| image.resize_by(&[-1.0], &Resize::default()), "resize_by: the factors [-1.0]"),
        (&|| image.pixel_shuffle(2), "pixel_shuffle of [1, 2, 3, 4]: 2 channels do not divide into 4"),
        (&|| image.pixel_unshuffle(2), "pixel_unshuffle of [1, 2, 3, 4]: height and width"),
        (&|| image.grid_sample(&image, &GridSample::default()), "grid_sample: images"),
        (&|| image.gaussian_blur([7, 3], [1.0, 1.0]), "gaussian_blur of [1, 2, 3, 4]: a window of 7"),
        (&|| image.narrow(-1, 0, 3).box_area(), "box_area: expected boxes […, 4], found [1, 2, 3, 3]"),
        (
            &|| image.narrow(1, 0, 1).reshape([3, 4]).non_maximum_suppression(&Tensor::ones([2], DType::F32), 0.5),
            "non_maximum_suppression: expected boxes [n, 4] and lists [n], found [3, 4], [2]",
        ),
    ];
    for (call, expected) in cases {
        let found = message(call);
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn edges() {
    // What lies beside a window is not touched, whatever it is.
    let row = Tensor::from([1.0f64, f64::NAN, 3.0, 5.0]);
    let mean = row.resize(&[2], &Resize::new(Interpolation::Area)).to_vec::<f64>();
    assert!(mean[0].is_nan() && mean[1] == 4.0);
    // Windows of two and three: the shorter is filled up with its own.
    let row = Tensor::from([1.0f64, f64::INFINITY, 3.0, 4.0, 5.0]);
    let mean = row.resize(&[3], &Resize::new(Interpolation::Area)).to_vec::<f64>();
    assert_eq!(mean, [f64::INFINITY, f64::INFINITY, 4.5]);
    assert_eq!(*Tensor::ones([0, 3, 2], DType::F32).resize(&[6, 5], &Resize::default()).shape(), [0, 6, 5]);
    let bytes = Tensor::from([1u8, 200]).resize(&[4], &Resize::new(Interpolation::Nearest));
    assert_eq!(bytes.to_vec::<u8>(), [1, 1, 200, 200]);
    let none = Tensor::zeros([0, 4], DType::F32);
    assert_eq!(none.non_maximum_suppression(&Tensor::zeros([0], DType::F32), 0.5).elements(), 0);
    let image = Tensor::ones([1, 1, 2, 2], DType::F32);
    let regions = image.roi_align(&none, &Tensor::zeros([0], DType::I64), &RoiAlign::new([2, 2]));
    assert_eq!(*regions.shape(), [0, 1, 2, 2]);
    // A point that is no number reads nothing.
    let nowhere = Tensor::full([1, 1, 1, 2], f64::NAN, DType::F32);
    assert_eq!(image.grid_sample(&nowhere, &GridSample::default()).item(), 0.0);
    // Equal scores keep the first box.
    let same = Tensor::from([[0.0f32, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 6.0, 6.0]]);
    let kept = same.non_maximum_suppression(&Tensor::from([0.5f32, 0.5, 0.9]), 0.5);
    assert_eq!(kept.to_vec::<i64>(), [2, 0]);
}
