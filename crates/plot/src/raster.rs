//! A scene as pixels.

use bolete_formats::picture::Picture;
use tiny_skia as skia;

use crate::scene::{Anchor, Item, Path, Rect, Scene, Segment, Stroke, Text};
use crate::{Colour, font, svg};

/// The most pixels along a side.
const LONGEST: f64 = 16_384.0;

/// The scene as an opaque picture over white, `scale` pixels per unit.
pub(crate) fn render(scene: &Scene, scale: f64) -> Picture {
    let rect = Rect::new(0.0, 0.0, scene.width, scene.height);
    let mut canvas = Canvas::new(rect, scale);
    canvas.pixels.fill(skia::Color::WHITE);
    canvas.items(&scene.items, None);
    let (width, height) = (canvas.pixels.width() as usize, canvas.pixels.height() as usize);
    let bytes =
        canvas.pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Picture::new(width, height, 3, bytes).expect("three bytes for every pixel")
}

/// Items inside of `rect` as a picture with transparent ground.
pub(crate) fn part(items: &[Item], rect: Rect, scale: f64) -> Picture {
    let mut canvas = Canvas::new(rect, scale);
    canvas.items(items, None);
    let (width, height) = (canvas.pixels.width() as usize, canvas.pixels.height() as usize);
    let bytes = canvas
        .pixels
        .pixels()
        .iter()
        .flat_map(|pixel| {
            let plain = pixel.demultiply();
            [plain.red(), plain.green(), plain.blue(), plain.alpha()]
        })
        .collect();
    Picture::new(width, height, 4, bytes).expect("four bytes for every pixel")
}

struct Canvas {
    pixels: skia::Pixmap,
    transform: skia::Transform,
    scale: f64,
    origin: (f64, f64),
}

impl Canvas {
    fn new(rect: Rect, scale: f64) -> Self {
        let side = |length: f64| (length * scale).ceil().clamp(1.0, LONGEST) as u32;
        let pixels = skia::Pixmap::new(side(rect.width), side(rect.height)).expect("the sides are not 0");
        let transform = skia::Transform::from_row(
            scale as f32,
            0.0,
            0.0,
            scale as f32,
            (-rect.x * scale) as f32,
            (-rect.y * scale) as f32,
        );
        Self { pixels, transform, scale, origin: (rect.x, rect.y) }
    }

    fn items(&mut self, items: &[Item], mask: Option<&skia::Mask>) {
        for item in items {
            self.item(item, mask);
        }
    }

    fn item(&mut self, item: &Item, mask: Option<&skia::Mask>) {
        match item {
            Item::Path { path, fill, stroke } => {
                let Some(path) = skia_path(path) else { return };
                if let Some(colour) = fill {
                    self.fill(&path, *colour, self.transform, mask);
                }
                if let Some(stroke) = stroke {
                    self.stroke(&path, stroke, self.transform, mask);
                }
            }
            Item::Markers { shape, at, fills, stroke } => {
                let Some(path) = skia_path(shape) else { return };
                for (index, point) in at.iter().enumerate() {
                    let transform = self.transform.pre_translate(point.x as f32, point.y as f32);
                    if !fills.is_empty() {
                        self.fill(&path, fills[index % fills.len()], transform, mask);
                    }
                    if let Some(stroke) = stroke {
                        self.stroke(&path, stroke, transform, mask);
                    }
                }
            }
            Item::Text(text) => self.text(text, mask),
            Item::Picture { picture, rect, smooth, opacity } => {
                self.picture(picture, *rect, *smooth, *opacity, mask);
            }
            Item::Clip { rect, items } => {
                let Some(mut inner) = skia::Mask::new(self.pixels.width(), self.pixels.height()) else {
                    return;
                };
                let Some(path) = skia_path(&Path::rect(*rect)) else { return };
                inner.fill_path(&path, skia::FillRule::Winding, true, self.transform);
                self.items(items, Some(&inner));
            }
            Item::Dense { items, .. } => self.items(items, mask),
        }
    }

    fn fill(
        &mut self,
        path: &skia::Path,
        colour: Colour,
        transform: skia::Transform,
        mask: Option<&skia::Mask>,
    ) {
        self.pixels.fill_path(path, &paint(colour), skia::FillRule::Winding, transform, mask);
    }

    fn stroke(
        &mut self,
        path: &skia::Path,
        stroke: &Stroke,
        transform: skia::Transform,
        mask: Option<&skia::Mask>,
    ) {
        let lengths = stroke.dashes.iter().map(|&length| length as f32).collect();
        let style = skia::Stroke {
            width: stroke.width as f32,
            line_cap: if stroke.round { skia::LineCap::Round } else { skia::LineCap::Butt },
            line_join: skia::LineJoin::Round,
            dash: if stroke.dashes.is_empty() { None } else { skia::StrokeDash::new(lengths, 0.0) },
            ..skia::Stroke::default()
        };
        self.pixels.stroke_path(path, &paint(stroke.colour), &style, transform, mask);
    }

    fn text(&mut self, text: &Text, mask: Option<&skia::Mask>) {
        let Some(path) = skia_path(&font::outline(&text.text, text.size)) else { return };
        let shift = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -font::width(&text.text, text.size) / 2.0,
            Anchor::End => -font::width(&text.text, text.size),
        };
        let (x, y) = (text.at.x as f32, text.at.y as f32);
        // Upwards: x of the text goes to -y of the page, y to x.
        let place = if text.upwards {
            skia::Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y)
        } else {
            skia::Transform::from_translate(x, y)
        };
        let transform = self.transform.pre_concat(place).pre_translate(shift as f32, 0.0);
        if let Some(halo) = text.halo {
            self.stroke(&path, &Stroke::new(halo, text.size * svg::HALO), transform, mask);
        }
        self.fill(&path, text.colour, transform, mask);
    }

    fn picture(
        &mut self,
        picture: &Picture,
        rect: Rect,
        smooth: bool,
        opacity: f64,
        mask: Option<&skia::Mask>,
    ) {
        let (width, height) = (picture.width(), picture.height());
        let Some(mut pixels) = skia::Pixmap::new(width as u32, height as u32) else { return };
        let channels = picture.channels();
        for (target, source) in pixels.pixels_mut().iter_mut().zip(picture.pixels().chunks_exact(channels)) {
            let (red, green, blue, alpha) = match *source {
                [gray] => (gray, gray, gray, 255),
                [red, green, blue] => (red, green, blue, 255),
                [red, green, blue, alpha] => (red, green, blue, alpha),
                _ => continue,
            };
            *target = skia::ColorU8::from_rgba(red, green, blue, alpha).premultiply();
        }
        // Edges between whole pixels would show a seam of half-covered ones.
        let snap = |value: f64, origin: f64| ((value - origin) * self.scale).round();
        let (left, top) = (snap(rect.x, self.origin.0), snap(rect.y, self.origin.1));
        let right = snap(rect.right(), self.origin.0).max(left + 1.0);
        let bottom = snap(rect.bottom(), self.origin.1).max(top + 1.0);
        let (across, down) = ((right - left) / width as f64, (bottom - top) / height as f64);
        let quality = if across < 1.0 || down < 1.0 {
            // A pixel stands for several: they are averaged first, or details would flicker.
            if let Some(smaller) = shrink(&pixels, (right - left) as u32, (bottom - top) as u32) {
                let paint = skia::PixmapPaint { opacity: opacity as f32, ..skia::PixmapPaint::default() };
                let (left, top) = (left as i32, top as i32);
                let place = skia::Transform::identity();
                self.pixels.draw_pixmap(left, top, smaller.as_ref(), &paint, place, mask);
                return;
            }
            skia::FilterQuality::Bilinear
        } else if smooth {
            skia::FilterQuality::Bicubic
        } else {
            skia::FilterQuality::Nearest
        };
        let paint = skia::PixmapPaint { opacity: opacity as f32, quality, ..skia::PixmapPaint::default() };
        let place = skia::Transform::from_row(across as f32, 0.0, 0.0, down as f32, left as f32, top as f32);
        self.pixels.draw_pixmap(0, 0, pixels.as_ref(), &paint, place, mask);
    }
}

/// The picture at a smaller size, each pixel the mean of those that it stands for.
fn shrink(from: &skia::Pixmap, width: u32, height: u32) -> Option<skia::Pixmap> {
    let mut to = skia::Pixmap::new(width.max(1), height.max(1))?;
    let range = |place: u32, sides: u32, source: u32| {
        let begin = u64::from(place) * u64::from(source) / u64::from(sides);
        let end = (u64::from(place + 1) * u64::from(source)).div_ceil(u64::from(sides));
        begin as usize..(end as usize).max(begin as usize + 1)
    };
    let row = from.width() as usize;
    let (width, height) = (to.width(), to.height());
    let source = from.data();
    for (index, target) in to.data_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = (index as u32 % width, index as u32 / width);
        let columns = range(x, width, from.width());
        let (mut sums, mut count) = ([0u32; 4], 0);
        for line in range(y, height, from.height()) {
            for column in columns.clone() {
                for channel in 0..4 {
                    sums[channel] += u32::from(source[(line * row + column) * 4 + channel]);
                }
                count += 1;
            }
        }
        for channel in 0..4 {
            target[channel] = ((sums[channel] + count / 2) / count) as u8;
        }
    }
    Some(to)
}

fn paint(colour: Colour) -> skia::Paint<'static> {
    let mut paint = skia::Paint { anti_alias: true, ..skia::Paint::default() };
    paint.set_color_rgba8(colour.red, colour.green, colour.blue, colour.alpha);
    paint
}

fn skia_path(path: &Path) -> Option<skia::Path> {
    // Far outside nothing is seen, and the arithmetic of single precision would fail.
    let near = |value: f64| value.clamp(-1e5, 1e5) as f32;
    let mut builder = skia::PathBuilder::new();
    for segment in &path.segments {
        match segment {
            Segment::Move(a) => builder.move_to(near(a.x), near(a.y)),
            Segment::Line(a) => builder.line_to(near(a.x), near(a.y)),
            Segment::Cubic(a, b, c) => {
                builder.cubic_to(near(a.x), near(a.y), near(b.x), near(b.y), near(c.x), near(c.y));
            }
            Segment::Close => builder.close(),
        }
    }
    builder.finish()
}
