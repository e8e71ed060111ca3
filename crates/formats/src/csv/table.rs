//! Whole tables, column by column.

use std::io::BufRead;
use std::path::Path;

use super::{CsvOptions, CsvReader};
use crate::FormatError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Numbers, NaN where one is missing.
    Number,
    /// Texts.
    Text,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Texts; `None` where one is missing.
    Texts(Vec<Option<String>>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// One value for each row.
    pub values: ColumnValues,
}

/// A table, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns in the order of the header.
    pub columns: Vec<Column>,
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self.columns.first().map(|column| &column.values) {
            Some(ColumnValues::Numbers(values)) => values.len(),
            Some(ColumnValues::Texts(values)) => values.len(),
            None => 0,
        }
    }

    /// The values of the column with this name.
    pub fn get(&self, name: &str) -> Option<&ColumnValues> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.values)
    }

    /// The numbers of the column with this name, or `None` where there is none or it holds texts.
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        match self.get(name)? {
            ColumnValues::Numbers(values) => Some(values),
            ColumnValues::Texts(_) => None,
        }
    }
}

/// Reads a table from a file.
///
/// # Errors
/// As [`CsvReader::open`] and [`CsvReader::next_row`]; and [`FormatError::Malformed`], naming row and column, where a
/// field of a column that must hold numbers is something else.
pub fn read(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Table, FormatError> {
    table(CsvReader::open(path, options)?, options)
}

/// Reads a table from the bytes of a file; `file` is the name used in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], file: impl AsRef<Path>, options: &CsvOptions) -> Result<Table, FormatError> {
    table(CsvReader::new(bytes, file, options)?, options)
}

fn table<R: BufRead>(mut reader: CsvReader<R>, options: &CsvOptions) -> Result<Table, FormatError> {
    let names = reader.header().to_vec();
    let kinds: Vec<_> = names.iter().map(|name| options.kinds.get(name).copied()).collect();
    // Texts are kept only while a column may still turn out to hold them.
    let mut texts: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    let mut numbers: Vec<Option<Vec<f64>>> =
        kinds.iter().map(|kind| (*kind != Some(ColumnKind::Text)).then(Vec::new)).collect();
    while let Some(row) = reader.next_row()? {
        for column in 0..names.len() {
            let parsed = match kinds[column] {
                Some(ColumnKind::Number) => Some(row.number(column)?),
                _ if numbers[column].is_some() => row.number(column).ok(),
                _ => None,
            };
            match (parsed, &mut numbers[column]) {
                (Some(parsed), Some(values)) => values.push(parsed.unwrap_or(f64::NAN)),
                (_, values) => *values = None,
            }
            if kinds[column] != Some(ColumnKind::Number) {
                let text = (!row.is_missing(column)).then(|| row.text(column).to_string());
                texts[column].push(text);
            }
        }
    }
    let columns = names.into_iter().zip(numbers).zip(texts).map(|((name, numbers), texts)| Column {
        name,
        values: numbers.map_or(ColumnValues::Texts(texts), ColumnValues::Numbers),
    });
    Ok(Table { columns: columns.collect() })
}
