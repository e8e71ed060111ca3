//! Writing event files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::FormatError;

use super::message::{encode, encode_experiment, parameters_tag};
use super::record::frame;
use super::{Content, Event, Histogram, Hyperparameter, Summary, Value};

/// Appends values to an event file of its own. Everything is handed to the system before a call returns.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The time stamp in the name of an event file.
fn stamp(name: &str) -> Option<u64> {
    name.strip_prefix("events.out.tfevents.")?.split('.').next()?.parse().ok()
}

impl EventWriter {
    /// A new event file in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<EventWriter, FormatError> {
        let folder = folder.as_ref();
        let unwritable = |reason| FormatError::write(folder, reason);
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        // Files are read in the order of their names: later than those there, even if a clock was set back.
        let mut time = now() as u64;
        for entry in std::fs::read_dir(folder).map_err(unwritable)? {
            let entry = entry.map_err(unwritable)?;
            if let Some(older) = stamp(&entry.file_name().to_string_lossy()) {
                time = time.max(older.saturating_add(1));
            }
        }
        let process = std::process::id();
        let mut number = 0;
        let (file, path) = loop {
            let path = folder.join(format!("events.out.tfevents.{time:010}.{process}.{number}.bolete"));
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
                Err(reason) => return Err(FormatError::write(&path, reason)),
            }
        };
        let mut writer = EventWriter { file, path };
        writer.event(0, Content::FileVersion("brain.Event:2".into()))?;
        Ok(writer)
    }

    /// A new event file for a run that goes on at `first_step`: what older files say of it and of later steps no longer
    /// counts.
    ///
    /// # Errors
    /// As [`create`](EventWriter::create).
    pub fn resume(folder: impl AsRef<Path>, first_step: u64) -> Result<EventWriter, FormatError> {
        let mut writer = EventWriter::create(folder)?;
        writer.event(first_step, Content::Start)?;
        Ok(writer)
    }

    /// The file that is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a number.
    ///
    /// # Errors
    /// If the system refuses; the record may be in the file in part, which readers pass over.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<(), FormatError> {
        self.value(tag, step, Value::Scalar(value as f32))
    }

    /// Writes several numbers of one step as one record.
    ///
    /// # Errors
    /// As [`scalar`](EventWriter::scalar).
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), FormatError> {
        let summary =
            |(tag, value): (&str, f64)| Summary { tag: tag.into(), value: Value::Scalar(value as f32) };
        self.event(step, Content::Values(values.into_iter().map(summary).collect()))
    }

    /// Writes a histogram.
    ///
    /// # Errors
    /// As [`scalar`](EventWriter::scalar).
    pub fn histogram(&mut self, tag: &str, step: u64, histogram: &Histogram) -> Result<(), FormatError> {
        self.value(tag, step, Value::Histogram(histogram.clone()))
    }

    /// Writes a picture, the bytes of a PNG file.
    ///
    /// # Errors
    /// If the bytes do not begin as a PNG file, and as [`scalar`](EventWriter::scalar).
    pub fn image(&mut self, tag: &str, step: u64, png: &[u8]) -> Result<(), FormatError> {
        let (width, height) = size_of_png(png).ok_or_else(|| FormatError::Unwritable {
            format: "a picture for TensorBoard",
            expected: "the bytes of a PNG file".into(),
            found: format!("{} bytes that begin otherwise", png.len()),
        })?;
        self.value(tag, step, Value::Image { width, height, png: png.to_vec() })
    }

    /// Writes text, which TensorBoard shows as Markdown.
    ///
    /// # Errors
    /// As [`scalar`](EventWriter::scalar).
    pub fn text(&mut self, tag: &str, step: u64, text: &str) -> Result<(), FormatError> {
        self.value(tag, step, Value::Text(text.into()))
    }

    /// Writes the hyperparameters of this run and the tags of scalars to compare runs by. Once per run.
    ///
    /// # Errors
    /// As [`scalar`](EventWriter::scalar).
    pub fn hyperparameters(
        &mut self,
        parameters: &[(String, Hyperparameter)],
        metrics: &[String],
    ) -> Result<(), FormatError> {
        self.append(&encode_experiment(now(), parameters, metrics))?;
        self.value(&parameters_tag(), 0, Value::Hyperparameters(parameters.to_vec()))
    }

    fn value(&mut self, tag: &str, step: u64, value: Value) -> Result<(), FormatError> {
        self.event(step, Content::Values(vec![Summary { tag: tag.into(), value }]))
    }

    fn event(&mut self, step: u64, content: Content) -> Result<(), FormatError> {
        self.append(&encode(&Event { wall_time: now(), step: step as i64, content }))
    }

    fn append(&mut self, data: &[u8]) -> Result<(), FormatError> {
        // In one piece, so that a process that is killed leaves at most the last record cut off.
        self.file.write_all(&frame(data)).map_err(|reason| FormatError::write(&self.path, reason))
    }
}

/// Width and height from the first chunk of a PNG file.
fn size_of_png(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..)?.strip_prefix(b"IHDR")?;
    let (width, rest) = rest.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}
