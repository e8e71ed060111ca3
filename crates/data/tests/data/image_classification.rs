//! Labelled pictures in memory.

use crate::support::assert_message;
use bolete_data::augmentation::{Crop, Flip};
use bolete_data::{Augmentation, Dataset, EpochRandomness, ImageClassification, ImageShape, Normalisation};

const SHAPE: ImageShape = ImageShape { channels: 2, height: 2, width: 3 };

fn names() -> Vec<String> {
    vec!["a".to_string(), "b".to_string()]
}

fn small() -> ImageClassification {
    ImageClassification::new((1..=36).collect(), SHAPE, vec![0, 1, 0], names()).unwrap()
}

#[test]
fn wrong_values_are_refused() {
    let make = |count: usize, labels: &[i64], shape: ImageShape| {
        ImageClassification::new(vec![0; count], shape, labels.to_vec(), names())
    };
    assert_message(make(24, &[0, 1, 1], SHAPE), &["3 pictures", "24 values"]);
    assert_message(make(12, &[2], SHAPE), &["labels from 0 to 1", "2 at position 0"]);
    assert_message(make(24, &[0, -1], SHAPE), &["-1 at position 1"]);
    assert_message(make(0, &[], ImageShape { width: 0, ..SHAPE }), &["0 values"]);
    assert_message(small().batch(&[0, 3], &EpochRandomness::new(0, 0)), &["indices below 3", "found 3"]);
}

#[test]
fn values_are_normalised_by_channel() {
    let batch = |data: &ImageClassification| data.batch(&[1], &EpochRandomness::new(0, 0)).unwrap().images;
    assert_eq!(batch(&small())[0], 13.0 / 255.0);
    let halves = Normalisation { mean: vec![0.0, 0.5], deviation: vec![0.5, 0.25] };
    let images = batch(&small().with_normalisation(halves));
    assert_eq!(images[0], 13.0 / 255.0 / 0.5);
    assert_eq!(images[6], (19.0 / 255.0 - 0.5) / 0.25);

    let measured = small().measure_normalisation();
    assert!((measured.mean[0] - 15.5 / 255.0).abs() < 1e-6, "{measured:?}");
    let data = small().with_normalisation(measured);
    let images = data.batch(&[0, 1, 2], &EpochRandomness::new(0, 0)).unwrap().images;
    let first: Vec<f32> = images.chunks(12).flat_map(|picture| picture[..6].to_vec()).collect();
    let mean = first.iter().sum::<f32>() / 18.0;
    let square = first.iter().map(|value| value * value).sum::<f32>() / 18.0;
    assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-4, "{mean} {square}");
}

#[test]
fn parts_share_the_pixels_and_cover_the_set() {
    let data = small();
    let last = data.select(&[2, 2]);
    assert_eq!((last.len(), last.labels(), last.pixels(1)), (2, &[0, 0][..], data.pixels(2)));
    let parts = data.split(1, 4);
    assert_eq!((parts.train.len(), parts.test.len()), (2, 1));
    let mut firsts: Vec<u8> =
        vec![parts.test.pixels(0)[0], parts.train.pixels(0)[0], parts.train.pixels(1)[0]];
    firsts.sort_unstable();
    assert_eq!(firsts, [1, 13, 25]);
    assert_eq!(data.split(1, 4).test.pixels(0), parts.test.pixels(0));
    assert_eq!(data.split(9, 4).train.len(), 0);
}

#[test]
fn augmentation_moves_and_mirrors() {
    let shape = ImageShape { channels: 1, height: 3, width: 3 };
    let pixels: Vec<u8> = (1..=9).collect();
    let plain = ImageClassification::new(pixels.clone(), shape, vec![0], names()).unwrap();
    let data =
        plain.with_augmentation(Augmentation::default().then(Crop::padded(1)).then(Flip::horizontal(0.5)));
    let at = |epoch| -> Vec<u8> {
        let images = data.batch(&[0], &EpochRandomness::new(7, epoch)).unwrap().images;
        images.iter().map(|value| (value * 255.0).round() as u8).collect()
    };
    let mut seen: Vec<Vec<u8>> = (0..500).map(at).collect();
    assert_eq!(seen[3], at(3));
    seen.sort();
    seen.dedup();
    // Nine places, each mirrored or not.
    assert_eq!(seen.len(), 18);
    for expected in [
        vec![1, 2, 3, 4, 5, 6, 7, 8, 9],
        vec![3, 2, 1, 6, 5, 4, 9, 8, 7],
        vec![0, 1, 2, 0, 4, 5, 0, 7, 8],
        vec![4, 5, 6, 7, 8, 9, 0, 0, 0],
    ] {
        assert!(seen.contains(&expected), "{expected:?}");
    }
}
