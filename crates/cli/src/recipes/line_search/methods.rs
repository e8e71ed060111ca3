//! Steepest descent, L-BFGS and Newton's method on a surface.

use super::descent::{Descent, Direction, Search, lbfgs, minimise, order};
use super::{Config, figures, searches};
use crate::recipes::optimisers::surface::Surface;
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, surface: Surface) -> anyhow::Result<()> {
    session.heading(&format!("Minimising {}", surface.name()))?;
    let all = all(config, surface, session)?;
    let header = ["method", "iterations", "evaluations", "evaluations to 1e-6", "distance", "order"];
    session.table(
        &format!("Minimising {}", surface.name()),
        &header,
        all.iter().map(|(name, descent)| row(name, descent, surface)).collect(),
    )?;
    let name = if surface == Surface::Beale { "beale" } else { "rosenbrock" };
    let caption = "Each marker is an iteration.";
    session.figure(&format!("{name}-paths"), caption, &figures::paths(surface, &all))?;
    let caption = "Left and middle: the whole way. Right: each error over the one before; along the dashed lines the order is 1 and 2.";
    session.figure(&format!("{name}-convergence"), caption, &figures::convergence(surface, &all))?;
    for (name, expected, index) in [
        ("steepest descent", "1, linear", 1),
        ("L-BFGS", "above 1, superlinear", 2),
        ("Newton", "2, quadratic", 4),
    ] {
        if let Some(order) = order(&all[index].1.errors(surface)) {
            session.result(&format!("{}: order of {name}", surface.name()), order, expected)?;
        }
    }
    Ok(())
}

/// All methods on a surface, by name.
fn all(
    config: &Config,
    surface: Surface,
    session: &mut Session,
) -> anyhow::Result<Vec<(&'static str, Descent)>> {
    let (backtracking, wolfe) = searches(config);
    let mut all = Vec::new();
    for (name, direction, search) in [
        ("steepest descent, backtracking", Direction::Steepest, Search::Backtracking(backtracking)),
        ("steepest descent, Wolfe", Direction::Steepest, Search::Wolfe(wolfe)),
        ("Newton, backtracking", Direction::Newton, Search::Backtracking(backtracking)),
        ("Newton, Wolfe", Direction::Newton, Search::Wolfe(wolfe)),
    ] {
        session.progress(&format!("{}: {name}", surface.name()))?;
        all.push((name, minimise(surface, config.iterations, direction, search)));
    }
    all.insert(2, ("L-BFGS, Wolfe", lbfgs(surface, config.iterations, wolfe)));
    Ok(all)
}

/// How far a method came, and at what price.
fn row(name: &str, descent: &Descent, surface: Surface) -> Vec<String> {
    let errors = descent.errors(surface);
    let near = errors.iter().position(|error| *error < 1e-6);
    vec![
        name.to_owned(),
        (descent.path.len() - 1).to_string(),
        descent.evaluations.last().map_or(String::new(), usize::to_string),
        near.map_or("-".to_owned(), |index| descent.evaluations[index].to_string()),
        errors.last().map_or(String::new(), |error| format!("{error:.1e}")),
        order(&errors).map_or("-".to_owned(), |order| format!("{order:.2}")),
    ]
}
