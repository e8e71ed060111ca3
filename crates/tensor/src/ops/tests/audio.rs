//! Audio.

use super::{Case, anywhere, case, positive};
use crate::ops::audio::{MelBank, Stft, Window, decibels, mfcc};
use crate::{Complex, DType, Key};

fn frames() -> Stft {
    Stft { hop: 2, ..Stft::new(4) }
}

pub(super) fn cases() -> Vec<Case> {
    let bank = MelBank::new(8.0, 8, 2);
    vec![
        case("stft", &[&[2, 6]], anywhere, |x| frames().stft(&x[0]).square_abs()),
        case("stft options", &[&[7]], anywhere, |x| {
            let window = Window::Hamming.values(3, true, DType::F64);
            let options = Stft { window, centre: false, normalised: true, onesided: false, ..frames() };
            options.stft(&x[0]).square_abs()
        }),
        case("istft", &[&[3, 3], &[3, 3]], anywhere, |x| {
            frames().istft(&Complex::new(x[0].clone(), x[1].clone()), None).square()
        }),
        case("istft window", &[&[3, 2], &[4]], positive, |x| {
            let options = Stft { window: x[1].clone(), centre: false, ..frames() };
            options.istft(&Complex::from_real(&x[0]), Some(5)).square()
        }),
        case("spectrogram", &[&[6]], anywhere, |x| frames().spectrogram(&x[0], 1.5)),
        case("griffin_lim", &[&[3, 3]], positive, |x| frames().griffin_lim(&x[0], 2, 0.5, None, &Key::new(0)))
            // The phases that it starts from are drawn in the type of the magnitudes.
            .in_double_precision(),
        case("mel", &[&[5, 2]], positive, move |x| bank.apply(&x[0]).square()),
        case("decibels", &[&[2, 3]], positive, |x| decibels(&x[0], Some(5.0)).square()),
        case("mfcc", &[&[3, 2]], positive, |x| mfcc(&x[0], 2).square()),
        case("fft_convolve", &[&[2, 4], &[3]], anywhere, |x| x[0].fft_convolve(&x[1]).square()),
    ]
}
