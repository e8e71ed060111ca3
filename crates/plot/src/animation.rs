//! Pictures that move.

use std::path::Path;
use std::time::Duration;

use bolete_formats::picture::{GifFrame, Picture, encode_gif};
use bolete_formats::{FormatError, atomic};

use crate::Figure;
use crate::figure::{ending, unwritable};

/// Frames that follow each other at equal distances, for ever.
#[derive(Clone)]
pub struct Animation {
    delay: Duration,
    scale: f64,
    frames: Vec<Picture>,
    description: String,
}

impl Animation {
    /// An animation that shows each frame for a number of milliseconds. Files count in hundredths of a second.
    pub fn new(milliseconds: u64) -> Self {
        let description = "animation".to_string();
        Self { delay: Duration::from_millis(milliseconds), scale: 1.0, frames: Vec::new(), description }
    }

    /// Sets the pixels per unit of the figures added from here on.
    ///
    /// # Panics
    /// If `scale` is not a finite number above 0.
    #[track_caller]
    #[must_use]
    pub fn scale(mut self, scale: f64) -> Self {
        assert!(scale > 0.0 && scale.is_finite(), "expected a scale above 0, found {scale}");
        self.scale = scale;
        self
    }

    /// Adds a figure as a frame. Ranges and sizes should be fixed, so that frames differ in what moves only.
    #[must_use]
    pub fn frame(mut self, figure: &Figure) -> Self {
        self.push(figure);
        self
    }

    /// Adds a figure as a frame to an animation in a variable, as loops want it.
    pub fn push(&mut self, figure: &Figure) {
        if self.frames.is_empty() {
            self.description = figure.description();
        }
        self.frames.push(figure.picture(self.scale));
    }

    /// Adds a picture as a frame.
    #[must_use]
    pub fn picture(mut self, picture: Picture) -> Self {
        self.frames.push(picture);
        self
    }

    /// The frames so far.
    pub fn frames(&self) -> &[Picture] {
        &self.frames
    }

    /// What the first figure shows, in words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The bytes of a GIF file. A frame that is smaller than another one is put in the middle of a white one.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] when there is no frame, or a side is longer than 65535 pixels.
    pub fn gif(&self) -> Result<Vec<u8>, FormatError> {
        let width = self.frames.iter().map(Picture::width).max().unwrap_or(0);
        let height = self.frames.iter().map(Picture::height).max().unwrap_or(0);
        let frame =
            |picture: &Picture| GifFrame { picture: centred(picture, width, height), delay: self.delay };
        encode_gif(&self.frames.iter().map(frame).collect::<Vec<_>>())
    }

    /// Writes a GIF file, atomically.
    ///
    /// # Errors
    /// As [`Animation::gif`]; also [`FormatError::Unwritable`] for a name that does not end in `.gif`, and
    /// [`FormatError::Write`] when the disk refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FormatError> {
        let path = path.as_ref();
        if ending(path) != "gif" {
            return Err(unwritable("an animation", "a file name ending in .gif", path));
        }
        let bytes = self.gif()?;
        atomic::write(path, |out| out.write_all(&bytes))
    }
}

fn centred(picture: &Picture, width: usize, height: usize) -> Picture {
    let picture = picture.to_rgb();
    if (picture.width(), picture.height()) == (width, height) {
        return picture;
    }
    let mut pixels = vec![255; width * height * 3];
    let (left, top) = ((width - picture.width()) / 2, (height - picture.height()) / 2);
    for (row, source) in picture.pixels().chunks_exact(picture.width() * 3).enumerate() {
        let begin = ((top + row) * width + left) * 3;
        pixels[begin..begin + source.len()].copy_from_slice(source);
    }
    Picture::new(width, height, 3, pixels).expect("three bytes for every pixel")
}
