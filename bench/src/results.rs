//! The files that all programs write.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What a program has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The framework.
    pub peer: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Threads it ran on.
    #[serde(default)]
    pub threads: usize,
    /// One per workload and mode.
    pub results: Vec<Measured>,
}

/// A workload that was timed, or failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// The workload.
    pub name: String,
    /// In which way it was run.
    pub mode: String,
    /// Median of the times of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<f64>,
    /// Tenth percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p10_ms: Option<f64>,
    /// Ninetieth percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_ms: Option<f64>,
    /// Timed steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
    /// The first step, compilation or planning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<f64>,
    /// Processor time of a step on all threads together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_ms: Option<f64>,
    /// 10⁹ floating-point operations in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
    /// 10⁹ bytes in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gbs: Option<f64>,
    /// Tokens in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_s: Option<f64>,
    /// Floating-point operations that the plan of a step counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_operations: Option<f64>,
    /// Bytes that the plan's kernels read and write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_bytes: Option<f64>,
    /// Milliseconds that the machine needs at least: for each kernel the longer of its operations at the peak and, if
    /// they exceed the last cache, its bytes at the bandwidth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roofline_ms: Option<f64>,
    /// The most memory that the process held while it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_mib: Option<f64>,
    /// Why there are no times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Results {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is not one of these files.
    pub fn read(path: &Path) -> Result<Results> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{}: expected {{\"peer\": …, \"results\": [{{\"name\": …, \"median_ms\": …}}, …]}}",
                path.display()
            )
        })
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        bolete::formats::atomic::write(path, |file| std::io::Write::write_all(file, text.as_bytes()))
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}
