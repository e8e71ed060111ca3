//! A scene as the text of an SVG file.

use std::fmt::Write;

use crate::scene::{Anchor, Item, Path, Point, Rect, Scene, Segment, Stroke, Text};
use crate::{Colour, encode, font, raster};

/// The scene as SVG. `page` leaves out the namespace declaration, which HTML does not need, and adds what the pointer
/// shows. `description` is read aloud by screen readers.
pub(crate) fn write(scene: &Scene, description: &str, page: bool) -> String {
    let mut writer = Writer { out: String::new(), names: 0, prefix: String::new() };
    let (width, height) = (number(scene.width), number(scene.height));
    let namespace = if page { "" } else { " xmlns=\"http://www.w3.org/2000/svg\"" };
    let _ = write!(
        writer.out,
        "<svg{namespace} width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{}\" role=\"img\" aria-label=\"{}\">",
        font::FAMILY,
        escape(description)
    );
    // Several figures in one page must not share the names of their parts.
    let mut body = Writer { out: String::new(), names: 0, prefix: String::new() };
    body.items(&scene.items);
    writer.prefix = format!("c{:08x}", hash(&body.out));
    writer.items(&scene.items);
    if page {
        for hover in &scene.hovers {
            hover.write(&mut writer.out);
        }
    }
    writer.out.push_str("</svg>");
    if !page {
        writer.out.push('\n');
    }
    writer.out
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

struct Writer {
    out: String,
    names: usize,
    prefix: String,
}

impl Writer {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Path { path, fill, stroke } => {
                if path.segments.is_empty() {
                    return;
                }
                self.out.push_str("<path d=\"");
                path_data(path, &mut self.out);
                self.out.push('"');
                match fill {
                    Some(colour) => self.paint("fill", *colour),
                    None => self.out.push_str(" fill=\"none\""),
                }
                if let Some(stroke) = stroke {
                    self.stroke(stroke);
                }
                self.out.push_str("/>");
            }
            Item::Markers { shape, at, fills, stroke } => self.markers(shape, at, fills, stroke.as_ref()),
            Item::Text(text) => self.text(text),
            Item::Picture { picture, rect, smooth, opacity } => {
                let href = encode::data_uri(picture);
                self.picture(rect, &href, *smooth, *opacity);
            }
            Item::Clip { rect, items } => {
                if items.is_empty() {
                    return;
                }
                self.names += 1;
                let name = format!("{}{}", self.prefix, self.names);
                let _ = write!(self.out, "<clipPath id=\"{name}\"><rect");
                self.rect(rect);
                let _ = write!(self.out, "/></clipPath><g clip-path=\"url(#{name})\">");
                self.items(items);
                self.out.push_str("</g>");
            }
            Item::Dense { rect, items } => {
                let picture = raster::part(items, *rect, 2.0);
                let href = encode::data_uri(&picture);
                // Whole pixels of the picture, so that none is stretched.
                let rect =
                    Rect::new(rect.x, rect.y, picture.width() as f64 / 2.0, picture.height() as f64 / 2.0);
                self.picture(&rect, &href, true, 1.0);
            }
        }
    }

    fn markers(&mut self, shape: &Path, at: &[Point], fills: &[Colour], stroke: Option<&Stroke>) {
        if at.is_empty() {
            return;
        }
        self.names += 1;
        let name = format!("{}{}", self.prefix, self.names);
        let _ = write!(self.out, "<defs><path id=\"{name}\" d=\"");
        path_data(shape, &mut self.out);
        self.out.push_str("\"/></defs><g");
        match fills {
            [] => self.out.push_str(" fill=\"none\""),
            [one] => self.paint("fill", *one),
            _ => {}
        }
        if let Some(stroke) = stroke {
            self.stroke(stroke);
        }
        self.out.push('>');
        for (index, point) in at.iter().enumerate() {
            let (x, y) = (number(point.x), number(point.y));
            let _ = write!(self.out, "<use href=\"#{name}\" x=\"{x}\" y=\"{y}\"");
            if fills.len() > 1 {
                self.paint("fill", fills[index % fills.len()]);
            }
            self.out.push_str("/>");
        }
        self.out.push_str("</g>");
    }

    fn picture(&mut self, rect: &Rect, href: &str, smooth: bool, opacity: f64) {
        self.out.push_str("<image");
        self.rect(rect);
        self.out.push_str(" preserveAspectRatio=\"none\"");
        if !smooth {
            self.out.push_str(" style=\"image-rendering:pixelated\"");
        }
        if opacity < 1.0 {
            let _ = write!(self.out, " opacity=\"{}\"", number(opacity));
        }
        let _ = write!(self.out, " href=\"{href}\"/>");
    }

    fn rect(&mut self, rect: &Rect) {
        let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(number);
        let _ = write!(self.out, " x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
    }

    fn paint(&mut self, what: &str, colour: Colour) {
        let _ = write!(self.out, " {what}=\"{}\"", colour.css());
        if colour.alpha < 255 {
            let _ = write!(self.out, " {what}-opacity=\"{}\"", number(f64::from(colour.alpha) / 255.0));
        }
    }

    fn stroke(&mut self, stroke: &Stroke) {
        self.paint("stroke", stroke.colour);
        let _ = write!(self.out, " stroke-width=\"{}\" stroke-linejoin=\"round\"", number(stroke.width));
        if stroke.round {
            self.out.push_str(" stroke-linecap=\"round\"");
        }
        if !stroke.dashes.is_empty() {
            let dashes: Vec<String> = stroke.dashes.iter().map(|&length| number(length)).collect();
            let _ = write!(self.out, " stroke-dasharray=\"{}\"", dashes.join(" "));
        }
    }

    fn text(&mut self, text: &Text) {
        if text.text.is_empty() {
            return;
        }
        let (x, y) = (number(text.at.x), number(text.at.y));
        if text.upwards {
            let _ = write!(self.out, "<text transform=\"translate({x} {y}) rotate(-90)\"");
        } else {
            let _ = write!(self.out, "<text x=\"{x}\" y=\"{y}\"");
        }
        let _ = write!(self.out, " font-size=\"{}\"", number(text.size));
        match text.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        self.paint("fill", text.colour);
        if let Some(halo) = text.halo {
            self.paint("stroke", halo);
            let _ = write!(
                self.out,
                " stroke-width=\"{}\" stroke-linejoin=\"round\" paint-order=\"stroke\"",
                number(text.size * HALO)
            );
        }
        let _ = write!(self.out, ">{}</text>", escape(&text.text));
    }
}

/// The width of the line around letters with a halo, as a part of the font size.
pub(crate) const HALO: f64 = 0.25;

/// Path data with relative positions in hundredths of a pixel, which are the shortest to write. What is rounded is
/// the absolute position, so that errors do not add up.
fn path_data(path: &Path, out: &mut String) {
    let hundredths = |value: f64| (value.clamp(-1e6, 1e6) * 100.0).round() as i64;
    let (mut x, mut y) = (0i64, 0i64);
    let (mut start, mut last) = ((0, 0), ' ');
    let mut fresh = true;
    for segment in &path.segments {
        let (letter, points): (char, &[Point]) = match segment {
            Segment::Move(a) => ('m', &[*a]),
            Segment::Line(a) => ('l', &[*a]),
            Segment::Cubic(a, b, c) => ('c', &[*a, *b, *c]),
            Segment::Close => ('z', &[]),
        };
        let written = if fresh && letter == 'm' { 'M' } else { letter };
        // Coordinates after those of a move are lines.
        if letter != last || letter == 'm' || letter == 'z' {
            out.push(written);
        } else {
            out.push(' ');
        }
        let mut target = (x, y);
        for (index, point) in points.iter().enumerate() {
            target = (hundredths(point.x), hundredths(point.y));
            if index > 0 {
                out.push(' ');
            }
            push_hundredths(out, target.0 - x);
            if target.1 >= y {
                out.push(' ');
            }
            push_hundredths(out, target.1 - y);
        }
        (x, y) = target;
        if letter == 'm' {
            start = (x, y);
        } else if letter == 'z' {
            (x, y) = start;
        }
        last = letter;
        fresh = false;
    }
}

fn push_hundredths(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    let value = value.unsigned_abs();
    let (whole, part) = (value / 100, value % 100);
    let _ = match (whole, part) {
        (_, 0) => write!(out, "{whole}"),
        (0, part) if part % 10 == 0 => write!(out, ".{}", part / 10),
        (0, _) => write!(out, ".{part:02}"),
        (_, part) if part % 10 == 0 => write!(out, "{whole}.{}", part / 10),
        _ => write!(out, "{whole}.{part:02}"),
    };
}

/// At most two decimals, none that say nothing.
fn number(value: f64) -> String {
    let mut text = String::new();
    push_hundredths(&mut text, (value.clamp(-1e6, 1e6) * 100.0).round() as i64);
    text
}

/// Text for XML and HTML, also inside of attributes. Characters that XML does not allow become �.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(letter),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}
