//! What the optimisers did, in pictures.

use bolete::plot::{Animation, Axes, Colour, Contour, Figure, Legend, Line, Marker, Scatter};

use super::race::{Path, Racer};
use super::surface::Surface;

/// Contours of a surface, with a star at its minimum.
pub fn landscape(title: &str, surface: Surface) -> Axes {
    let [left, right, bottom, top] = surface.window();
    let (x, y, values) = surface.grid(160, 120);
    let [a, b] = surface.minimum();
    Axes::new(title)
        .labels("x", "y")
        .x_range(left, right)
        .y_range(bottom, top)
        .grid(false)
        .no_colour_bar()
        .with(Contour::new(&x, &y, &values).levels_at(&levels(&values)).opacity(0.45).width(1.0))
        .with(Scatter::new(&[a], &[b]).marker(Marker::Star).size(11.0).colour(Colour::BLACK).opacity(1.0))
}

/// Levels at equal distances of the logarithm, from a thousandth of the largest value that is drawn.
fn levels(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().copied().fold(0.0, f64::max);
    (0..16).map(|level| largest * 10f64.powf(-5.0 + 5.0 * f64::from(level) / 16.0)).collect()
}

/// The part of a path until the number of an update, cut where it leaves the window for good.
pub fn track(path: &[[f64; 2]], series: usize) -> Line {
    let (x, y): (Vec<f64>, Vec<f64>) = path.iter().map(|point| (point[0], point[1])).unzip();
    Line::new(&x, &y).colour(colour(series)).width(1.9)
}

/// The palette, and black for the ninth.
fn colour(series: usize) -> Colour {
    if series < 8 { Colour::series(series) } else { Colour::BLACK }
}

/// Those of the course and those beyond, each with its place in `racers`.
fn groups(racers: &[Racer]) -> [(&'static str, Vec<usize>); 2] {
    let of = |course: bool| (0..racers.len()).filter(|index| racers[*index].of_course == course).collect();
    [("of the lecture", of(true)), ("beyond it", of(false))]
}

/// The paths over contours, those of the course and those beyond it side by side.
pub fn trajectories(surface: Surface, racers: &[Racer], paths: &[Path]) -> Figure {
    let panels = groups(racers).map(|(title, members)| {
        let mut axes =
            landscape(&format!("Optimisers {title}"), surface).legend(Legend::Outside).area(430.0, 300.0);
        for (series, index) in members.into_iter().enumerate() {
            axes.push(track(&paths[index], series).label(racers[index].name));
        }
        axes
    });
    Figure::grid(1, panels).title(format!("Paths on {}", surface.name()))
}

/// Distance to the minimum by update.
pub fn distances(surface: Surface, racers: &[Racer], paths: &[Path]) -> Figure {
    let panels = groups(racers).map(|(title, members)| {
        let mut axes = Axes::new(format!("Optimisers {title}"))
            .labels("update", "distance to the minimum")
            .log_y()
            .y_range(1e-6, 20.0)
            .legend(Legend::Outside)
            .area(380.0, 230.0);
        for (series, index) in members.into_iter().enumerate() {
            let distances: Vec<f64> = paths[index].iter().map(|point| surface.distance(*point)).collect();
            axes.push(Line::of(&distances).colour(colour(series)).label(racers[index].name));
        }
        axes
    });
    Figure::grid(1, panels).title(format!("Convergence on {}", surface.name()))
}

/// The final distance at each learning rate.
pub fn rates(rates: &[f64], racers: &[Racer], reached: &[Vec<f64>], steps: usize) -> Figure {
    let panels = groups(racers).map(|(title, members)| {
        let mut axes = Axes::new(format!("Optimisers {title}"))
            .labels("learning rate", format!("distance after {steps} updates"))
            .log_x()
            .log_y()
            .y_range(1e-6, 100.0)
            .legend(Legend::Outside)
            .area(380.0, 230.0);
        for (series, index) in members.into_iter().enumerate() {
            axes.push(Line::new(&rates, &reached[index]).colour(colour(series)).label(racers[index].name));
        }
        axes
    });
    Figure::grid(1, panels).title("Beale's function: how much the learning rate matters")
}

/// Plain descent on bowls, a panel for each bowl and rate: name, rate, surface, path.
pub fn bowls(cases: &[(&str, f64, Surface, Path)]) -> Figure {
    let panels = cases.iter().map(|(name, rate, surface, path)| {
        // What diverges leaves the picture after a few updates.
        let inside = path.iter().take_while(|point| point.iter().all(|number| number.abs() < 50.0)).count();
        landscape(&format!("{name}, γ = {rate}"), *surface)
            .area(240.0, 120.0)
            .with(track(&path[..inside], 0).width(1.2).marker(Marker::Circle))
    });
    Figure::grid(3, panels).title("Gradient descent on bowls")
}

/// The paths of the course's optimisers as they grow.
pub fn animation(surface: Surface, racers: &[Racer], paths: &[Path], frames: usize) -> Animation {
    let steps = paths[0].len() - 1;
    let mut animation = Animation::new(80);
    let still = landscape("", surface).legend(Legend::Outside).area(430.0, 300.0);
    let [(_, members), _] = groups(racers);
    for frame in 0..=frames {
        // The first updates are the fast ones, and are shown more slowly.
        let part = (frame as f64 / frames as f64).powf(1.7);
        let until = ((part * steps as f64).round() as usize).min(steps);
        let mut axes = still.clone();
        for (series, &index) in members.iter().enumerate() {
            let [x, y] = paths[index][until];
            axes.push(track(&paths[index][..=until], series).label(racers[index].name));
            axes.push(Scatter::new(&[x], &[y]).colour(colour(series)).size(8.0).opacity(1.0));
        }
        animation.push(&Figure::new(axes).title(format!("{}, update {until}", surface.name())));
    }
    animation
}
