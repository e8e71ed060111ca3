//! Tables as text: CSV with a header, RFC 4180 quoting, any delimiter.
//!
//! A [`CsvReader`] goes through a file row by row and holds one row at a time. [`read`] makes a [`Table`] of a whole
//! file: a column whose every field is a number or missing holds numbers, with NaN where one is missing, any other
//! holds texts.
//!
//! Memory: a row takes at most 24 times its bytes (a file without line ends is one row), a table at most 160 times the
//! file, where nearly all of it is delimiters.
//!
//! Quotes inside a field that does not begin with one are taken as they are; empty lines are passed over. A byte order
//! mark of UTF-8 at the beginning is dropped.
//! Source: Y. Shafranovich, RFC 4180, *Common Format and MIME Type for Comma-Separated Values*.

mod reader;
mod table;
mod write;

pub use reader::{CsvReader, Row};
pub use table::{Column, ColumnKind, ColumnValues, Table, parse, read};
pub use write::write;

use std::collections::BTreeMap;

/// How a table is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Between fields: `,`, or `;`, or a tab.
    pub delimiter: u8,
    /// Fields that stand for no value, compared after trimming spaces.
    pub missing: Vec<String>,
    /// Columns that must be of a kind. Without an entry the content decides.
    pub kinds: BTreeMap<String, ColumnKind>,
}

impl Default for CsvOptions {
    /// Commas, and empty fields, `NA`, `N/A`, `NaN`, `nan`, `null` and `?` as missing.
    fn default() -> Self {
        let missing = ["", "NA", "N/A", "NaN", "nan", "null", "?"].map(str::to_string).to_vec();
        Self { delimiter: b',', missing, kinds: BTreeMap::new() }
    }
}

impl CsvOptions {
    fn is_missing(&self, field: &str) -> bool {
        let field = field.trim();
        self.missing.iter().any(|missing| missing == field)
    }
}
