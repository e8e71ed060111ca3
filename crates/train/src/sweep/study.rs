//! A study: which trials there were, and which comes next.

use std::fs;
use std::path::{Path, PathBuf};

use bolete_data::Randomness;
use serde::{Deserialize, Serialize};

use super::journal::{Entry, Journal};
use super::space::Domain;
use super::{Goal, Pruning, Space, SweepError, tpe};

/// How the next values are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All combinations, the first key slowest.
    Grid,
    /// At random; a trial depends on the seed and its number only.
    Random,
    /// The tree-structured Parzen estimator (Bergstra et al. 2011), after ten trials at random.
    Tpe,
}

/// What a study is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyConfig {
    /// What is searched.
    pub spaces: Vec<Space>,
    /// How.
    pub strategy: Strategy,
    /// Which way is better.
    pub goal: Goal,
    /// When a trial ends early.
    pub pruning: Pruning,
    /// Number of trials; of a grid at most all combinations.
    pub trials: usize,
    /// Decides everything random.
    pub seed: u64,
    /// Whatever the caller wants to know again when the study goes on.
    pub task: serde_json::Value,
}

impl Default for StudyConfig {
    /// Twenty trials of the Parzen estimator for the lowest value, pruned by the median; no spaces.
    fn default() -> StudyConfig {
        StudyConfig {
            spaces: Vec::new(),
            strategy: Strategy::Tpe,
            goal: Goal::Lowest,
            pruning: Pruning::default(),
            trials: 20,
            seed: 0,
            task: serde_json::Value::Null,
        }
    }
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// It came to its end.
    Complete,
    /// It was not worth going on with.
    Pruned,
    /// It failed.
    Failed,
}

/// One try.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// Keys with their values, as they are written in assignments.
    pub values: Vec<(String, String)>,
    /// Places in the intervals of the spaces, in which importance and correlation are computed.
    pub places: Vec<f64>,
    /// How it stands.
    pub outcome: Outcome,
    /// What it reported: step and value.
    pub reports: Vec<(u64, f64)>,
    /// What it gave.
    pub value: Option<f64>,
}

impl Trial {
    /// The value of a key as a number.
    ///
    /// # Panics
    /// If there is no such key or its value is no number.
    #[track_caller]
    pub fn number(&self, key: &str) -> f64 {
        let value = self.values.iter().find(|(known, _)| known == key);
        let value = value.unwrap_or_else(|| panic!("Trial::number: the study has no key `{key}`"));
        value.1.parse().unwrap_or_else(|_| panic!("Trial::number: `{key}` is `{}`, no number", value.1))
    }
}

/// A search under way.
pub struct Study {
    folder: PathBuf,
    config: StudyConfig,
    journal: Journal,
    trials: Vec<Trial>,
}

impl Study {
    /// Begins a study in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// [`SweepError`] for a study that is there already, spaces that the strategy cannot search, a folder that cannot be
    /// written.
    pub fn create(folder: impl AsRef<Path>, config: StudyConfig) -> Result<Study, SweepError> {
        if config.spaces.is_empty() {
            return Err(SweepError::NoSpace);
        }
        let endless = config.spaces.iter().find(|space| space.domain.count().is_none());
        if let (Strategy::Grid, Some(space)) = (config.strategy, endless) {
            return Err(SweepError::Continuous { key: space.key.clone() });
        }
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|reason| SweepError::journal(folder, reason))?;
        let (mut journal, entries) = Journal::open(folder)?;
        if !entries.is_empty() {
            return Err(SweepError::Journal {
                file: folder.join("study.jsonl"),
                reason: "there is a study already; go on with it, or choose another folder".to_owned(),
            });
        }
        journal.write(&Entry::Study(config.clone()))?;
        Ok(Study { folder: folder.to_path_buf(), config, journal, trials: Vec::new() })
    }

    /// Goes on with the study in a folder. Trials that were running are still so: the caller decides whether they go on.
    ///
    /// # Errors
    /// [`SweepError`] when there is none, it is damaged, or another process is at it.
    pub fn resume(folder: impl AsRef<Path>) -> Result<Study, SweepError> {
        let folder = folder.as_ref();
        let file = folder.join("study.jsonl");
        let wrong = |reason: &str| SweepError::Journal { file: file.clone(), reason: reason.to_owned() };
        if !file.is_file() {
            return Err(wrong("expected the journal of a sweep, found nothing; give the folder of a sweep"));
        }
        let (journal, entries) = Journal::open(folder)?;
        let mut entries = entries.into_iter();
        let Some(Entry::Study(config)) = entries.next() else {
            return Err(wrong("its first line is not that of a study"));
        };
        let mut study = Study { folder: folder.to_path_buf(), config, journal, trials: Vec::new() };
        for entry in entries {
            let known = study.trials.len();
            match entry {
                Entry::Trial { number, places }
                    if number == known && places.len() == study.config.spaces.len() =>
                {
                    let trial = study.trial(number, places);
                    study.trials.push(trial);
                }
                Entry::Report { number, step, value } if number < known => {
                    study.trials[number].reports.push((step, value.unwrap_or(f64::NAN)));
                }
                Entry::End { number, outcome, value } if number < known => {
                    (study.trials[number].outcome, study.trials[number].value) = (outcome, value);
                }
                entry => return Err(wrong(&format!("it tells of something impossible: {entry:?}"))),
            }
        }
        Ok(study)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is about.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// All trials in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The next trial; `None` when all have begun.
    ///
    /// # Errors
    /// [`SweepError::Journal`] when it cannot be written down.
    pub fn ask(&mut self) -> Result<Option<Trial>, SweepError> {
        let number = self.trials.len();
        if number >= self.config.trials.min(self.combinations()) {
            return Ok(None);
        }
        let places = self.places(number);
        self.journal.write(&Entry::Trial { number, places: places.clone() })?;
        let trial = self.trial(number, places);
        self.trials.push(trial.clone());
        Ok(Some(trial))
    }

    /// Number of combinations of a grid.
    fn combinations(&self) -> usize {
        let counts = self.config.spaces.iter().map(|space| space.domain.count());
        match self.config.strategy {
            Strategy::Grid => counts.flatten().fold(1usize, |product, count| {
                product.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX))
            }),
            _ => usize::MAX,
        }
    }

    /// A trial tells how it stands; whether it should end.
    ///
    /// # Errors
    /// [`SweepError::Journal`] when it cannot be written down.
    ///
    /// # Panics
    /// If there is no trial of that number.
    pub fn report(&mut self, number: usize, step: u64, value: f64) -> Result<bool, SweepError> {
        let finite = Some(value).filter(|value| value.is_finite());
        self.journal.write(&Entry::Report { number, step, value: finite })?;
        self.trials[number].reports.push((step, finite.unwrap_or(f64::NAN)));
        let values = |trial: &Trial| trial.reports.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
        let own = values(&self.trials[number]);
        let others: Vec<(Vec<f64>, bool)> = self
            .trials
            .iter()
            .filter(|trial| trial.number != number)
            .map(|trial| (values(trial), trial.outcome == Outcome::Complete))
            .collect();
        let others: Vec<(&[f64], bool)> =
            others.iter().map(|(values, complete)| (values.as_slice(), *complete)).collect();
        Ok(self.config.pruning.should_end(self.config.goal, &own, &others))
    }

    /// A trial has come to its end with this value.
    ///
    /// # Errors
    /// [`SweepError::Journal`] when it cannot be written down.
    pub fn complete(&mut self, number: usize, value: f64) -> Result<(), SweepError> {
        match value.is_finite() {
            true => self.end(number, Outcome::Complete, Some(value)),
            false => self.end(number, Outcome::Failed, None),
        }
    }

    /// A trial has ended early; its value is the last that it reported.
    ///
    /// # Errors
    /// [`SweepError::Journal`] when it cannot be written down.
    pub fn prune(&mut self, number: usize) -> Result<(), SweepError> {
        let last = self.trials[number].reports.last().map(|(_, value)| *value);
        self.end(number, Outcome::Pruned, last.filter(|value| value.is_finite()))
    }

    /// A trial has failed.
    ///
    /// # Errors
    /// [`SweepError::Journal`] when it cannot be written down.
    pub fn fail(&mut self, number: usize) -> Result<(), SweepError> {
        self.end(number, Outcome::Failed, None)
    }

    fn end(&mut self, number: usize, outcome: Outcome, value: Option<f64>) -> Result<(), SweepError> {
        self.journal.write(&Entry::End { number, outcome, value })?;
        (self.trials[number].outcome, self.trials[number].value) = (outcome, value);
        Ok(())
    }

    /// Complete trials, the best first, then pruned ones.
    pub fn leaderboard(&self) -> Vec<&Trial> {
        let mut trials: Vec<&Trial> = self.trials.iter().filter(|trial| trial.value.is_some()).collect();
        trials.sort_by(|a, b| {
            let rank = |trial: &Trial| (trial.outcome != Outcome::Complete, self.badness(trial));
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        trials
    }

    /// The lower, the better.
    fn badness(&self, trial: &Trial) -> f64 {
        let value = trial.value.unwrap_or(f64::NAN);
        let value = if self.config.goal == Goal::Highest { -value } else { value };
        if value.is_nan() { f64::INFINITY } else { value }
    }

    fn trial(&self, number: usize, places: Vec<f64>) -> Trial {
        let spaces = self.config.spaces.iter().zip(&places);
        let values = spaces.map(|(space, place)| (space.key.clone(), space.domain.written(*place))).collect();
        Trial { number, values, places, outcome: Outcome::Running, reports: Vec::new(), value: None }
    }

    /// Where the trial of this number is in its spaces.
    fn places<'a>(&'a self, number: usize) -> Vec<f64> {
        let spaces = &self.config.spaces;
        let random = |index: usize| Randomness::keyed(&[self.config.seed, number as u64, index as u64]);
        let anywhere = |index: usize| {
            let domain = &spaces[index].domain;
            let (low, high) = domain.interval();
            domain.round(low + (high - low) * f64::from(random(index).uniform()))
        };
        match self.config.strategy {
            Strategy::Grid => {
                let mut rest = number as u64;
                let mut places: Vec<f64> = spaces
                    .iter()
                    .rev()
                    .map(|space| {
                        let count = space.domain.count().unwrap_or(1);
                        let place = space.domain.place(rest % count);
                        rest /= count;
                        place
                    })
                    .collect();
                places.reverse();
                places
            }
            Strategy::Random => (0..spaces.len()).map(anywhere).collect(),
            Strategy::Tpe => {
                let ended = self.trials.iter().filter(|trial| trial.value.is_some()).count();
                if ended < tpe::START_UP {
                    return (0..spaces.len()).map(anywhere).collect();
                }
                let (good, bad) = self.split();
                let domains: Vec<&Domain> = spaces.iter().map(|space| &space.domain).collect();
                let places = |trials: Vec<&'a Trial>| -> Vec<&'a [f64]> {
                    trials.into_iter().map(|trial| &trial.places[..]).collect()
                };
                tpe::propose(&domains, &places(good), &places(bad), &mut random(0))
            }
        }
    }

    /// The better trials and the others, each in the order in which they were tried. A trial that runs counts as bad, so
    /// that others running at the same time try something else; so does one that failed.
    fn split(&self) -> (Vec<&Trial>, Vec<&Trial>) {
        let board = self.leaderboard();
        let count = tpe::better(board.len());
        let good: Vec<usize> = board[..count].iter().map(|trial| trial.number).collect();
        self.trials.iter().partition(|trial| good.contains(&trial.number))
    }
}
