//! Weights: PyTorch, GGUF and sharded safetensors, damaged and hostile.

mod support;

use std::fs;

use bolete_formats::safetensors::{self, Entry, Metadata, SafeDtype};
use bolete_formats::torch::{self, TorchValue};
use bolete_formats::{FormatError, gguf, weights};
use support::{assert_message, folder};

/// A file of PyTorch before 1.6 whose object is this pickle, with one storage "0" of `data`, if there is any.
fn legacy(pickle: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    file.extend_from_slice(b"\x80\x02");
    file.extend_from_slice(pickle);
    file.push(b'.');
    if data.is_empty() {
        file.extend_from_slice(b"\x80\x02].");
    } else {
        file.extend_from_slice(b"\x80\x02](X\x01\0\0\x000e.");
        file.extend_from_slice(&(data.len() as u64 / 4).to_le_bytes());
        file.extend_from_slice(data);
    }
    file
}

fn parse(pickle: &[u8]) -> Result<torch::TorchFile<Vec<u8>>, FormatError> {
    torch::parse(legacy(pickle, &[]), "f")
}

/// A tensor of storage "0", which has 4 floats: `(offset, shape, strides)` as instructions.
fn tensor(view: &[u8]) -> Vec<u8> {
    let mut pickle = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ".to_vec();
    pickle.extend_from_slice(view);
    pickle.extend_from_slice(b"\x89ccollections\nOrderedDict\n)RtR");
    pickle
}

#[test]
fn pickles_of_plain_values() {
    let file =
        parse(b"}(X\x01\0\0\0a]q\0(K\x01\x88N\x8a\x01\xffG\x3f\xe0\0\0\0\0\0\0eX\x01\0\0\0bh\0K\x07U\x01zu")
            .unwrap();
    let values = file.values();
    assert_eq!(values["a.0"], TorchValue::Int(1));
    assert_eq!(values["a.1"], TorchValue::Bool(true));
    assert_eq!(values["a.2"], TorchValue::None);
    assert_eq!(values["a.3"], TorchValue::Int(-1));
    assert_eq!(values["b.4"], TorchValue::Float(0.5));
    assert_eq!(values["7"], TorchValue::Text("z".to_string()));
}

#[test]
fn nothing_is_executed() {
    for (pickle, name) in [
        (&b"cos\nsystem\nX\x02\0\0\0ls\x85R"[..], "os.system"),
        (b"cbuiltins\neval\n", "builtins.eval"),
        (b"X\x02\0\0\0osX\x06\0\0\0system\x93", "os.system"),
        (b"ctorch.nn.modules.linear\nLinear\n", "torch.nn.modules.linear.Linear"),
        (b"c__main__\nNet\n)\x81", "__main__.Net"),
        (b"ctorch\nload\n", "torch.load"),
    ] {
        assert_message(
            parse(pickle),
            &["f: not a valid PyTorch file", name, "nothing was executed", "state_dict"],
        );
    }
    // Instructions that make objects of classes: INST, OBJ, NEWOBJ, EXT1.
    for code in [b'i', b'o', 0x81, 0x82] {
        assert_message(parse(&[b'N', code]), &[&format!("instruction {code:#04x}"), "nothing was executed"]);
    }
    assert_message(parse(b"ccollections\nOrderedDict\nK\x01R"), &["a tuple of arguments"]);
    assert_message(parse(b"NN\x85R"), &["a call of a function that makes tensors"]);
}

#[test]
fn damaged_pickles_are_named() {
    for (pickle, part) in [
        (&b"h\x05"[..], "number 5, which was not"),
        (b"", "an empty stack"),
        (b"u", "a mark"),
        (b"}(K\x01u", "a value for every key"),
        (b"K\x01K\x02a", "a list to append to"),
        (b"](0", "a value above the last mark"),
        (b"X\xff\xff\xff\xffa", "a text of 4294967295 bytes"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa", "a text of"),
        (b"X\x01\0\0\0\xff", "UTF-8"),
        (b"\x80\x09", "protocol 9"),
        (b"}NNs", "texts and whole numbers as keys"),
        (b"}(X\x01\0\0\0aK\x01X\x01\0\0\0aK\x02u", "\"a\" twice"),
        (b"}(X\x03\0\0\0a.bK\x01X\x01\0\0\0a}X\x01\0\0\0bNsu", "\"a.b\" twice"),
    ] {
        let result = parse(pickle);
        // `(0` takes the mark away; what is left is a list.
        if part == "a value above the last mark" {
            assert!(result.is_ok());
        } else {
            assert_message(result, &[part]);
        }
    }
    assert_message(parse(b"(\x85"), &["a value above the last mark"]);
    assert_message(torch::parse(b"hello", "f"), &["ZIP archive or the magic number"]);
    assert_message(torch::parse(b"\x80\x02N.", "f"), &["magic number"]);
    assert_message(torch::parse(b"PK\x03\x04", "f"), &["directory"]);
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert_message(torch::parse(tar, "f"), &["0.1.10", "recent PyTorch"]);
}

#[test]
fn circles_and_avalanches_end() {
    // A list that holds itself.
    assert_message(parse(b"]q\0h\0a"), &["nested at most 64 deep", "holds itself"]);
    assert_message(parse(&[&[b']'; 100][..], &[b'a'; 99]].concat()), &["nested at most 64 deep"]);
    // Each list holds the one before ten times: ten to the 60 leaves.
    let mut pickle = b"]q\0".to_vec();
    for _ in 0..60 {
        pickle.extend_from_slice(b"0](h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0eq\0");
    }
    assert_message(parse(&pickle), &["over and over"]);
    // Deep marks and duplicates cost nothing but themselves.
    assert_message(parse(&vec![b'('; 1 << 20]), &["an instruction"; 0]);
}

#[test]
fn views_stay_inside_of_their_storage() {
    let data: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let read = |view: &[u8]| torch::parse(legacy(&tensor(view), &data), "f");
    let transposed = read(b"K\x00(K\x02K\x02t(K\x01K\x02t").unwrap();
    assert_eq!(transposed.read("").unwrap().unwrap().to_f64(), [1.0, 3.0, 2.0, 4.0]);
    let last = read(b"K\x03(K\x01t(K\x01t").unwrap();
    assert_eq!(last.read("").unwrap().unwrap().to_f64(), [4.0]);
    let outside = ["a tensor inside of storage \"0\", which has 4 values"];
    assert_message(read(b"K\x04(K\x01t(K\x01t"), &outside);
    assert_message(read(b"K\x00(K\x05t(K\x01t"), &outside);
    assert_message(read(b"K\x00(K\x02K\x02t(K\x03K\x02t"), &outside);
    assert_message(read(b"J\xff\xff\xff\xff(K\x01t(K\x01t"), &outside);
    assert_message(read(b"K\x00(K\x02t(\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ft"), &outside);
    assert_message(read(b"K\x00(K\x02t(J\xff\xff\xff\xfft"), &["none negative"]);
    assert_message(read(b"K\x00(K\x02t)"), &["as many strides as axes"]);
    // A million million copies of one number.
    assert_message(
        read(b"K\x00(J\0\0\x10\0J\0\0\x10\0t(K\0K\0t"),
        &["16 times the size of the file", "clone"],
    );
    // The storage is shorter than the pickle says, or missing.
    assert_message(
        torch::parse(legacy(&tensor(b"K\x00(K\x02t(K\x01t"), &data[..12]), "f"),
        &["16 bytes for storage \"0\""],
    );
    assert_message(
        torch::parse(legacy(&tensor(b"K\x00(K\x02t(K\x01t"), &[]), "f"),
        &["storage \"0\" in the file"],
    );
}

fn shards(name: &str) -> std::path::PathBuf {
    let entry = |name: &str, value: u8| Entry {
        name: name.to_string(),
        dtype: SafeDtype::U8,
        shape: vec![4],
        bytes: vec![value; 4],
    };
    let index = folder(name).join("model.safetensors.index.json");
    safetensors::write_sharded(&index, &[entry("a", 1), entry("b", 2), entry("c", 3)], &Metadata::new(), 8)
        .unwrap();
    index
}

#[test]
fn shards_are_read_as_one() {
    let index = shards("shards-good");
    let model = safetensors::open_sharded(&index).unwrap();
    assert_eq!(model.weight_map()["c"], "model-00002-of-00002.safetensors");
    assert_eq!(model.get("b").unwrap().bytes, [2; 4]);
    assert_eq!(model.read("c").unwrap().unwrap().bytes, [3; 4]);
    assert!(model.get("d").is_none());
    assert_eq!(weights::open(&index).unwrap().names(), ["a", "b", "c"]);
}

#[test]
fn shards_that_do_not_fit_the_index_are_named() {
    let index = shards("shards-bad");
    let good = fs::read_to_string(&index).unwrap();
    let with = |text: String| {
        fs::write(&index, text).unwrap();
        safetensors::open_sharded(&index).map(drop)
    };
    assert_message(with(good.replace("\"a\"", "\"z\"")), &["\"z\" in \"model-00001", "no such tensor"]);
    assert_message(with(good.replace("\"a\":", "\"b\":")), &["the name", "twice"]);
    let unlisted =
        r#"{"weight_map":{"c":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"}}"#;
    assert_message(with(unlisted.to_string()), &["\"b\" in \"model-00001", "no mention"]);
    assert_message(with(good.replace("model-00002-of", "absent")), &["absent", "cannot be read"]);
    for name in ["../x", "/etc/passwd", "a/b", "..", ".", "", "a\\\\b", "C:x"] {
        let text = format!(r#"{{"weight_map":{{"w":"{name}"}}}}"#);
        assert_message(with(text), &["a file beside the index for \"w\""]);
    }
    assert_message(with("{}".to_string()), &["weight_map"]);
    assert_message(with(format!("{{\"a\":{}", "[".repeat(100_000))), &["weight_map"]);
    assert_message(
        safetensors::write_sharded::<Vec<u8>>(index.with_file_name("x.json"), &[], &Metadata::new(), 1),
        &[".safetensors.index.json"],
    );
}

#[test]
fn damaged_gguf_files_are_named() {
    let header = |version: u32, tensors: u64, values: u64| {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(version.to_le_bytes());
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(values.to_le_bytes());
        bytes
    };
    let parse = |bytes: &[u8]| gguf::parse(bytes.to_vec(), "f");
    assert!(parse(&header(3, 0, 0)).is_ok());
    assert_message(parse(b"GGML...."), &["f: not a valid GGUF file", "the letters GGUF"]);
    assert_message(parse(&header(4, 0, 0)), &["version 1, 2 or 3", "version 4"]);
    assert_message(parse(&header(3 << 24, 0, 0)), &["a big-endian file"]);
    assert_message(parse(&header(3, u64::MAX, 0)), &["tensors", "0 bytes left"]);
    assert_message(parse(&header(3, 0, 1 << 40)), &["1099511627776 metadata"]);
    let value = |kind: u32, rest: &[u8]| {
        let key = [&1u64.to_le_bytes()[..], b"k", &kind.to_le_bytes(), rest].concat();
        parse(&[header(3, 0, 1), key].concat())
    };
    assert!(value(7, &[1]).is_ok());
    assert_message(value(7, &[2]), &["a truth value"]);
    assert_message(value(13, &[0; 8]), &["a type of value from 0 to 12", "13"]);
    assert_message(value(8, &[255; 8]), &["a text of"]);
    assert_message(value(9, &[&4u32.to_le_bytes()[..], &[255; 8]].concat()), &["values of an array"]);
    // Arrays of arrays of arrays.
    let deep = [&9u32.to_le_bytes()[..], &1u64.to_le_bytes()].concat().repeat(10);
    assert_message(value(9, &deep), &["nested at most 4 deep"]);
    let tensor = |lengths: &[u64], kind: u32, offset: u64, data: usize| {
        let mut bytes = header(3, 1, 0);
        bytes.extend(1u64.to_le_bytes());
        bytes.push(b'w');
        bytes.extend((lengths.len() as u32).to_le_bytes());
        lengths.iter().for_each(|length| bytes.extend(length.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
        parse(&bytes)
    };
    assert_eq!(tensor(&[3, 2], 0, 0, 24).unwrap().read("w").unwrap().unwrap().shape, [2, 3]);
    assert_eq!(tensor(&[32], 2, 0, 18).unwrap().read("w").unwrap().unwrap().to_f64(), [-0.0; 32]);
    assert_message(tensor(&[3, 2], 0, 0, 23), &["24 bytes for \"w\""]);
    assert_message(tensor(&[31], 2, 0, 99), &["whole blocks of 32"]);
    assert_message(tensor(&[3], 99, 0, 99), &["a known type for \"w\"", "type 99"]);
    assert_message(tensor(&[3], 0, 31, 99), &["multiple of 32"]);
    assert_message(tensor(&[3], 0, u64::MAX - 31, 99), &["12 bytes for \"w\""]);
    assert_message(tensor(&[1 << 62, 1 << 62], 0, 0, 99), &["[4611686018427387904"]);
    assert_message(tensor(&[1; 5], 0, 0, 99), &["at most 4 axes", "5 axes"]);
}
