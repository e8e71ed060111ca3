//! Weights between PyTorch and Bolete (`weights/make.py`), and between the formats.

use std::path::{Path, PathBuf};

use bolete_nn::{
    Activation, BatchNorm, BatchNormConfig, Context, Conv2d, Conv2dConfig, Linear, LinearConfig, Lstm,
    LstmConfig, Module, Padding, TransformerEncoderLayer, TransformerLayerConfig, cast_floats,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Tensor, Tree};
use bolete_train::LoadError;
use bolete_train::weights::{self, LoadOptions};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
}

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[derive(serde::Deserialize)]
struct Values {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// An input and what PyTorch makes of it.
#[derive(serde::Deserialize)]
struct Case {
    input: Values,
    output: Values,
}

/// Loads both files of a model and compares its output with PyTorch's.
fn assert_same_output<M: Module>(name: &str, model: &M) {
    let case: Case = serde_json::from_slice(&std::fs::read(path(&format!("{name}.json"))).unwrap()).unwrap();
    let input = Tensor::from_vec(case.input.values, case.input.shape);
    let before = model.forward(&input, &mut Context::evaluation()).to_vec::<f32>();
    assert!(distance(&before, &case.output.values) > 1e-2, "{name}: right without the weights");
    for ending in ["pth", "safetensors"] {
        let file = path(&format!("{name}.{ending}"));
        let (loaded, report) = weights::load_into(model, file, &LoadOptions::default()).unwrap();
        assert_eq!(report.loaded.len(), model.leaves().len());
        let output = loaded.forward(&input, &mut Context::evaluation());
        assert_eq!(output.shape().to_vec(), case.output.shape);
        let distance = distance(&output.to_vec::<f32>(), &case.output.values);
        assert!(distance < 1e-5, "{name}.{ending}: {distance}");
    }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[derive(Clone, Tree)]
struct Mlp {
    hidden: Linear,
    output: Linear,
}

impl Module for Mlp {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let hidden = Activation::Relu.forward(&self.hidden.forward(input, context), context);
        self.output.forward(&hidden, context)
    }
}

fn mlp(key: u64) -> Mlp {
    let [first, second] = Key::new(key).split();
    Mlp { hidden: LinearConfig::new(6, 16).init(&first), output: LinearConfig::new(16, 4).init(&second) }
}

#[derive(Clone, Tree)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
}

impl Module for Block {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let inner = self.bn1.forward(&self.conv1.forward(input, context), context).relu();
        let inner = self.bn2.forward(&self.conv2.forward(&inner, context), context);
        (input + inner).relu()
    }
}

#[derive(Clone, Tree)]
struct ResNet {
    stem: Conv2d,
    blocks: Vec<Block>,
    head: Linear,
}

impl Module for ResNet {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let mut image = self.stem.forward(input, context);
        for block in &self.blocks {
            image = block.forward(&image, context);
        }
        self.head.forward(&image.mean([2, 3]), context)
    }
}

fn resnet() -> ResNet {
    let [stem, head, blocks] = Key::new(3).split();
    let config =
        |input, bias| Conv2dConfig { padding: Padding::Same, bias, ..Conv2dConfig::new(input, 8, [3, 3]) };
    let block = |key: &Key| {
        let [first, second] = key.split();
        Block {
            conv1: config(8, false).init(&first),
            bn1: BatchNormConfig::new(8).init(),
            conv2: config(8, false).init(&second),
            bn2: BatchNormConfig::new(8).init(),
        }
    };
    let keys: [Key; 2] = blocks.split();
    ResNet {
        stem: config(3, true).init(&stem),
        blocks: keys.iter().map(block).collect(),
        head: LinearConfig::new(8, 5).init(&head),
    }
}

#[test]
fn an_mlp_of_pytorch_gives_the_same_output() {
    assert_same_output("mlp", &mlp(0));
}

#[test]
fn a_resnet_of_pytorch_gives_the_same_output() {
    assert_same_output("resnet", &resnet());
}

#[derive(Clone, Tree)]
struct Sequences {
    lstm: Lstm,
    head: Linear,
}

impl Module for Sequences {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let states = self.lstm.forward(input, context);
        self.head.forward(&states, context)
    }
}

#[derive(Clone, Tree)]
struct Encoder {
    layer: TransformerEncoderLayer,
    head: Linear,
}

impl Module for Encoder {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let encoded = self.layer.forward(input, context);
        self.head.forward(&encoded, context)
    }
}

#[test]
fn an_lstm_of_pytorch_gives_the_same_output() {
    let [lstm, head] = Key::new(4).split();
    let config = LstmConfig { layers: 2, bidirectional: true, ..LstmConfig::new(5, 6) };
    let model = Sequences { lstm: config.init(&lstm), head: LinearConfig::new(12, 3).init(&head) };
    assert_same_output("lstm", &model);
}

#[test]
fn a_transformer_layer_of_pytorch_gives_the_same_output() {
    let [layer, head] = Key::new(5).split();
    let config = TransformerLayerConfig { feed_forward: 16, ..TransformerLayerConfig::new(8, 2) };
    let model = Encoder { layer: config.encoder_layer(&layer), head: LinearConfig::new(8, 3).init(&head) };
    assert_same_output("encoder", &model);
}

#[test]
fn every_format_that_is_written_is_read_back() {
    let folder = folder("weights-round-trip");
    let model = mlp(1);
    let index = folder.join("model.safetensors.index.json");
    weights::save(&model, folder.join("a.safetensors")).unwrap();
    weights::save(&model, folder.join("b.npz")).unwrap();
    weights::save_sharded(&model, &index, 400).unwrap();
    assert!(folder.join("model-00002-of-00002.safetensors").exists());
    for file in [folder.join("a.safetensors"), folder.join("b.npz"), index] {
        let (loaded, report) = weights::load_into(&mlp(2), &file, &LoadOptions::default()).unwrap();
        for (loaded, saved) in loaded.leaves().iter().zip(model.leaves()) {
            assert_eq!(loaded.to_vec::<f32>(), saved.to_vec::<f32>());
        }
        assert_eq!(report.loaded, ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]);
        assert_eq!(weights::load(&file).unwrap()["output.weight"].shape().to_vec(), [4, 16]);
    }
    let halves = cast_floats(&model, DType::BF16);
    let message = weights::save(&halves, folder.join("c.npz")).unwrap_err().to_string();
    assert!(message.contains("BF16"), "{message}");
}

#[test]
fn types_are_converted_unless_forbidden() {
    let folder = folder("weights-types");
    let file = folder.join("half.safetensors");
    weights::save(&cast_floats(&mlp(1), DType::F16), &file).unwrap();
    let (loaded, report) = weights::load_into(&mlp(2), &file, &LoadOptions::default()).unwrap();
    assert_eq!(loaded.output.weight.dtype(), DType::F32);
    assert_eq!(report.converted.len(), 4);
    assert_eq!(report.converted[0], "hidden.weight: f16 to f32");
    let exact = LoadOptions { convert: false, ..LoadOptions::default() };
    let Err(LoadError::Mismatch(mismatch)) = weights::load_into(&mlp(2), &file, &exact) else {
        panic!("types must differ");
    };
    assert_eq!(mismatch.different[1], "hidden.bias: expected f32 [16], found f16 [16]");
}

#[test]
fn what_does_not_fit_is_listed() {
    let model = resnet();
    let Err(error) = weights::load_into(&model, path("mlp.pth"), &LoadOptions::default()) else {
        panic!("another model was loaded");
    };
    let message = error.to_string();
    for part in ["24 missing", "stem.weight (f32 [8, 3, 3, 3])", "4 unexpected: hidden.bias"] {
        assert!(message.contains(part), "{message}");
    }

    let lenient = LoadOptions {
        strict: false,
        rename: vec![("output.**".to_string(), "head.**".to_string())],
        ..LoadOptions::default()
    };
    let (loaded, report) = weights::load_into(&model, path("mlp.pth"), &lenient).unwrap();
    assert!(report.loaded.is_empty());
    assert_eq!(report.different[0], "head.weight: expected f32 [5, 8], found f32 [4, 16]");
    assert_eq!(report.unexpected, ["hidden.bias", "hidden.weight"]);
    assert_eq!(loaded.head.weight.to_vec::<f32>(), model.head.weight.to_vec::<f32>());
    let (_, report) = weights::load_into(&model, path("resnet.pth"), &LoadOptions::default()).unwrap();
    assert_eq!(report.ignored.len(), 4);
    assert_eq!(report.ignored[0], "blocks.0.bn1.num_batches_tracked");

    let meeting =
        LoadOptions { rename: vec![("*.**".to_string(), "x.**".to_string())], ..LoadOptions::default() };
    let message = weights::load_into(&model, path("mlp.pth"), &meeting).map(drop).unwrap_err().to_string();
    assert!(message.contains("hidden.bias and output.bias both become x.bias"), "{message}");
}

#[test]
fn other_files_are_refused() {
    let folder = folder("weights-other");
    let file = folder.join("text");
    std::fs::write(&file, "no weights").unwrap();
    let message = weights::load(&file).unwrap_err().to_string();
    assert!(message.contains("expected safetensors, its index, PyTorch, GGUF or npz"), "{message}");
    std::fs::write(&file, "").unwrap();
    assert!(weights::load(&file).is_err());
}
