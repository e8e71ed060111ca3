//! Arrays and tables: npy, npz, CSV and plain numbers, good and damaged.

mod support;

use bolete_formats::csv::{self, Column, ColumnKind, ColumnValues, CsvOptions, CsvReader, Table};
use bolete_formats::numbers::{self, Numbers, NumbersOptions};
use bolete_formats::{Array, ElementType, npy};
use half::{bf16, f16};
use support::{assert_message, folder};

fn arrays() -> npy::Npz {
    let halves = [f16::from_f32(0.5), f16::INFINITY];
    [
        ("bool", Array::from_values(vec![2], &[true, false])),
        ("u8", Array::from_values(vec![1, 2], &[0u8, 255])),
        ("i32", Array::from_values(vec![2, 1], &[i32::MIN, i32::MAX])),
        ("i64", Array::from_values(vec![], &[i64::MIN])),
        ("f16", Array::from_values(vec![2], &halves)),
        ("f32", Array::from_values(vec![3], &[0.1f32, -0.0, f32::INFINITY])),
        ("f64", Array::from_values::<f64>(vec![4, 0, 2], &[])),
    ]
    .map(|(name, array)| (name.to_string(), array.unwrap()))
    .into()
}

#[test]
fn npy_and_npz_survive_a_round_trip() {
    let folder = folder("npy-round-trip");
    let path = folder.join("file");
    for array in arrays().values() {
        npy::write(&path, array).unwrap();
        assert_eq!(npy::read(&path).unwrap(), *array);
        assert_eq!(npy::encode(array).unwrap().len() % 64, array.bytes.len() % 64);
    }
    for compressed in [false, true] {
        npy::write_npz(&path, &arrays(), compressed).unwrap();
        assert_eq!(npy::read_npz(&path).unwrap(), arrays());
    }
    let zeros = Array::from_values(vec![1 << 16], &vec![0.0f32; 1 << 16]).unwrap();
    npy::write_npz(&path, &[("zeros".to_string(), zeros)].into(), true).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 2000);
    let brain = Array::from_values(vec![1], &[bf16::ONE]).unwrap();
    assert_message(npy::encode(&brain), &["cannot write npy", "BF16"]);
    let broken = Array { element: ElementType::F32, shape: vec![2], bytes: vec![0; 4] };
    assert_message(npy::write(folder.join("absent"), &broken), &["8 bytes", "4 bytes"]);
    assert!(!folder.join("absent").exists());
}

/// A file of version 1 with this header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn damaged_npy_files_are_named() {
    let parse = |header: &str, data: &[u8]| npy::parse(&file(header, data), "f");
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
    assert_eq!(parse(good, &[0, 0, 128, 63]).unwrap().to_f64(), [1.0]);
    assert!(parse("{\"shape\":(2L,1),'fortran_order':True,'descr':'|i1'}", &[1, 255]).is_ok());
    assert_message(
        parse(good, &[0; 3]),
        &["f: not a valid npy file", "4 bytes for the shape [1] of F32", "3 bytes"],
    );
    assert_message(parse(&good.replace("<f4", "<c8"), &[0; 8]), &["floats of at most 8 bytes", "\"<c8\""]);
    assert_message(parse(&good.replace("<f4", "|O"), &[0; 8]), &["\"|O\""]);
    assert_message(parse(&good.replace("'<f4'", "[('x', '<f4')]"), &[]), &["values of one type", "fields"]);
    assert_message(parse(&good.replace("False", "0"), &[]), &["True or False"]);
    assert_message(parse(&good.replace("(1,)", "(1,-2)"), &[]), &["the length of an axis"]);
    assert_message(parse(&good.replace("(1,)", "(9223372036854775807,2)"), &[]), &["fits memory"]);
    assert_message(
        parse(&good.replace("(1,)", &format!("({})", "1,".repeat(33))), &[]),
        &["at most 32 axes"],
    );
    assert_message(parse("{'descr': '<f4'}", &[]), &["descr, fortran_order and shape"]);
    assert_message(parse("{'descr': '<f4', 'descr': '<f4'}", &[]), &["descr twice"]);
    assert_message(parse(&good.replace('}', "} x"), &[0; 4]), &["nothing after"]);
    assert_message(npy::parse(b"\x93NUMPY\x04\0\0\0", "f"), &["version 1, 2 or 3", "version 4.0"]);
    assert_message(
        npy::parse(b"\x93NUMPY\x01\0\xff\xff", "f"),
        &["the header of 65535 bytes", "ends at byte 10"],
    );
    assert_message(npy::parse(b"PK\x03\x04..", "f"), &["93 \"NUMPY\""]);
    let large = parse("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", &[255; 8]);
    assert_message(large, &["at most 2^63 - 1", "18446744073709551615"]);
}

#[test]
fn damaged_archives_are_named() {
    let path = folder("npz-damaged").join("file.npz");
    npy::write_npz(&path, &arrays(), true).unwrap();
    let good = std::fs::read(&path).unwrap();
    for end in [0, 10, good.len() / 2, good.len() - 1] {
        assert_message(npy::parse_npz(&good[..end], "f"), &["f: not a valid npz file"]);
    }
    let text = |bytes: &[u8]| bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let with = |offset: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[text(&good) + offset] = value;
        npy::parse_npz(&bytes, "f")
    };
    assert_message(with(10, 12), &["stored or deflated", "compression method 12"]);
    assert_message(with(8, 1), &["encrypted"]);
    assert_message(with(46, b'z'), &["another name"]);
    assert_message(with(16, !good[text(&good) + 16]), &["the checksum"]);
    // Two entries that share their data would unpack the same bytes twice: the size of one reaches into the next.
    let mut overlap = good.clone();
    let packed = text(&good) + 46 + "bool.npy".len() + 4 + 8;
    overlap[packed] = overlap[packed].wrapping_add(60);
    assert_message(npy::parse_npz(&overlap, "f"), &["entries that do not overlap"]);
}

#[test]
fn tables_are_read_and_written() {
    let text = "\u{feff}name,age,note\r\n\"Ada, L.\",36,\"says \"\"hi\"\"\r\nthere\"\r\nAlan,NA,\r\n\r\nGrace, 85 ,x";
    let table = csv::parse(text.as_bytes(), "people.csv", &CsvOptions::default()).unwrap();
    assert_eq!(table.rows(), 3);
    let ages = table.numbers("age").unwrap();
    assert!(ages[0] == 36.0 && ages[1].is_nan() && ages[2] == 85.0);
    let Some(ColumnValues::Texts(notes)) = table.get("note") else { panic!("texts") };
    assert_eq!(notes[0].as_deref(), Some("says \"hi\"\r\nthere"));
    assert_eq!(notes[1], None);

    let path = folder("csv-round-trip").join("table.csv");
    for delimiter in [b',', b';', b'\t'] {
        let options = CsvOptions { delimiter, ..CsvOptions::default() };
        csv::write(&path, &table, &options).unwrap();
        let read = csv::read(&path, &options).unwrap();
        assert_eq!(format!("{read:?}"), format!("{table:?}"));
    }
    // One column: a missing value must not become an empty line.
    let single = Table {
        columns: vec![Column {
            name: "x".to_string(),
            values: ColumnValues::Texts(vec![None, Some("a".into())]),
        }],
    };
    csv::write(&path, &single, &CsvOptions::default()).unwrap();
    assert_eq!(csv::read(&path, &CsvOptions::default()).unwrap(), single);
    let uneven = Table {
        columns: vec![
            single.columns[0].clone(),
            Column { name: "y".to_string(), values: ColumnValues::Numbers(vec![1.0]) },
        ],
    };
    assert_message(csv::write(&path, &uneven, &CsvOptions::default()), &["1 in \"y\" and 2"]);
}

#[test]
fn rows_stream_in_small_pieces() {
    // A reader whose pieces end anywhere, also inside of the byte order mark's neighbours, quotes and line ends.
    struct Pieces<'a>(&'a [u8], usize);
    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
    let text = b"a,b\r\n\"1\"\"\r\n\",2\r\n\n3,\"4\"\r\n";
    for piece in 1..8 {
        let input = std::io::BufReader::with_capacity(piece, Pieces(text, piece));
        let mut reader = CsvReader::new(input, "f", &CsvOptions::default()).unwrap();
        let row = reader.next_row().unwrap().unwrap();
        assert_eq!((row.len(), row.text(0), row.number(1).unwrap()), (2, "1\"\r\n", Some(2.0)));
        assert_eq!(reader.next_row().unwrap().unwrap().text(1), "4");
        assert!(reader.next_row().unwrap().is_none());
    }
}

#[test]
fn mistakes_in_tables_name_row_and_column() {
    let parse = |text: &str| csv::parse(text.as_bytes(), "f", &CsvOptions::default());
    assert_message(
        parse("a,b\n1,2\n3\n"),
        &["f: not a valid CSV file", "2 fields", "row 2 (line 3)", "found 1 fields"],
    );
    assert_message(parse("a,b\n1,\"2"), &["closing quote", "row 1 (line 2)"]);
    assert_message(parse("a,b\n1,\"2\"x\n"), &["after a closing quote", "'x' on line 2"]);
    assert_message(parse("a,a\n"), &["every column once", "\"a\" twice"]);
    assert_message(parse(""), &["a header"]);
    let numbers =
        CsvOptions { kinds: [("b".to_string(), ColumnKind::Number)].into(), ..CsvOptions::default() };
    let wrong = csv::parse(b"a,b\n\n1,2\n\"x\ny\",3\n1,two\n", "f", &numbers);
    assert_message(wrong, &["a number in row 3 (line 6), column \"b\"", "\"two\""]);
    assert_message(csv::parse(b"a\n1\n", "f", &numbers), &["a column \"b\"", "the columns \"a\""]);
    assert_message(csv::parse(b"a\n\xff\n", "f", &CsvOptions::default()), &["UTF-8", "row 1 (line 2)"]);
    assert_message(csv::parse(b"\xff\xfea\0", "f", &CsvOptions::default()), &["UTF-16"]);
}

#[test]
fn plain_numbers() {
    let path = folder("numbers").join("file");
    let values = vec![0.1, -1e300, f64::INFINITY, 1.0 / 3.0, f64::MIN_POSITIVE, 0.0];
    let table = Numbers { rows: 3, columns: 2, values };
    numbers::write(&path, &table).unwrap();
    assert_eq!(numbers::read(&path, &Default::default()).unwrap(), table);
    let options = NumbersOptions { comment: Some('%'), delimiter: Some(','), skip: 1 };
    assert_eq!(numbers::parse(b"x,y\n1, 2 % a\n", "f", &options).unwrap().values, [1.0, 2.0]);
    assert_eq!(numbers::parse(b"\n# nothing\n", "f", &Default::default()).unwrap().rows, 0);
    let parse = |text: &[u8]| numbers::parse(text, "f", &Default::default());
    assert_message(parse(b"1 2\n3 x\n"), &["a number on line 2, column 2", "\"x\""]);
    assert_message(parse(b"1 2\n\n3\n"), &["2 numbers on line 3", "1 numbers"]);
    assert_message(parse(b"1 \xff\n"), &["UTF-8 on line 1"]);
    assert_message(numbers::write(&path, &Numbers { rows: 2, ..table }), &["2 rows of 2", "6 numbers"]);
}
