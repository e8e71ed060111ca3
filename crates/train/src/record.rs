//! What a run has written down: the lines of its metrics.

use std::collections::BTreeMap;
use std::path::Path;

use bolete_formats::FormatError;
use bolete_formats::csv::{self, Column, ColumnValues, CsvOptions, Table};
use serde::{Deserialize, Deserializer, Serialize};

use crate::trainer::{Ending, EpochEnd, Progress};

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// Some steps were done.
    Progress(Progress),
    /// An evaluation.
    Evaluation {
        /// The epoch, from 1.
        epoch: u64,
        /// Updates done.
        step: u64,
        /// What was found.
        #[serde(deserialize_with = "numbers")]
        means: BTreeMap<String, f64>,
        /// Whether it was the best so far.
        is_best: bool,
        /// Seconds of training so far.
        seconds: f64,
    },
    /// An epoch was done.
    Epoch(EpochEnd),
    /// Training ended.
    Ended {
        /// How.
        ending: Ending,
        /// Updates done.
        step: u64,
        /// Seconds of training.
        seconds: f64,
    },
    /// A loss became NaN or infinite.
    NotFinite {
        /// The first such update.
        step: u64,
        /// Seconds of training.
        seconds: f64,
    },
    /// A number that a recipe found.
    Result {
        /// Its name.
        name: String,
        /// Its value.
        #[serde(deserialize_with = "number")]
        value: f64,
    },
}

/// A number; null, as which JSON has what is not finite, is NaN.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Numbers by name; null is NaN.
pub(crate) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let found: BTreeMap<String, Option<f64>> = BTreeMap::deserialize(deserializer)?;
    Ok(found.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}

/// Numbers by name, or none; null among them is NaN.
pub(crate) fn optional_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, f64>>, D::Error> {
    #[derive(Deserialize)]
    struct Numbers(#[serde(deserialize_with = "numbers")] BTreeMap<String, f64>);
    let found: Option<Numbers> = Option::deserialize(deserializer)?;
    Ok(found.map(|Numbers(numbers)| numbers))
}

/// The course of each measure of a run: (update, value) by name, those of evaluation with `test ` before theirs.
pub fn curves(records: &[Record]) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for record in records {
        let (step, values) = curves_of(record);
        for (name, value) in values {
            curves.entry(name).or_default().push((step as f64, value));
        }
    }
    curves
}

/// What one record adds to the curves: its update and the values by name.
pub(crate) fn curves_of(record: &Record) -> (u64, Vec<(String, f64)>) {
    let with = |prefix: &str, means: &BTreeMap<String, f64>| -> Vec<(String, f64)> {
        means.iter().map(|(name, value)| (format!("{prefix}{name}"), *value)).collect()
    };
    match record {
        Record::Progress(progress) => {
            let mut values = with("", &progress.means);
            values.push(("learning rate factor".to_owned(), progress.rate_factor));
            values.push(("items per second".to_owned(), progress.items_per_second));
            (progress.step, values)
        }
        Record::Evaluation { step, means, .. } => (*step, with("test ", means)),
        _ => (0, Vec::new()),
    }
}

/// Writes the curves as a table with a row per update and a column per measure, empty where nothing was measured.
///
/// # Errors
/// [`FormatError`] naming the file.
pub fn write_csv(records: &[Record], path: impl AsRef<Path>) -> Result<(), FormatError> {
    let curves = curves(records);
    let mut steps: Vec<f64> = curves.values().flatten().map(|(step, _)| *step).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let column = |(name, curve): (&String, &Vec<(f64, f64)>)| {
        let mut values = vec![f64::NAN; steps.len()];
        for (step, value) in curve {
            if let Ok(row) = steps.binary_search_by(|known| known.total_cmp(step)) {
                values[row] = *value;
            }
        }
        Column { name: name.clone(), values: ColumnValues::Numbers(values) }
    };
    let mut columns = vec![Column { name: "step".to_owned(), values: ColumnValues::Numbers(steps.clone()) }];
    columns.extend(curves.iter().map(column));
    csv::write(path, &Table { columns }, &CsvOptions::default())
}
