//! Files that other programs wrote (`golden/make.py`), against what those programs say is in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bolete_formats::picture::{self, Limits};
use bolete_formats::torch::TorchValue;
use bolete_formats::wav::Samples;
use bolete_formats::{Array, ElementType, gguf, npy, numbers, safetensors, tiff, torch, wav};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The parser of the expected numbers may be off by a bit.
const EXACT: f64 = 1e-15;

#[derive(serde::Deserialize)]
struct Expected {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_slice(&std::fs::read(path("expected.json")).unwrap()).unwrap()
}

#[track_caller]
fn assert_same(expected: &Expected, shape: &[usize], values: &[f64], tolerance: f64, name: &str) {
    assert_eq!(expected.shape, shape, "{name}");
    assert_eq!(expected.values.len(), values.len(), "{name}");
    for (index, (expected, found)) in expected.values.iter().zip(values).enumerate() {
        assert!(
            (expected - found).abs() <= tolerance * expected.abs().max(1.0),
            "{name}[{index}]: {expected} {found}"
        );
    }
}

#[track_caller]
fn assert_array(expected: &BTreeMap<String, Expected>, name: &str, array: &Array) {
    assert_same(&expected[name], &array.shape, &array.to_f64(), EXACT, name);
}

#[test]
fn numpy() {
    let expected = expected();
    let mut read = 0;
    for name in expected.keys().filter(|name| name.ends_with(".npy")) {
        assert_array(&expected, name, &npy::read(path(name)).unwrap());
        read += 1;
    }
    assert_eq!(read, 22);
    assert_eq!(npy::read(path("npy-be-u8.npy")).unwrap().element, ElementType::I64);
    assert_eq!(npy::read(path("npy-be-f2.npy")).unwrap().element, ElementType::F16);
    for file in ["stored.npz", "deflated.npz"] {
        let arrays = npy::read_npz(path(file)).unwrap();
        assert_eq!(arrays.keys().collect::<Vec<_>>(), ["a", "b.c", "flag"]);
        for (name, array) in &arrays {
            assert_array(&expected, &format!("npz/{name}"), array);
        }
    }
    let text = numbers::read(path("numbers.txt"), &Default::default()).unwrap();
    assert_same(&expected["numbers.txt"], &[text.rows, text.columns], &text.values, EXACT, "numbers.txt");
}

#[test]
fn safetensors_of_python() {
    let expected = expected();
    let file = safetensors::open(path("plain.safetensors")).unwrap();
    assert_eq!(file.metadata()["by"], "python");
    assert_array(&expected, "safetensors/x", &file.read("x").unwrap().unwrap());
    assert_eq!(file.read("y").unwrap().unwrap().values::<i64>(), Some(vec![1, 2]));
    assert_eq!(
        file.get("h").unwrap().bytes,
        safetensors::read(path("plain.safetensors")).unwrap().get("h").unwrap().bytes
    );
    let small = safetensors::open(path("small-floats.safetensors")).unwrap();
    assert_eq!(small.read("half").unwrap().unwrap().to_f64(), [1.5, -2.0, 3.25]);
    let message = small.read("eight").unwrap().unwrap_err().to_string();
    assert!(message.contains("F8_E4M3") && message.contains("\"eight\""), "{message}");
    assert!(small.read("absent").is_none());
}

#[test]
fn pytorch_state_dicts() {
    let expected = expected();
    for name in ["new.pth", "old.pth", "protocol4.pth"] {
        let file = torch::open(path(name)).unwrap();
        let mut read = 0;
        for tensor in file.tensors().keys() {
            let array = file.read(tensor).unwrap().unwrap();
            assert_array(&expected, &format!("torch/{tensor}"), &array);
            read += 1;
        }
        assert_eq!(read, expected.keys().filter(|key| key.starts_with("torch/")).count(), "{name}");
        assert!(file.tensors()["model.parameter"].requires_grad);
        assert_eq!(file.read("model.int8").unwrap().unwrap().element, ElementType::I32);
        assert_eq!(file.read("model.bfloat16").unwrap().unwrap().element, ElementType::Bf16);
        let values = file.values();
        assert_eq!(values["epoch"], TorchValue::Int(3));
        assert_eq!(values["lr"], TorchValue::Float(0.25));
        assert_eq!(values["name"], TorchValue::Text("net".to_string()));
        assert_eq!(values["none"], TorchValue::None);
        assert_eq!(values["flags.1"], TorchValue::Bool(false));
        assert_eq!(values["size.1"], TorchValue::Int(4));
        assert_eq!(values["device"], TorchValue::Text("cpu".to_string()));
        assert_eq!(values["dtype"], TorchValue::Dtype(safetensors::SafeDtype::F16));
    }
    let alone = torch::open(path("alone.pth")).unwrap();
    assert_eq!(alone.read("").unwrap().unwrap().shape, [3, 4]);
    let unsigned = torch::open(path("unsigned.pth")).unwrap();
    assert_eq!(unsigned.read("u16").unwrap().unwrap().values::<i32>(), Some(vec![0, 1, 2]));
    assert_eq!(unsigned.read("u32").unwrap().unwrap().values::<i64>(), Some(vec![0, 1, 2]));
    let adam = torch::open(path("adam.pth")).unwrap();
    assert_array(&expected, "adam/state.0.exp_avg", &adam.read("state.0.exp_avg").unwrap().unwrap());
    assert_eq!(adam.values()["param_groups.0.lr"], TorchValue::Float(0.01));
    let eight = torch::open(path("eight.pth")).unwrap();
    let message = eight.read("eight").unwrap().unwrap_err().to_string();
    assert!(message.contains("F8_E5M2"), "{message}");
}

#[test]
fn a_pytorch_module_is_refused_by_name() {
    let message = torch::open(path("module.pth")).unwrap_err().to_string();
    for part in
        ["torch.nn.modules.linear.Linear", "nothing was executed", "torch.save(model.state_dict(), path)"]
    {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn gguf_types() {
    let expected = expected();
    let file = gguf::open(path("types.gguf")).unwrap();
    let mut read = 0;
    for name in file.tensors().keys().filter(|name| *name != "Q2_K") {
        let array = file.read(name).unwrap().unwrap();
        let wanted = &expected[&format!("gguf/{name}")];
        // The package computes in f32, in an order of its own.
        assert_same(wanted, &array.shape, &array.to_f64(), 1e-6, name);
        read += 1;
    }
    assert_eq!(read, 16);
    let message = file.read("Q2_K").unwrap().unwrap_err().to_string();
    assert!(message.contains("found Q2_K"), "{message}");
    use gguf::GgufValue;
    let metadata = file.metadata();
    assert_eq!(metadata["general.architecture"], GgufValue::Text("test".to_string()));
    assert_eq!(metadata["test.i64"], GgufValue::Int(-8));
    assert_eq!(metadata["test.f32"], GgufValue::Float(0.5));
    assert_eq!(metadata["test.bool"], GgufValue::Bool(true));
    assert_eq!(metadata["test.text"], GgufValue::Text("žluťoučký".to_string()));
    assert_eq!(metadata["test.numbers"], GgufValue::Array([1, 2, 3].map(GgufValue::Int).to_vec()));
}

#[test]
fn pictures_of_pillow() {
    let expected = expected();
    for name in ["palette.png", "gray-alpha.png", "gray16.png", "bits.png", "turned.jpg"] {
        let picture = picture::read(path(name)).unwrap();
        let wanted = &expected[name];
        let mut shape = vec![picture.height(), picture.width(), picture.channels()];
        shape.truncate(wanted.shape.len());
        let values: Vec<f64> = picture.pixels().iter().map(|value| f64::from(*value)).collect();
        // Two decoders of JPEG may differ by a few steps; 16 bits are rounded to 8.
        let slack = if name.ends_with("jpg") {
            4.0
        } else if name == "gray16.png" {
            0.5
        } else {
            0.0
        };
        assert_eq!(wanted.shape, shape, "{name}");
        for (wanted, found) in wanted.values.iter().zip(&values) {
            assert!((wanted - found).abs() <= slack, "{name}: {wanted} {found}");
        }
    }
}

#[test]
fn a_gif_of_pillow() {
    let expected = expected();
    let frames = picture::read_gif(path("moving.gif"), &Limits::default()).unwrap();
    let pixels: Vec<f64> =
        frames.iter().flat_map(|frame| frame.picture.to_rgb().into_pixels()).map(f64::from).collect();
    assert_same(&expected["moving.gif"], &[4, 9, 12, 3], &pixels, EXACT, "moving.gif");
    let delays: Vec<f64> = frames.iter().map(|frame| frame.delay.as_millis() as f64).collect();
    assert_same(&expected["moving.gif/delays"], &[4], &delays, EXACT, "delays");
}

#[test]
fn pages_of_tifffile() {
    let expected = expected();
    let pages = tiff::read(path("pages.tiff")).unwrap();
    assert_eq!(pages.len(), 7);
    for (index, page) in pages.iter().enumerate() {
        assert_array(&expected, &format!("pages.tiff/{index}"), page);
    }
    let pages = tiff::read(path("deflated.tiff")).unwrap();
    let values: Vec<f64> = pages.iter().flat_map(Array::to_f64).collect();
    assert_same(&expected["deflated.tiff"], &[2, 5, 7], &values, EXACT, "deflated.tiff");
    for name in ["tiles.tiff", "float-predictor.tiff", "lzw.tiff", "packbits.tiff"] {
        let pages = tiff::read(path(name)).unwrap();
        assert_eq!(pages.len(), 1, "{name}");
        assert_array(&expected, name, &pages[0]);
    }
}

#[test]
fn sounds_of_scipy() {
    let expected = expected();
    for kind in ["u1", "i2", "i3", "i4", "f4", "f8"] {
        let name = format!("sound-{kind}.wav");
        let sound = wav::read(path(&name)).unwrap();
        let values: Vec<f64> = match &sound.samples {
            Samples::Integer { values, .. } => values.iter().map(|value| f64::from(*value)).collect(),
            Samples::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Samples::F64(values) => values.clone(),
        };
        assert_same(&expected[&name], &[sound.len(), usize::from(sound.channels)], &values, EXACT, &name);
        assert_eq!(sound.rate, if kind == "i3" { 48000 } else { 8000 });
        // What is written is read back as the same.
        assert_eq!(wav::parse(&wav::encode(&sound).unwrap(), "f").unwrap(), sound);
    }
}
