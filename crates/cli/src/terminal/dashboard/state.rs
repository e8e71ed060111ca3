//! What the dashboard knows.

use std::collections::BTreeMap;

use bolete::train::{Event, Progress};

use super::super::plain::means;
use super::super::text::duration;

/// A course: (update, value).
pub type Course = Vec<(f64, f64)>;

/// Points of a course that are kept; when there are more, every second one goes.
const MOST_POINTS: usize = 2000;

/// What is to be drawn.
pub struct State {
    pub title: String,
    pub progress: Progress,
    /// What was measured while training, and in evaluation, by name.
    pub training: BTreeMap<String, Course>,
    pub testing: BTreeMap<String, Course>,
    pub throughput: Course,
    /// Lines that stay when the dashboard goes.
    pub lines: Vec<String>,
    /// What happens at the moment.
    pub now: String,
    /// A picture or sample of the recipe.
    pub panel: String,
    pub view: View,
    pub logarithmic: bool,
    /// Number of evaluations, and the last checkpoint.
    pub saved: Option<u64>,
}

/// What the largest part of the screen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The curves.
    Curves,
    /// The recipe's picture or sample.
    Panel,
    /// The last lines.
    Lines,
}

impl State {
    pub fn new(title: &str) -> State {
        State {
            title: title.to_owned(),
            progress: Progress::default(),
            training: BTreeMap::new(),
            testing: BTreeMap::new(),
            throughput: Vec::new(),
            lines: Vec::new(),
            now: String::new(),
            panel: String::new(),
            view: View::Curves,
            logarithmic: false,
            saved: None,
        }
    }

    pub fn say(&mut self, line: &str) {
        self.now = line.to_owned();
    }

    fn line(&mut self, line: String) {
        self.now = line.clone();
        self.lines.push(line);
    }

    pub fn next_view(&mut self) {
        self.view = match self.view {
            View::Curves if !self.panel.is_empty() => View::Panel,
            View::Curves | View::Panel => View::Lines,
            View::Lines => View::Curves,
        };
    }

    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Started(started) => {
                if let Some(step) = started.resumed {
                    self.line(format!("going on after step {step} of {}", started.steps));
                }
            }
            Event::Warning(line) => self.line(format!("warning: {line}")),
            Event::Progress(progress) => {
                for (name, value) in &progress.means {
                    push(self.training.entry(name.clone()).or_default(), progress.step, *value);
                }
                push(&mut self.throughput, progress.step, progress.items_per_second);
                self.progress = (*progress).clone();
            }
            Event::Evaluating => self.say("testing …"),
            Event::Evaluated(evaluated) => {
                for (name, value) in &evaluated.evaluation.means {
                    push(self.testing.entry(name.clone()).or_default(), evaluated.step, *value);
                }
                let best = if evaluated.is_best { "  best so far" } else { "" };
                let means = means(&evaluated.evaluation.means, "test ");
                self.line(format!("step {}  {means}{best}", evaluated.step));
            }
            Event::Epoch(end) => self.line(format!(
                "epoch {}/{}  {}  {}",
                end.epoch,
                end.epochs,
                means(&end.means, ""),
                duration(end.seconds)
            )),
            Event::Saved { step } => self.saved = Some(*step),
            _ => {}
        }
    }
}

fn push(course: &mut Course, step: u64, value: f64) {
    if !value.is_finite() {
        return;
    }
    course.push((step as f64, value));
    if course.len() > MOST_POINTS {
        let mut index = 0;
        course.retain(|_| {
            index += 1;
            index % 2 == 0
        });
    }
}
