//! The command driven as a process, as users and scripts drive it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bolete-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the temporary folder can be written");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bolete(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bolete"));
    command.args(arguments).env_remove("BOLETE_TRACE").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    bolete(arguments).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

/// Asserts a failure of status `code` told in one line of errors that holds all of `parts`.
fn assert_fails(output: &Output, code: i32, parts: &[&str]) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert_eq!(errors.lines().count(), 1, "not one line: {errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(!errors.contains("bug in bolete"), "{errors}");
    for part in parts {
        assert!(errors.contains(part), "'{part}' is missing in: {errors}");
    }
}

/// A small trained run, made once per test binary.
fn small_run(folder: &Folder) -> PathBuf {
    let run = folder.file("run");
    let output = bolete(&[
        "train",
        "digits",
        "--set",
        "train_size=2000",
        "--set",
        "test_size=300",
        "--set",
        "trainer.epochs=2",
    ])
    .args(["--set", "optimizer.lr=0.003", "--run", utf8(&run)])
    .output()
    .expect("the command starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(
        said.contains("test accuracy") && said.contains("taken for") && said.contains("epoch 2/2"),
        "{said}"
    );
    assert!(said.contains('█'), "no digits are drawn: {said}");
    run
}

#[test]
fn trains_tests_and_reads() {
    let folder = Folder::new("train");
    let run = small_run(&folder);
    for name in ["config.json", "metrics.jsonl", "model.safetensors"] {
        assert!(run.join(name).is_file(), "{name} is missing");
    }
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics are text");
    let lines: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let last = lines.iter().rfind(|line| line["event"] == "epoch").expect("epochs are recorded");
    let accuracy = last["test"]["accuracy"].as_f64().expect("test accuracy is recorded");
    assert!(accuracy > 0.5, "two epochs on 2,000 digits give more than {accuracy}");

    let eval = run_eval(&run, &["--test-size", "200"]);
    assert!(eval.contains("200 digits drawn by this program") && eval.contains("test accuracy"), "{eval}");

    // A bar, dark on light and light on dark, of different sizes; also on gray, where only the contrast tells.
    let bars = [
        ("dark.png", 100usize, 240u8, 20u8),
        ("light.png", 37, 10, 250),
        ("light-on-gray.png", 60, 150, 255),
        ("dark-on-gray.png", 60, 110, 5),
    ];
    for (name, side, paper, ink) in bars {
        let file = folder.file(name);
        bar(&file, side, paper, ink);
        let output =
            bolete(&["predict", "--run", utf8(&run), utf8(&file)]).output().expect("the command starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("1 ("), "a bar is read as {}", text(&output.stdout));
    }
}

fn run_eval(run: &Path, more: &[&str]) -> String {
    let output = bolete(&["eval", "--run", utf8(run)]).args(more).output().expect("the command starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// A picture with an upright bar.
fn bar(file: &Path, side: usize, paper: u8, ink: u8) {
    let pixels = (0..side * side)
        .map(|index| {
            let (x, y) = (index % side, index / side);
            let inside =
                (side * 45 / 100..side * 55 / 100).contains(&x) && (side / 5..side * 4 / 5).contains(&y);
            if inside { ink } else { paper }
        })
        .collect();
    let picture = bolete::formats::picture::Picture::new(side, side, 1, pixels).expect("the sizes fit");
    picture.write_png(file).expect("the picture can be written");
}

#[test]
fn the_same_seed_gives_the_same_weights_on_any_number_of_threads() {
    let folder = Folder::new("threads");
    let weights: Vec<Vec<u8>> = ["1", "2", "5"]
        .iter()
        .map(|threads| {
            let run = folder.file(threads);
            let output = bolete(&[
                "train",
                "digits",
                "--set",
                "train_size=640",
                "--set",
                "test_size=50",
                "--set",
                "trainer.epochs=1",
            ])
            .args(["--seed", "7", "--threads", threads, "--run", utf8(&run)])
            .output()
            .expect("the command starts");
            assert!(output.status.success(), "{}", text(&output.stderr));
            fs::read(run.join("model.safetensors")).expect("weights are saved")
        })
        .collect();
    assert!(
        weights[0] == weights[1] && weights[1] == weights[2],
        "weights differ between numbers of threads"
    );
}

#[test]
fn help_list_and_describe() {
    for command in ["train", "eval", "predict", "list", "describe", "lecture", "sweep", "runs", "report"] {
        let output = run(&[command, "--help"]);
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("Examples:"), "{command}");
    }
    assert!(text(&run(&["--help"]).stdout).contains("Examples:"));
    let output = run(&["list"]);
    assert!(text(&output.stdout).contains("digits  "));
    assert!(text(&run(&["--version"]).stdout).starts_with("bolete "));
    let described = text(&run(&["describe", "digits", "--set", "hidden=50"]).stdout);
    for part in
        ["Expected:", "Linear 1568 → 50", "optimizer.lr = 0.002", "hidden = 50", "Units of the hidden layer"]
    {
        assert!(described.contains(part), "'{part}' is missing in {described}");
    }
}

#[test]
fn mistakes_on_the_command_line() {
    let set = |assignment: &str| run(&["train", "digits", "--set", assignment]);
    assert_fails(&run(&["train", "digit"]), 1, &["'digit'", "'digits'"]);
    assert_fails(&run(&["train", "digits", "--sett", "seed=3"]), 2, &["--sett", "--set"]);
    assert_fails(&set("trainer.eposch=3"), 1, &["--set", "`trainer.eposch`", "`trainer.epochs`"]);
    assert_fails(&set("trainer.epochs=none"), 1, &["`trainer.epochs`", "whole number"]);
    assert_fails(&set("batch_size=0"), 1, &["`batch_size`", "from 1", "found 0"]);
    assert_fails(&set("optimizer.lr=-1"), 1, &["`optimizer.lr`", "above 0", "-1"]);
    assert_fails(&set("optimizer.kind=adamm"), 1, &["`optimizer.kind`", "adamw", "adamm"]);
    assert_fails(&set("channels=[1,2,3]"), 1, &["`channels`", "2 of them"]);
    assert_fails(&set("optimizer=3"), 1, &["`optimizer`", "a table"]);
    assert_fails(&set("batch_size"), 1, &["KEY=VALUE", "batch_size"]);
    assert_fails(&set("train_size=99999999999999"), 1, &["`train_size`", "to 1000000"]);
    assert_fails(&set("trainer.epochs=18446744073709551615"), 1, &["`trainer.epochs`"]);
    assert_fails(&run(&["predict", "x.png"]), 2, &["--run"]);
    assert_fails(&run(&["train", "digits", "--threads", "100000"]), 2, &["--threads", "at most"]);
    assert_fails(&run(&["train", "digits", "--resume", "somewhere"]), 2, &["--resume"]);
    assert_fails(&run(&["train", "--resume", "nowhere"]), 1, &["nowhere", "nothing there"]);
    assert_fails(&run(&["lecture", "99"]), 1, &["99", "1, "]);
}

#[test]
fn values_come_from_files_the_environment_and_assignments() {
    let folder = Folder::new("values");
    let file = folder.file("mine.toml");
    fs::write(&file, "hidden = 20\nbatch_size = 32\n\n[optimizer]\nlr = 1e-2\n").expect("written");
    let output = bolete(&["describe", "digits", "--config", utf8(&file), "--set", "batch_size=16"])
        .env("BOLETE_SET", "optimizer.lr=0.5; batch_size=8")
        .output()
        .expect("the command starts");
    let said = text(&output.stdout);
    for part in ["hidden = 20 ", "optimizer.lr = 0.5 ", "batch_size = 16 "] {
        assert!(said.contains(part), "'{part}' is missing in {said}");
    }
    fs::write(&file, "hidden = 20\n[optimizer]\nrate = 1\n").expect("written");
    let describe = || run(&["describe", "digits", "--config", utf8(&file)]);
    assert_fails(&describe(), 1, &["mine.toml", "`optimizer.rate`"]);
    fs::write(&file, "hidden = = 20\n").expect("written");
    assert_fails(&describe(), 1, &["mine.toml", "not a TOML file", "line 1"]);
    fs::remove_file(&file).expect("ours");
    assert_fails(&describe(), 1, &["mine.toml", "cannot be read"]);
    let output = bolete(&["describe", "digits"]).env("BOLETE_SET", "hiden=3").output().expect("starts");
    assert_fails(&output, 1, &["BOLETE_SET", "`hiden`", "`hidden`"]);
}

/// Writes the four files of a data set of `count` blank 28×28 pictures with label `label`.
fn idx_files(folder: &Path, count: usize, label: u8) {
    use bolete::formats::idx::{IdxArray, write};
    for part in ["train", "t10k"] {
        let images =
            IdxArray::from_values(vec![count, 28, 28], &vec![0u8; count * 784]).expect("the sizes fit");
        let labels = IdxArray::from_values(vec![count], &vec![label; count]).expect("the sizes fit");
        write(folder.join(format!("{part}-images-idx3-ubyte")), &images).expect("the file can be written");
        write(folder.join(format!("{part}-labels-idx1-ubyte")), &labels).expect("the file can be written");
    }
}

#[test]
fn bad_idx_files() {
    let folder = Folder::new("idx");
    let data = folder.file("data");
    let train = || run(&["train", "digits", "--data", utf8(&data), "--run", utf8(&folder.file("run"))]);
    let images = data.join("train-images-idx3-ubyte");

    assert_fails(&train(), 1, &["data"]);
    fs::create_dir(&data).expect("the folder can be made");
    assert_fails(&train(), 1, &["data", "train-images"]);

    idx_files(&data, 20, 3);
    let whole = fs::read(&images).expect("just written");
    fs::write(&images, &whole[..whole.len() - 5]).expect("the file can be written");
    assert_fails(&train(), 1, &["train-images-idx3-ubyte"]);
    fs::write(&images, [&whole[..], b"more"].concat()).expect("the file can be written");
    assert_fails(&train(), 1, &["train-images-idx3-ubyte"]);
    fs::write(&images, [b"\x89PNG", &whole[4..]].concat()).expect("the file can be written");
    assert_fails(&train(), 1, &["train-images-idx3-ubyte"]);
    fs::write(&images, b"").expect("the file can be written");
    assert_fails(&train(), 1, &["train-images-idx3-ubyte"]);

    idx_files(&data, 20, 12);
    assert_fails(&train(), 1, &["12", "labels"]);

    idx_files(&data, 20, 3);
    let fewer = fs::read(&images).expect("just written");
    idx_files(&data, 19, 3);
    fs::write(&images, &fewer).expect("the file can be written");
    assert_fails(&train(), 1, &["19", "20"]);
    assert!(!folder.file("run").exists(), "a run folder was made although there was nothing to train on");
}

#[test]
fn bad_runs_and_pictures() {
    let folder = Folder::new("runs");
    let picture = folder.file("one.png");
    bar(&picture, 50, 255, 0);
    let predict = |run: &Path, file: &Path| {
        bolete(&["predict", "--run", utf8(run), utf8(file)]).output().expect("starts")
    };

    assert_fails(&predict(&folder.file("nowhere"), &picture), 1, &["nowhere"]);
    let empty = folder.file("empty");
    fs::create_dir(&empty).expect("the folder can be made");
    assert_fails(&predict(&empty, &picture), 1, &["empty", "config.json"]);

    let run = small_run(&folder);
    assert_fails(&predict(&run, &folder.file("missing.png")), 1, &["missing.png"]);
    let garbage = folder.file("garbage.png");
    fs::write(&garbage, b"\x89PNG\r\n\x1a\nnot a picture").expect("the file can be written");
    assert_fails(&predict(&run, &garbage), 1, &["garbage.png"]);
    let blank = folder.file("blank.png");
    bar(&blank, 50, 255, 255);
    assert_fails(&predict(&run, &blank), 1, &["blank.png", "contrast"]);
    // A bad picture does not keep the good one from being read.
    let both =
        bolete(&["predict", "--run", utf8(&run), utf8(&garbage), utf8(&picture)]).output().expect("starts");
    assert_fails(&both, 1, &["garbage.png"]);
    assert!(text(&both.stdout).contains("one.png"));

    // Weights of another network, damaged weights, a damaged configuration.
    let model = run.join("model.safetensors");
    let sound = fs::read(&model).expect("weights are saved");
    let foreign = bolete::formats::safetensors::Entry {
        name: "elsewhere.weight".to_string(),
        dtype: bolete::formats::safetensors::SafeDtype::F32,
        shape: vec![2],
        bytes: vec![0u8; 8],
    };
    bolete::formats::safetensors::write(&model, &[foreign], &Default::default())
        .expect("the file can be written");
    assert_fails(&predict(&run, &picture), 1, &["model.safetensors", "missing", "elsewhere.weight"]);
    fs::write(&model, &sound[..sound.len() / 2]).expect("the file can be written");
    assert_fails(&predict(&run, &picture), 1, &["model.safetensors"]);
    fs::write(run.join("config.json"), b"{\"recipe\": \"digits\", \"config\": {\"hiden\": 3}}")
        .expect("the file can be written");
    assert_fails(&predict(&run, &picture), 1, &["config.json"]);
}

#[test]
fn places_that_cannot_be_written() {
    let folder = Folder::new("places");
    let train = |run: &str| {
        bolete(&[
            "train",
            "digits",
            "--set",
            "train_size=100",
            "--set",
            "test_size=10",
            "--set",
            "trainer.epochs=1",
            "--run",
            run,
        ])
        .output()
        .expect("the command starts")
    };
    let file = folder.file("file");
    fs::write(&file, b"mine").expect("the file can be written");
    assert_fails(&train(utf8(&file)), 1, &["file"]);
    assert_eq!(fs::read(&file).expect("still there"), b"mine");
    assert_fails(&train(utf8(&file.join("below"))), 1, &["below"]);
    let occupied = folder.file("occupied");
    fs::create_dir(&occupied).expect("the folder can be made");
    fs::write(occupied.join("notes.txt"), b"mine").expect("the file can be written");
    assert_fails(&train(utf8(&occupied)), 1, &["occupied"]);
    if cfg!(target_os = "linux") {
        assert_fails(&train("/proc/bolete"), 1, &["/proc/bolete"]);
        // A trace that cannot be written is told before anything is done.
        let trace =
            bolete(&["list"]).env("BOLETE_TRACE", "/proc/trace.json").output().expect("the command starts");
        assert_fails(&trace, 1, &["BOLETE_TRACE", "/proc/trace.json"]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let folder = Folder::new("full");
    let out = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has a full device");
    let output = bolete(&["list"]).stdout(out).stderr(Stdio::piped()).output().expect("the command starts");
    assert_fails(&output, 1, &["space"]);
    // An error that cannot be told is still an error, and no panic.
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has a full device");
    let nowhere = folder.file("nowhere");
    let status =
        bolete(&["eval", "--run", utf8(&nowhere)]).stderr(full()).status().expect("the command starts");
    assert_eq!(status.code(), Some(1));
    let status = bolete(&["train", "digit"]).stderr(full()).status().expect("the command starts");
    assert_eq!(status.code(), Some(1));
    let status = bolete(&["trane"]).stderr(full()).status().expect("the command starts");
    assert_eq!(status.code(), Some(2));

    // No file may grow past 8 blocks: the weights do not fit. What was there before is all there is.
    let run = folder.file("run");
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_bolete")])
        .args([
            "train",
            "digits",
            "--set",
            "train_size=200",
            "--set",
            "test_size=10",
            "--set",
            "trainer.epochs=1",
            "--run",
            utf8(&run),
        ])
        .output()
        .expect("sh starts");
    assert_fails(&output, 1, &["step-000000000.safetensors", "cannot be written"]);
    assert_eq!(text(&output.stderr).matches("os error").count(), 1, "the reason is told once");
    assert_eq!(
        fs::read_dir(run.join("checkpoints")).expect("it was made").count(),
        0,
        "a part of a file is left"
    );
    let mut names: Vec<_> = fs::read_dir(&run)
        .expect("the run folder is there")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    names.retain(|name| !name.to_string_lossy().starts_with("events.out.tfevents"));
    names.sort();
    assert_eq!(names, ["checkpoints", "config.json", "environment.json", "findings.json", "lock"]);
}

#[test]
fn a_loss_that_is_not_finite_stops_the_training() {
    let folder = Folder::new("nan");
    let run = folder.file("run");
    let output = bolete(&[
        "train",
        "digits",
        "--set",
        "train_size=2000",
        "--set",
        "test_size=50",
        "--set",
        "trainer.epochs=3",
    ])
    .args(["--set", "optimizer.lr=1e30", "--run", utf8(&run)])
    .output()
    .expect("the command starts");
    assert_fails(&output, 1, &["NaN or infinite at step", "step-000000000.safetensors"]);
    // The weights that were saved can be used.
    run_eval(&run, &["--test-size", "20"]);
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics are text");
    assert!(metrics.lines().last().is_some_and(|line| line.contains("not_finite")), "{metrics}");

    // Which operation it was, and on which line.
    let run = folder.file("debug");
    let output =
        bolete(&["train", "digits", "--set", "train_size=400", "--set", "test_size=50", "--debug-nans"])
            .args(["--set", "optimizer.lr=1e30", "--run", utf8(&run)])
            .output()
            .expect("the command starts");
    assert_fails(&output, 1, &["NaN or infinite at step", ".rs:", "conv2d"]);

    // The very last update may be the one that goes wrong.
    let run = folder.file("last");
    let output = bolete(&[
        "train",
        "digits",
        "--set",
        "train_size=64",
        "--set",
        "test_size=50",
        "--set",
        "trainer.epochs=1",
    ])
    .args(["--set", "optimizer.lr=1e38", "--run", utf8(&run)])
    .output()
    .expect("the command starts");
    assert_fails(&output, 1, &["NaN or infinite at step 1", "checkpoint of step 0"]);
    run_eval(&run, &["--test-size", "20"]);
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_exits_130() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new("interrupt");
    let run = folder.file("run");
    let mut child = bolete(&[
        "train",
        "digits",
        "--set",
        "train_size=20000",
        "--set",
        "test_size=50",
        "--set",
        "trainer.epochs=50",
    ])
    .args(["--run", utf8(&run)])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let begun = lines.any(|line| line.is_ok_and(|line| line.starts_with("epoch 1/50")));
    assert!(begun, "no progress is shown");
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill exists");
    assert!(kill.success());
    let rest: String = lines.map_while(Result::ok).collect();
    let status = child.wait().expect("the command ends");
    assert_eq!(status.code(), Some(130));
    assert!(rest.contains("interrupted after step") && rest.contains("--resume"), "{rest}");
    run_eval(&run, &["--test-size", "20"]);
}

#[test]
fn a_trace_is_json() {
    let folder = Folder::new("trace");
    let trace = folder.file("trace.json");
    let output = bolete(&[
        "train",
        "digits",
        "--set",
        "train_size=200",
        "--set",
        "test_size=10",
        "--set",
        "trainer.epochs=1",
    ])
    .args(["--run", utf8(&folder.file("run"))])
    .env("BOLETE_TRACE", &trace)
    .output()
    .expect("the command starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let events: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(&trace).expect("a trace is written")).expect("it is JSON");
    assert!(events.iter().any(|event| event["name"].as_str().is_some_and(|name| name.starts_with("conv2d"))));
    assert!(events.iter().all(|event| event["ph"] == "X" && event["dur"].as_f64().is_some()));
}

#[test]
fn mnist_when_it_is_there() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("BOLETE_DATA").map_or(beside, PathBuf::from).join("mnist");
    if !data.is_dir() {
        println!("skipped: {} is not there; set BOLETE_DATA to a folder that holds mnist/", data.display());
        return;
    }
    let folder = Folder::new("mnist");
    let run = folder.file("run");
    let output = bolete(&[
        "train",
        "digits",
        "--data",
        utf8(&data),
        "--set",
        "train_size=6000",
        "--set",
        "trainer.epochs=2",
    ])
    .args(["--run", utf8(&run)])
    .output()
    .expect("the command starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = run_eval(&run, &["--data", utf8(&data)]);
    let accuracy: f64 = said
        .split_once("test accuracy ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .and_then(|(number, _)| number.parse().ok())
        .expect("the accuracy is printed");
    assert!(accuracy > 95.0, "6,000 digits seen twice give {accuracy} %");
}
