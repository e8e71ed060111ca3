//! Pages: one self-contained HTML file with text, figures, tables and pictures.

mod inline;
mod table;

use std::fmt::{Display, Write};
use std::path::Path;

use bolete_formats::picture::Picture;
use bolete_formats::{FormatError, atomic};

use crate::svg::escape;
use crate::{Animation, Figure, encode};

pub use table::Table;

/// A page under construction. Everything is added at its end; all text is escaped.
///
/// The file needs no network, follows the reader's choice of light or dark, prints, and fits a phone. Hovering over
/// lines shows their values, and a click on the header of a table sorts it; without scripts all else still works.
///
/// # Examples
/// ```
/// use bolete_plot::{Axes, Figure, Line, page::Page};
/// let mut page = Page::new("Run 17");
/// page.tiles(&[("accuracy", "98.2 %", "test set"), ("time", "41 s", "")]);
/// page.heading("Curves").paragraph("Loss per *epoch*; see `metrics.csv`.");
/// page.figure(&Figure::new(Axes::new("Loss").with(Line::of(&[2.3, 0.4, 0.2]))), "Training loss");
/// assert!(page.html().contains("<h2 id=\"curves\">Curves</h2>"));
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    subtitle: String,
    body: String,
    sections: Vec<(String, String)>,
}

impl Page {
    /// An empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: String::new(), body: String::new(), sections: Vec::new() }
    }

    /// Sets a line below the title.
    pub fn subtitle(&mut self, text: impl Into<String>) -> &mut Self {
        self.subtitle = text.into();
        self
    }

    /// Begins a section. With two or more of them the page has links to them at its top.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        let name = self.name(text);
        let _ = writeln!(self.body, "<h2 id=\"{name}\">{}</h2>", escape(text));
        self.sections.push((name, text.to_string()));
        self
    }

    /// Begins a part of a section.
    pub fn subheading(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.body, "<h3>{}</h3>", escape(text));
        self
    }

    /// Adds a paragraph. `` `code` ``, `**strong**`, `*emphasis*` and `[text](https://…)` mean what they do in
    /// Markdown.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.body, "<p>{}</p>", inline::html(text));
        self
    }

    /// Adds a list of points, each with the markup of a paragraph.
    pub fn list<S: AsRef<str>>(&mut self, points: &[S]) -> &mut Self {
        self.body.push_str("<ul>\n");
        for point in points {
            let _ = writeln!(self.body, "<li>{}</li>", inline::html(point.as_ref()));
        }
        self.body.push_str("</ul>\n");
        self
    }

    /// Adds a figure with a caption, which has the markup of a paragraph and may be empty.
    pub fn figure(&mut self, figure: &Figure, caption: &str) -> &mut Self {
        let svg = figure.inline_svg();
        self.captioned(&svg, caption)
    }

    /// Adds a picture at its own size with a caption.
    pub fn picture(&mut self, picture: &Picture, caption: &str) -> &mut Self {
        let size = (picture.width(), picture.height());
        self.image(&encode::data_uri(picture), Some(size), caption, caption)
    }

    /// Adds an animation with a caption.
    ///
    /// # Errors
    /// As [`Animation::gif`]; nothing is added then.
    pub fn animation(&mut self, animation: &Animation, caption: &str) -> Result<&mut Self, FormatError> {
        let bytes = animation.gif()?;
        let description = if caption.is_empty() { animation.description() } else { caption };
        Ok(self.image(&encode::bytes_uri("image/gif", &bytes), None, description, caption))
    }

    /// Adds a figure that was written before: the text of an SVG file by [`Figure::svg`], taken as it is.
    pub fn saved_figure(&mut self, svg: &str, caption: &str) -> &mut Self {
        // What comes before the element belongs to a file of its own.
        let element = svg.find("<svg").map_or("", |start| &svg[start..]);
        self.captioned(element, caption)
    }

    /// Adds an animation that was written before: the bytes of a GIF file.
    pub fn saved_animation(&mut self, gif: &[u8], caption: &str) -> &mut Self {
        self.image(&encode::bytes_uri("image/gif", gif), None, caption, caption)
    }

    fn image(
        &mut self,
        address: &str,
        size: Option<(usize, usize)>,
        description: &str,
        caption: &str,
    ) -> &mut Self {
        let size =
            size.map(|(width, height)| format!(" width=\"{width}\" height=\"{height}\"")).unwrap_or_default();
        let element = format!("<img src=\"{address}\"{size} alt=\"{}\">", escape(description));
        self.captioned(&element, caption)
    }

    fn captioned(&mut self, element: &str, caption: &str) -> &mut Self {
        let _ = write!(self.body, "<figure><div class=\"card\">{element}</div>");
        if !caption.is_empty() {
            let _ = write!(self.body, "<figcaption>{}</figcaption>", inline::html(caption));
        }
        self.body.push_str("</figure>\n");
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        table.write(&mut self.body);
        self
    }

    /// Adds names and their values, as of a configuration.
    pub fn key_values<K: Display, V: Display>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        self.body.push_str("<dl>\n");
        for (key, value) in pairs {
            let (key, value) = (escape(&key.to_string()), escape(&value.to_string()));
            let _ = writeln!(self.body, "<div><dt>{key}</dt><dd>{value}</dd></div>");
        }
        self.body.push_str("</dl>\n");
        self
    }

    /// Adds text in a font of fixed width, as it is.
    pub fn preformatted(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.body, "<pre tabindex=\"0\">{}</pre>", escape(text));
        self
    }

    /// Adds what `content` adds, hidden until the reader opens it.
    pub fn details(&mut self, summary: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = writeln!(self.body, "<details><summary>{}</summary>", escape(summary));
        content(self);
        self.body.push_str("</details>\n");
        self
    }

    /// Adds a row of large numbers: what, how much, and a remark that may be empty.
    pub fn tiles<L: AsRef<str>, V: AsRef<str>, N: AsRef<str>>(&mut self, tiles: &[(L, V, N)]) -> &mut Self {
        self.body.push_str("<div class=\"tiles\">\n");
        for (label, value, note) in tiles {
            let (label, value, note) =
                (escape(label.as_ref()), escape(value.as_ref()), escape(note.as_ref()));
            let _ = write!(self.body, "<div class=\"tile\"><span>{label}</span><b>{value}</b>");
            if !note.is_empty() {
                let _ = write!(self.body, "<small>{note}</small>");
            }
            self.body.push_str("</div>\n");
        }
        self.body.push_str("</div>\n");
        self
    }

    /// A name for a section that is not used yet.
    fn name(&self, text: &str) -> String {
        let mut name = String::new();
        for letter in text.chars().flat_map(char::to_lowercase) {
            if letter.is_alphanumeric() {
                name.push(letter);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = match name.trim_end_matches('-') {
            "" => "section".to_string(),
            name => name.to_string(),
        };
        let taken = |name: &str| self.sections.iter().any(|(other, _)| other == name);
        if !taken(&name) {
            return name;
        }
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        numbered.into_iter().find(|name| !taken(name)).unwrap_or(name)
    }

    /// The text of the HTML file.
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
             <header><h1>{title}</h1>",
            include_str!("page/style.css")
        );
        if !self.subtitle.is_empty() {
            let _ = write!(out, "<p>{}</p>", inline::html(&self.subtitle));
        }
        out.push_str("</header>\n");
        if self.sections.len() > 1 {
            out.push_str("<nav aria-label=\"sections\">");
            for (name, text) in &self.sections {
                let _ = write!(out, "<a href=\"#{name}\">{}</a>", escape(text));
            }
            out.push_str("</nav>\n");
        }
        let _ = write!(out, "<main>\n{}</main>\n", self.body);
        let _ = write!(out, "<script>\n{}</script>\n</body>\n</html>\n", include_str!("page/script.js"));
        out
    }

    /// Writes the file, atomically.
    ///
    /// # Errors
    /// [`FormatError::Write`] when the disk refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FormatError> {
        let html = self.html();
        atomic::write(path, |out| out.write_all(html.as_bytes()))
    }
}
