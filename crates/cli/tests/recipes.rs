//! Every recipe at its smoke setting, the page of every lecture, and what is made of runs afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bolete-recipes-{name}-{}", std::process::id()));
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

fn bolete(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bolete"));
    command.args(arguments).current_dir(folder).env_remove("BOLETE_TRACE").stdin(Stdio::null());
    command.output().expect("the command starts")
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = bolete(folder, arguments);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {errors}{said}");
    assert_eq!(errors, "", "{arguments:?} complains");
    said.into_owned()
}

/// The names of all recipes.
fn names(folder: &Path) -> Vec<String> {
    let list = succeeds(folder, &["list"]);
    let lines = list.lines().filter(|line| line.starts_with("  "));
    lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Opens a page in headless Chromium, if there is one: its title and anything that a script complains of.
fn opens_without_errors(folder: &Path, page: &Path) {
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let browser = browsers.iter().find(|name| {
        Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    });
    let Some(browser) = browser else {
        println!("skipped: no Chromium on the path, so {} was not opened", page.display());
        return;
    };
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("<h1>"), "{}: the browser shows nothing: {log}", page.display());
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{}: {complaints:?}", page.display());
}

#[test]
fn every_recipe_runs_and_leaves_a_report() {
    let folder = Folder::new("all");
    for name in names(&folder.0) {
        let run = format!("run-{name}");
        succeeds(&folder.0, &["train", &name, "--setting", "smoke", "--plain", "--run", &run]);
        let run = folder.0.join(run);
        let page = fs::read_to_string(run.join("report.html")).expect("there is a report");
        assert!(page.contains("<h2") && !page.contains("cannot be read"), "{name}: a part is missing");
        assert!(
            !page.contains("http://") || !page.contains("src=\"http"),
            "{name}: the page needs a network"
        );
        let findings: serde_json::Value =
            serde_json::from_slice(&fs::read(run.join("findings.json")).expect("something was found"))
                .expect("JSON");
        assert!(findings.as_array().is_some_and(|parts| !parts.is_empty()), "{name} found nothing");
        succeeds(&folder.0, &["describe", &name]);
    }
    let runs = succeeds(&folder.0, &["runs", "--in", "."]);
    assert!(runs.contains("run-digits") && runs.contains("complete"), "{runs}");
}

#[test]
fn lectures_are_pages() {
    let folder = Folder::new("lectures");
    for number in ["1", "2", "3", "4"] {
        let run = format!("lecture-{number}");
        let said = succeeds(&folder.0, &["lecture", number, "--setting", "smoke", "--run", &run]);
        let page = folder.0.join(run).join("index.html");
        assert!(said.contains("index.html") && page.is_file(), "{said}");
        opens_without_errors(&folder.0, &page.canonicalize().expect("it is there"));
    }
}

#[test]
fn a_run_is_resumed_and_compared() {
    let folder = Folder::new("resumed");
    let train = |run: &str, more: &[&str]| {
        let mut arguments = vec!["train", "digits", "--setting", "smoke", "--plain", "--run", run];
        arguments.extend(more);
        succeeds(&folder.0, &arguments)
    };
    train("one", &[]);
    train("two", &["--set", "optimizer.lr=1e-4"]);
    // A complete run has nothing left to do, and says the same again.
    let again = succeeds(&folder.0, &["train", "--resume", "one", "--plain"]);
    assert!(again.contains("going on after step"), "{again}");
    for name in ["metrics.csv", "model.safetensors", "best.safetensors", "environment.json"] {
        assert!(folder.0.join("one").join(name).is_file(), "{name} is missing");
    }
    let csv = fs::read_to_string(folder.0.join("one/metrics.csv")).expect("a table");
    assert!(csv.starts_with("step,") && csv.contains("test accuracy"), "{csv}");
    succeeds(&folder.0, &["report", "one", "two", "--out", "both.html"]);
    let page = fs::read_to_string(folder.0.join("both.html")).expect("a page");
    assert!(page.contains("optimizer.lr") && page.contains("Curves"), "the difference is missing");
    opens_without_errors(&folder.0, &folder.0.join("both.html").canonicalize().expect("it is there"));

    succeeds(&folder.0, &["runs", "tag", "good", "two"]);
    let tagged = succeeds(&folder.0, &["runs", "--in", ".", "--tag", "good"]);
    assert!(tagged.contains("two") && !tagged.contains("one"), "{tagged}");
    let none = succeeds(&folder.0, &["runs", "--in", ".", "--only", "test accuracy>1.5"]);
    assert!(none.contains("0 runs"), "{none}");
    let refused = bolete(&folder.0, &["runs", "delete", "one"]);
    assert!(!refused.status.success() && folder.0.join("one").is_dir());
    succeeds(&folder.0, &["runs", "delete", "one", "--yes"]);
    assert!(!folder.0.join("one").exists());
}

#[test]
fn a_sweep_finds_the_better_value_and_goes_on() {
    let folder = Folder::new("sweep");
    let sweep = [
        "sweep",
        "digits",
        "--setting",
        "smoke",
        "--grid",
        "optimizer.lr=choice:1e-7,3e-3",
        "batch_size=choice:20,40",
        "--parallel",
        "2",
        "--run",
        "sweep",
    ];
    let said = succeeds(&folder.0, &sweep);
    assert!(said.contains("leaderboard") && said.contains("what mattered"), "{said}");
    let best = said.lines().skip_while(|line| *line != "leaderboard").nth(2).expect("a first row");
    assert!(best.contains("3e-3") || best.contains("0.003"), "{said}");
    let page = folder.0.join("sweep/sweep.html");
    assert!(fs::read_to_string(&page).expect("a page").contains("Parallel coordinates"));
    opens_without_errors(&folder.0, &page.canonicalize().expect("it is there"));
    // All is done already.
    let again = succeeds(&folder.0, &["sweep", "--resume", "sweep"]);
    assert!(again.contains("leaderboard"), "{again}");
    for (arguments, part) in [
        (&["sweep", "digits", "--tpe", "optimizer.lrr=0..1"][..], "optimizer.lrr"),
        (&["sweep", "digits", "--tpe", "optimizer.lr=-1..1"], "above 0"),
        (&["sweep", "digits", "--tpe", "optimizer.lr"], "KEY=SPACE"),
        (&["sweep", "--resume", "nowhere"], "nowhere"),
    ] {
        let output = bolete(&folder.0, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(part), "{arguments:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_sweep_lets_its_trials_save() {
    let folder = Folder::new("interrupted-sweep");
    let mut sweep = Command::new(env!("CARGO_BIN_EXE_bolete"))
        .args([
            "sweep",
            "digits",
            "--setting",
            "smoke",
            "--random",
            "optimizer.lr=log:1e-4..1e-2",
            "--trials",
            "2",
        ])
        .args(["--set", "trainer.epochs=3000", "--no-pruning", "--run", "sweep"])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // Once the first trial has a record of its steps.
    let record = folder.0.join("sweep/trial-0/metrics.jsonl");
    let begin = std::time::Instant::now();
    while !fs::read_to_string(&record).is_ok_and(|text| text.lines().count() > 2) {
        assert!(begin.elapsed().as_secs() < 120, "no record in two minutes");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let asked = Command::new("kill").args(["-INT", &sweep.id().to_string()]).status().expect("kill exists");
    assert!(asked.success());
    assert_eq!(sweep.wait().expect("it ends").code(), Some(130));
    let log = fs::read_to_string(folder.0.join("sweep/trial-0.log")).expect("a log");
    assert!(log.contains("interrupted after step"), "the trial was not asked: {log}");
    // A trial that somebody else works on is left alone.
    let mut trial = Command::new(env!("CARGO_BIN_EXE_bolete"))
        .args(["train", "--plain", "--resume", "sweep/trial-0"])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    let output = trial.stdout.as_mut().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("it says something");
    let again = bolete(&folder.0, &["sweep", "--resume", "sweep"]);
    let errors = String::from_utf8_lossy(&again.stderr);
    assert!(!again.status.success() && errors.contains("still works on it"), "{errors}");
    trial.kill().expect("it runs");
    trial.wait().expect("it ends");
}
