//! What augmentations do to a picture, on one sheet: `contact_sheet PICTURE OUT.png`.
//!
//! A row has the picture as it is and seven draws of one augmentation; the two halves of the sheet go on with the list
//! in `main`, whose names are printed.
//!
//! `cargo run --release -p bolete-data --example contact_sheet -- PICTURE OUT.png`

use bolete_data::augmentation::{
    Affine, AutoAugment, Border, ColourJitter, Crop, CutOut, Elastic, Erasing, Flip, GaussianNoise, Image,
    Perspective, Photometric, RandAugment, ResizedCrop, SaltAndPepper, Sample, TrivialAugment,
};
use bolete_data::{Augmentation, Randomness};
use bolete_formats::picture::{self, Picture};

/// Pictures in a row of one half.
const ACROSS: usize = 8;
/// Pixels on each side of a picture.
const SIDE: usize = 64;
/// Pixels between pictures, and between the halves.
const GAP: usize = 4;
const BETWEEN: usize = 28;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: contact_sheet PICTURE OUT.png".into());
    };
    let image = Image::from(&picture::read(source)?.to_rgb());
    let (height, width) = (image.height(), image.width());
    let of = |range: std::ops::RangeInclusive<f32>| range.into();
    let rows: Vec<(&str, Augmentation)> = vec![
        ("crop with padding", Augmentation::of(Crop::padded(height / 8))),
        ("resized crop", Augmentation::of(ResizedCrop::of(height, width))),
        ("flips", Augmentation::of(Flip::horizontal(0.5)).then(Flip::vertical(0.5))),
        ("rotation, black", Augmentation::of(Affine::rotation(45.0))),
        (
            "rotation, mirrored",
            Augmentation::of(Affine { border: Border::Reflect, ..Affine::rotation(45.0) }),
        ),
        ("shear, edge", Augmentation::of(Affine { border: Border::Edge, ..Affine::shear(25.0) })),
        ("perspective", Augmentation::of(Perspective::default())),
        ("elastic", Augmentation::of(Elastic { border: Border::Reflect, ..Elastic::default() })),
        ("brightness", Augmentation::of(Photometric::Brightness(of(0.3..=1.8)))),
        ("contrast", Augmentation::of(Photometric::Contrast(of(0.1..=2.5)))),
        ("saturation", Augmentation::of(Photometric::Saturation(of(0.0..=3.0)))),
        ("hue", Augmentation::of(Photometric::Hue(of(-0.5..=0.5)))),
        ("gamma", Augmentation::of(Photometric::Gamma(of(0.4..=2.5)))),
        ("colour jitter", Augmentation::of(ColourJitter::new(0.4, 0.4, 0.4, 0.1))),
        ("solarise", Augmentation::of(Photometric::Solarise(of(0.0..=256.0)))),
        ("sharpness", Augmentation::of(Photometric::Sharpness(of(0.0..=4.0)))),
        ("Gaussian blur", Augmentation::of(Photometric::GaussianBlur(of(0.2..=2.5)))),
        (
            "motion blur",
            Augmentation::of(Photometric::MotionBlur { length: of(3.0..=11.0), angle: of(0.0..=180.0) }),
        ),
        ("emboss", Augmentation::of(Photometric::Emboss(of(0.0..=1.0)))),
        ("Gaussian noise", Augmentation::of(GaussianNoise { deviation: of(5.0..=40.0) })),
        ("salt and pepper", Augmentation::of(SaltAndPepper::new(of(0.02..=0.2)))),
        ("coarse salt", Augmentation::of(SaltAndPepper { salt: 1.0, grain: 3, ..SaltAndPepper::new(0.1) })),
        ("erasing", Augmentation::of(Erasing::default())),
        ("cut-out", Augmentation::of(CutOut::of(height / 2))),
        ("RandAugment", Augmentation::of(RandAugment::default())),
        ("TrivialAugment", Augmentation::of(TrivialAugment::default())),
        ("AutoAugment", Augmentation::of(AutoAugment::cifar10())),
    ];
    // Those that draw nothing share a row.
    let fixed = [
        Photometric::Gray,
        Photometric::Invert,
        Photometric::Solarise(128.0.into()),
        Photometric::Posterise(4),
        Photometric::Posterise(2),
        Photometric::Equalise,
        Photometric::AutoContrast,
    ];

    let halves = (rows.len() + 1).div_ceil(2);
    let half_width = ACROSS * (SIDE + GAP) + GAP;
    let mut sheet =
        Sheet { width: 2 * half_width + BETWEEN, height: halves * (SIDE + GAP) + GAP, pixels: Vec::new() };
    sheet.pixels = vec![250; sheet.width * sheet.height * 3];
    for row in 0..=rows.len() {
        let place = |column: usize| {
            let half = row / halves;
            (GAP + row % halves * (SIDE + GAP), half * (half_width + BETWEEN) + GAP + column * (SIDE + GAP))
        };
        sheet.put(&image, place(0))?;
        for column in 1..ACROSS {
            let mut randomness = Randomness::keyed(&[row as u64, column as u64]);
            let sample = Sample::from(image.clone());
            let changed = match rows.get(row) {
                Some((_, augmentation)) => augmentation.apply(sample, &mut randomness),
                None => Augmentation::of(fixed[column - 1]).apply(sample, &mut randomness),
            };
            sheet.put(&changed.image, place(column))?;
        }
        let name = rows
            .get(row)
            .map_or("gray, invert, solarise, posterise 4 and 2, equalise, auto-contrast", |r| r.0);
        println!("{} {}: {name}", if row < halves { "left" } else { "right" }, row % halves + 1);
    }
    Picture::new(sheet.width, sheet.height, 3, sheet.pixels)?.write_png(target)?;
    Ok(())
}

struct Sheet {
    width: usize,
    height: usize,
    /// `[height, width, 3]`.
    pixels: Vec<u8>,
}

impl Sheet {
    /// Puts a picture in, every pixel enlarged to a square.
    fn put(&mut self, image: &Image, (top, left): (usize, usize)) -> Result<(), Box<dyn std::error::Error>> {
        let picture = image.to_picture()?;
        for row in 0..SIDE {
            for column in 0..SIDE {
                let from = row * picture.height() / SIDE * picture.width() + column * picture.width() / SIDE;
                let to = (top + row) * self.width + left + column;
                self.pixels[to * 3..][..3].copy_from_slice(&picture.pixels()[from * 3..][..3]);
            }
        }
        Ok(())
    }
}
