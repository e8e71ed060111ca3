//! A panel: axes, what is drawn in them, title and legend.

pub(crate) mod frame;
pub(crate) mod panel;

use std::sync::Arc;

use crate::legend::Legend;
use crate::mark::Mark;

/// A panel: a title, two axes and the marks drawn between them.
///
/// # Examples
/// ```
/// use bolete_plot::{Axes, Figure, Line};
/// let x = [1.0, 2.0, 3.0, 4.0];
/// let axes = Axes::new("Loss")
///     .labels("epoch", "cross-entropy")
///     .log_y()
///     .with(Line::new(&x, &[2.3, 0.9, 0.5, 0.4]).label("training"))
///     .with(Line::new(&x, &[2.3, 1.1, 0.8, 0.9]).label("validation").dashed());
/// assert!(Figure::new(axes).svg().contains("cross-entropy"));
/// ```
#[derive(Clone, Default)]
pub struct Axes {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) equal: bool,
    pub(crate) hidden: bool,
    pub(crate) grid: Option<bool>,
    pub(crate) legend: Legend,
    pub(crate) colour_bar: bool,
    pub(crate) area: Option<(f64, f64)>,
    pub(crate) marks: Vec<Arc<dyn Mark>>,
}

/// What a user says about one axis.
#[derive(Clone, Default)]
pub(crate) struct Axis {
    pub label: String,
    pub log: bool,
    pub reversed: bool,
    pub range: (Option<f64>, Option<f64>),
    pub ticks: Option<Vec<(f64, String)>>,
}

impl Axes {
    /// A panel with a title; an empty one takes no room.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), colour_bar: true, ..Self::default() }
    }

    /// Changes the title, as of a panel that a function of this crate made.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Names the axes.
    #[must_use]
    pub fn labels(mut self, x: impl Into<String>, y: impl Into<String>) -> Self {
        (self.x.label, self.y.label) = (x.into(), y.into());
        self
    }

    /// Adds a mark. Later ones are drawn over earlier ones.
    #[must_use]
    pub fn with(mut self, mark: impl Mark + 'static) -> Self {
        self.push(mark);
        self
    }

    /// Adds several marks of one kind.
    #[must_use]
    pub fn with_all<M: Mark + 'static>(mut self, marks: impl IntoIterator<Item = M>) -> Self {
        marks.into_iter().for_each(|mark| self.push(mark));
        self
    }

    /// Adds a mark to a panel in a variable, as loops want it.
    pub fn push(&mut self, mark: impl Mark + 'static) {
        self.marks.push(Arc::new(mark));
    }

    /// Makes the horizontal axis logarithmic. Values that are not above 0 leave gaps.
    #[must_use]
    pub fn log_x(mut self) -> Self {
        self.x.log = true;
        self
    }

    /// Makes the vertical axis logarithmic. Values that are not above 0 leave gaps.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.y.log = true;
        self
    }

    /// Fixes the horizontal range. An end that is not finite is found from the data.
    #[must_use]
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x.range = (Some(low), Some(high));
        self
    }

    /// Fixes the vertical range. An end that is not finite is found from the data.
    #[must_use]
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y.range = (Some(low), Some(high));
        self
    }

    /// Lets the horizontal axis run from right to left.
    #[must_use]
    pub fn reverse_x(mut self) -> Self {
        self.x.reversed = true;
        self
    }

    /// Lets the vertical axis run downwards.
    #[must_use]
    pub fn reverse_y(mut self) -> Self {
        self.y.reversed = true;
        self
    }

    /// Sets the ticks of the horizontal axis: values and what is written there.
    #[must_use]
    pub fn x_ticks<L: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, L)>) -> Self {
        self.x.ticks = Some(ticks.into_iter().map(|(value, label)| (value, label.into())).collect());
        self
    }

    /// Sets the ticks of the vertical axis: values and what is written there.
    #[must_use]
    pub fn y_ticks<L: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, L)>) -> Self {
        self.y.ticks = Some(ticks.into_iter().map(|(value, label)| (value, label.into())).collect());
        self
    }

    /// Makes a unit of both axes equally long.
    #[must_use]
    pub fn equal_aspect(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Leaves out frame, ticks and labels, as for pictures. The title stays.
    #[must_use]
    pub fn no_axes(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Shows or hides the grid lines, which are otherwise there unless a mark covers the panel.
    #[must_use]
    pub fn grid(mut self, shown: bool) -> Self {
        self.grid = Some(shown);
        self
    }

    /// Places the legend.
    #[must_use]
    pub fn legend(mut self, legend: Legend) -> Self {
        self.legend = legend;
        self
    }

    /// Leaves out the colour bar.
    #[must_use]
    pub fn no_colour_bar(mut self) -> Self {
        self.colour_bar = false;
        self
    }

    /// Asks for an area between the axes of a size in pixels. [`Figure::size`](crate::Figure::size) overrules it.
    #[must_use]
    pub fn area(mut self, width: f64, height: f64) -> Self {
        self.area = Some((width.clamp(1.0, 1e4), height.clamp(1.0, 1e4)));
        self
    }
}
