//! Fourier transforms against NumPy, cosine transforms against SciPy.

use bolete_tensor::ops::fourier::Norm::{self, Backward, Forward, Ortho};
use bolete_tensor::{Complex, DType, Tensor};
use serde_json::Value;

use crate::read::{assert_close, file};

fn real(n: usize) -> Tensor {
    let value = |j: f64| (1.3 * j + 0.7 * j.sin()).sin();
    Tensor::from((0..n).map(|j| value(j as f64)).collect::<Vec<f64>>())
}

fn complex(n: usize) -> Complex {
    let value = |j: f64| (0.9 * j - 0.4 * (2.0 * j).sin()).cos();
    Complex::new(real(n), Tensor::from((0..n).map(|j| value(j as f64)).collect::<Vec<f64>>()))
}

#[track_caller]
fn assert_parts_close(what: &str, found: &Complex, expected: &Value, tolerance: f64) {
    assert_close(what, &found.re, &expected["re"], tolerance);
    assert_close(what, &found.im, &expected["im"], tolerance);
}

/// The places of long results that are in the file.
fn sample(x: &Tensor) -> Tensor {
    let step = (x.elements() / 25).max(1);
    let places: Vec<i64> = (0..x.elements() as i64).step_by(step).collect();
    x.take(&Tensor::from(places), 0)
}

#[test]
fn lengths() {
    for expected in file("fourier")["lengths"].as_array().expect("a list") {
        let n = expected["n"].as_u64().expect("a length") as usize;
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 3e-5)] {
            let x = real(n).cast(dtype);
            let z = complex(n).map_parts(|part| part.cast(dtype));
            let what = |name: &str| format!("{name} of length {n} in {dtype}");
            let check = |name: &str, found: &Complex| {
                assert_parts_close(&what(name), &found.map_parts(sample), &expected[name], tolerance);
            };
            check("fft", &z.fft(None, -1, Backward));
            check("ifft", &z.ifft(None, -1, Ortho));
            check("rfft", &x.rfft(None, 0, Backward));
            let check = |name: &str, found: &Tensor| {
                assert_close(&what(name), &sample(found), &expected[name], tolerance);
            };
            check("irfft", &z.irfft(Some(n), -1, Backward));
            check("dct", &x.dct(-1, false));
            check("dct_ortho", &x.dct(-1, true));
            check("idct", &x.idct(-1, false));
            check("idct_ortho", &x.idct(-1, true));
        }
    }
}

#[test]
fn several_axes() {
    let golden = file("fourier");
    let z = complex(60).map_parts(|part| part.reshape([3, 4, 5]));
    let check = |name: &str, found: &Complex| assert_parts_close(name, found, &golden[name], 1e-13);
    check("fft2", &z.fft2(Ortho));
    check("ifft2", &z.ifft2(Backward));
    check("fftn", &z.fftn([0, 1], Forward));
    check("rfft2", &z.re.rfft2(Backward));
    check("rfftn", &z.re.rfftn([0, 2], Backward));
    check("cut", &z.fft(Some(3), 1, Backward));
    check("padded", &z.fft(Some(7), 0, Backward));
    let check = |name: &str, found: &Tensor| assert_close(name, found, &golden[name], 1e-13);
    check("irfft2", &z.irfft2(Some(7), Backward));
    check("irfftn", &z.irfftn(Some(8), [0, 2], Backward));
    check("irfft_default", &z.irfft(None, -1, Norm::default()));
    check("fftshift", &z.re.fftshift(..));
    check("ifftshift", &z.re.ifftshift(2));
    for (index, n) in [1, 6, 7].into_iter().enumerate() {
        assert_close("fftfreq", &Tensor::fftfreq(n, 0.1, DType::F64), &golden["fftfreq"][index], 1e-15);
        assert_close("rfftfreq", &Tensor::rfftfreq(n, 0.1, DType::F64), &golden["rfftfreq"][index], 1e-15);
    }
    check("convolve", &real(40).fft_convolve(&complex(13).im));
    let shifted = z.fftshift(..).ifftshift(..);
    assert_eq!(shifted.im.to_vec::<f64>(), z.im.to_vec::<f64>());
}

#[test]
fn norms_invert_each_other_and_types_are_kept() {
    let z = complex(30);
    for norm in [Backward, Ortho, Forward] {
        let back = z.fft(None, 0, norm).ifft(None, 0, norm);
        assert!(
            (back.re - &z.re).abs().max(..).item() < 1e-14 && (back.im - &z.im).abs().max(..).item() < 1e-14
        );
        let back = z.re.rfft(None, 0, norm).irfft(None, 0, norm);
        assert!((back - &z.re).abs().max(..).item() < 1e-14);
        let back = z.fftn(.., norm).ifftn(.., norm);
        assert!((back.re - &z.re).abs().max(..).item() < 1e-14);
    }
    assert_eq!(Tensor::from([1i64, 2]).rfft(None, 0, Backward).dtype(), DType::F32);
    let empty = Complex::from_real(&Tensor::zeros([0, 4], DType::F64));
    assert_eq!(empty.fft(None, -1, Backward).shape(), &[0, 4]);
}
