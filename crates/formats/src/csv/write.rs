//! Writing tables.

use std::io::{self, Write};
use std::path::Path;

use super::{ColumnValues, CsvOptions, Table};
use crate::error::quoted;
use crate::{FormatError, atomic};

/// Writes a table, atomically. Missing values become the first of `options.missing`; fields are quoted where they
/// must be.
///
/// # Errors
/// [`FormatError::Unwritable`] when the columns differ in length, a name comes twice, or there is no column;
/// [`FormatError::Write`] when the disk refuses.
pub fn write(path: impl AsRef<Path>, table: &Table, options: &CsvOptions) -> Result<(), FormatError> {
    let unwritable = |expected: &str, found: String| FormatError::Unwritable {
        format: "CSV",
        expected: expected.to_string(),
        found,
    };
    let rows = table.rows();
    for (index, column) in table.columns.iter().enumerate() {
        let length = match &column.values {
            ColumnValues::Numbers(values) => values.len(),
            ColumnValues::Texts(values) => values.len(),
        };
        if length != rows {
            let found = format!("{length} in {} and {rows} in the first", quoted(&column.name));
            return Err(unwritable("as many values in every column", found));
        }
        if table.columns[..index].iter().any(|other| other.name == column.name) {
            return Err(unwritable("every column once", format!("{} twice", quoted(&column.name))));
        }
    }
    if table.columns.is_empty() {
        return Err(unwritable("a column at least", "none".to_string()));
    }
    let missing = options.missing.first().map_or("", String::as_str);
    let delimiter = options.delimiter;
    atomic::write(path, |out| {
        record(out, delimiter, table.columns.iter().map(|column| Some(column.name.clone())), missing)?;
        for row in 0..rows {
            let fields = table.columns.iter().map(|column| match &column.values {
                ColumnValues::Numbers(values) => (!values[row].is_nan()).then(|| values[row].to_string()),
                ColumnValues::Texts(values) => values[row].clone(),
            });
            record(out, delimiter, fields, missing)?;
        }
        Ok(())
    })
}

fn record(
    out: &mut dyn Write,
    delimiter: u8,
    fields: impl ExactSizeIterator<Item = Option<String>>,
    missing: &str,
) -> io::Result<()> {
    let alone = fields.len() == 1;
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.write_all(&[delimiter])?;
        }
        let field = field.as_deref().unwrap_or(missing);
        let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
        // A line with one empty field would be passed over as an empty line.
        if field.bytes().any(special) || (alone && field.is_empty()) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}
