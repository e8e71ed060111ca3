//! Drawing.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};

use super::super::text::{duration, number};
use super::state::{Course, State, View};

const TRAINING: Color = Color::Cyan;
const TESTING: Color = Color::Yellow;

pub fn draw(frame: &mut Frame, state: &mut State) {
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(3), Constraint::Min(6), Constraint::Length(2)])
            .areas(frame.area());
    gauge(frame, head, state);
    let [main, side] = Layout::horizontal([Constraint::Min(30), Constraint::Length(26)]).areas(middle);
    match state.view {
        View::Curves => curves(frame, main, state),
        View::Panel => {
            let block = Block::bordered().title(" sample ");
            frame.render_widget(Paragraph::new(state.panel.as_str()).block(block), main);
        }
        View::Lines => {
            let first = state.lines.len().saturating_sub(main.height.saturating_sub(2) as usize);
            let lines: Vec<Line> =
                state.lines[first..].iter().map(|line| Line::from(line.as_str())).collect();
            frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" record ")), main);
        }
    }
    figures(frame, side, state);
    let keys = " q stop and save   s save   tab view   l logarithm   ctrl-c stop";
    let text = vec![Line::from(format!(" {}", state.now)), Line::from(keys).dim()];
    frame.render_widget(Paragraph::new(text), foot);
}

fn gauge(frame: &mut Frame, area: Rect, state: &State) {
    let progress = &state.progress;
    let part = progress.step as f64 / progress.steps.max(1) as f64;
    let label = format!(
        "epoch {}/{}   step {}/{}   {} left",
        progress.epoch,
        progress.epochs,
        progress.step,
        progress.steps,
        duration(progress.seconds_left)
    );
    let gauge = Gauge::default()
        .block(Block::bordered().title(format!(" {} ", state.title)))
        .gauge_style(Style::new().fg(Color::Blue))
        .use_unicode(true)
        .ratio(part.clamp(0.0, 1.0))
        .label(Span::from(label).bold());
    frame.render_widget(gauge, area);
}

/// One chart per measure, the losses first, as many as there is room for.
fn curves(frame: &mut Frame, area: Rect, state: &State) {
    let mut names: Vec<&String> = state.training.keys().collect();
    names.extend(state.testing.keys().filter(|name| !state.training.contains_key(*name)));
    names.sort_by_key(|name| (!name.ends_with("loss"), *name));
    names.truncate((area.height as usize / 7).max(1));
    if names.is_empty() {
        let text = "\n  the first step is being planned …";
        frame.render_widget(Paragraph::new(text).block(Block::bordered()), area);
        return;
    }
    let rows = Layout::vertical(names.iter().map(|_| Constraint::Fill(1))).split(area);
    for (name, row) in names.into_iter().zip(rows.iter()) {
        chart(frame, *row, name, state);
    }
}

fn chart(frame: &mut Frame, area: Rect, name: &str, state: &State) {
    let scale = |courses: &BTreeMap<String, Course>| -> Course {
        let course = courses.get(name).map_or(&[][..], Vec::as_slice).iter().copied();
        if state.logarithmic {
            course.filter(|(_, value)| *value > 0.0).map(|(step, value)| (step, value.log10())).collect()
        } else {
            course.collect()
        }
    };
    let (training, testing) = (scale(&state.training), scale(&state.testing));
    let values = || training.iter().chain(&testing).map(|(_, value)| *value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = match low.partial_cmp(&high) {
        Some(std::cmp::Ordering::Less) => (low, high),
        Some(_) => (low - 0.5, low + 0.5),
        None => (0.0, 1.0),
    };
    let last_step = state.progress.step.max(1) as f64;
    let shown = |value: f64| number(if state.logarithmic { 10f64.powf(value) } else { value });
    let line = |data, colour, label: &'static str| {
        Dataset::default()
            .name(label)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(colour))
            .data(data)
    };
    let mut sets = vec![line(&training, TRAINING, "training")];
    if !testing.is_empty() {
        sets.push(line(&testing, TESTING, "test"));
    }
    let latest = |course: &Course| course.last().map(|(_, value)| shown(*value));
    let title = match (latest(&training), latest(&testing)) {
        (Some(now), Some(test)) => format!(" {name}  {now}  test {test} "),
        (Some(now), None) | (None, Some(now)) => format!(" {name}  {now} "),
        (None, None) => format!(" {name} "),
    };
    let chart = Chart::new(sets)
        .block(Block::bordered().title(title))
        .x_axis(Axis::default().bounds([0.0, last_step]).labels(["0".to_owned(), format!("{last_step}")]))
        .y_axis(Axis::default().bounds([low, high]).labels([shown(low), shown(high)]));
    frame.render_widget(chart, area);
}

fn figures(frame: &mut Frame, area: Rect, state: &State) {
    let progress = &state.progress;
    let row = |name: &str, value: String| {
        Line::from(vec![Span::from(format!(" {name:<9}")).dim(), Span::from(value)])
    };
    let mut lines = vec![
        row("items/s", format!("{:.0}", progress.items_per_second)),
        row("waiting", format!("{:.1} % for data", progress.waiting * 100.0)),
        row("elapsed", duration(progress.seconds)),
        row("rate", format!("×{}", number(progress.rate_factor))),
        row(
            "memory",
            resident().map_or("–".to_owned(), |bytes| format!("{:.0} MiB", bytes / (1 << 20) as f64)),
        ),
        row("saved", state.saved.map_or("–".to_owned(), |step| format!("step {step}"))),
        Line::default(),
    ];
    for (name, value) in &progress.means {
        lines.push(row(name, number(*value)));
    }
    for (name, course) in &state.testing {
        if let Some((_, value)) = course.last() {
            lines.push(Line::from(format!(" test {name}  {}", number(*value))).fg(TESTING));
        }
    }
    if !state.panel.is_empty() && state.view != View::Panel {
        lines.push(Line::default());
        lines.extend(state.panel.lines().map(|line| Line::from(line.to_owned())));
    }
    frame.render_widget(Paragraph::new(lines).block(Block::bordered()), area);
}

/// Bytes of memory in use, where the system tells.
fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kibibytes.split_whitespace().next()?.parse::<f64>().ok().map(|number| number * 1024.0)
}
