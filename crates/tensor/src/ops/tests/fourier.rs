//! Fourier transforms.

use super::{Case, anywhere, case};
use crate::ops::fourier::Norm;
use crate::{Complex, DType, Tensor};

/// A real function of both parts that is not linear.
fn mixed(z: &Complex) -> Tensor {
    z.re.square() + &z.re * &z.im
}

fn complex(x: &[Tensor]) -> Complex {
    Complex::new(x[0].clone(), x[1].clone())
}

pub(super) fn cases() -> Vec<Case> {
    let pair: [&[usize]; 2] = [&[2, 3], &[2, 3]];
    let images: [&[usize]; 2] = [&[2, 3, 2], &[2, 3, 2]];
    vec![
        case("fft", &pair, anywhere, |x| mixed(&complex(x).fft(None, -1, Norm::Backward))),
        case("fft first axis", &pair, anywhere, |x| mixed(&complex(x).fft(Some(3), 0, Norm::Ortho))),
        case("ifft", &pair, anywhere, |x| mixed(&complex(x).ifft(Some(2), 1, Norm::Backward))),
        case("rfft", &[&[2, 4]], anywhere, |x| mixed(&x[0].rfft(None, -1, Norm::Forward))),
        case("rfft odd", &[&[5, 2]], anywhere, |x| mixed(&x[0].rfft(None, 0, Norm::Backward))),
        case("rfft one part", &[&[6]], anywhere, |x| x[0].rfft(None, 0, Norm::Backward).im.square()),
        case("irfft", &pair, anywhere, |x| complex(x).irfft(None, -1, Norm::Backward).square()),
        case("irfft odd", &pair, anywhere, |x| complex(x).irfft(Some(5), 1, Norm::Ortho).square()),
        case("fftn", &images, anywhere, |x| mixed(&complex(x).fftn([0, 2], Norm::Backward))),
        case("ifftn", &images, anywhere, |x| mixed(&complex(x).ifftn([0, 1], Norm::Backward))),
        case("fft2+ifft2", &images, anywhere, |x| mixed(&complex(x).fft2(Norm::Ortho).ifft2(Norm::Backward))),
        case("rfft2+irfft2", &[&[3, 4]], anywhere, |x| {
            let spectrum = x[0].rfft2(Norm::Backward);
            spectrum.mul(&spectrum).irfft2(Some(4), Norm::Backward)
        }),
        case("rfftn+irfftn", &[&[2, 3, 2]], anywhere, |x| {
            let spectrum = x[0].rfftn([0, 1], Norm::Ortho);
            spectrum.mul(&spectrum).irfftn(Some(3), [0, 1], Norm::Ortho)
        }),
        case("dct", &[&[2, 3]], anywhere, |x| x[0].dct(0, false).square()),
        case("idct", &[&[3]], anywhere, |x| x[0].idct(-1, true).square()),
        case("fftshift+ifftshift", &[&[3, 2]], anywhere, |x| x[0].fftshift(0) * x[0].ifftshift(..)),
        case("fftfreq+rfftfreq", &[&[5]], anywhere, |x| {
            (&x[0] * Tensor::fftfreq(5, 0.1, DType::F64)).rfft(None, 0, Norm::Backward).re
                * Tensor::rfftfreq(5, 1.0, DType::F64)
        }),
    ]
}
