//! GIF: pictures that move.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};
use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, ImageDecoder, ImageError};

use super::decode::{image_limits, malformed, read_file, refusal, too_large};
use super::{Limits, Picture};
use crate::{FormatError, atomic};

/// No file has more pixels per byte: a code of 12 bits stands for a run of at most 4096.
const MOST_PIXELS_PER_BYTE: u64 = 2731;

/// One frame of an animation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GifFrame {
    /// All that is seen at this time, with alpha when read.
    pub picture: Picture,
    /// How long it is seen. Files count in hundredths of a second.
    pub delay: Duration,
}

/// Reads all frames of a GIF file, each composed with what earlier ones left.
///
/// # Errors
/// [`FormatError::Read`] when it cannot be opened, [`FormatError::Malformed`] when it is damaged or holds no frame,
/// [`FormatError::TooLarge`] when all frames together, four bytes a pixel, are past the limits.
pub fn read_gif(path: impl AsRef<Path>, limits: &Limits) -> Result<Vec<GifFrame>, FormatError> {
    let path = path.as_ref();
    decode_gif(&read_file(path, limits)?, path, limits)
}

/// Decodes the bytes of a GIF file; `file` is the name used in messages.
///
/// # Errors
/// As [`read_gif`].
pub fn decode_gif(
    bytes: &[u8],
    file: impl AsRef<Path>,
    limits: &Limits,
) -> Result<Vec<GifFrame>, FormatError> {
    let file = file.as_ref();
    let refused = |error: ImageError| refusal(file, "GIF", &error);
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let canvas = u64::from(width) * u64::from(height) * 4;
    if width.max(height) > limits.side {
        let expected = format!("at most {} pixels a side", limits.side);
        return Err(too_large(file, expected, format!("{width}x{height} pixels")));
    }
    let most = bytes.len() as u64 * MOST_PIXELS_PER_BYTE * 4;
    if canvas > most {
        let found = format!("{width}x{height} pixels in a file of {} bytes", bytes.len());
        return Err(malformed(file, "GIF", "data for every pixel", found));
    }
    let past = |frames: usize| {
        let expected = format!("frames of at most {} bytes in all", limits.bytes);
        too_large(file, expected, format!("more than {frames} of {width}x{height} pixels"))
    };
    if canvas > limits.bytes {
        return Err(past(0));
    }
    // Two canvases more, to compose a frame that is a part of the picture with what was there.
    let bytes = limits.bytes.saturating_add(2 * canvas).min(most.saturating_mul(4));
    decoder.set_limits(image_limits(&Limits { bytes, ..*limits })).map_err(refused)?;
    let mut frames = Vec::new();
    let mut left = limits.bytes;
    for frame in decoder.into_frames() {
        let frame = frame.map_err(refused)?;
        left = left.checked_sub(canvas).ok_or_else(|| past(frames.len()))?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = Duration::from_micros(u64::from(numerator) * 1000 / u64::from(denominator.max(1)));
        let pixels = frame.into_buffer().into_raw();
        let picture = Picture::new(width as usize, height as usize, 4, pixels)
            .map_err(|_| malformed(file, "GIF", "at least one pixel", format!("{width}x{height} pixels")))?;
        frames.push(GifFrame { picture, delay });
    }
    if frames.is_empty() {
        return Err(malformed(file, "GIF", "a frame", "none".to_string()));
    }
    Ok(frames)
}

/// Writes frames as a GIF file that repeats for ever, atomically. Each frame gets a palette of up to 256 colours of
/// its own; after an opaque frame that has no more colours, only what differs from it is stored. A delay is rounded down to hundredths of
/// a second; viewers take 0 for 0.1 seconds.
///
/// # Errors
/// [`FormatError::Unwritable`] when there is no frame, frames differ in size or a side is longer than 65535 pixels;
/// [`FormatError::Write`] when the disk refuses.
pub fn write_gif(path: impl AsRef<Path>, frames: &[GifFrame]) -> Result<(), FormatError> {
    let bytes = encode_gif(frames)?;
    atomic::write(path, |out| out.write_all(&bytes))
}

/// The bytes of a GIF file with frames.
///
/// # Errors
/// As [`write_gif`], but for the disk.
pub fn encode_gif(frames: &[GifFrame]) -> Result<Vec<u8>, FormatError> {
    let Some(first) = frames.first() else {
        return Err(unwritable("at least one frame", "none".to_string()));
    };
    let (width, height) = (first.picture.width(), first.picture.height());
    for GifFrame { picture, .. } in frames {
        if (picture.width(), picture.height()) != (width, height) || width.max(height) > 65535 {
            let found = format!("{}x{} and {width}x{height} pixels", picture.width(), picture.height());
            return Err(unwritable("frames of one size, of at most 65535 pixels a side", found));
        }
    }
    let canvases: Vec<Vec<Colour>> = frames.iter().map(|frame| colours(&frame.picture)).collect();
    let is_opaque = canvases.iter().flatten().all(|colour| colour[3] == 255);
    let wrong = |error: EncodingError| unwritable("pictures that can be encoded", error.to_string());
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u16, height as u16, &[]).map_err(wrong)?;
    encoder.set_repeat(Repeat::Infinite).map_err(wrong)?;
    // What is seen, if its colours are those that were given: nothing else is left standing, as few pixels of a colour
    // among many others, a legend's, get a wrong one.
    let mut seen: Option<&[Colour]> = None;
    for (canvas, GifFrame { delay, .. }) in canvases.iter().zip(frames) {
        let (mut frame, is_exact) = match seen.filter(|_| is_opaque) {
            Some(before) => difference(canvas, before, width),
            None => (encoded(canvas.clone(), width), distinct(canvas) <= 256),
        };
        seen = is_exact.then_some(canvas);
        if !is_opaque {
            // What is clear in the next frame must not show this one.
            frame.dispose = DisposalMethod::Background;
        }
        frame.delay = u16::try_from(delay.as_millis() / 10).unwrap_or(u16::MAX);
        encoder.write_frame(&frame).map_err(wrong)?;
    }
    drop(encoder);
    Ok(bytes)
}

/// Red, green, blue, alpha.
type Colour = [u8; 4];

fn unwritable(expected: &str, found: String) -> FormatError {
    FormatError::Unwritable { format: "GIF", expected: expected.to_string(), found }
}

fn colours(picture: &Picture) -> Vec<Colour> {
    let opaque = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2], 255];
    match picture.channels() {
        4 => picture.pixels().chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2], pixel[3]]).collect(),
        _ => picture.to_rgb().pixels().chunks_exact(3).map(opaque).collect(),
    }
}

/// A frame at the left top.
fn encoded(colours: Vec<Colour>, width: usize) -> Frame<'static> {
    let height = colours.len() / width;
    // 1 is slowest and best, 30 fastest; it matters for frames with more than 256 colours.
    Frame::from_rgba_speed(width as u16, height as u16, &mut colours.into_flattened(), 10)
}

fn distinct<'a>(colours: impl IntoIterator<Item = &'a Colour>) -> usize {
    colours.into_iter().collect::<HashSet<_>>().len()
}

/// The rectangle of what differs, at least one pixel; what is the same within it is clear if that leaves every colour
/// exact. And whether it does.
fn difference(canvas: &[Colour], before: &[Colour], width: usize) -> (Frame<'static>, bool) {
    let differs = |at: &usize| canvas[*at] != before[*at];
    let changed: Vec<usize> = (0..canvas.len()).filter(differs).collect();
    let rows = changed.first().map_or(0..1, |first| first / width..changed[changed.len() - 1] / width + 1);
    let left = changed.iter().map(|at| at % width).min().unwrap_or(0);
    let right = changed.iter().map(|at| at % width).max().unwrap_or(0);
    let part: Vec<usize> = rows.clone().flat_map(|row| row * width + left..row * width + right + 1).collect();
    let is_exact = distinct(changed.iter().map(|at| &canvas[*at])) < 256;
    let clear = |at: &usize| if is_exact && !differs(at) { [0; 4] } else { canvas[*at] };
    let mut frame = encoded(part.iter().map(clear).collect(), right + 1 - left);
    (frame.left, frame.top) = (left as u16, rows.start as u16);
    (frame, is_exact)
}
