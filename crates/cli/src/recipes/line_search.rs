//! `line_search`: how far to go in a direction, and what that does to steepest descent, Newton and L-BFGS.

mod descent;
mod figures;

use bolete::nn::{BacktrackingSearch, LinePoint, WolfeSearch};
use bolete::plot::Figure;
use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::recipes::optimisers::surface::Surface;
use crate::session::Session;
use descent::{Descent, Direction, Search, lbfgs, minimise, order};

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Nothing is random here; the key is there as in all recipes.
    seed: u64,
    /// c₁: the part of the promised descent that must be there.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.5))]
    decrease: f64,
    /// c₂: the part of the slope that may be left.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.999))]
    curvature: f64,
    /// Points at which the line is drawn and the conditions are examined.
    #[schemars(range(min = 10, max = 100000))]
    resolution: usize,
    /// Largest number of iterations of each method.
    #[schemars(range(min = 5, max = 1000000))]
    iterations: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 0, decrease: 1e-4, curvature: 0.9, resolution: 2000, iterations: 5000 }
    }
}

/// A function along a line, with its conditions.
struct Slice {
    points: Vec<LinePoint>,
    /// What each search tried, the last being what it took.
    backtracking: Vec<LinePoint>,
    wolfe: Vec<LinePoint>,
}

/// The recipe.
pub struct LineSearch;

impl Recipe for LineSearch {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "line_search",
        about: "Wolfe's conditions on a line; steepest descent, L-BFGS and Newton by evaluations and order",
        group: Group::Lecture(4),
        expected: "orders of convergence on Beale's function: 1.00 for steepest descent, 1.30 for L-BFGS, 2.14 for \
                   Newton; 4067, 25 and 16 evaluations",
        time: "1 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { iterations: 2000, ..whole },
            Setting::Smoke => Config { resolution: 100, iterations: 20, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        session.heading("Along a line")?;
        session.say(&format!(
            "From a point and in a direction of descent a function is φ(t), a function of the step alone. The first condition \
             of Wolfe asks for a decrease, φ(t) ≤ φ(0) + c₁ t φ′(0) with c₁ = {}: it forbids steps that are too long. The \
             second, |φ′(t)| ≤ c₂ |φ′(0)| with c₂ = {}, forbids steps so short that nearly all of the slope is left.",
            config.decrease, config.curvature
        ))?;
        let (mut rows, mut panels) = (Vec::new(), Vec::new());
        for surface in [Surface::Beale, Surface::Rosenbrock] {
            let slice = slice(config, surface);
            rows.extend(slice_rows(config, surface, &slice));
            panels.push(figures::slice(config, surface, &slice));
        }
        let header = ["line", "decrease holds", "curvature holds", "both hold", "backtracking", "Wolfe"];
        session.table("Steps that satisfy the conditions, and what was tried", &header, rows)?;
        let caption = "The strips below show where each condition holds; the last point of each kind is the one that was taken.";
        session.figure("slices", caption, &Figure::grid(1, panels))?;

        for surface in [Surface::Beale, Surface::Rosenbrock] {
            session.heading(&format!("Minimising {}", surface.name()))?;
            let all = methods(config, surface, session)?;
            let row = |(name, descent): &(&str, Descent)| method_row(name, descent, surface);
            let header = ["method", "iterations", "evaluations", "evaluations to 1e-6", "distance", "order"];
            session.table(
                &format!("Minimising {}", surface.name()),
                &header,
                all.iter().map(row).collect(),
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
        }
        session.say(
            "Steepest descent gains a factor per iteration that the curvatures decide, and zigzags in a bent valley. Newton's \
             method knows the curvatures and doubles its correct digits once it is near; L-BFGS learns them from the change of \
             the gradient, and needs no Hessian.",
        )
    }
}

fn searches(config: &Config) -> (BacktrackingSearch, WolfeSearch) {
    let Config { decrease, curvature, .. } = *config;
    let backtracking = BacktrackingSearch { decrease, ..BacktrackingSearch::default() };
    (backtracking, WolfeSearch { decrease, curvature, ..WolfeSearch::default() })
}

/// The function against its gradient from the start, by the length of the step.
fn slice(config: &Config, surface: Surface) -> Slice {
    let start = Tensor::from(surface.start());
    let slope = grad(|point: &Tensor| surface.at(point))(&start);
    let direction = -&slope / slope.norm(2.0, ..);
    let mut line = Step::new(|step: Tensor| {
        jvp(|step: &Tensor| surface.at(&(&start + &direction * step)), &step, &Tensor::from(1.0f64))
    });
    let mut at = |step: f64| {
        let (value, slope) = line.call(Tensor::from(step));
        LinePoint { step, value: value.item(), slope: slope.item() }
    };
    let first = at(0.0);
    // Until the function is back where it began, and somewhat further.
    let mut length = 0.01;
    while at(length).value < first.value && length < 1e3 {
        length *= 1.1;
    }
    length *= 1.1;
    let points = (0..=config.resolution).map(|i| at(length * i as f64 / config.resolution as f64)).collect();
    let (backtracking, wolfe) = searches(config);
    let mut tried = [Vec::new(), Vec::new()];
    backtracking.search(first.value, first.slope, 2.0 * length, |step| {
        tried[0].push(at(step));
        at(step).value
    });
    let (found, _) = wolfe.search(first, 2.0 * length, |step| {
        tried[1].push(at(step));
        at(step)
    });
    tried[1].push(found);
    tried[1].dedup();
    let [backtracking, wolfe] = tried;
    Slice { points, backtracking, wolfe }
}

/// The parts of the line in which something holds.
fn intervals(points: &[LinePoint], holds: impl Fn(&LinePoint) -> bool) -> Vec<[f64; 2]> {
    let mut found: Vec<[f64; 2]> = Vec::new();
    let mut inside = false;
    for point in points {
        match (holds(point), inside) {
            (true, true) => found.last_mut().expect("an interval was begun")[1] = point.step,
            (true, false) => found.push([point.step; 2]),
            (false, _) => {}
        }
        inside = holds(point);
    }
    found
}

fn slice_rows(config: &Config, surface: Surface, slice: &Slice) -> Option<Vec<String>> {
    let first = *slice.points.first()?;
    let enough = |point: &LinePoint| point.value <= first.value + config.decrease * point.step * first.slope;
    let flat = |point: &LinePoint| point.slope.abs() <= config.curvature * first.slope.abs();
    let text = |found: Vec<[f64; 2]>| {
        found.iter().map(|[a, b]| format!("{a:.3} to {b:.3}")).collect::<Vec<_>>().join(", ")
    };
    let steps = |tried: &[LinePoint]| {
        tried.iter().map(|point| format!("{:.3}", point.step)).collect::<Vec<_>>().join(", ")
    };
    Some(vec![
        surface.name(),
        text(intervals(&slice.points, enough)),
        text(intervals(&slice.points, flat)),
        text(intervals(&slice.points, |point| enough(point) && flat(point))),
        steps(&slice.backtracking),
        steps(&slice.wolfe),
    ])
}

/// All methods on a surface, by name.
fn methods(
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

fn method_row(name: &str, descent: &Descent, surface: Surface) -> Vec<String> {
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
