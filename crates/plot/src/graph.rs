//! Drawings of directed graphs.

mod layout;
mod order;
mod place;

use crate::mark::{Extent, Key, Mark, Plane, Swatch};
use crate::marks::arrows;
use crate::scene::{Anchor, Item, Path, Point, Rect, Stroke, Text};
use crate::{Axes, Colour, Figure, font};
use layout::Layout;

/// A directed graph, drawn in layers so that edges run one way (Sugiyama, Tagawa and Toda 1981).
///
/// # Examples
/// ```
/// use bolete_plot::Graph;
/// let mut graph = Graph::new();
/// let x = graph.node("x", "input");
/// let square = graph.node("x²", "op");
/// let sum = graph.node("+", "op");
/// graph.edge(x, square);
/// graph.edge(x, sum);
/// graph.edge(square, sum);
/// assert!(graph.figure("x² + x").svg().contains("x²"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    kinds: Vec<String>,
    sideways: bool,
}

#[derive(Clone, Debug)]
struct Node {
    label: String,
    kind: usize,
}

#[derive(Clone, Debug)]
struct Edge {
    from: usize,
    to: usize,
    label: String,
}

/// Font sizes of nodes and edges.
const SIZE: f64 = 11.0;
const SMALL: f64 = 9.5;

impl Graph {
    /// A graph of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node and returns its number. The label may have several lines; nodes of one `kind` have one colour,
    /// named in the legend where there is more than one.
    pub fn node(&mut self, label: impl Into<String>, kind: &str) -> usize {
        let kind = self.kinds.iter().position(|known| known == kind).unwrap_or_else(|| {
            self.kinds.push(kind.to_string());
            self.kinds.len() - 1
        });
        self.nodes.push(Node { label: label.into(), kind });
        self.nodes.len() - 1
    }

    /// Adds an edge between two nodes.
    ///
    /// # Panics
    /// If one of the numbers is not that of a node.
    #[track_caller]
    pub fn edge(&mut self, from: usize, to: usize) {
        self.labelled_edge(from, to, "");
    }

    /// Adds an edge with a label.
    ///
    /// # Panics
    /// If one of the numbers is not that of a node.
    #[track_caller]
    pub fn labelled_edge(&mut self, from: usize, to: usize, label: impl Into<String>) {
        let count = self.nodes.len();
        assert!(from < count && to < count, "expected an edge between {count} nodes, found {from} to {to}");
        self.edges.push(Edge { from, to, label: label.into() });
    }

    /// Lets edges run from left to right rather than downwards.
    #[must_use]
    pub fn sideways(mut self) -> Self {
        self.sideways = true;
        self
    }

    /// The drawing as a panel.
    pub fn axes(&self, title: impl Into<String>) -> Axes {
        let layout = self.layout();
        let (width, height) = (layout.width.max(40.0), layout.height.max(20.0));
        let shrunk = (2400.0 / width.max(height)).min(1.0);
        Axes::new(title)
            .no_axes()
            .equal_aspect()
            .x_range(0.0, width)
            .y_range(0.0, height)
            .reverse_y()
            .area(width * shrunk, height * shrunk)
            .with(Drawing { graph: self.clone(), layout, width })
    }

    /// The drawing as a figure.
    pub fn figure(&self, title: impl Into<String>) -> Figure {
        Figure::new(self.axes(title))
    }

    /// The rectangle of each node in pixels at scale 1.
    pub fn boxes(&self) -> Vec<Rect> {
        self.layout().boxes
    }

    fn layout(&self) -> Layout {
        let sizes: Vec<(f64, f64)> = self
            .nodes
            .iter()
            .map(|node| {
                let lines = node.label.split('\n');
                let width = lines.clone().map(|line| font::width(line, SIZE)).fold(0.0, f64::max);
                (width.max(14.0) + 16.0, lines.count() as f64 * SIZE * font::LINE + 9.0)
            })
            .collect();
        let edges: Vec<(usize, usize)> = self.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        layout::layout(&sizes, &edges, self.sideways)
    }
}

struct Drawing {
    graph: Graph,
    layout: Layout,
    width: f64,
}

impl Mark for Drawing {
    fn extent(&self, extent: &mut Extent) {
        extent.x.snug();
        extent.y.snug();
    }

    fn draw(&self, plane: &Plane, series: usize, out: &mut Vec<Item>) {
        let scale = plane.rect().width / self.width;
        let place = |point: Point| Point::new(plane.x(point.x), plane.y(point.y));
        let ink = Colour::hex(0x777777);
        let mut curves = Path::new();
        let mut heads = Path::new();
        for (points, edge) in self.layout.edges.iter().zip(&self.graph.edges) {
            let points: Vec<Point> = points.iter().map(|&point| place(point)).collect();
            curve(&points, self.graph.sideways, 6.0 * scale, &mut curves, &mut heads);
            if !edge.label.is_empty() && points.len() >= 2 {
                let middle = points.len() / 2;
                let (a, b) = (points[middle - 1], points[middle]);
                let at = Point::new((a.x + b.x) / 2.0, (a.y + b.y) / 2.0);
                let text = Text::new(&*edge.label, at, SMALL * scale).colour(Colour::hex(0x444444));
                let halo = Some(Colour::WHITE.opacity(0.9));
                out.push(Item::Text(Text { halo, ..text.centred().anchor(Anchor::Middle) }));
            }
        }
        // Below labels and nodes.
        let lines = Item::stroke(curves, Stroke::new(ink, 1.1 * scale));
        out.insert(0, lines);
        out.insert(1, Item::fill(heads, ink));
        for (rect, node) in self.layout.boxes.iter().zip(&self.graph.nodes) {
            let (from, to) =
                (place(Point::new(rect.x, rect.y)), place(Point::new(rect.right(), rect.bottom())));
            let rect = Rect::between(from, to);
            let colour = Colour::series(series + node.kind);
            out.push(Item::Path {
                path: Path::rounded(rect, 5.0 * scale),
                fill: Some(Colour::WHITE.mix(colour, 0.18)),
                stroke: Some(Stroke::new(colour, 1.2 * scale)),
            });
            let lines: Vec<&str> = node.label.split('\n').collect();
            for (index, line) in lines.iter().enumerate() {
                let shift = index as f64 + 0.5 - lines.len() as f64 / 2.0;
                let at = Point::new(rect.centre().x, rect.centre().y + shift * SIZE * font::LINE * scale);
                let text = Text::new(*line, at, SIZE * scale);
                out.push(Item::Text(text.centred().anchor(Anchor::Middle)));
            }
        }
    }

    fn series(&self) -> usize {
        self.graph.kinds.len()
    }

    fn keys(&self, series: usize) -> Vec<Key> {
        if self.graph.kinds.len() < 2 {
            return Vec::new();
        }
        let key = |(index, kind): (usize, &String)| {
            let colour = Colour::series(series + index);
            Key { label: kind.clone(), swatch: Swatch::Patch(Colour::WHITE.mix(colour, 0.55)) }
        };
        self.graph.kinds.iter().enumerate().map(key).collect()
    }
}

/// A smooth line through points that are one layer apart each, with an arrow head of a length at its end.
fn curve(points: &[Point], sideways: bool, head: f64, path: &mut Path, heads: &mut Path) {
    let [first, .., last] = points else { return };
    let before = points[points.len() - 2];
    let along = if sideways { last.x - before.x } else { last.y - before.y };
    let back = head * along.signum();
    let end = if sideways { Point::new(last.x - back, last.y) } else { Point::new(last.x, last.y - back) };
    path.move_to(*first);
    for (index, pair) in points.windows(2).enumerate() {
        let (from, to) = (pair[0], if index + 2 == points.len() { end } else { pair[1] });
        let (near, far) = if sideways {
            let middle = (from.x + to.x) / 2.0;
            (Point::new(middle, from.y), Point::new(middle, to.y))
        } else {
            let middle = (from.y + to.y) / 2.0;
            (Point::new(from.x, middle), Point::new(to.x, middle))
        };
        path.cubic_to(near, far, to);
    }
    let tail =
        if sideways { Point::new(end.x - back * 0.3, end.y) } else { Point::new(end.x, end.y - back * 0.3) };
    arrows::outline(tail, *last, head * 0.2, heads);
}
