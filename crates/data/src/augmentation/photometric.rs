//! Changes of the values of a picture that leave everything in its place.

use super::{Augment, Image, Interval, Stage, colour, filters, levels};
use crate::Randomness;

/// A change of colours or sharpness. Its strength is drawn from an interval, which may be one number.
///
/// Definitions are those of PIL and torchvision, but for rounding where those cut off. Pictures are mirrored at their
/// edges. Pictures without three channels have no hue and saturation; changes of these leave them as they are.
///
/// # Examples
/// ```
/// use bolete_data::augmentation::{Augmentation, Photometric, Sometimes};
/// let augmentation = Augmentation::default()
///     .then(Photometric::Brightness((0.8..=1.2).into()))
///     .then(Sometimes::new(0.1, Photometric::Gray));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Photometric {
    /// Multiplies all values: 0 is black, 1 the picture.
    Brightness(Interval),
    /// Mixes with the mean luma: 0 is that gray, 1 the picture.
    Contrast(Interval),
    /// Mixes with the gray picture: 0 is gray, 1 the picture.
    Saturation(Interval),
    /// Turns the hue; 1 is a whole turn.
    Hue(Interval),
    /// The luma, in all channels.
    Gray,
    /// The negative.
    Invert,
    /// Inverts the values from this threshold on.
    Solarise(Interval),
    /// Keeps this many upper bits of 8.
    Posterise(u32),
    /// Spreads the values of each channel so that all are about as frequent.
    Equalise,
    /// Stretches each channel to the range from 0 to 255.
    AutoContrast,
    /// Raises values, on the scale of 0 to 1, to this power.
    Gamma(Interval),
    /// Mixes with the smoothed picture: 0 is smooth, 1 the picture, 2 is sharp. The outermost pixels stay.
    Sharpness(Interval),
    /// Blurs by a Gaussian of this standard deviation in pixels, cut off at three of them.
    GaussianBlur(Interval),
    /// Blurs along a line, as when the camera moves.
    MotionBlur {
        /// Pixels of the line.
        length: Interval,
        /// Degrees from the x axis, counter-clockwise.
        angle: Interval,
    },
    /// Lights the picture from the upper left, so that edges look raised; 0 is weak, 1 strong.
    Emboss(Interval),
}

impl Photometric {
    /// Changes a picture. Takes as many numbers of the stream as there are intervals.
    pub fn apply(&self, image: &mut Image, randomness: &mut Randomness) {
        let mut draw = |interval: &Interval| interval.draw(randomness);
        match self {
            Self::Brightness(factor) => colour::brightness(image, draw(factor)),
            Self::Contrast(factor) => colour::contrast(image, draw(factor)),
            Self::Saturation(factor) => colour::saturation(image, draw(factor)),
            Self::Hue(turn) => colour::hue(image, draw(turn)),
            Self::Gray => colour::gray(image),
            Self::Invert => levels::invert(image),
            Self::Solarise(threshold) => levels::solarise(image, draw(threshold)),
            Self::Posterise(bits) => levels::posterise(image, *bits),
            Self::Equalise => levels::equalise(image),
            Self::AutoContrast => levels::auto_contrast(image),
            Self::Gamma(power) => {
                let power = draw(power);
                levels::map(image, |value| 255.0 * (value / 255.0).powf(power));
            }
            Self::Sharpness(factor) => filters::sharpness(image, draw(factor)),
            Self::GaussianBlur(deviation) => filters::gaussian_blur(image, draw(deviation)),
            Self::MotionBlur { length, angle } => {
                filters::Kernel::line(draw(length), draw(angle)).convolve(image);
            }
            Self::Emboss(strength) => filters::Kernel::emboss(draw(strength)).convolve(image),
        }
    }
}

impl Augment for Photometric {
    fn augment(&self, stage: &mut Stage, randomness: &mut Randomness) {
        self.apply(stage.image_mut(), randomness);
    }
}
