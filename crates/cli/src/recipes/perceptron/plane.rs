//! Points of the plane: corrections against the bound of the theorem.

use super::rule::{bound, learn, separable};
use super::{Config, figures};
use crate::session::Session;

/// Separable points of the plane: corrections against the theorem's bound as the margin shrinks.
pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Points that a line separates")?;
    session.say(
        "Each point on the wrong side is added to the weights with its sign, and nothing else happens. If a line \
         separates the classes with margin γ and no point is farther out than R, at most (R/γ)² such corrections are \
         ever made (Novikoff 1962), in whatever order the points come and however many there are.",
    )?;
    let mut rows = Vec::new();
    let (mut bounds, mut updates) = (Vec::new(), Vec::new());
    for distance in [0.3, 0.1, 0.03, 0.01] {
        session.check()?;
        let (points, signs, unit) = separable(config.points, distance, config.seed);
        let learned = learn(&points, &signs, config.epochs);
        let bound = bound(&points, &signs, &unit);
        bounds.push(bound);
        updates.push(learned.updates());
        if distance == 0.03 {
            figures::learning(session, &points, &signs, &learned)?;
        }
        rows.push(vec![
            format!("{distance}"),
            format!("{bound:.0}"),
            format!("{}", learned.updates()),
            format!("{}", learned.mistakes.len()),
            if learned.converged() { "yes" } else { "not yet" }.to_owned(),
        ]);
    }
    let header = ["gap on each side", "bound (R/γ)²", "corrections", "passes", "converged"];
    session.table("Corrections and the bound", &header, rows)?;
    let largest = bounds.iter().zip(&updates).map(|(bound, updates)| updates / bound).fold(0.0, f64::max);
    session.result("most corrections, as part of the bound", largest, "at most 1, by the theorem")?;
    figures::bound(session, &bounds, &updates)
}
