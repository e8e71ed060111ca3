//! WAV: sound as samples, one for each channel and moment.
//!
//! PCM of 8, 16, 24 and 32 bits and floats of 32 and 64 bits are read and written, any number of channels, also in the
//! extensible form. Chunks other than `fmt ` and `data` are passed over.
//!
//! Memory: at most 4 times the size of the file (8-bit samples become `i32`).
//! Source: IBM, Microsoft, *Multimedia Programming Interface and Data Specifications 1.0*, 1991, chapter 3.

mod read;
mod write;

pub use read::{parse, read};
pub use write::{encode, write};

/// Sound in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Moments per second.
    pub rate: u32,
    /// Samples per moment: 1 for mono, 2 for stereo.
    pub channels: u16,
    /// The samples, channels next to each other: `[moments, channels]` row-major.
    pub samples: Samples,
}

/// The samples of a sound.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// Integers from -2^(bits-1) to 2^(bits-1) - 1. (Files hold 8-bit samples with 128 added.)
    Integer {
        /// 8, 16, 24 or 32.
        bits: u16,
        /// The values.
        values: Vec<i32>,
    },
    /// 32-bit floats, nominally from -1 to 1.
    F32(Vec<f32>),
    /// 64-bit floats, nominally from -1 to 1.
    F64(Vec<f64>),
}

impl Samples {
    /// Number of samples of all channels.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer { values, .. } => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples as floats; integers are divided by 2^(bits-1) to lie from -1 to 1.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::Integer { bits, values } => {
                let scale = (-f64::from(bits.saturating_sub(1))).exp2();
                values.iter().map(|value| (f64::from(*value) * scale) as f32).collect()
            }
            Self::F32(values) => values.clone(),
            Self::F64(values) => values.iter().map(|value| *value as f32).collect(),
        }
    }
}

impl Sound {
    /// Moments: samples of each channel.
    pub fn len(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// Whether it lasts no moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
