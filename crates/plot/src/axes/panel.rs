//! A panel prepared for drawing: ranges found, colours given out, margins measured.

use crate::axes::Axes;
use crate::axes::frame;
use crate::font;
use crate::hover::Hover;
use crate::legend::{self, Legend};
use crate::mark::{ColourBar, Extent, Key, Plane, Span};
use crate::scale::Scale;
use crate::scene::{Anchor, Item, Point, Rect, Text};
use crate::ticks::{self, Tick};

/// Font sizes in pixels.
pub(crate) const TITLE: f64 = 13.5;
pub(crate) const LABEL: f64 = 12.0;
pub(crate) const TICKS: f64 = 11.0;

/// Room on the four sides of a panel's area.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Margins {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// A panel whose ranges and colours are known.
pub(crate) struct Panel<'a> {
    axes: &'a Axes,
    x: Scale,
    y: Scale,
    x_names: Option<Vec<Tick>>,
    y_names: Option<Vec<Tick>>,
    /// The palette's number of each mark's first colour.
    series: Vec<usize>,
    keys: Vec<Key>,
    bar: Option<ColourBar>,
    /// Where the legend goes, decided.
    legend: Legend,
    covered: bool,
}

impl<'a> Panel<'a> {
    pub fn new(axes: &'a Axes, usual: (f64, f64)) -> Self {
        let mut extent = Extent { x: Span::new(axes.x.log), y: Span::new(axes.y.log) };
        let mut next = 0;
        let mut series = Vec::new();
        let mut keys = Vec::new();
        for mark in &axes.marks {
            mark.extent(&mut extent);
            series.push(next);
            keys.extend(mark.keys(next).into_iter().filter(|key| !key.label.is_empty()));
            next += mark.series();
        }
        if axes.legend == Legend::None {
            keys.clear();
        }
        let names = |span: &Span, fixed: &Option<Vec<(f64, String)>>| {
            let names = fixed.as_ref().or((!span.names.is_empty()).then_some(&span.names))?;
            Some(names.iter().map(|(value, label)| Tick { value: *value, label: label.clone() }).collect())
        };
        let mut panel = Self {
            x: Scale::around(&extent.x, axes.x.range, axes.x.reversed),
            y: Scale::around(&extent.y, axes.y.range, axes.y.reversed),
            x_names: names(&extent.x, &axes.x.ticks),
            y_names: names(&extent.y, &axes.y.ticks),
            series,
            keys,
            bar: axes.marks.iter().filter(|_| axes.colour_bar).find_map(|mark| mark.colour_bar()),
            covered: axes.marks.iter().any(|mark| mark.covers()),
            legend: axes.legend,
            axes,
        };
        panel.decide_legend(usual);
        panel
    }

    /// Moves an automatic legend beside the panel where it would hide much.
    fn decide_legend(&mut self, usual: (f64, f64)) {
        const MUCH: usize = 6;
        if self.axes.legend != Legend::Automatic || self.keys.is_empty() {
            return;
        }
        let (width, height) = self.wanted(usual);
        let area = self.fitted(Rect::new(0.0, 0.0, width, height));
        let plane = Plane { rect: area, x: self.x, y: self.y };
        let mut items = Vec::new();
        for (mark, &series) in self.axes.marks.iter().zip(&self.series) {
            mark.draw(&plane, series, &mut items);
        }
        let (_, hidden) = legend::place(Legend::Automatic, area, legend::size(&self.keys, TICKS), &items);
        if hidden > MUCH {
            self.legend = Legend::Outside;
        }
    }

    /// The area that the panel asks for, near a usual one.
    pub fn wanted(&self, usual: (f64, f64)) -> (f64, f64) {
        if let Some(area) = self.axes.area {
            return area;
        }
        match self.aspect() {
            Some(aspect) => {
                let width = (usual.1 * 1.15 / aspect).clamp(usual.1 * 0.4, usual.0 * 1.1);
                (width, (width * aspect).clamp(usual.1 * 0.35, usual.1 * 1.5))
            }
            None => usual,
        }
    }

    /// Height over width of the area, where units are equally long.
    fn aspect(&self) -> Option<f64> {
        let length = |scale: &Scale| {
            if scale.log { (scale.high / scale.low).log10() } else { scale.high - scale.low }
        };
        self.axes.equal.then(|| length(&self.y) / length(&self.x)).filter(|aspect| aspect.is_finite())
    }

    /// The part of `area` that is used.
    fn fitted(&self, area: Rect) -> Rect {
        let Some(aspect) = self.aspect() else { return area };
        let width = area.width.min(area.height / aspect);
        let (width, height) = (width.max(1.0), (width * aspect).max(1.0));
        Rect::new(area.x + (area.width - width) / 2.0, area.y + (area.height - height) / 2.0, width, height)
    }

    fn x_ticks(&self, width: f64) -> Vec<Tick> {
        match &self.x_names {
            Some(names) => visible(names, &self.x),
            None => ticks::fitting(self.x.low, self.x.high, self.x.log, width, TICKS, true),
        }
    }

    fn y_ticks(&self, height: f64) -> Vec<Tick> {
        match &self.y_names {
            Some(names) => visible(names, &self.y),
            None => ticks::fitting(self.y.low, self.y.high, self.y.log, height, TICKS, false),
        }
    }

    /// The room needed around an area of a size.
    pub fn margins(&self, (width, height): (f64, f64)) -> Margins {
        let area = self.fitted(Rect::new(0.0, 0.0, width, height));
        let mut margins = Margins { left: 4.0, right: 4.0, top: 4.0, bottom: 4.0 };
        if !self.axes.title.is_empty() {
            margins.top += lines(&self.axes.title, TITLE, self.title_width(area.width)).len() as f64
                * TITLE
                * font::LINE
                + 3.0;
        }
        if !self.axes.hidden {
            let x_ticks = self.x_ticks(area.width);
            margins.left += frame::tick_width(&self.y_ticks(area.height)) + frame::TICK + 3.0;
            margins.bottom += frame::TICK + 3.0 + frame::tick_height(&x_ticks, &self.x, area.width);
            // The last number reaches beyond the end of its axis.
            let last = x_ticks.iter().map(|tick| {
                self.x.fraction(tick.value) * area.width + font::width(&tick.label, TICKS) / 2.0 - area.width
            });
            if !frame::turned(&x_ticks, &self.x, area.width) {
                margins.right = last.fold(margins.right, f64::max);
            }
            margins.top = margins.top.max(TICKS / 2.0 + 2.0);
            if !self.axes.x.label.is_empty() {
                let count = lines(&self.axes.x.label, LABEL, area.width.max(80.0)).len() as f64;
                margins.bottom += count * LABEL * font::LINE + 3.0;
            }
            if !self.axes.y.label.is_empty() {
                let count = lines(&self.axes.y.label, LABEL, area.height.max(80.0)).len() as f64;
                margins.left += count * LABEL * font::LINE + 4.0;
            }
        }
        if let Some(bar) = &self.bar {
            margins.right = margins.right.max(bar.room(area.height, TICKS));
        }
        if self.legend == Legend::Outside && !self.keys.is_empty() {
            margins.right += 10.0 + legend::size(&self.keys, TICKS).0;
        }
        margins
    }

    fn title_width(&self, width: f64) -> f64 {
        (width + 30.0).max(70.0)
    }

    /// Draws the panel into `area`.
    pub fn draw(&self, area: Rect, out: &mut Vec<Item>, hovers: &mut Vec<Hover>) {
        let rect = self.fitted(area);
        let plane = Plane { rect, x: self.x, y: self.y };
        let (x_ticks, y_ticks) = (self.x_ticks(rect.width), self.y_ticks(rect.height));
        let framed = !self.axes.hidden;
        if framed && self.axes.grid.unwrap_or(!self.covered) {
            frame::grid(&plane, &x_ticks, &y_ticks, self.x_names.is_some(), self.y_names.is_some(), out);
        }
        let mut items = Vec::new();
        for (mark, &series) in self.axes.marks.iter().zip(&self.series) {
            mark.draw(&plane, series, &mut items);
        }
        let legend = (!self.keys.is_empty()).then(|| {
            let size = legend::size(&self.keys, TICKS);
            let (mut place, _) = legend::place(self.legend, rect, size, &items);
            if self.legend == Legend::Outside
                && let Some(bar) = &self.bar
            {
                place.x += bar.room(rect.height, TICKS);
            }
            place
        });
        let clip = if framed { rect } else { rect.grown(0.5) };
        out.push(Item::Clip { rect: clip, items });
        if framed {
            frame::axes(&plane, &x_ticks, &y_ticks, self.covered, out);
            self.axis_labels(rect, &x_ticks, &y_ticks, out);
        }
        let mut y = rect.y - 7.0;
        for line in lines(&self.axes.title, TITLE, self.title_width(rect.width)).iter().rev() {
            let at = Point::new(rect.centre().x, y);
            out.push(Item::Text(Text::new(line, at, TITLE).anchor(Anchor::Middle)));
            y -= TITLE * font::LINE;
        }
        if let Some(bar) = &self.bar {
            bar.draw(rect, TICKS, out);
        }
        if let Some(place) = legend {
            let boxed = self.legend != Legend::Outside;
            legend::draw(&self.keys, place, TICKS, boxed, out);
        }
        let mut curves = Vec::new();
        for (mark, &series) in self.axes.marks.iter().zip(&self.series) {
            curves.extend(mark.hover(series));
        }
        // More curves than this cannot be told apart in a box beside the pointer.
        if framed && !curves.is_empty() && curves.len() <= 12 {
            hovers.push(Hover { plane, label: self.axes.x.label.clone(), series: curves });
        }
    }

    fn axis_labels(&self, rect: Rect, x_ticks: &[Tick], y_ticks: &[Tick], out: &mut Vec<Item>) {
        let centre = rect.centre();
        let below = frame::TICK + 3.0 + frame::tick_height(x_ticks, &self.x, rect.width);
        let mut y = rect.bottom() + below + LABEL + 1.0;
        for line in lines(&self.axes.x.label, LABEL, rect.width.max(80.0)) {
            out.push(Item::Text(Text::new(line, Point::new(centre.x, y), LABEL).anchor(Anchor::Middle)));
            y += LABEL * font::LINE;
        }
        let mut x = rect.x - frame::TICK - 3.0 - frame::tick_width(y_ticks) - 7.0;
        for line in lines(&self.axes.y.label, LABEL, rect.height.max(80.0)).into_iter().rev() {
            let text = Text { upwards: true, ..Text::new(line, Point::new(x, centre.y), LABEL) };
            out.push(Item::Text(text.anchor(Anchor::Middle)));
            x -= LABEL * font::LINE;
        }
    }
}

/// The named ticks within a scale.
fn visible(names: &[Tick], scale: &Scale) -> Vec<Tick> {
    let inside = |tick: &&Tick| (-1e-9..=1.0 + 1e-9).contains(&scale.fraction(tick.value));
    names.iter().filter(inside).cloned().collect()
}

/// `text` in lines of at most `width` pixels, broken between words; empty text has no lines.
pub(crate) fn lines(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split('\n').filter(|_| !text.is_empty()) {
        let mut line = String::new();
        for word in part.split(' ') {
            let longer = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
            if !line.is_empty() && font::width(&longer, size) > width {
                lines.push(std::mem::replace(&mut line, word.to_string()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}
