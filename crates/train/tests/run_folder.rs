//! Run folders and checkpoints: what they refuse, and that nothing is half-written.

use std::fs;
use std::path::PathBuf;

use bolete_nn::{BatchNormConfig, Linear, LinearConfig};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Tensor, Tree};
use bolete_train::{LoadError, RunError, RunFolder, checkpoint};
use serde_json::json;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bolete-train-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the temporary folder can be written");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn layer(seed: u64) -> Linear {
    LinearConfig::new(3, 2).init(&Key::new(seed))
}

#[test]
fn a_run_is_found_again() {
    let folder = Folder::new("again");
    let first =
        RunFolder::create_numbered(&folder.0, "line", &json!({ "seed": u64::MAX })).expect("a new run");
    assert_eq!(first.path(), folder.0.join("line-1"));
    fs::create_dir(folder.0.join("line-7")).expect("the folder can be made");
    let second = RunFolder::create_numbered(&folder.0, "line", &json!({})).expect("a new run");
    assert_eq!(second.path(), folder.0.join("line-8"), "numbers tell the order");

    assert!(
        matches!(RunFolder::open(first.path()), Err(RunError::NotARun { .. })),
        "there are no weights yet"
    );
    first.save_model(&layer(0), &Default::default()).expect("the weights can be written");
    let opened = RunFolder::open(first.path()).expect("the run is whole");
    assert_eq!(opened.recipe(), "line");
    assert_eq!(opened.config::<serde_json::Value>().expect("just written")["seed"], json!(u64::MAX));
    let loaded = opened.load_model(&layer(1)).expect("the weights fit");
    assert_eq!(loaded.weight.to_vec::<f32>(), layer(0).weight.to_vec::<f32>());
}

#[test]
fn what_is_there_is_left_alone() {
    let folder = Folder::new("occupied");
    let file = folder.0.join("file");
    fs::write(&file, "mine").expect("the file can be written");
    let error = RunFolder::create(&file, "line", &json!({})).expect_err("a file is in the way");
    assert!(error.to_string().contains("a file of that name"), "{error}");
    let run = folder.0.join("run");
    RunFolder::create(&run, "line", &json!({ "seed": 1 })).expect("a new run");
    let before = fs::read(run.join("config.json")).expect("just written");
    let error = RunFolder::create(&run, "line", &json!({ "seed": 2 })).expect_err("a run is in the way");
    assert!(error.to_string().contains("another run"), "{error}");
    assert_eq!(fs::read(run.join("config.json")).expect("still there"), before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let folder = Folder::new("full");
    let run = RunFolder::create(folder.0.join("run"), "line", &json!({})).expect("a new run");
    run.append_metrics(&json!({ "step": 1 })).expect("the line can be written");
    assert_eq!(fs::read_to_string(run.metrics_path()).expect("just written"), "{\"step\":1}\n");
    fs::remove_file(run.metrics_path()).expect("the file can be removed");
    std::os::unix::fs::symlink("/dev/full", run.metrics_path()).expect("links can be made");
    let error = run.append_metrics(&json!({ "step": 2 })).expect_err("the device is full");
    assert!(error.to_string().contains("metrics.jsonl") && error.to_string().contains("space"), "{error}");
    std::os::unix::fs::symlink("/dev/full", run.model_path()).expect("links can be made");
    let error = run.save_model(&layer(0), &Default::default()).expect_err("the device is full");
    assert!(error.to_string().contains("model.safetensors"), "{error}");
}

#[test]
fn all_differences_are_told_at_once() {
    #[derive(Clone, Tree)]
    struct Saved {
        same: Linear,
        gone: Linear,
        other: Linear,
    }
    #[derive(Clone, Tree)]
    struct Expected {
        same: Linear,
        other: Linear,
        more: bolete_nn::BatchNorm,
    }
    let folder = Folder::new("mismatch");
    let path = folder.0.join("weights.safetensors");
    let wide = LinearConfig { bias: false, ..LinearConfig::new(4, 2) }.init(&Key::new(0));
    let saved = Saved { same: layer(0), gone: layer(1), other: wide };
    checkpoint::save(&path, &saved, &Default::default()).expect("the weights can be written");
    let expected = Expected { same: layer(3), other: layer(4), more: BatchNormConfig::new(5).init() };
    let Err(LoadError::Mismatch(mismatch)) = checkpoint::load(&path, &expected) else {
        panic!("another model was loaded");
    };
    let paths = |entries: &[String]| -> Vec<String> {
        entries.iter().map(|entry| entry.split([' ', ':']).next().unwrap_or_default().to_owned()).collect()
    };
    assert!(paths(&mismatch.missing).contains(&"other.bias".to_owned()));
    assert!(paths(&mismatch.missing).contains(&"more.running_mean".to_owned()));
    assert_eq!(paths(&mismatch.unexpected), ["gone.bias", "gone.weight"]);
    assert_eq!(paths(&mismatch.different), ["other.weight"]);
    let message = mismatch.to_string();
    assert!(
        !message.contains('\n') && message.contains("expected f32 [2, 3], found F32 [2, 4]"),
        "{message}"
    );
}

#[test]
fn every_type_survives() {
    let folder = Folder::new("types");
    let path = folder.0.join("all.safetensors");
    let numbers = Tensor::from([0.0f64, 1.0, 2.0, 100.0]);
    let tree: Vec<Tensor> = DType::ALL.iter().map(|dtype| numbers.cast(*dtype).reshape([2, 2])).collect();
    let tree: Vec<Tensor> =
        tree.into_iter().chain([Tensor::zeros([0, 3], DType::F32), Tensor::from(7i64)]).collect();
    checkpoint::save(&path, &tree, &[("key".to_owned(), "value".to_owned())].into())
        .expect("all types are known");
    let like: Vec<Tensor> = tree.iter().map(Tensor::zeros_like).collect();
    let (loaded, metadata) = checkpoint::load_with_metadata(&path, &like).expect("the form is the same");
    assert_eq!(metadata["key"], "value");
    for (loaded, saved) in loaded.leaves().iter().zip(&tree) {
        assert_eq!((loaded.shape(), loaded.dtype()), (saved.shape(), saved.dtype()));
        assert_eq!(loaded.to_bytes(), saved.to_bytes());
    }
}
