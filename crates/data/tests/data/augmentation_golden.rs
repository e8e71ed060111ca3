//! Augmentations beside those of torchvision, PIL and SciPy (`golden/augmentation.py`).

use std::collections::BTreeMap;

use bolete_data::Randomness;
use bolete_data::augmentation::{
    Affine, Augment, Augmentation, Border, Displacement, Homography, Image, Interval, Mask, Photometric,
    Resize, Sample, Stage,
};
use serde_json::Value;

/// All cases by name: their shape and bytes.
fn golden() -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let all: Value = serde_json::from_str(include_str!("golden/augmentation.json")).unwrap();
    let case = |(name, case): (&String, &Value)| {
        let shape = case["shape"].as_array().unwrap().iter().map(|side| side.as_u64().unwrap() as usize);
        let digits = case["bytes"].as_str().unwrap();
        let bytes =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        (name.clone(), (shape.collect(), bytes.collect()))
    };
    all.as_object().unwrap().iter().map(case).collect()
}

fn image() -> Image {
    let (shape, bytes) = golden().remove("image").unwrap();
    Image::new(shape[0], shape[1], shape[2], bytes)
}

/// Compares every value; `most` is the largest difference that may be.
#[track_caller]
fn assert_close(name: &str, image: &Image, most: u8) {
    let (shape, expected) = golden().remove(name).unwrap_or_else(|| panic!("no golden numbers of {name}"));
    assert_eq!([image.channels(), image.height(), image.width()], shape[..], "{name}");
    let differences = image.pixels().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
    let (place, worst) = differences.enumerate().max_by_key(|(_, difference)| *difference).unwrap();
    let (ours, theirs) = (image.pixels()[place], expected[place]);
    assert!(worst <= most, "{name}: {ours} and not {theirs} at {place}");
}

fn apply(change: impl Augment + 'static) -> Sample {
    Augmentation::of(change).apply(Sample::from(image()), &mut Randomness::new(0))
}

#[test]
fn photometric_changes() {
    let exactly = Interval::exactly;
    // One step where others cut off and we round.
    let mut cases = vec![
        ("gray".to_string(), Photometric::Gray, 1),
        ("invert".to_string(), Photometric::Invert, 0),
        ("solarise 128".to_string(), Photometric::Solarise(exactly(128.0)), 0),
        ("posterise 3".to_string(), Photometric::Posterise(3), 0),
        ("equalise".to_string(), Photometric::Equalise, 0),
        ("Gaussian blur 1.2".to_string(), Photometric::GaussianBlur(exactly(1.2)), 1),
        ("emboss 0.5".to_string(), Photometric::Emboss(exactly(0.5)), 1),
    ];
    for factor in [0.6, 1.7] {
        cases.push((format!("brightness {factor}"), Photometric::Brightness(exactly(factor)), 1));
        cases.push((format!("contrast {factor}"), Photometric::Contrast(exactly(factor)), 2));
        cases.push((format!("saturation {factor}"), Photometric::Saturation(exactly(factor)), 2));
        cases.push((format!("sharpness {factor}"), Photometric::Sharpness(exactly(factor)), 1));
        cases.push((format!("gamma {factor}"), Photometric::Gamma(exactly(factor)), 1));
    }
    for turn in [0.1, -0.3, 0.5] {
        cases.push((format!("hue {turn}"), Photometric::Hue(exactly(turn)), 2));
    }
    for (name, change, most) in cases {
        assert_close(&name, &apply(change).image, most);
    }
    let line = Photometric::MotionBlur { length: exactly(5.0), angle: exactly(0.0) };
    assert_close("motion blur 5", &apply(line).image, 1);

    let mut dull = image();
    dull.pixels_mut().iter_mut().for_each(|value| *value = *value / 3 + 60);
    Photometric::AutoContrast.apply(&mut dull, &mut Randomness::new(0));
    assert_close("auto-contrast", &dull, 1);
}

#[test]
fn geometric_changes() {
    let turn = Affine { rotation: 30.0.into(), ..Affine::default() };
    assert_close("rotation 30", &apply(turn).image, 1);
    assert_close("resize 9 31", &apply(Resize::To { height: 9, width: 31 }).image, 1);
    assert_close("resize 33 7", &apply(Resize::To { height: 33, width: 7 }).image, 1);

    let values = (0..20).flat_map(|row| (0..16).map(move |column| row / 4 * 5 + column / 3)).collect();
    let masks = vec![Mask { height: 20, width: 16, values, outside: 0 }];
    let affine = Affine {
        rotation: 20.0.into(),
        right: (2.0 / 16.0).into(),
        down: (-3.0 / 20.0).into(),
        scale: 0.8.into(),
        shear_x: 10.0.into(),
        shear_y: (-5.0).into(),
        border: Border::BLACK,
    };
    let sample = Sample { masks, ..Sample::from(image()) };
    let sample = Augmentation::of(affine).apply(sample, &mut Randomness::new(0));
    assert_close("affine", &sample.image, 1);
    let (_, expected) = golden().remove("mask affine").unwrap();
    let differing = sample.masks[0].values.iter().zip(expected).filter(|(a, b)| **a != u16::from(*b)).count();
    assert!(differing <= 2, "{differing} pixels of the mask differ");
}

/// A map that is given.
#[derive(Debug)]
struct Warp(Homography, Border);

impl Augment for Warp {
    fn augment(&self, stage: &mut Stage, _: &mut Randomness) {
        let size = stage.size();
        stage.warp(self.0, size, Some(self.1));
    }
}

/// A displacement that is given.
#[derive(Debug)]
struct Displace(Displacement);

impl Augment for Displace {
    fn augment(&self, stage: &mut Stage, _: &mut Randomness) {
        stage.displace(&self.0, Border::BLACK);
    }
}

#[test]
fn maps_that_are_given() {
    let start = [(0.0, 0.0), (16.0, 0.0), (16.0, 20.0), (0.0, 20.0)];
    let end = [(3.0, 1.0), (14.0, 4.0), (15.0, 18.0), (2.0, 17.0)];
    let map = Homography::from_corners(start, end).unwrap();
    for (from, to) in start.into_iter().zip(end) {
        let (x, y) = map.apply(from);
        assert!((x - to.0).hypot(y - to.1) < 1e-9);
    }
    assert_close("perspective", &apply(Warp(map, Border::BLACK)).image, 1);

    let turn = Homography::rotation(40.0).around((8.0, 10.0));
    for (name, border) in [
        ("border reflect", Border::Reflect),
        ("border edge", Border::Edge),
        ("border constant", Border::Constant([10, 90, 250])),
    ] {
        assert_close(name, &apply(Warp(turn, border)).image, 1);
    }

    let places = || (0..20).flat_map(|row| (0..16).map(move |column| (row as f32, column as f32)));
    let right = places().map(|(row, _)| 1.5 * (row / 3.0).sin()).collect();
    let down = places().map(|(_, column)| 2.0 * (column / 4.0).cos()).collect();
    assert_close("displacement", &apply(Displace(Displacement::new(20, 16, right, down))).image, 1);
}
