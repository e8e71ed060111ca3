//! Figures as files: well-formed, the same every time, small, and sane for odd data.

use bolete_plot::{
    Axes, Band, Bars, Colour, Contour, Figure, FilledContour, FormatError, Graph, HeatMap, Histogram, Image,
    Legend, Line, Note, Quiver, Reference, Scatter, confusion_matrix, image_grid, parallel_coordinates,
    parity, precision_recall, reliability, roc,
};

const HOSTILE: &str = "<script>alert(\"1 & 2\")</script> ' ]]> \u{0} \u{7} \u{fffe} \u{202e} − θ₀";

/// The text of every `<text>` element; fails where the file is not XML.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    let texts =
        document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.map(|node| node.text().unwrap_or_default().to_string()).collect()
}

/// Fails for attributes that no drawing can have.
fn assert_sound(figure: &Figure) {
    let svg = figure.svg();
    texts(&svg);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let document = roxmltree::Document::parse(&svg).unwrap();
    for node in document.descendants().filter(|node| node.has_attribute("width")) {
        let width: f64 = node.attribute("width").unwrap().parse().unwrap();
        assert!((0.0..20_000.0).contains(&width), "{width}");
    }
}

#[test]
fn hostile_labels_are_text_and_nothing_else() {
    let mut graph = Graph::new();
    let (a, b) = (graph.node(HOSTILE, HOSTILE), graph.node("b", "other"));
    graph.labelled_edge(a, b, HOSTILE);
    let axes = Axes::new(HOSTILE)
        .labels(HOSTILE, HOSTILE)
        .with(Line::of(&[1.0, 2.0]).label(HOSTILE))
        .with(Note::new(0.5, 1.5, HOSTILE))
        .with(Scatter::new(&[0.0, 1.0], &[1.0, 2.0]).values(&[1, 2]).value_label(HOSTILE));
    let bars = Axes::new("").with(Bars::new(&[HOSTILE], &[1.0]));
    let figure =
        Figure::grid(2, [axes, bars, graph.axes("g"), confusion_matrix(&[HOSTILE], &[1])]).title(HOSTILE);
    let svg = figure.svg();
    let all = texts(&svg);
    assert!(!svg.contains("<script"));
    assert!(all.iter().filter(|text| text.contains("alert(\"1 & 2\")</script>")).count() >= 6, "{all:?}");
}

#[test]
fn equal_figures_give_equal_bytes() {
    let make = || {
        let x: Vec<f64> = (0..500).map(|i| i as f64 / 50.0).collect();
        let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
        let lines = Axes::new("a").labels("x", "y").with(Line::new(&x, &y).label("sine"));
        let field = FilledContour::function((-1.0, 1.0), (-1.0, 1.0), 30, |x, y| x * y);
        let lines_of = Contour::function((-1.0, 1.0), (-1.0, 1.0), 30, |x, y| x * y).colour(Colour::WHITE);
        Figure::grid(2, [lines, Axes::new("b").with(field).with(lines_of)])
    };
    let (one, other) = (make(), make());
    assert_eq!(one.svg(), other.svg());
    assert_eq!(one.png(1.5), other.png(1.5));
    assert_eq!(one.svg(), one.svg());
}

#[test]
fn both_files_have_the_size_asked_for() {
    let figure = Figure::new(Axes::new("t").with(Line::of(&[1, 2]))).size(300.0, 200.0);
    assert!(figure.svg().contains("viewBox=\"0 0 300 200\""));
    let picture = figure.picture(2.0);
    assert_eq!((picture.width(), picture.height()), (600, 400));
    // Ink on white.
    assert!(picture.pixels().iter().any(|&byte| byte < 100) && picture.pixels()[..3] == [255; 3]);
}

#[test]
fn odd_data_make_a_panel_all_the_same() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let nothing: [f64; 0] = [];
    let panels = vec![
        Axes::new("nothing"),
        Axes::new("").log_x().log_y(),
        Axes::new("empty line").with(Line::new(&nothing, &nothing).label("none")),
        Axes::new("gaps").with(Line::of(&[1.0, nan, 3.0, inf, 2.0, -inf, 1.0])),
        Axes::new("only gaps").with(Line::of(&[nan, inf])).with(Scatter::new(&[nan], &[1.0])),
        Axes::new("constant").with(Line::of(&[3.0; 5])),
        Axes::new("zero").with(Line::of(&[0.0; 5])),
        Axes::new("one point").with(Scatter::new(&[1e9], &[1e-9])),
        Axes::new("one point, log").log_x().log_y().with(Scatter::new(&[1e9], &[1e-9])),
        Axes::new("below 0, log")
            .log_y()
            .with(Line::of(&[-1.0, 0.0, 10.0, 100.0]))
            .with(Reference::horizontal(-1.0)),
        Axes::new("all below 0, log").log_y().with(Line::of(&[-1.0, 0.0])),
        Axes::new("huge").with(Line::of(&[-1e308, 1e308])),
        Axes::new("tiny").with(Line::of(&[1e-300, 2e-300])),
        Axes::new("far apart").with(Line::of(&[1.0, 1.0 + 1e-14])),
        Axes::new("wrong way round").x_range(5.0, 1.0).with(Line::of(&[1.0, 2.0])),
        Axes::new("endless range").y_range(nan, inf).with(Line::of(&[1.0, 2.0])),
        Axes::new("band").log_y().with(Band::new(&[0, 1, 2], &[-1.0, 0.1, nan], &[1.0, 2.0, 3.0])),
        Axes::new("no bars").with(Bars::new(&nothing.map(|_| ""), &nothing)),
        Axes::new("bars")
            .log_y()
            .with(Bars::new(&["a", "b", "c"], &[nan, 10.0, -3.0]).errors(&[1.0, nan, 20.0])),
        Axes::new("histogram").with(Histogram::new(&nothing)),
        Axes::new("constant histogram").with(Histogram::new(&[2.0; 10])),
        Axes::new("gaps in histogram").log_y().with(Histogram::new(&[1.0, nan, inf, 2.0])),
        Axes::new("no heat").with(HeatMap::new(0, 3, &nothing)),
        Axes::new("heat").with(HeatMap::new(1, 2, &[nan, inf]).written()),
        Axes::new("log heat").with(HeatMap::new(1, 3, &[-1.0, 0.0, 1.0]).log()),
        Axes::new("no contour").with(FilledContour::new(&nothing, &nothing, &nothing)),
        Axes::new("flat contour").with(FilledContour::function((0.0, 1.0), (0.0, 1.0), 5, |_, _| 2.0)),
        Axes::new("log contour")
            .with(FilledContour::function((0.0, 1.0), (0.0, 1.0), 5, |_, _| -2.0).log_levels(4)),
        Axes::new("holes").with(Contour::function((-1.0, 1.0), (-1.0, 1.0), 9, |x, y| (x * y).sqrt())),
        Axes::new("quiver")
            .with(Quiver::new(&[0.0, 1.0], &[0.0, 1.0], &[0.0, nan], &[0.0, 1.0]).coloured("v")),
        parity(&nothing, &nothing),
        parity(&[1.0, nan], &[1.0, 2.0]),
        roc(&[("none", nothing, [false; 0])]),
        precision_recall(&[("all wrong", [0.5, nan], [false, true])]),
        reliability(&[0.0, 1.0, nan, 2.0], &[true, false, true, true], 4),
        confusion_matrix(&["a", "b"], &[0, 0, 0, 0]),
        parallel_coordinates(&["a", "b"], &[[nan, 1.0], [2.0, inf]]),
        parallel_coordinates::<&str, [f64; 0]>(&[], &[]),
        Graph::new().axes("empty"),
    ];
    for panel in &panels {
        assert_sound(&Figure::new(panel.clone()));
        Figure::new(panel.clone()).size(60.0, 40.0).png(1.0);
    }
    assert_sound(&Figure::grid(5, panels));
    assert_sound(&Figure::grid(3, []));
}

#[test]
fn a_million_points_stay_small_and_keep_their_peak() {
    let count = 1_000_000;
    let wave = |i: usize| if i == 654_321 { 40.0 } else { (i as f64 * 0.01).sin() + (i as f64 * 1e-6).cos() };
    let y: Vec<f64> = (0..count).map(wave).collect();
    let line = |y: &[f64]| Figure::new(Axes::new("").y_range(-3.0, 41.0).with(Line::of(y)));
    let svg = line(&y).svg();
    assert!(svg.len() < 300_000, "{} bytes", svg.len());
    let flat: Vec<f64> = y.iter().map(|y| y.min(2.0)).collect();
    assert_ne!(line(&y).picture(1.0), line(&flat).picture(1.0));
    let scatter = Figure::new(Axes::new("").with(Scatter::new(&y[..200_000], &y[1..200_001])));
    assert!(scatter.svg().len() < 600_000);
    let walk: Vec<f64> = y
        .iter()
        .scan(0.0, |sum, y| {
            *sum += y;
            Some(*sum)
        })
        .collect();
    let trajectory = Figure::new(Axes::new("").with(Line::new(&walk[1..], &y[1..])));
    assert!(trajectory.svg().len() < 600_000);
}

#[test]
fn a_legend_goes_where_nothing_is_drawn() {
    let rising = Figure::new(Axes::new("").with(Line::of(&[0.0, 1.0, 2.0]).label("rising")));
    let document_text = rising.svg();
    let document = roxmltree::Document::parse(&document_text).unwrap();
    let label = document.descendants().find(|node| node.text() == Some("rising")).unwrap();
    let place = |name: &str| label.attribute(name).unwrap().parse::<f64>().unwrap();
    // The line runs from the lower left to the upper right; the first free corner is the upper left.
    assert!(place("x") < 200.0 && place("y") < 100.0);
    let hidden = Figure::new(Axes::new("").legend(Legend::None).with(Line::of(&[0.0]).label("rising")));
    assert!(!hidden.svg().contains("rising"));
}

#[test]
fn tick_labels_do_not_overlap() {
    let ranges = [(0.0, 1.0), (-1e-7, 3e-7), (123_456.0, 123_999.0), (-2e9, 7e9), (0.1, 0.100001)];
    for (low, high) in ranges {
        for width in [120.0, 200.0, 400.0, 900.0] {
            let axes =
                Axes::new("").x_range(low, high).area(width, 100.0).with(Line::new(&[low, high], &[0, 1]));
            let svg = Figure::new(axes).svg();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let mut labels: Vec<(f64, usize)> = document
                .descendants()
                .filter(|node| node.attribute("text-anchor") == Some("middle"))
                .map(|node| {
                    let x = node.attribute("x").unwrap().parse().unwrap();
                    (x, node.text().unwrap().chars().count())
                })
                .collect();
            labels.sort_by(|a, b| a.0.total_cmp(&b.0));
            for pair in labels.windows(2) {
                // No letter of a label is narrower than 3.4 pixels.
                let least = (pair[0].1 + pair[1].1) as f64 / 2.0 * 3.4;
                assert!(pair[1].0 - pair[0].0 > least, "{labels:?} on {width}");
            }
        }
    }
}

#[test]
fn files_are_written_by_their_ending() {
    let folder = std::env::temp_dir().join(format!("bolete-plot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let figure = image_grid(2, [(Image::gray(2, 1, &[0, 255]), "a"), (Image::rgb(1, 1, &[1, 2, 3]), "b")]);
    figure.write(folder.join("a.svg")).unwrap();
    figure.write(folder.join("a.PNG")).unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("a.svg")).unwrap(), figure.svg());
    assert_eq!(std::fs::read(folder.join("a.PNG")).unwrap(), figure.png(2.0));
    let wrong = figure.write(folder.join("a.pdf")).unwrap_err();
    assert!(matches!(wrong, FormatError::Unwritable { .. }));
    assert!(wrong.to_string().contains(".svg or .png, found a.pdf"), "{wrong}");
    assert!(!folder.join("a.pdf").exists());
    assert!(matches!(figure.write(folder.join("no/a.svg")), Err(FormatError::Write { .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn wrong_lengths_panic_where_they_are_written() {
    let caught = std::panic::catch_unwind(|| Line::new(&[1.0], &[1.0, 2.0])).unwrap_err();
    let message = caught.downcast_ref::<String>().unwrap();
    assert_eq!(message, "expected as many x as y, found 1 and 2");
}
