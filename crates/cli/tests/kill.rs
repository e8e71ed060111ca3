//! Killing a run at any moment: every resume ends with the weights of the run that was left alone.
//!
//! `BOLETE_KILLS=100 cargo test --release -p bolete-cli --test kill` kills at that many random moments.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bolete::data::Randomness;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A run with many checkpoints and evaluations, and gradients that are accumulated over its epochs' ends.
fn train(run: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bolete"));
    command.args(["train", "digits", "--setting", "smoke", "--plain", "--run"]).arg(run);
    for value in [
        "train_size=900",
        "batch_size=16",
        "channels=[4,4]",
        "hidden=16",
        "trainer.epochs=4",
        "trainer.accumulate=3",
        "trainer.checkpoint_every=2",
        "trainer.evaluate_every=7",
        "trainer.report_every=3",
    ] {
        command.args(["--set", value]);
    }
    quiet(command)
}

fn resume(run: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bolete"));
    command.args(["train", "--plain", "--resume"]).arg(run);
    quiet(command)
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).env_remove("BOLETE_TRACE");
    command
}

/// What must not depend on how often a run was killed: weights, and the metrics but for times.
fn outcome(run: &Path) -> (Vec<u8>, Vec<u8>, Vec<serde_json::Value>) {
    let read = |name: &str| fs::read(run.join(name)).expect("a complete run has it");
    let metrics = String::from_utf8(read("metrics.jsonl")).expect("metrics are text");
    let lines = metrics.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("each line is whole");
        for time in ["seconds", "seconds_left", "items_per_second", "waiting"] {
            line.as_object_mut().expect("an object").remove(time);
        }
        line
    });
    (read("model.safetensors"), read("best.safetensors"), lines.collect())
}

#[test]
fn a_run_that_is_killed_at_any_moment_ends_the_same() {
    let kills: u64 = std::env::var("BOLETE_KILLS").map_or(6, |text| text.parse().expect("a number"));
    let folder = Folder(std::env::temp_dir().join(format!("bolete-kill-{}", std::process::id())));
    let _ = fs::remove_dir_all(&folder.0);
    let whole = folder.0.join("whole");
    let begin = std::time::Instant::now();
    let output = train(&whole).output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let length = begin.elapsed().as_secs_f32();
    let expected = outcome(&whole);

    let (mut killed, mut run_number) = (0, 0);
    while killed < kills {
        run_number += 1;
        let run = folder.0.join(format!("killed-{run_number}"));
        let mut command = train(&run);
        for attempt in 0.. {
            let mut child = command.spawn().expect("the command starts");
            let moment = Randomness::keyed(&[run_number, attempt]).between(0.0, length);
            let is_last = killed == kills;
            if !is_last {
                std::thread::sleep(Duration::from_secs_f32(moment));
                // SIGKILL: no handler runs, nothing is flushed.
                child.kill().expect("it can be killed");
            }
            let output = child.wait_with_output().expect("it ends");
            if output.status.success() {
                break;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code().is_none(), "it failed by itself: {said}");
            killed += 1;
            // Killed before there was a configuration, it begins anew.
            command = if run.join("config.json").is_file() { resume(&run) } else { train(&run) };
        }
        assert_eq!(outcome(&run).2, expected.2, "the record of run {run_number}");
        assert!(
            outcome(&run) == expected,
            "run {run_number}, killed at moments of the seed, has other weights"
        );
    }
}
