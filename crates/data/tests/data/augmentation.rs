//! What must hold for augmentations, whatever their numbers.

use std::sync::Arc;

use bolete_data::augmentation::{
    Affine, Augment, AutoAugment, Border, BoundingBox, CentreCrop, ColourJitter, Crop, CutOut, Elastic,
    Erasing, Fill, Flip, GaussianNoise, Image, Keypoint, Mask, OneOf, Perspective, Photometric, RandAugment,
    Resize, ResizedCrop, SaltAndPepper, Sample, Sometimes, TrivialAugment,
};
use bolete_data::{Augmentation, ImageClassification, ImageShape, Loader, LoaderOptions, Randomness};

fn noise(channels: usize, height: usize, width: usize) -> Image {
    let mut randomness = Randomness::new(3);
    let pixels = (0..channels * height * width).map(|_| randomness.bits() as u8).collect();
    Image::new(channels, height, width, pixels)
}

/// One change with the numbers of this seed.
fn once(change: impl Augment + 'static, sample: impl Into<Sample>, seed: u64) -> Sample {
    Augmentation::of(change).apply(sample.into(), &mut Randomness::new(seed))
}

/// Every kind of change, with usual numbers.
fn all() -> Vec<(&'static str, Augmentation)> {
    let of = |range: std::ops::RangeInclusive<f32>| range.into();
    let mut all = vec![
        ("padded crop", Augmentation::of(Crop::padded(4))),
        ("crop", Augmentation::of(Crop::of(20, 40))),
        ("resized crop", Augmentation::of(ResizedCrop::of(24, 24))),
        ("centre crop", Augmentation::of(CentreCrop::of(20, 40))),
        ("resize", Augmentation::of(Resize::ShorterSide(17))),
        ("flip", Augmentation::of(Flip::horizontal(0.5))),
        ("vertical flip", Augmentation::of(Flip::vertical(0.5))),
        ("rotation", Augmentation::of(Affine { border: Border::Reflect, ..Affine::rotation(30.0) })),
        ("shear", Augmentation::of(Affine::shear(20.0))),
        ("translation", Augmentation::of(Affine { border: Border::Edge, ..Affine::translation(0.2) })),
        ("perspective", Augmentation::of(Perspective::default())),
        ("elastic", Augmentation::of(Elastic::default())),
        ("jitter", Augmentation::of(ColourJitter::new(0.4, 0.4, 0.4, 0.1))),
        ("Gaussian noise", Augmentation::of(GaussianNoise { deviation: of(0.0..=20.0) })),
        ("salt and pepper", Augmentation::of(SaltAndPepper::new(0.05))),
        ("coarse salt", Augmentation::of(SaltAndPepper { salt: 1.0, grain: 4, ..SaltAndPepper::new(0.1) })),
        ("erasing", Augmentation::of(Erasing { count: 2, ..Erasing::default() })),
        ("erasing to the mean", Augmentation::of(Erasing { fill: Fill::Mean, ..Erasing::default() })),
        ("cut-out", Augmentation::of(CutOut::of(9))),
        ("RandAugment", Augmentation::of(RandAugment { count: 3, strength: 0.7, ..RandAugment::default() })),
        ("TrivialAugment", Augmentation::of(TrivialAugment::default())),
        ("AutoAugment on CIFAR-10", Augmentation::of(AutoAugment::cifar10())),
        ("AutoAugment on ImageNet", Augmentation::of(AutoAugment::imagenet())),
        ("AutoAugment on SVHN", Augmentation::of(AutoAugment::svhn())),
        ("sometimes", Augmentation::of(Sometimes::new(0.3, Photometric::Invert))),
        (
            "two of three",
            Augmentation::of(
                OneOf::default()
                    .or(1.0, Photometric::Invert)
                    .or(2.0, Flip::vertical(1.0))
                    .or(1.0, Affine::rotation(9.0))
                    .choose(2),
            ),
        ),
    ];
    for (name, change) in [
        ("brightness", Photometric::Brightness(of(0.5..=1.5))),
        ("contrast", Photometric::Contrast(of(0.5..=1.5))),
        ("saturation", Photometric::Saturation(of(0.0..=2.0))),
        ("hue", Photometric::Hue(of(-0.5..=0.5))),
        ("gray", Photometric::Gray),
        ("solarise", Photometric::Solarise(of(0.0..=256.0))),
        ("posterise", Photometric::Posterise(3)),
        ("equalise", Photometric::Equalise),
        ("auto-contrast", Photometric::AutoContrast),
        ("gamma", Photometric::Gamma(of(0.5..=2.0))),
        ("sharpness", Photometric::Sharpness(of(0.0..=2.0))),
        ("Gaussian blur", Photometric::GaussianBlur(of(0.1..=2.0))),
        ("motion blur", Photometric::MotionBlur { length: of(3.0..=9.0), angle: of(0.0..=180.0) }),
        ("emboss", Photometric::Emboss(of(0.0..=1.0))),
    ] {
        all.push((name, Augmentation::of(change)));
    }
    all
}

#[test]
fn every_change_works_on_any_picture_and_repeats_itself() {
    for (channels, height, width) in [(3, 32, 32), (1, 28, 28), (4, 9, 40), (3, 1, 1), (1, 1, 7), (3, 2, 3)] {
        for (name, augmentation) in all() {
            for seed in 0..8 {
                let apply =
                    || augmentation.apply(noise(channels, height, width).into(), &mut Randomness::new(seed));
                let changed = apply();
                assert_eq!(changed, apply(), "{name}");
                assert_eq!(changed.image.channels(), channels, "{name}");
            }
        }
    }
    // And each of them does something to a picture.
    for (name, augmentation) in all() {
        let image = noise(3, 32, 32);
        let changes = (0..20)
            .any(|seed| augmentation.apply(image.clone().into(), &mut Randomness::new(seed)).image != image);
        assert!(changes, "{name}");
    }
}

#[test]
fn changes_of_nothing_change_nothing() {
    let image = noise(3, 15, 22);
    let none = 0.0.into();
    let one = 1.0.into();
    let same: Vec<Augmentation> = vec![
        Augmentation::default(),
        Augmentation::of(Affine::default()),
        Augmentation::of(Crop::of(15, 22)),
        Augmentation::of(CentreCrop::of(15, 22)),
        Augmentation::of(Resize::To { height: 15, width: 22 }),
        Augmentation::of(ResizedCrop { area: one, aspect: (22.0 / 15.0).into(), height: 15, width: 22 }),
        Augmentation::of(Perspective { distortion: 0.0, border: Border::BLACK }),
        Augmentation::of(Elastic { strength: none, ..Elastic::default() }),
        Augmentation::of(Flip::horizontal(1.0)).then(Flip::horizontal(1.0)),
        Augmentation::of(Flip::vertical(1.0)).then(Flip::vertical(1.0)),
        Augmentation::of(Affine { rotation: 70.0.into(), ..Affine::default() })
            .then(Affine { rotation: (-70.0).into(), ..Affine::default() }),
        Augmentation::of(Photometric::Invert).then(Photometric::Invert),
        Augmentation::of(Photometric::Brightness(one)),
        Augmentation::of(Photometric::Contrast(one)),
        Augmentation::of(Photometric::Saturation(one)),
        Augmentation::of(Photometric::Hue(none)),
        Augmentation::of(Photometric::Hue(one)),
        Augmentation::of(Photometric::Gamma(one)),
        Augmentation::of(Photometric::Sharpness(one)),
        Augmentation::of(Photometric::GaussianBlur(none)),
        Augmentation::of(Photometric::MotionBlur { length: one, angle: none }),
        Augmentation::of(Photometric::Posterise(8)),
        Augmentation::of(Photometric::Solarise(256.0.into())),
        Augmentation::of(ColourJitter::new(0.0, 0.0, 0.0, 0.0)),
        Augmentation::of(GaussianNoise { deviation: none }),
        Augmentation::of(SaltAndPepper::new(0.0)),
        Augmentation::of(RandAugment { count: 0, ..RandAugment::default() }),
        Augmentation::of(Sometimes::new(0.0, Photometric::Invert)),
    ];
    for augmentation in same {
        let changed = augmentation.apply(image.clone().into(), &mut Randomness::new(1));
        assert_eq!(changed.image, image, "{augmentation:?}");
    }
}

#[test]
fn geometric_changes_that_follow_each_other_sample_once() {
    // Turning by 30 degrees three times is turning by 90, which moves whole pixels of a square.
    let turn = |degrees: f32| Affine { rotation: degrees.into(), ..Affine::default() };
    let image = noise(3, 16, 16);
    let thrice = Augmentation::of(turn(30.0)).then(turn(30.0)).then(turn(30.0));
    let changed = thrice.apply(image.clone().into(), &mut Randomness::new(1)).image;
    let expected: Vec<u8> = image
        .planes()
        .flat_map(|plane| {
            (0..16).flat_map(move |row| (0..16).map(move |column| plane[column * 16 + 15 - row]))
        })
        .collect();
    assert_eq!(changed.pixels(), expected);
    // A crop that comes in between is undone by a larger one.
    let cropped = Augmentation::of(CentreCrop::of(4, 4)).then(CentreCrop::of(16, 16));
    assert_eq!(cropped.apply(image.clone().into(), &mut Randomness::new(1)).image, image);
}

#[test]
fn hue_goes_around_and_keeps_brightness() {
    let image = noise(3, 20, 20);
    for turn in [0.13, 0.5, -0.21] {
        let there = once(Photometric::Hue(turn.into()), image.clone(), 0).image;
        let back = once(Photometric::Hue((-turn).into()), there.clone(), 0).image;
        let area = 400;
        for pixel in 0..area {
            let of = |image: &Image| [0, 1, 2].map(|channel| image.pixels()[channel * area + pixel]);
            let (first, there, back) = (of(&image), of(&there), of(&back));
            let (high, low) = (first.iter().max().unwrap(), first.iter().min().unwrap());
            assert_eq!((high, low), (there.iter().max().unwrap(), there.iter().min().unwrap()));
            assert!(first.iter().zip(back).all(|(a, b)| a.abs_diff(b) <= 1), "{first:?} {back:?}");
        }
    }
    let third = |colour: [u8; 3]| {
        once(Photometric::Hue((1.0 / 3.0).into()), Image::uniform(1, 1, &colour), 0).image.into_pixels()
    };
    assert_eq!((third([200, 10, 10]), third([10, 200, 10])), (vec![10, 200, 10], vec![10, 10, 200]));
    // Gray stays gray under hue and saturation, and saturation 0 makes gray.
    assert_eq!(third([77, 77, 77]), [77; 3]);
    let gray = once(Photometric::Saturation(0.0.into()), image.clone(), 0).image;
    assert_eq!(gray, once(Photometric::Gray, image, 0).image);
}

/// A picture of a white rectangle on black, the rectangle as box and mask, and a keypoint on a white pixel.
fn painted(rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Sample {
    let (height, width) = (48, 64);
    let inside = |at: usize| rows.contains(&(at / width)) && columns.contains(&(at % width));
    let values: Vec<u16> = (0..height * width).map(|at| u16::from(inside(at))).collect();
    let pixels = values.iter().map(|&value| if value == 1 { 255 } else { 0 }).collect();
    let [left, top, right, bottom] = [columns.start, rows.start, columns.end, rows.end].map(|v| v as f32);
    Sample {
        image: Image::new(1, height, width, pixels),
        boxes: vec![BoundingBox::new(left, top, right, bottom, 5)],
        masks: vec![Mask { height, width, values, outside: 0 }],
        keypoints: vec![Keypoint { x: (left + right) / 2.0, y: (top + bottom) / 2.0, visible: true }],
    }
}

/// The sides of what is marked in a mask.
fn sides(mask: &Mask) -> [f32; 4] {
    let marked = || (0..mask.values.len()).filter(|&at| mask.values[at] == 1);
    let columns = || marked().map(|at| at % mask.width);
    let rows = || marked().map(|at| at / mask.width);
    [columns().min(), rows().min(), columns().max().map(|at| at + 1), rows().max().map(|at| at + 1)]
        .map(|side| side.unwrap() as f32)
}

#[test]
fn boxes_masks_and_keypoints_move_with_the_picture() {
    let changes: Vec<Augmentation> = vec![
        Augmentation::of(Flip::horizontal(1.0)),
        Augmentation::of(Flip::vertical(1.0)),
        Augmentation::of(Crop::padded(8)),
        Augmentation::of(Resize::To { height: 96, width: 40 }),
        Augmentation::of(ResizedCrop { area: (0.8..=1.0).into(), ..ResizedCrop::of(60, 60) }),
        Augmentation::of(Affine { scale: (0.8..=1.1).into(), ..Affine::rotation(40.0) }),
        Augmentation::of(Affine::shear(15.0)),
        Augmentation::of(Perspective { distortion: 0.3, border: Border::BLACK }),
        Augmentation::of(Elastic { strength: 40.0.into(), smoothness: 6.0.into(), border: Border::BLACK }),
        Augmentation::of(Flip::horizontal(0.5))
            .then(Affine::rotation(20.0))
            .then(Perspective { distortion: 0.2, border: Border::BLACK })
            .then(CentreCrop::of(40, 50))
            .then(Photometric::Brightness(0.9.into()))
            .then(Flip::vertical(0.5)),
    ];
    for augmentation in changes {
        for seed in 0..40 {
            let sample = augmentation.apply(painted(18..30, 22..43), &mut Randomness::new(seed));
            let (image, rectangle, mask) = (&sample.image, sample.boxes[0], &sample.masks[0]);
            assert_eq!((mask.height, mask.width), (image.height(), image.width()));
            let ours = [rectangle.left, rectangle.top, rectangle.right, rectangle.bottom];
            if rectangle.visible > 0.999 {
                // Corners of rotated rectangles may miss the centre of a pixel: one more.
                let close = ours.iter().zip(sides(mask)).all(|(a, b)| (a - b).abs() <= 1.5);
                assert!(close, "{augmentation:?} {seed}: {ours:?} {:?}", sides(mask));
            }
            let keypoint = sample.keypoints[0];
            if keypoint.visible {
                let at = keypoint.y as usize * image.width() + keypoint.x as usize;
                assert!(image.pixels()[at] > 200 && mask.values[at] == 1, "{augmentation:?} {seed}");
            }
            // White is where the mask is, as far as the pixels on its edge tell.
            let wrong = image
                .pixels()
                .iter()
                .zip(&mask.values)
                .filter(|&(&pixel, &number)| (pixel > 200 && number == 0) || (pixel < 55 && number == 1));
            assert!(wrong.count() <= 2, "{augmentation:?} {seed}");
        }
    }
}

#[test]
fn boxes_are_cut_and_dropped_and_keypoints_lost() {
    let left_half = |augmentation: Augmentation| {
        let half = CentreCrop::of(48, 32);
        augmentation.then(half).apply(painted(10..20, 8..24), &mut Randomness::new(0))
    };
    let cut = left_half(Augmentation::default());
    assert_eq!(cut.boxes, [BoundingBox { visible: 0.5, ..BoundingBox::new(0.0, 10.0, 8.0, 20.0, 5) }]);
    assert_eq!(cut.keypoints[0], Keypoint { x: 0.0, y: 15.0, visible: true });
    assert_eq!(left_half(Augmentation::default().with_least_visible(0.5)).boxes.len(), 1);
    assert!(left_half(Augmentation::default().with_least_visible(0.51)).boxes.is_empty());

    // Half of it is lost twice, with a step between that needs the pixels.
    let twice =
        Augmentation::of(CentreCrop::of(48, 32)).then(Photometric::Invert).then(CentreCrop::of(48, 24));
    let twice = twice.apply(painted(10..20, 8..24), &mut Randomness::new(0));
    assert_eq!((twice.boxes[0].right, twice.boxes[0].visible), (4.0, 0.25));
    assert!(!twice.keypoints[0].visible);

    let gone = Augmentation::of(CentreCrop::of(4, 4)).apply(painted(0..9, 0..9), &mut Randomness::new(0));
    assert!(gone.boxes.is_empty());
    let erased = once(CutOut::of(200), painted(10..20, 8..24), 0);
    assert!(!erased.keypoints[0].visible);
    assert_eq!((erased.boxes.len(), erased.masks), (1, painted(10..20, 8..24).masks));

    let mut eyes = painted(10..20, 8..24);
    eyes.keypoints.push(Keypoint { x: 60.0, y: 1.0, visible: true });
    let flipped = once(Flip { keypoint_pairs: vec![(0, 1)], ..Flip::horizontal(1.0) }, eyes, 0);
    assert_eq!(flipped.keypoints.iter().map(|point| point.x).collect::<Vec<_>>(), [4.0, 48.0]);
    let outside = once(
        Affine { right: 0.5.into(), ..Affine::default() },
        Sample {
            masks: vec![Mask { outside: 99, ..painted(0..1, 0..1).masks.remove(0) }],
            ..painted(0..1, 0..1)
        },
        0,
    );
    assert_eq!((outside.masks[0].values[0], outside.masks[0].values[32]), (99, 1));
}

#[test]
fn batches_do_not_depend_on_the_number_of_workers() {
    let shape = ImageShape { channels: 3, height: 12, width: 10 };
    let pixels = noise(3, 12 * 50, 10).into_pixels();
    let labels = (0..50).map(|index| index % 2).collect();
    let names = vec!["a".to_string(), "b".to_string()];
    let data = ImageClassification::new(pixels, shape, labels, names).unwrap();
    for (name, augmentation) in all() {
        let data =
            Arc::new(data.clone().with_augmentation(augmentation.then(Resize::To { height: 8, width: 9 })));
        let batches = |workers, batch_size| -> Vec<f32> {
            let options = LoaderOptions { batch_size, workers, seed: 4, ..LoaderOptions::default() };
            let loader = Loader::new(Arc::clone(&data), options).unwrap();
            loader.epoch(1).unwrap().flat_map(|batch| batch.unwrap().images).collect()
        };
        let inline = batches(0, 8);
        assert_eq!(inline.len(), 50 * 3 * 8 * 9);
        assert_eq!(batches(3, 8), inline, "{name}");
        assert_eq!(batches(2, 7), inline, "{name}");
    }
    let ragged = data.with_augmentation(Augmentation::of(Sometimes::new(0.5, CentreCrop::of(4, 4))));
    let loader = Loader::new(Arc::new(ragged), LoaderOptions::default()).unwrap();
    let first = loader.epoch(0).unwrap().next().unwrap();
    crate::support::assert_message(first, &["after augmentation, as the first", "end with a fixed size"]);
}
