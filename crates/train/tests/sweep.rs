//! Sweeps: what is proposed, what is written down, and that nothing of it is lost.

use std::fs;
use std::path::PathBuf;

use bolete_train::sweep::{
    Goal, Outcome, Pruning, Space, Strategy, Study, StudyConfig, SweepError, correlation, importance,
};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("bolete-study-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spaces(texts: &[&str]) -> Vec<Space> {
    texts.iter().map(|text| text.parse().expect("a space")).collect()
}

fn config(texts: &[&str], strategy: Strategy, trials: usize, seed: u64) -> StudyConfig {
    StudyConfig { spaces: spaces(texts), strategy, trials, seed, ..StudyConfig::default() }
}

#[test]
fn spaces_are_read_or_refused_in_one_line() {
    for text in ["lr=log:1e-4..1e-1", "a=0..1", "b=-1.5..2/4", "n=int:1..6", "c=choice:x,y", "d=int:-3..-3"] {
        text.parse::<Space>().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for (text, part) in [
        ("lr", "no `=`"),
        ("=1..2", "no key"),
        ("a=1", "no `..`"),
        ("a=2..1", "below"),
        ("a=log:0..1", "above 0"),
        ("a=x..1", "`x`"),
        ("a=int:1.5..2", "`1.5`"),
        ("a=choice:x,,y", "empty"),
        ("a=logg:1..2", "`logg`"),
        ("a=0..1/1", "at least 2"),
        ("a=nan..1", "not a number"),
    ] {
        let error = text.parse::<Space>().expect_err(text).to_string();
        assert!(error.contains(part) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn a_grid_has_every_combination_once() {
    let folder = Folder::new("grid");
    let config = config(&["a=choice:x,y,z", "b=int:2..4", "c=0.0..1.0/2"], Strategy::Grid, 100, 0);
    let mut study = Study::create(&folder.0, config).expect("a study");
    let mut seen = Vec::new();
    while let Some(trial) = study.ask().expect("written") {
        seen.push(trial.values.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(seen.len(), 18);
    assert_eq!((&seen[0][..], &seen[17][..]), ("x 2 0.0", "z 4 1.0"));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 18);
    let endless = StudyConfig { strategy: Strategy::Grid, ..self::config(&["a=0..1"], Strategy::Grid, 3, 0) };
    let error = Study::create(Folder::new("endless").0.clone(), endless).err().expect("refused");
    assert!(error.to_string().contains("`a`"), "{error}");
}

/// The best value after this many trials.
fn best(name: &str, strategy: Strategy, seed: u64, texts: &[&str], value: fn(&[f64]) -> f64) -> f64 {
    let folder = Folder::new(&format!("{name}-{strategy:?}-{seed}"));
    let mut study = Study::create(&folder.0, config(texts, strategy, 60, seed)).expect("a study");
    while let Some(trial) = study.ask().expect("written") {
        study.complete(trial.number, value(&trial.places)).expect("written");
    }
    study.leaderboard()[0].value.expect("complete")
}

#[test]
fn the_parzen_estimator_is_better_than_chance() {
    type Case = (&'static str, &'static [&'static str], fn(&[f64]) -> f64);
    let cases: [Case; 4] = [
        ("bowl", &["x=-5..5", "y=-5..5"], |place| (place[0] - 1.0).powi(2) + (place[1] + 2.0).powi(2)),
        // The place of a logarithmic space is the logarithm.
        ("rate", &["lr=log:1e-6..1", "n=int:1..40"], |place| {
            (place[0] - (3e-3f64).ln()).powi(2) + ((place[1] - 12.0) / 4.0).powi(2)
        }),
        ("choice", &["kind=choice:a,b,c,d,e,f", "x=0..1", "y=0..1"], |place| {
            (place[0] - 2.0).abs() + (place[1] - 0.3).abs() + (place[2] - 0.9).abs()
        }),
        // Rosenbrock's function: what is good for one depends on the others.
        ("together", &["a=-2..2", "b=-2..2", "c=-2..2", "d=-2..2"], |place| {
            let pair = |pair: &[f64]| 100.0 * (pair[1] - pair[0].powi(2)).powi(2) + (1.0 - pair[0]).powi(2);
            place.windows(2).map(pair).sum::<f64>()
        }),
    ];
    for (name, texts, value) in cases {
        let median = |strategy| {
            let mut values: Vec<f64> = (0..9).map(|seed| best(name, strategy, seed, texts, value)).collect();
            values.sort_by(f64::total_cmp);
            values[4]
        };
        let (estimator, chance) = (median(Strategy::Tpe), median(Strategy::Random));
        let factor = if name == "together" { 0.2 } else { 0.7 };
        assert!(estimator < factor * chance, "{name}: {estimator} against {chance}");
    }
}

#[test]
fn the_journal_survives_a_cut_at_any_byte() {
    let folder = Folder::new("journal");
    let config = config(&["x=0..1", "k=choice:a,b"], Strategy::Tpe, 12, 3);
    let value = |trial: &bolete_train::sweep::Trial| trial.places[0] + trial.places[1];
    let mut study = Study::create(&folder.0, config.clone()).expect("a study");
    while let Some(trial) = study.ask().expect("written") {
        study.report(trial.number, 1, value(&trial) + 1.0).expect("written");
        study.complete(trial.number, value(&trial)).expect("written");
    }
    let whole: Vec<_> = study.trials().to_vec();
    assert!(matches!(Study::resume(&folder.0), Err(SweepError::Busy { .. })));
    drop(study);
    assert!(Study::create(&folder.0, config.clone()).is_err(), "a study is never overwritten");
    let text = fs::read(folder.0.join("study.jsonl")).expect("written");
    let first = text.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
    let cut = Folder::new("cut");
    fs::create_dir_all(&cut.0).expect("made");
    for length in (first..text.len()).step_by(7) {
        fs::write(cut.0.join("study.jsonl"), &text[..length]).expect("written");
        let mut study = Study::resume(&cut.0).unwrap_or_else(|error| panic!("cut at {length}: {error}"));
        // What was running goes on; the rest is asked for. The end is the same.
        let running: Vec<_> =
            study.trials().iter().filter(|trial| trial.outcome == Outcome::Running).cloned().collect();
        for trial in running {
            study.complete(trial.number, value(&trial)).expect("written");
        }
        while let Some(trial) = study.ask().expect("written") {
            study.complete(trial.number, value(&trial)).expect("written");
        }
        let values = |trials: &[bolete_train::sweep::Trial]| -> Vec<_> {
            trials.iter().map(|trial| (trial.values.clone(), trial.value)).collect()
        };
        assert_eq!(values(study.trials()), values(&whole), "cut at {length}");
    }
    fs::write(cut.0.join("study.jsonl"), b"{\"event\":\"rubbish\"}\n").expect("written");
    let error = Study::resume(&cut.0).err().expect("damaged").to_string();
    assert!(error.contains("study.jsonl") && error.contains("line 1"), "{error}");
}

#[test]
fn bad_trials_end_early() {
    let folder = Folder::new("pruned");
    let mut config = config(&["x=0..1", "y=0..1"], Strategy::Random, 40, 1);
    config.goal = Goal::Highest;
    config.pruning = Pruning::Median { start_up: 5, warm_up: 1 };
    let mut study = Study::create(&folder.0, config).expect("a study");
    while let Some(trial) = study.ask().expect("written") {
        let value = trial.places[0] + 0.01 * trial.places[1];
        let mut pruned = false;
        for step in 1..=3 {
            pruned = study.report(trial.number, step, value * step as f64).expect("written");
            if pruned {
                study.prune(trial.number).expect("written");
                break;
            }
        }
        if !pruned {
            study.complete(trial.number, value * 3.0).expect("written");
        }
    }
    let count = |outcome| study.trials().iter().filter(|trial| trial.outcome == outcome).count();
    assert!(count(Outcome::Pruned) > 10, "{} were pruned", count(Outcome::Pruned));
    assert_eq!(study.leaderboard()[0].outcome, Outcome::Complete);
}

#[test]
fn what_mattered_is_told() {
    let folder = Folder::new("mattered");
    let spaces = ["x=0..1", "y=0..1", "kind=choice:a,b"];
    let mut study = Study::create(&folder.0, config(&spaces, Strategy::Random, 80, 1)).expect("a study");
    while let Some(trial) = study.ask().expect("written") {
        let value = -trial.places[0] + 0.05 * trial.places[1] + 2.0 * trial.places[2];
        study.complete(trial.number, value).expect("written");
    }
    let (explained, direction) = (importance(&study), correlation(&study));
    // The choice moves the value by 2, x by at most 1, y by next to nothing.
    assert!(explained[2].1 > 0.7 && explained[1].1 < 0.1, "{explained:?}");
    assert!(explained[0].1 < explained[2].1, "{explained:?}");
    assert!(direction[0].1.expect("a number") < -0.15 && direction[2].1.is_none(), "{direction:?}");
}
