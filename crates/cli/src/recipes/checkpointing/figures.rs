//! Memory against time.

use bolete::plot::{Axes, Colour, Figure, Line, Marker, Note, Reference, Scatter};

use super::cost::{Growth, Measured};

/// Memory and time of each segment, against each other and against the segment.
pub(super) fn exchange(all: &[Measured], root: usize) -> Figure {
    let Some((everything, segments)) = all.split_first() else { return Figure::new(Axes::new("")) };
    let megabytes = |found: &Measured| found.memory as f64 / 1e6;
    let milliseconds = |found: &Measured| found.seconds * 1e3;
    let lengths: Vec<usize> = segments.iter().map(|found| found.segment).collect();
    let line = |of: &dyn Fn(&Measured) -> f64| {
        let values: Vec<f64> = segments.iter().map(of).collect();
        Line::new(&lengths, &values).marker(Marker::Circle)
    };
    let memory = Axes::new("Memory of values")
        .labels("blocks per segment", "MB")
        .log_x()
        .log_y()
        .with(line(&megabytes).label("with checkpoints").colour(Colour::BLUE))
        .with(Reference::horizontal(megabytes(everything)).label("everything kept").colour(Colour::RED))
        .with(Reference::vertical(root as f64).label("√depth").colour(Colour::GRAY));
    let operations = |found: &Measured| found.operations as f64 / everything.operations as f64;
    let work = Axes::new("Operations")
        .labels("blocks per segment", "times those without checkpoints")
        .log_x()
        .y_range(0.9, 1.5)
        .with(line(&operations).label("plan").colour(Colour::BLUE))
        .with(Reference::horizontal(4.0 / 3.0).label("4/3").colour(Colour::GRAY));
    let times: Vec<f64> = all.iter().map(milliseconds).collect();
    let sizes: Vec<f64> = all.iter().map(megabytes).collect();
    let notes = all.iter().map(|found| {
        let name = if found.segment == 0 { "all kept".to_owned() } else { found.segment.to_string() };
        Note::new(megabytes(found), milliseconds(found), name).away(6.0, 6.0)
    });
    let exchange = Axes::new("Memory against time, by blocks per segment")
        .labels("MB", "milliseconds")
        .log_x()
        .with(Scatter::new(&sizes, &times).size(7.0).colour(Colour::BLUE))
        .with_all(notes);
    Figure::grid(3, [memory, work, exchange])
}

/// Memory of values against the depth.
pub(super) fn growth(all: &[Growth]) -> Figure {
    let depths: Vec<usize> = all.iter().map(|found| found.depth).collect();
    let names = ["everything kept", "the input of every block", "the input of every √depth blocks"];
    let lines = names.iter().enumerate().map(|(index, name)| {
        let values: Vec<f64> = all.iter().map(|found| found.memory[index] as f64 / 1e6).collect();
        Line::new(&depths, &values).label(*name).marker(Marker::class(index))
    });
    let axes = Axes::new("Memory of values by depth").labels("blocks", "MB").log_x().log_y();
    Figure::new(axes.with_all(lines))
}
