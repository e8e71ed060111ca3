//! Figures of approximations.

use bolete::plot::{Animation, Axes, Colour, Figure, Legend, Line, Marker, Scatter};

use super::shallow::Sampled;
use crate::session::Session;

fn panel(title: String, truth: &Sampled, approximation: &[f64]) -> Axes {
    Axes::new(title)
        .labels("x", "f(x)")
        .x_range(truth.x[0], truth.x[truth.x.len() - 1])
        .y_range(-7.0, 3.0)
        .with(Line::new(&truth.x, &truth.y).colour(Colour::GRAY).width(3.0).label("curve"))
        .with(Line::new(&truth.x, approximation).colour(Colour::RED).width(1.6).label("network"))
        .legend(Legend::LowerLeft)
}

/// One frame for each number of steps.
pub(super) fn staircases(
    session: &mut Session,
    truth: &Sampled,
    frames: &[(usize, Vec<f64>)],
) -> anyhow::Result<()> {
    let mut animation = Animation::new(700);
    for (count, values) in frames {
        let plural = if *count == 1 { "step" } else { "steps" };
        animation.push(&Figure::new(panel(format!("{count} {plural}"), truth, values)));
    }
    session.animation(
        "steps",
        "A sum of more and more steps comes closer and closer to the curve.",
        &animation,
    )
}

/// The greedy approximation with its knots.
pub(super) fn greedy(
    session: &mut Session,
    truth: &Sampled,
    frames: &[(Vec<f64>, Vec<f64>)],
) -> anyhow::Result<()> {
    let picture = |(knots, values): &(Vec<f64>, Vec<f64>)| {
        let at = |knot: &f64| {
            let place = truth.x.iter().position(|x| x >= knot).unwrap_or(truth.x.len() - 1);
            truth.y[place]
        };
        let heights: Vec<f64> = knots.iter().map(at).collect();
        let scatter =
            Scatter::new(knots, &heights).colour(Colour::RED).size(7.0).edge(Colour::WHITE).label("knots");
        Figure::new(panel(format!("{} knots", knots.len()), truth, values).with(scatter))
    };
    let mut animation = Animation::new(500);
    frames.iter().for_each(|frame| animation.push(&picture(frame)));
    let caption = "Each new knot goes to where the straight pieces are farthest from the curve.";
    session.animation("greedy", caption, &animation)?;
    match frames.last() {
        Some(last) => session.figure("greedy_last", "A sum of ReLUs, one bend at each knot.", &picture(last)),
        None => Ok(()),
    }
}

/// Largest error against the number of units, by method.
pub(super) fn errors(session: &mut Session, curves: &[(&str, Vec<(f64, f64)>)]) -> anyhow::Result<()> {
    let mut axes =
        Axes::new("Largest error on the interval").labels("hidden units", "largest error").log_x().log_y();
    for (name, curve) in curves {
        let (x, y): (Vec<f64>, Vec<f64>) = curve.iter().copied().unzip();
        axes.push(Line::new(&x, &y).marker(Marker::Circle).label(*name));
    }
    let caption = "Steps come closer as 1/n, straight pieces as 1/n². Training finds good networks, though not the best \
                   of their size.";
    session.figure("errors", caption, &Figure::new(axes))
}
