//! Figures as SVG and PNG, animations as GIF, and self-contained pages.
//!
//! A [`Figure`] is one panel or a grid of them; a panel is [`Axes`] with marks:
//!
//! ```
//! use bolete_plot::{Axes, Band, Figure, Line, Scatter, linspace};
//!
//! let x = linspace(0.0, 6.0, 61);
//! let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
//! let (low, high): (Vec<f64>, Vec<f64>) = y.iter().map(|y| (y - 0.2, y + 0.2)).unzip();
//! let axes = Axes::new("A wave")
//!     .labels("time in s", "height in m")
//!     .with(Band::new(&x, &low, &high))
//!     .with(Line::new(&x, &y).label("truth"))
//!     .with(Scatter::new(&[1.0, 2.0, 5.0], &[0.9, 0.8, -1.1]).label("measured"));
//! let figure = Figure::new(axes);
//! let (svg, png) = (figure.svg(), figure.png(2.0));
//! # assert!(svg.starts_with("<svg") && png.starts_with(b"\x89PNG"));
//! ```
//!
//! | what | how |
//! |---|---|
//! | curves, points | [`Line`], [`Scatter`], [`Band`], [`Reference`] |
//! | amounts | [`Bars`], [`Histogram`] |
//! | functions of two variables | [`HeatMap`], [`Contour`], [`FilledContour`], [`Quiver`] |
//! | pictures | [`Image`], [`image_grid`], [`Boxes`], [`Mask`], [`Attention`], [`Keypoints`] |
//! | notes | [`Note`], [`Arrow`], [`Ellipse`] |
//! | whole panels | [`parity`], [`precision_recall`], [`roc`], [`reliability`], [`confusion_matrix`], [`parallel_coordinates`], [`Graph`] |
//! | things that move | [`Animation`] |
//! | pages of all of these | [`page::Page`] |
//!
//! Numbers are given as slices of any number type ([`Numbers`]), pictures as bytes. What is not finite, or has no
//! place on a logarithmic axis, leaves a gap. Lengths are pixels at scale 1. The same calls give the same bytes.
//!
//! A mark puts paths, texts and pictures on a display list ([`scene`]), which is written as SVG text or painted;
//! both measure text with the same embedded font. Own kinds of mark implement [`mark::Mark`].
#![forbid(unsafe_code)]

mod animation;
mod axes;
mod chart;
mod colour;
mod colour_bar;
mod encode;
mod figure;
mod font;
mod graph;
mod hover;
mod legend;
pub mod mark;
mod marker;
mod marks;
mod numbers;
pub mod page;
mod raster;
mod scale;
pub mod scene;
mod svg;
mod ticks;

pub use animation::Animation;
pub use axes::Axes;
pub use bolete_formats::FormatError;
pub use bolete_formats::picture::Picture;
pub use chart::confusion::confusion_matrix;
pub use chart::curves::{precision_recall, roc};
pub use chart::images::image_grid;
pub use chart::parallel::parallel_coordinates;
pub use chart::parity::parity;
pub use chart::reliability::reliability;
pub use colour::{Colour, ColourMap};
pub use figure::Figure;
pub use graph::Graph;
pub use hover::HoverSeries;
pub use legend::Legend;
pub use marker::Marker;
pub use marks::arrows::{Arrow, Quiver};
pub use marks::band::Band;
pub use marks::bars::Bars;
pub use marks::boxes::{Attention, Boxes, Keypoints, Mask};
pub use marks::contour::{Contour, FilledContour};
pub use marks::ellipse::Ellipse;
pub use marks::heat_map::HeatMap;
pub use marks::histogram::Histogram;
pub use marks::image::Image;
pub use marks::levels::Levels;
pub use marks::line::Line;
pub use marks::note::Note;
pub use marks::reference::Reference;
pub use marks::scatter::Scatter;
pub use numbers::{Number, Numbers, linspace, logspace};
pub use ticks::number;
