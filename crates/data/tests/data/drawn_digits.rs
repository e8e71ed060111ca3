//! The digits that Bolete draws itself.

use std::num::NonZeroUsize;

use bolete_data::drawn_digits::{DrawOptions, SIDE, draw};
use bolete_data::{Dataset, ImageClassification};

fn pixels(digits: &ImageClassification) -> Vec<u8> {
    (0..digits.len()).flat_map(|index| digits.pixels(index).to_vec()).collect()
}

#[test]
fn drawings_depend_on_seed_and_index_only() {
    let with = |threads| DrawOptions { threads: NonZeroUsize::new(threads), ..DrawOptions::default() };
    let one = pixels(&draw(103, 4, &with(1)));
    assert_eq!(pixels(&draw(103, 4, &with(2))), one);
    assert_eq!(pixels(&draw(103, 4, &with(7))), one);
    assert_eq!(pixels(&draw(50, 4, &with(1))), one[..50 * SIDE * SIDE]);
    assert_ne!(pixels(&draw(103, 5, &with(1))), one);
    assert!(draw(0, 4, &with(3)).is_empty());
}

#[test]
fn drawings_are_made_like_mnist() {
    let digits = draw(2_000, 2, &DrawOptions::default());
    let measured = digits.measure_normalisation();
    assert!((measured.mean[0] - 0.1307).abs() < 0.02, "{measured:?}");
    assert!((measured.deviation[0] - 0.3081).abs() < 0.02, "{measured:?}");

    let plain = draw(500, 2, &DrawOptions { scale: 0.0, shift: 0.0, noise: 0.0, ..DrawOptions::default() });
    for index in 0..plain.len() {
        let (mut mass, mut moment) = (0.0, [0.0; 2]);
        let (mut low, mut high) = ([SIDE; 2], [0; 2]);
        for (position, &value) in plain.pixels(index).iter().enumerate() {
            let place = [position % SIDE, position / SIDE];
            mass += f64::from(value);
            for axis in 0..2 {
                moment[axis] += f64::from(value) * place[axis] as f64;
                if value > 127 {
                    low[axis] = low[axis].min(place[axis]);
                    high[axis] = high[axis].max(place[axis]);
                }
            }
        }
        let middle = (SIDE as f64 - 1.0) / 2.0;
        assert!(
            moment.iter().all(|moment| (moment / mass - middle).abs() < 1.5),
            "{index}: {moment:?} {mass}"
        );
        let longer = (0..2).map(|axis| high[axis] + 1 - low[axis]).max().unwrap();
        assert!((17..=22).contains(&longer), "{index}: {longer} pixels");
    }
}

#[test]
fn extreme_options_do_not_fail() {
    let wild = DrawOptions {
        wobble: 5.0,
        bend: 10.0,
        rotation: 1e4,
        slant: 100.0,
        squeeze: 50.0,
        thickness: 1e9,
        scale: 50.0,
        shift: 1e9,
        ..DrawOptions::default()
    };
    assert_eq!(draw(50, 1, &wild).len(), 50);
    let none = DrawOptions { thickness: 0.0, noise: 0.0, wobble: 0.0, bend: 0.0, ..DrawOptions::default() };
    assert_eq!(draw(50, 1, &none).len(), 50);
    let nothing = DrawOptions { thickness: f32::NAN, squeeze: f32::INFINITY, ..DrawOptions::default() };
    assert_eq!(draw(50, 1, &nothing).len(), 50);
}
