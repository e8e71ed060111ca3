//! Short-time transforms and windows against PyTorch, mel banks and cepstra against librosa.

use bolete_tensor::ops::audio::{MelBank, MelScale, Stft, Window, mfcc};
use bolete_tensor::{Complex, DType, Key, Tensor};

use crate::read::{assert_close, file};

fn signal() -> Tensor {
    let value = |j: f64| (0.05 * j + 0.0002 * j * j).sin() + 0.3 * (1.1 * j).cos();
    Tensor::from((0..150).map(|j| value(f64::from(j))).collect::<Vec<f64>>())
}

#[test]
fn windows() {
    let golden = &file("audio")["windows"];
    let windows = [
        ("hann", Window::Hann),
        ("hamming", Window::Hamming),
        ("blackman", Window::Blackman),
        ("kaiser", Window::Kaiser { beta: 9.0 }),
    ];
    for (name, window) in windows {
        assert_close(name, &window.values(9, true, DType::F64), &golden[name]["periodic"], 1e-14);
        assert_close(name, &window.values(8, false, DType::F64), &golden[name]["symmetric"], 1e-14);
        assert_eq!(window.values(1, false, DType::F32).to_vec::<f32>(), [1.0]);
        assert_eq!(window.values(0, true, DType::F32).elements(), 0);
    }
    assert_eq!(Window::Rectangular.values(2, true, DType::F32).to_vec::<f32>(), [1.0, 1.0]);
}

#[test]
fn short_time_transforms() {
    let golden = &file("audio")["stft"];
    let short = Window::Hamming.values(10, true, DType::F64);
    let plain = Window::Rectangular.values(20, true, DType::F64);
    let options = [
        ("default", Stft::new(16)),
        ("short window", Stft { hop: 6, window: short, normalised: true, ..Stft::new(15) }),
        ("plain", Stft { hop: 5, window: plain, centre: false, onesided: false, ..Stft::new(20) }),
    ];
    for (name, options) in options {
        let spectrum = options.stft(&signal());
        let frames = spectrum.shape()[1];
        let some = Tensor::from((0..frames as i64).step_by(4).collect::<Vec<_>>());
        assert_close(name, &spectrum.re.take(&some, 1), &golden[name]["stft"]["re"], 1e-12);
        assert_close(name, &spectrum.im.take(&some, 1), &golden[name]["stft"]["im"], 1e-12);
        let angle = Tensor::arange(frames, DType::F64).square();
        let turn = Complex::from_polar(&angle.ones_like(), &angle);
        let back = options.istft(&spectrum.mul(&turn), Some(140));
        assert_close(name, &back, &golden[name]["istft"], 1e-12);
        let single = options.istft(&options.stft(&signal().cast(DType::F32)), Some(140));
        assert_eq!(single.dtype(), DType::F32);
        let off = (single.cast(DType::F64) - signal().narrow(0, 0, 140)).abs().max(..).item();
        assert!(off < 1e-5, "{name}: {off}");
    }
}

#[test]
fn mel() {
    let golden = file("audio");
    let slaney = MelBank::new(16_000.0, 64, 6);
    assert_close("slaney", &slaney.matrix(DType::F64), &golden["mel"]["slaney"], 1e-12);
    let htk = MelBank { low: 100.0, high: 7000.0, scale: MelScale::Htk, slaney_norm: false, ..slaney };
    assert_close("htk", &htk.matrix(DType::F64), &golden["mel"]["htk"], 1e-12);
    for scale in [MelScale::Htk, MelScale::Slaney] {
        for hertz in [0.0, 440.0, 1000.0, 5000.0] {
            assert!((scale.hertz(scale.mel(hertz)) - hertz).abs() < 1e-9);
        }
    }
    let energy = Stft { hop: 16, ..Stft::new(64) }.spectrogram(&signal(), 2.0);
    let mel = MelBank::new(16_000.0, 64, 10).apply(&energy);
    assert_close("mel spectrogram", &mel, &golden["mel_spectrogram"], 1e-12);
    assert_close("mfcc", &mfcc(&mel, 5), &golden["mfcc"], 1e-10);
}

/// From magnitudes alone a signal comes back whose magnitudes are close, and closer after more iterations.
#[test]
fn griffin_lim() {
    let stft = Stft::new(32);
    let magnitude = stft.spectrogram(&signal(), 1.0);
    let off = |iterations: usize, momentum: f64| {
        let found = stft.griffin_lim(&magnitude, iterations, momentum, Some(150), &Key::new(0));
        assert_eq!(found.shape(), &[150]);
        let difference = stft.spectrogram(&found, 1.0) - &magnitude;
        (difference.square().sum(..) / magnitude.square().sum(..)).sqrt().item()
    };
    let (none, some, fast) = (off(0, 0.0), off(40, 0.0), off(40, 0.99));
    assert!(none > 0.5 && some < 0.5 * none && fast < some, "{none} {some} {fast}");
}
