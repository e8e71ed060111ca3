//! One figure of each kind.

use bolete_plot::scene::Anchor;
use bolete_plot::{
    Arrow, Attention, Axes, Band, Bars, Boxes, Colour, ColourMap, Contour, Ellipse, Figure, FilledContour,
    HeatMap, Histogram, Image, Keypoints, Line, Marker, Mask, Note, Quiver, Reference, Scatter, linspace,
};

use super::data::{Noise, beale, disc, landscape};

pub fn lines() -> Figure {
    let degree: Vec<usize> = (1..=15).collect();
    let train: Vec<f64> = degree.iter().map(|&d| 0.4 * (-0.5 * d as f64).exp() + 0.004).collect();
    let test: Vec<f64> =
        degree.iter().map(|&d| 0.5 * (-0.6 * d as f64).exp() + 0.006 * (0.35 * d as f64).exp()).collect();
    let linear = Axes::new("A wave and its derivative")
        .labels("x", "y")
        .with(Line::function(-5.0, 5.0, f64::tanh).label("tanh x"))
        .with(Line::function(-5.0, 5.0, |x| 1.0 - x.tanh().powi(2)).label("tanh′ x").dashed());
    let log_y = Axes::new("Test error")
        .labels("degree", "mean squared error")
        .log_y()
        .with(Line::new(&degree, &train).label("train").marker(Marker::Circle))
        .with(Line::new(&degree, &test).label("test").marker(Marker::Square));
    let scaling: Vec<f64> = (0..40).map(|i| 1e3 * 10f64.powf(i as f64 / 8.0)).collect();
    let loss: Vec<f64> = scaling.iter().map(|n| 1.7 + (n / 8e3).powf(-0.34)).collect();
    let log_x = Axes::new("Scaling law")
        .labels("parameters N", "loss in nats")
        .log_x()
        .log_y()
        .with(Scatter::new(&scaling, &loss).label("runs"))
        .with(Line::new(&scaling, &loss).label("L = 1.7 + (N/8000)⁻⁰·³⁴"));
    Figure::grid(3, [linear, log_y, log_x]).title("Lines: linear, log y, log x and y")
}

pub fn bands() -> Figure {
    let mut noise = Noise(3);
    let x = linspace(0.0, 6.0, 80);
    let mean: Vec<f64> = x.iter().map(|x| x.sin()).collect();
    let spread: Vec<f64> = x.iter().map(|x| 0.1 + 0.05 * x).collect();
    let at = |k: f64| mean.iter().zip(&spread).map(|(m, s)| m + k * s).collect::<Vec<f64>>();
    let band = Axes::new("Posterior")
        .labels("x", "f(x)")
        .with(Band::new(&x, &at(-2.0), &at(2.0)).opacity(0.15))
        .with(Band::new(&x, &at(-1.0), &at(1.0)).label("mean ± σ, 2σ").opacity(0.2))
        .with(Line::new(&x, &mean).label("mean"))
        .with(
            Scatter::new(&x, &mean.iter().map(|m| m + 0.2 * noise.normal()).collect::<Vec<_>>())
                .label("data")
                .size(4.0)
                .colour(Colour::hex(0x333333)),
        );
    let mut spaghetti = Axes::new("200 resamplings").labels("x", "fit");
    for _ in 0..200 {
        let (a, b) = (0.15 * noise.normal(), 0.1 * noise.normal());
        let y: Vec<f64> = x.iter().map(|x| x.sin() + a + b * (x - 3.0)).collect();
        spaghetti.push(Line::new(&x, &y).colour(Colour::BLUE).opacity(0.08).width(1.0));
    }
    spaghetti.push(Line::new(&x, &mean).colour(Colour::RED).label("truth"));
    Figure::grid(2, [band, spaghetti])
}

pub fn scatters() -> Figure {
    let mut noise = Noise(5);
    let (x, y) = (noise.normals(300), noise.normals(300));
    let radius: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x.hypot(*y)).collect();
    let classes: Vec<usize> = (0..300).map(|i| i % 3).collect();
    let moved: Vec<f64> = x.iter().zip(&classes).map(|(x, &c)| x * 0.6 + c as f64 * 2.0).collect();
    let by_value = Axes::new("By value")
        .labels("x", "y")
        .with(Scatter::new(&x, &y).values(&radius).value_label("radius"));
    let by_class = Axes::new("By class")
        .labels("x", "y")
        .with(Scatter::new(&moved, &y).classes(&classes, &["setosa", "versicolor", "virginica"]))
        .with(Scatter::new(&[0.0, 2.0, 4.0], &[0.0, 0.0, 0.0]).stars().colour(Colour::YELLOW).label("means"));
    let (x, y) = (noise.normals(40_000), noise.normals(40_000));
    let many = Axes::new("40,000 points").labels("x", "y").with(Scatter::new(&x, &y).size(2.0).opacity(0.1));
    Figure::grid(3, [by_value, by_class, many])
}

pub fn amounts() -> Figure {
    let mut noise = Noise(7);
    let bars = Axes::new("Accuracy")
        .labels("", "accuracy")
        .with(
            Bars::new(&["SGD", "Adam", "Muon"], &[0.91, 0.95, 0.97])
                .errors(&[0.02, 0.015, 0.01])
                .label("MNIST")
                .group("CIFAR-10", &[0.55, 0.64, 0.7])
                .errors(&[0.05, 0.03, 0.02]),
        )
        .y_range(0.0, 1.15);
    let across = Axes::new("Slowest kernels").labels("time in ms", "").with(
        Bars::new(&["matrix product", "convolution", "softmax", "layer norm"], &[12.1, 8.4, 2.2, 0.7])
            .horizontal()
            .written(),
    );
    let histogram = Axes::new("Activations")
        .labels("value", "count")
        .with(Histogram::new(&noise.normals(2000)).label("layer 1"))
        .with(
            Histogram::new(&noise.normals(2000).iter().map(|x| x * 0.4 + 2.0).collect::<Vec<_>>())
                .label("layer 2"),
        );
    Figure::grid(3, [bars, across, histogram])
}

pub fn histograms() -> Figure {
    let mut noise = Noise(9);
    let panel = |layer: usize| {
        let values: Vec<f64> =
            noise.normals(1500).iter().map(|x| (x * 1.4f64.powi(layer as i32)).tanh()).collect();
        Axes::new(format!("layer {}", layer + 1)).with(Histogram::new(&values).bins(30).range(-1.0, 1.0))
    };
    Figure::grid(4, (0..8).map(panel)).title("Saturation by depth")
}

pub fn fields() -> Figure {
    let heat = Axes::new("Positional encoding").labels("dimension", "position").reverse_y().with({
        let value = |i: usize| {
            let (p, d) = ((i / 64) as f64, i % 64);
            let angle = p / 1e4f64.powf((d - d % 2) as f64 / 64.0);
            if d.is_multiple_of(2) { angle.sin() } else { angle.cos() }
        };
        HeatMap::new(50, 64, &(0..50 * 64).map(value).collect::<Vec<_>>()).diverging().label("value")
    });
    let filled = Axes::new("Beale’s function")
        .labels("x", "y")
        .with(
            FilledContour::function((-4.5, 4.5), (-4.5, 4.5), 120, |x, y| beale(x, y) + 1e-3)
                .log_levels(12)
                .label("f"),
        )
        .with(Scatter::new(&[3.0], &[0.5]).stars().colour(Colour::YELLOW));
    let (mut path, mut at) = (vec![(-4.0, 1.8)], (-4.0f64, 1.8f64));
    for _ in 0..60 {
        at = (at.0 - 0.08 * at.0 * 0.9, at.1 * -0.85);
        path.push(at);
    }
    let (px, py): (Vec<f64>, Vec<f64>) = path.into_iter().unzip();
    let lines = Axes::new("A bowl and a trajectory")
        .labels("x", "y")
        .equal_aspect()
        .with(Contour::function((-5.0, 5.0), (-3.0, 3.0), 80, |x, y| x * x / 8.0 + 2.0 * y * y).levels(12))
        .with(
            Line::new(&px, &py)
                .marker(Marker::Circle)
                .label("gradient descent")
                .colour(Colour::RED)
                .width(1.2),
        );
    let quiver = Axes::new("A vector field")
        .labels("x", "y")
        .equal_aspect()
        .with(Quiver::function((-2.0, 2.0), (-2.0, 2.0), 15, |x, y| (-y, x - 0.3 * y)).coloured("speed"));
    Figure::grid(2, [heat, filled, lines, quiver])
}

pub fn notes() -> Figure {
    let axes = Axes::new("Notes, arrows, ellipses and reference lines")
        .labels("x", "y")
        .with(Ellipse::covariance((0.0, 0.0), [[1.0, 0.6], [0.6, 1.0]], 2.0).label("2σ"))
        .with(Ellipse::covariance((0.0, 0.0), [[1.0, 0.6], [0.6, 1.0]], 1.0).label("1σ"))
        .with(Arrow::new((0.0, 0.0), (1.26, 1.26)).label("principal axis"))
        .with(Reference::vertical(-1.5).label("threshold"))
        .with(Reference::horizontal(1.5).dotted())
        .with(Note::new(0.0, 0.0, "mean μ").away(40.0, -40.0).anchor(Anchor::Start));
    Figure::new(axes)
}

pub fn pictures() -> Figure {
    let (width, height) = (96, 64);
    let scene = || Image::rgb(width, height, &landscape(width, height));
    let boxes = scene().panel("Boxes").with(
        Boxes::new(&[[62.0, 8.0, 82.0, 26.0], [4.0, 34.0, 90.0, 62.0]])
            .labels(&["sun 0.98", "hills 0.91"])
            .classes(&[0, 1]),
    );
    let mask: Vec<usize> = landscape(width, height)
        .chunks(3)
        .map(|p| {
            if p[2] < 100 {
                1
            } else if p[0] == 255 {
                2
            } else {
                0
            }
        })
        .collect();
    let masks = scene().panel("Mask").with(Mask::new(width, height, &mask));
    let weights: Vec<f64> = (0..96)
        .map(|i| (-((i % 12) as f64 - 8.5).powi(2) / 6.0 - ((i / 12) as f64 - 2.0).powi(2) / 3.0).exp())
        .collect();
    let attention = scene().panel("Attention").with(Attention::new(8, 12, &weights, (width, height)));
    let keypoints = scene().panel("Keypoints").with(
        Keypoints::new(&[(20.0, 20.0), (20.0, 35.0), (10.0, 28.0), (30.0, 28.0), (14.0, 50.0), (26.0, 50.0)])
            .bones(&[(0, 1), (1, 2), (1, 3), (1, 4), (1, 5)]),
    );
    Figure::grid(2, [boxes, masks, attention, keypoints])
}

pub fn discs() -> Vec<Image> {
    (0..12).map(|i| Image::gray(28, 28, &disc(28, i as f64 / 3.0 - 2.0))).collect()
}

pub fn density() -> Figure {
    let density =
        HeatMap::function((-3.0, 3.0), (-3.0, 3.0), 60, |x, y| (-(x * x + y * y - x * y) / 2.0).exp())
            .map(ColourMap::Magma)
            .smooth();
    Figure::new(Axes::new("Density").labels("x", "y").equal_aspect().with(density))
}
