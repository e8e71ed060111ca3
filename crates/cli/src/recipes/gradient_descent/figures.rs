//! Figures of gradient descent.

use bolete::plot::{Animation, Axes, Colour, Contour, Figure, Legend, Line, Marker, Reference, Scatter};
use bolete::prelude::*;

use super::curve::{Walk, curve};
use super::line::Regression;
use super::trade_off::Course;
use crate::session::Session;

fn landscape(title: String) -> Axes {
    let x = Tensor::linspace(-5.6, 6.2, 400, DType::F64);
    let line = Line::new(&x.to_vec::<f64>(), &curve(&x).to_vec::<f64>()).colour(Colour::BLUE).width(2.0);
    Axes::new(title).labels("x", "L(x)").x_range(-5.6, 6.2).y_range(-7.0, 5.0).with(line.label("loss L"))
}

/// Frame `step` of a walk: where it was, where it stands, and the parabola whose minimum is next.
fn frame(name: &str, walk: &Walk, step: usize, legend: Legend) -> Axes {
    let parabola = Line::function(-5.6, 6.2, |x| walk.surrogate(step, x)).colour(Colour::ORANGE).dashed();
    let next = (walk.x[step + 1], walk.surrogate(step, walk.x[step + 1]));
    landscape(format!("{name}, step {}", step + 1))
        .with(parabola.label("parabola of curvature 1/γ"))
        .with(Scatter::new(&walk.x[..step], &walk.height[..step]).colour(Colour::GRAY).size(5.0))
        .with(Scatter::new(&[walk.x[step]], &[walk.height[step]]).colour(Colour::RED).size(9.0).label("here"))
        .with(
            Scatter::new(&[next.0], &[next.1])
                .colour(Colour::ORANGE)
                .marker(Marker::Diamond)
                .size(8.0)
                .label("next"),
        )
        .legend(legend)
}

pub(super) fn walks(session: &mut Session, walks: &[(&str, Walk)]) -> anyhow::Result<()> {
    let panels = walks.iter().map(|(name, walk)| {
        landscape((*name).to_owned())
            .with(Line::new(&walk.x, &walk.height).colour(Colour::GRAY).width(0.8))
            .with(Scatter::new(&walk.x, &walk.height).colour(Colour::RED).size(6.0).label("steps"))
            .legend(Legend::None)
    });
    let caption = "Gradient descent on one curve from three starts. With γ = 0.5 it ends in the minimum on whose side \
                   it begins; with γ = 1.3 each step is too long and lands on the other slope.";
    session.figure("walks", caption, &Figure::grid(3, panels))?;
    let mut animation = Animation::new(700);
    for step in 0..walks[0].1.x.len() - 1 {
        let panels = walks.iter().enumerate().map(|(index, (name, walk))| {
            // One legend for all, beside the last.
            frame(name, walk, step, if index + 1 == walks.len() { Legend::Outside } else { Legend::None })
        });
        animation.push(&Figure::grid(3, panels));
    }
    let caption =
        "Step after step: the parabola that stands for the loss, and its minimum, which is the next point.";
    session.animation("walks_step_by_step", caption, &animation)
}

pub(super) fn trajectories(
    session: &mut Session,
    data: &Regression,
    batch: &[[f64; 2]],
    stochastic: &[[f64; 2]],
) -> anyhow::Result<()> {
    let side = 61;
    let (b, w) = (bolete::plot::linspace(-3.0, 3.0, side), bolete::plot::linspace(-0.5, 5.5, side));
    let mut height = Vec::new();
    for w in &w {
        for b in &b {
            let weights = Tensor::from([*b, *w]);
            height.push(Regression::loss(&weights, &data.features, &data.targets));
        }
    }
    eval(&height);
    let height: Vec<f64> = height.iter().map(Tensor::item).collect();
    let best = data.best.to_vec::<f64>();
    let panel = |title: &str, path: &[[f64; 2]], colour: Colour| {
        let (x, y): (Vec<f64>, Vec<f64>) = path.iter().map(|point| (point[0], point[1])).unzip();
        Axes::new(title)
            .labels("offset", "slope")
            .x_range(-3.0, 3.0)
            .y_range(-0.5, 5.5)
            .with(Contour::new(&b, &w, &height).levels(12))
            .with(Line::new(&x, &y).colour(colour).width(1.2))
            .with(Scatter::new(&x, &y).colour(colour).size(3.0))
            .with(Scatter::new(&[best[0]], &[best[1]]).stars().colour(Colour::YELLOW))
            .area(300.0, 300.0)
            .no_colour_bar()
    };
    let panels = [
        panel("all examples per step", batch, Colour::BLUE),
        panel("one example per step", stochastic, Colour::RED),
    ];
    let caption = "The same number of steps from the same start; the star is the least-squares solution. The stochastic \
                   walk costs a hundredth per step and wanders around the minimum in the end.";
    session.figure("trajectories", caption, &Figure::grid(2, panels))
}

pub(super) fn variance(
    session: &mut Session,
    sizes: &[f64],
    variances: &[f64],
    slope: f64,
) -> anyhow::Result<()> {
    let law: Vec<f64> = sizes.iter().map(|size| variances[0] / size).collect();
    let axes = Axes::new("Noise of the gradient")
        .labels("examples per batch", "variance of the gradient")
        .log_x()
        .log_y()
        .with(Line::new(sizes, &law).dashed().colour(Colour::GRAY).label("1 / batch size"))
        .with(
            Scatter::new(sizes, variances)
                .colour(Colour::RED)
                .size(7.0)
                .label(format!("measured: slope {slope:.3}")),
        );
    session.figure("variance", "The variance falls as one over the size of the batch.", &Figure::new(axes))
}

pub(super) fn trade_off(session: &mut Session, courses: &[Course], count: usize) -> anyhow::Result<()> {
    let panel = |title: &str, values: fn(&Course) -> &[f64]| {
        let mut axes = Axes::new(title)
            .labels("gradients of single examples", "nats above the best fit")
            .log_x()
            .log_y()
            .with(Reference::vertical(count as f64).label("one pass"));
        for (index, course) in courses.iter().enumerate() {
            let line = Line::new(&course.gradients, values(course)).colour(Colour::series(index)).width(1.8);
            axes.push(line.label(&course.name));
        }
        axes
    };
    let panels = [
        panel("training loss", |course| &course.train),
        panel("test loss", |course| &course.test).legend(Legend::None),
    ];
    let caption = "Excess loss against computation. Few examples per step learn most of what there is to learn before \
                   the batch method has made one step; the batch method is better only long after that.";
    session.figure("trade_off", caption, &Figure::grid(2, panels))
}
