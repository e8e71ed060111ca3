//! Mixtures of the pictures of a batch.

use std::sync::Arc;

use bolete_data::augmentation::{Mixed, MixedBatch, Mixing};
use bolete_data::{ImageClassification, ImageShape, Loader, LoaderOptions};

const SHAPE: ImageShape = ImageShape { channels: 2, height: 6, width: 5 };

/// Twelve pictures of four classes; each has one value, by which it can be told.
fn data() -> ImageClassification {
    let pixels = (0..12u8).flat_map(|index| vec![index * 20; SHAPE.values()]).collect();
    let names = (0..4).map(|class| class.to_string()).collect();
    ImageClassification::new(pixels, SHAPE, (0..12).map(|index| index % 4).collect(), names).unwrap()
}

fn batches(mixing: Mixing, workers: usize) -> Vec<MixedBatch> {
    let mixed = Mixed::new(data(), 4, mixing).unwrap();
    let options = LoaderOptions { batch_size: 5, workers, seed: 2, ..LoaderOptions::default() };
    let loader = Loader::new(Arc::new(mixed), options).unwrap();
    (0..20).flat_map(|epoch| loader.epoch(epoch).unwrap().map(Result::unwrap)).collect()
}

#[test]
fn targets_are_shares() {
    for mixing in [
        Mixing::mixup(0.2),
        Mixing::cutmix(1.0),
        Mixing { probability: 0.5, cutmix: 0.5, concentration: 0.8 },
    ] {
        let mut soft = 0;
        for batch in batches(mixing, 0) {
            assert_eq!(batch.images.len(), batch.batch * SHAPE.values());
            for target in batch.targets.chunks(4) {
                assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6 && target.iter().all(|&t| t >= 0.0));
                soft += usize::from(target.iter().all(|&share| share < 0.999));
            }
        }
        assert!(soft > 20, "{mixing:?}: {soft}");
        assert_eq!(batches(mixing, 3), batches(mixing, 0));
    }
}

#[test]
fn pictures_hold_what_the_targets_say() {
    // Of the class follows not the picture, but its value modulo 4 times 20.
    let class = |value: f32| ((value * 255.0 / 20.0).round() as usize) % 4;
    let mut mixed = 0;
    for batch in batches(Mixing::cutmix(1.0), 0) {
        for (image, target) in batch.images.chunks(SHAPE.values()).zip(batch.targets.chunks(4)) {
            let mut shares = [0.0; 4];
            image.iter().for_each(|&value| shares[class(value)] += 1.0 / SHAPE.values() as f32);
            assert!(shares.iter().zip(target).all(|(a, b)| (a - b).abs() < 1e-5), "{shares:?} {target:?}");
            mixed += usize::from(shares.iter().filter(|&&share| share > 0.0).count() == 2);
        }
    }
    assert!(mixed > 50, "{mixed}");
    for batch in batches(Mixing::mixup(1.0), 0) {
        for image in batch.images.chunks(SHAPE.values()) {
            assert!(image.iter().all(|&value| value == image[0]));
        }
    }
}

#[test]
fn nothing_is_mixed_alone_or_with_probability_0() {
    let never = Mixing { probability: 0.0, ..Mixing::mixup(1.0) };
    let hard = |batch: &MixedBatch| batch.targets.iter().all(|&share| share == 0.0 || share == 1.0);
    assert!(batches(never, 0).iter().all(hard));
    let one = Mixed::new(data().select(&[3]), 4, Mixing::mixup(1.0)).unwrap();
    let loader = Loader::new(Arc::new(one), LoaderOptions::default()).unwrap();
    assert_eq!(loader.epoch(0).unwrap().next().unwrap().unwrap().targets, [0.0, 0.0, 0.0, 1.0]);
    crate::support::assert_message(Mixed::new(data(), 4, Mixing::mixup(0.0)), &["concentration above 0"]);
}
