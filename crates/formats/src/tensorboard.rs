//! Event files of TensorBoard: scalars, histograms, pictures, texts and hyperparameters over the steps of a run.
//!
//! An [`EventWriter`] appends to a file of its own, `events.out.tfevents.TIME.PID.N.bolete`, in the folder of a run;
//! each value is in the file when the call returns. A run that goes on opens a new file, which TensorBoard reads after
//! the older ones, and says from which step it goes on, so that what was logged after that before is dropped. This is
//! the one writer of this crate that does not go through [`atomic::write`](crate::atomic::write): the files grow while
//! others read them. A record cut off at the end of a file is told by its length and checksum, and is passed over.
//!
//! ```no_run
//! # fn main() -> Result<(), bolete_formats::FormatError> {
//! use bolete_formats::tensorboard::{EventWriter, Histogram};
//! let mut writer = EventWriter::create("runs/one")?;
//! writer.scalar("loss/train", 10, 0.5)?;
//! writer.histogram("weights", 10, &Histogram::of([0.1, -0.2, 0.3]))?;
//! # Ok(())
//! # }
//! ```
//!
//! Memory of the reader: one record, of at most [`MOST_RECORD_BYTES`] and the rest of the file, and what is decoded of
//! it, at most twice its bytes and 40 MB.
//!
//! Sources: the message definitions `event.proto`, `summary.proto`, `tensor.proto` and `plugin_data.proto` of
//! TensorBoard, and TFRecord framing as TensorFlow documents it. The forms that all versions of TensorBoard read are
//! written; the reader also takes scalars and texts in the tensor form of later versions.

mod histogram;
mod message;
mod protobuf;
mod read;
mod record;
mod write;

pub use histogram::Histogram;
pub use read::{EventReader, parse, read};
pub use record::{MOST_RECORD_BYTES, frame};
pub use write::EventWriter;

/// One record of an event file.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub wall_time: f64,
    /// The step of the run.
    pub step: i64,
    /// What it says.
    pub content: Content,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// The first record of each file: `brain.Event:2`.
    FileVersion(String),
    /// The run goes on from this step: what older files say of it and of later steps no longer counts.
    Start,
    /// Values of this step.
    Values(Vec<Summary>),
    /// Something else, as a graph.
    Other,
}

/// A value with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The name; TensorBoard groups by what comes before the first `/`.
    pub tag: String,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(f32),
    /// How many values lie where.
    Histogram(Histogram),
    /// A picture.
    Image {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// The PNG file.
        png: Vec<u8>,
    },
    /// Text, which TensorBoard shows as Markdown.
    Text(String),
    /// The hyperparameters of the run.
    Hyperparameters(Vec<(String, Hyperparameter)>),
    /// Something else, as sound.
    Other,
}

/// The value of a hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Hyperparameter {
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
    /// Yes or no.
    Flag(bool),
}
