//! Bars, alone or in groups.

use crate::mark::{Extent, Key, Mark, Plane, Swatch, styles};
use crate::numbers::{self, Numbers};
use crate::scene::{Anchor, Item, Path, Point, Rect, Stroke, Text};
use crate::{Colour, ticks};

/// Bars over named categories. Groups of several bars per category are made with [`Bars::group`].
///
/// # Examples
/// ```
/// use bolete_plot::{Axes, Bars, Figure};
/// let bars = Bars::new(&["SGD", "Adam"], &[0.91, 0.97]).errors(&[0.02, 0.01]).label("MNIST");
/// let grouped = bars.group("CIFAR-10", &[0.55, 0.68]);
/// assert!(Figure::new(Axes::new("Accuracy").with(grouped)).svg().contains("CIFAR-10"));
/// ```
#[derive(Clone, Debug)]
pub struct Bars {
    names: Vec<String>,
    groups: Vec<Group>,
    label: String,
    colour: Option<Colour>,
    opacity: f64,
    horizontal: bool,
    written: bool,
}

#[derive(Clone, Debug)]
struct Group {
    label: String,
    values: Vec<f64>,
    errors: Vec<f64>,
}

impl Bars {
    /// One bar of a value for each name. They stand at 0, 1, 2, …
    ///
    /// # Panics
    /// If there are not as many values as names.
    #[track_caller]
    pub fn new<S: AsRef<str>>(names: &[S], values: &(impl Numbers + ?Sized)) -> Self {
        let values = values.numbers();
        numbers::same_length(["values", "names"], [values.len(), names.len()]);
        let names = names.iter().map(|name| name.as_ref().to_string()).collect();
        let groups = vec![Group { label: String::new(), values, errors: Vec::new() }];
        let label = String::new();
        Self { names, groups, label, colour: None, opacity: 1.0, horizontal: false, written: false }
    }

    /// Adds another bar to each category, next to those before it.
    ///
    /// # Panics
    /// If there are not as many values as names.
    #[track_caller]
    #[must_use]
    pub fn group(mut self, label: impl Into<String>, values: &(impl Numbers + ?Sized)) -> Self {
        let values = values.numbers();
        numbers::same_length(["values", "names"], [values.len(), self.names.len()]);
        self.groups.push(Group { label: label.into(), values, errors: Vec::new() });
        self
    }

    /// Adds error bars of half-lengths `errors` to the bars given last.
    ///
    /// # Panics
    /// If there are not as many errors as bars.
    #[track_caller]
    #[must_use]
    pub fn errors(mut self, errors: &(impl Numbers + ?Sized)) -> Self {
        let errors = errors.numbers();
        numbers::same_length(["errors", "names"], [errors.len(), self.names.len()]);
        if let Some(group) = self.groups.last_mut() {
            group.errors = errors;
        }
        self
    }

    /// Lets bars grow to the right, the first at the top: the choice for long names.
    #[must_use]
    pub fn horizontal(mut self) -> Self {
        self.horizontal = true;
        self
    }

    /// Writes the value at the end of each bar.
    #[must_use]
    pub fn written(mut self) -> Self {
        self.written = true;
        self
    }

    fn fill(&self, series: usize, group: usize) -> Colour {
        let own = self.colour.filter(|_| group == 0);
        own.unwrap_or(Colour::series(series + group)).opacity(self.opacity)
    }

    /// Where category `index` stands along its axis.
    fn place(&self, index: usize) -> f64 {
        if self.horizontal { (self.names.len() - 1 - index) as f64 } else { index as f64 }
    }
}

styles!(Bars: label, colour, opacity);

impl Mark for Bars {
    fn extent(&self, extent: &mut Extent) {
        let Extent { x, y } = extent;
        let (along, up) = if self.horizontal { (y, x) } else { (x, y) };
        if !self.names.is_empty() {
            along.include(-0.5);
            along.include(self.names.len() as f64 - 0.5);
        }
        for (index, name) in self.names.iter().enumerate() {
            along.name(self.place(index), &**name);
        }
        for group in &self.groups {
            for (index, &value) in group.values.iter().enumerate() {
                let error = group.errors.get(index).copied().filter(|error| error.is_finite()).unwrap_or(0.0);
                up.include(value - error);
                up.include(value + error);
                if self.written {
                    up.include(value * if self.horizontal { 1.16 } else { 1.06 });
                }
            }
        }
        up.base(0.0);
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let width = 0.76 / self.groups.len() as f64;
        let ink = Stroke::new(Colour::hex(0x333333), 1.2);
        for (number, group) in self.groups.iter().enumerate() {
            let mut path = Path::new();
            let mut errors = Path::new();
            let mut texts = Vec::new();
            for (index, &value) in group.values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
                let offset = -0.38 + width * number as f64;
                let offset = if self.horizontal { -offset - width } else { offset };
                let from = self.place(index) + offset + width * 0.03;
                let to = from + width * 0.94;
                let middle = (from + to) / 2.0;
                // A category axis is linear, so that its pixels are finite.
                let corner = |along: f64, up: f64| {
                    if self.horizontal {
                        Point::new(plane.x_or_low(up), plane.y(along))
                    } else {
                        Point::new(plane.x(along), plane.y_or_low(up))
                    }
                };
                let near = plane.rect().grown(10.0);
                let inside = |point: Point| {
                    Point::new(point.x.clamp(near.x, near.right()), point.y.clamp(near.y, near.bottom()))
                };
                let rect = Rect::between(inside(corner(from, 0.0)), inside(corner(to, value)));
                path.segments.extend(Path::rect(rect).segments);
                let mut top = value;
                if let Some(&error) = group.errors.get(index).filter(|error| error.is_finite()) {
                    let cap = width * 0.18;
                    let ends = [corner(middle, value - error), corner(middle, value + error)].map(inside);
                    errors.add_polyline(&ends);
                    for end in [value - error, value + error] {
                        let ends = [corner(middle - cap, end), corner(middle + cap, end)].map(inside);
                        errors.add_polyline(&ends);
                    }
                    top = if value < 0.0 { value - error } else { value + error };
                }
                if self.written {
                    let end = corner(middle, top);
                    let label = ticks::number(value);
                    let below = value < 0.0;
                    texts.push(Item::Text(if self.horizontal {
                        let shift = if below { -4.0 } else { 4.0 };
                        let text = Text::new(label, Point::new(end.x + shift, end.y), 10.0).centred();
                        text.anchor(if below { Anchor::End } else { Anchor::Start })
                    } else {
                        let shift = if below { 11.0 } else { -4.0 };
                        Text::new(label, Point::new(end.x, end.y + shift), 10.0).anchor(Anchor::Middle)
                    }));
                }
            }
            out.push(Item::fill(path, self.fill(series, number)));
            out.push(Item::stroke(errors, ink.clone()));
            out.extend(texts);
        }
        let zero = if self.horizontal { plane.x(0.0) } else { plane.y(0.0) };
        let rect = plane.rect();
        let crossed = self.groups.iter().any(|group| group.values.iter().any(|&value| value < 0.0));
        if zero.is_finite() && crossed {
            let (from, to) = if self.horizontal {
                (Point::new(zero, rect.y), Point::new(zero, rect.bottom()))
            } else {
                (Point::new(rect.x, zero), Point::new(rect.right(), zero))
            };
            out.push(Item::line(from, to, Stroke::new(Colour::hex(0x444444), 0.9)));
        }
    }

    fn series(&self) -> usize {
        self.groups.len() - usize::from(self.colour.is_some() && self.groups.len() == 1)
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        let key = |(index, group): (usize, &Group)| {
            let label = if index == 0 { &self.label } else { &group.label };
            Key { label: label.clone(), swatch: Swatch::Patch(self.fill(series, index)) }
        };
        self.groups.iter().enumerate().map(key).collect()
    }
}
