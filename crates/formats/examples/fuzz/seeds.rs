//! Small valid files: some made here, some by other programs (`tests/golden`).

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use bolete_formats::picture::{GifFrame, Picture, encode_gif};
use bolete_formats::safetensors::{Entry, Metadata, SafeDtype, encode};
use bolete_formats::tensorboard::{EventWriter, Histogram, Hyperparameter};
use bolete_formats::{Array, npy as npy_format, tensorboard};

fn golden(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    names
        .iter()
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
}

pub fn idx() -> Vec<Vec<u8>> {
    let plain = [&[0, 0, 12, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4][..], &[7; 96]].concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    vec![plain, encoder.finish().unwrap()]
}

pub fn npy() -> Vec<Vec<u8>> {
    let mut seeds =
        golden(&["npy-fortran.npy", "npy-version2.npy", "npy-be-u8.npy", "npy-i1.npy", "npy-scalar.npy"]);
    seeds.push(npy_format::encode(&Array::from_values(vec![2], &[true, false]).unwrap()).unwrap());
    seeds
}

pub fn npz() -> Vec<Vec<u8>> {
    golden(&["stored.npz", "deflated.npz"])
}

pub fn csv() -> Vec<Vec<u8>> {
    [
        "name,age,city\r\n\"Ada, L.\",36,London\r\nAlan,NA,\"a \"\"b\"\"\"\r\n",
        "a;b\n1;2.5\n-3e5;nan\n\n;\n",
        "\u{feff}x\ty,z\n\"multi\nline\",1\n",
        "one\n1\n\"\"\n3",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub fn numbers() -> Vec<Vec<u8>> {
    let mut seeds = golden(&["numbers.txt"]);
    seeds.push(b"1 2\t3 # c\n\n4 5 6\n".to_vec());
    seeds
}

pub fn safetensors() -> Vec<Vec<u8>> {
    let entry = |name: &str, dtype: SafeDtype, shape: &[usize]| Entry {
        name: name.to_string(),
        dtype,
        shape: shape.to_vec(),
        bytes: vec![1; dtype.byte_length(shape).unwrap()],
    };
    let entries = [
        entry("a.weight", SafeDtype::F32, &[2, 3]),
        entry("b", SafeDtype::U8, &[5]),
        entry("c", SafeDtype::I8, &[]),
    ];
    let metadata = Metadata::from([("by".to_string(), "bolete".to_string())]);
    vec![encode(&entries, &metadata).unwrap(), encode(&entries[..1], &Metadata::new()).unwrap()]
}

pub fn index() -> Vec<Vec<u8>> {
    let text = r#"{"metadata":{"total_size":12},"weight_map":{"a.b":"model-00001-of-00002.safetensors","c":"model-00002-of-00002.safetensors"}}"#;
    vec![text.as_bytes().to_vec()]
}

/// Files of PyTorch without the padding that keeps storages at multiples of 64.
pub fn torch() -> Vec<Vec<u8>> {
    golden(&["alone.pth", "unsigned.pth", "old.pth", "adam.pth"])
}

/// A file with a value of each type and blocks of several kinds.
pub fn gguf() -> Vec<Vec<u8>> {
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    let tensors: [(&str, &[u64], u32, usize); 4] =
        [("w", &[32, 2], 2, 36), ("q", &[256], 14, 210), ("f", &[2, 3], 0, 24), ("b", &[3], 24, 3)];
    let text = |file: &mut Vec<u8>, text: &str| {
        file.extend((text.len() as u64).to_le_bytes());
        file.extend(text.bytes());
    };
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend(4u64.to_le_bytes());
    text(&mut file, "general.alignment");
    file.extend([4, 0, 0, 0, 8, 0, 0, 0]);
    text(&mut file, "name");
    file.extend(8u32.to_le_bytes());
    text(&mut file, "small");
    text(&mut file, "list");
    file.extend([9, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    text(&mut file, "yes");
    file.extend([7, 0, 0, 0, 1]);
    let mut offset = 0u64;
    for (name, lengths, kind, bytes) in tensors {
        text(&mut file, name);
        file.extend((lengths.len() as u32).to_le_bytes());
        lengths.iter().for_each(|length| file.extend(length.to_le_bytes()));
        file.extend(kind.to_le_bytes());
        file.extend(offset.to_le_bytes());
        offset += (bytes as u64).next_multiple_of(8);
    }
    file.resize(file.len().next_multiple_of(8), 0);
    file.extend((0..offset).map(|index| index as u8));
    vec![file]
}

fn picture(channels: usize) -> Picture {
    let pixels = (0..12 * 8 * channels).map(|index| (index * 5 % 256) as u8).collect();
    Picture::new(12, 8, channels, pixels).unwrap()
}

pub fn png() -> Vec<Vec<u8>> {
    let mut seeds = golden(&["palette.png", "gray-alpha.png", "gray16.png", "bits.png"]);
    let mut bytes = Vec::new();
    picture(3).encode_png(&mut bytes).unwrap();
    seeds.push(bytes);
    seeds
}

pub fn jpeg() -> Vec<Vec<u8>> {
    let mut seeds = golden(&["turned.jpg"]);
    for channels in [1, 3] {
        let mut bytes = Vec::new();
        picture(channels).encode_jpeg(&mut bytes, 70).unwrap();
        seeds.push(bytes);
    }
    seeds
}

pub fn gif() -> Vec<Vec<u8>> {
    let mut seeds = golden(&["moving.gif"]);
    let frames =
        [1, 3].map(|channels| GifFrame { picture: picture(channels), delay: Duration::from_millis(50) });
    seeds.push(encode_gif(&frames).unwrap());
    seeds
}

pub fn tiff() -> Vec<Vec<u8>> {
    golden(&[
        "deflated.tiff",
        "pages.tiff",
        "tiles.tiff",
        "float-predictor.tiff",
        "lzw.tiff",
        "packbits.tiff",
    ])
}

/// The records of an event file with every kind of value.
pub fn event() -> Vec<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("bolete-event-seeds-{}", std::process::id()));
    let mut writer = EventWriter::create(&folder).unwrap();
    writer.scalars(1, [("loss", 0.5), ("rate", 1e-3)]).unwrap();
    writer.histogram("weights", 2, &Histogram::of([0.1, -0.2, 0.3, 7.0])).unwrap();
    writer.image("picture", 3, &png()[0]).unwrap();
    writer.text("text", 4, "some *words*").unwrap();
    let parameters = [
        ("lr".to_string(), Hyperparameter::Number(0.1)),
        ("name".to_string(), Hyperparameter::Text("adam".into())),
        ("amsgrad".to_string(), Hyperparameter::Flag(true)),
    ];
    writer.hyperparameters(&parameters, &["loss".to_string()]).unwrap();
    let file = std::fs::read(writer.path()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let (mut rest, mut records) = (&file[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let mut record = rest[12..12 + length].to_vec();
        // The time, which must be the same every time.
        record[1..9].copy_from_slice(&1.5e9f64.to_le_bytes());
        records.push(record);
        rest = &rest[16 + length..];
    }
    records
}

/// Those records in one file.
pub fn events() -> Vec<Vec<u8>> {
    vec![event().iter().flat_map(|record| tensorboard::frame(record)).collect()]
}

pub fn wav() -> Vec<Vec<u8>> {
    golden(&["sound-u1.wav", "sound-i2.wav", "sound-i3.wav", "sound-f4.wav", "sound-f8.wav"])
}
