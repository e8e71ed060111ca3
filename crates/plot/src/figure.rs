//! Figures: one or several panels on a sheet.

use std::path::Path;

use bolete_formats::picture::Picture;
use bolete_formats::{FormatError, atomic};

use crate::axes::Axes;
use crate::axes::panel::{Margins, Panel, lines};
use crate::scene::{Anchor, Item, Point, Rect, Scene, Text};
use crate::{encode, font, raster, svg};

/// One or several panels, and all that can be made of them.
///
/// Equal figures give equal bytes, on every machine.
#[derive(Clone)]
pub struct Figure {
    panels: Vec<Axes>,
    columns: usize,
    title: String,
    size: Option<(f64, f64)>,
}

/// The font size of a title above several panels.
const TITLE: f64 = 15.5;
/// Distance of what is drawn from the edge, and of panels from each other.
const EDGE: f64 = 8.0;
const BETWEEN: f64 = 14.0;

impl Figure {
    /// A figure of one panel.
    pub fn new(axes: Axes) -> Self {
        Self::grid(1, [axes])
    }

    /// A figure of several panels, in rows of `columns`. Areas of one column are equally wide, those of one row
    /// equally high.
    ///
    /// # Panics
    /// If `columns` is 0.
    #[track_caller]
    pub fn grid(columns: usize, panels: impl IntoIterator<Item = Axes>) -> Self {
        assert!(columns > 0, "expected at least one column, found 0");
        Self { panels: panels.into_iter().collect(), columns, title: String::new(), size: None }
    }

    /// Sets a title above all panels.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the size of the whole figure in pixels at scale 1; without it the figure is as large as its panels ask.
    #[must_use]
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = Some((width.clamp(40.0, 8000.0), height.clamp(40.0, 8000.0)));
        self
    }

    /// What the figure shows in words, for those who cannot see it: the titles.
    pub fn description(&self) -> String {
        let titles = self.panels.iter().map(|axes| axes.title.as_str());
        let all: Vec<&str> =
            std::iter::once(self.title.as_str()).chain(titles).filter(|title| !title.is_empty()).collect();
        if all.is_empty() { "figure".to_string() } else { all.join("; ").replace('\n', " ") }
    }

    /// The figure as a list of what is drawn where.
    pub fn scene(&self) -> Scene {
        let columns = self.columns.min(self.panels.len()).max(1);
        let rows = self.panels.len().div_ceil(columns).max(1);
        let usual = match columns {
            1 => (420.0, 270.0),
            2 => (320.0, 220.0),
            3 => (240.0, 175.0),
            _ => (190.0, 140.0),
        };
        let panels: Vec<Panel<'_>> = self.panels.iter().map(|axes| Panel::new(axes, usual)).collect();
        let wanted: Vec<(f64, f64)> = panels.iter().map(|panel| panel.wanted(usual)).collect();
        let mut widths = vec![0.0f64; columns];
        let mut heights = vec![0.0f64; rows];
        for (index, (width, height)) in wanted.iter().enumerate() {
            widths[index % columns] = widths[index % columns].max(*width);
            heights[index / columns] = heights[index / columns].max(*height);
        }
        let heading = |width: f64| match self.title.as_str() {
            "" => 0.0,
            title => lines(title, TITLE, width - 2.0 * EDGE).len() as f64 * TITLE * font::LINE + 6.0,
        };
        let (mut across, mut down) = (vec![(0.0, 0.0); columns], vec![(0.0, 0.0); rows]);
        // Margins depend on the ticks, ticks on the area, and the area on the margins: the second round is as good
        // as exact.
        for _ in 0..2 {
            (across, down) = (vec![(0.0, 0.0); columns], vec![(0.0, 0.0); rows]);
            for (index, panel) in panels.iter().enumerate() {
                let (column, row) = (index % columns, index / columns);
                let Margins { left, right, top, bottom } = panel.margins((widths[column], heights[row]));
                across[column] = (f64::max(across[column].0, left), f64::max(across[column].1, right));
                down[row] = (f64::max(down[row].0, top), f64::max(down[row].1, bottom));
            }
            if let Some((width, height)) = self.size {
                let taken = |margins: &[(f64, f64)]| {
                    let sides: f64 = margins.iter().map(|(before, after)| before + after).sum();
                    sides + 2.0 * EDGE + BETWEEN * (margins.len() - 1) as f64
                };
                let left = ((width - taken(&across)) / columns as f64).max(10.0);
                let below = ((height - taken(&down) - heading(width)) / rows as f64).max(10.0);
                widths.fill(left);
                heights.fill(below);
            }
        }
        let total = |areas: &[f64], margins: &[(f64, f64)]| {
            let sides: f64 = margins.iter().map(|(before, after)| before + after).sum();
            areas.iter().sum::<f64>() + sides + 2.0 * EDGE + BETWEEN * (areas.len() - 1) as f64
        };
        let natural = total(&widths, &across).ceil();
        let (width, height) =
            self.size.unwrap_or_else(|| (natural, (total(&heights, &down) + heading(natural)).ceil()));
        let mut scene = Scene { width, height, items: Vec::new(), hovers: Vec::new() };
        scene.items.push(Item::fill(
            crate::scene::Path::rect(Rect::new(0.0, 0.0, width, height)),
            crate::Colour::WHITE,
        ));
        for (index, line) in lines(&self.title, TITLE, width - 2.0 * EDGE).iter().enumerate() {
            let at = Point::new(width / 2.0, EDGE + TITLE + index as f64 * TITLE * font::LINE);
            scene.items.push(Item::Text(Text::new(line, at, TITLE).anchor(Anchor::Middle)));
        }
        let mut y = EDGE + heading(width);
        for row in 0..rows {
            let mut x = EDGE;
            y += down[row].0;
            for column in 0..columns {
                x += across[column].0;
                if let Some(panel) = panels.get(row * columns + column) {
                    let area = Rect::new(x, y, widths[column], heights[row]);
                    panel.draw(area, &mut scene.items, &mut scene.hovers);
                }
                x += widths[column] + across[column].1 + BETWEEN;
            }
            y += heights[row] + down[row].1 + BETWEEN;
        }
        scene
    }

    /// The figure as the text of an SVG file.
    pub fn svg(&self) -> String {
        svg::write(&self.scene(), &self.description(), false)
    }

    /// The figure as an element for HTML, with what the script of a [`Page`](crate::page::Page) shows on hovering.
    pub(crate) fn inline_svg(&self) -> String {
        svg::write(&self.scene(), &self.description(), true)
    }

    /// The figure as pixels, `scale` of them per unit: 1 for a screen, 2 for a fine screen, 4 for print.
    ///
    /// # Panics
    /// If `scale` is not a finite number above 0.
    #[track_caller]
    pub fn picture(&self, scale: f64) -> Picture {
        assert!(scale > 0.0 && scale.is_finite(), "expected a scale above 0, found {scale}");
        raster::render(&self.scene(), scale)
    }

    /// The figure as the bytes of a PNG file; see [`Figure::picture`] for `scale`.
    ///
    /// # Panics
    /// If `scale` is not a finite number above 0.
    #[track_caller]
    pub fn png(&self, scale: f64) -> Vec<u8> {
        encode::png(&self.picture(scale))
    }

    /// Writes a file, atomically: SVG or PNG (two pixels per unit) by the ending of its name.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`] for another ending, [`FormatError::Write`] when the disk refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FormatError> {
        let path = path.as_ref();
        let bytes = match ending(path).as_str() {
            "svg" => self.svg().into_bytes(),
            "png" => self.png(2.0),
            _ => return Err(unwritable("a figure", "a file name ending in .svg or .png", path)),
        };
        atomic::write(path, |out| out.write_all(&bytes))
    }
}

/// The ending of a file's name in small letters.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

pub(crate) fn unwritable(format: &'static str, expected: &str, path: &Path) -> FormatError {
    let found = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    FormatError::Unwritable { format, expected: expected.to_string(), found }
}
