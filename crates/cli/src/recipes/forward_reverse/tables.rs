//! Operations and time by both modes, by formula and by plan.

use super::Config;
use super::cost::{Measured, adjointness};
use crate::session::Session;

/// While the inputs grow and the outputs stay.
pub(super) fn growing(config: &Config, session: &mut Session, growing: &[Measured]) -> anyhow::Result<()> {
    let million = |operations: usize| format!("{:.3}", operations as f64 / 1e6);
    let rows = growing.iter().map(|found| {
        vec![
            found.inputs.to_string(),
            million(found.formulas[0]),
            million(found.forward.operations),
            million(found.formulas[1]),
            million(found.reverse.operations),
            format!("{:.3}", found.forward.seconds * 1e3),
            format!("{:.3}", found.reverse.seconds * 1e3),
        ]
    });
    session.table(
        &format!("{} outputs: million operations by formula and by plan, milliseconds", config.outputs),
        &["inputs", "forward, formula", "plan", "reverse, formula", "plan", "forward, ms", "reverse, ms"],
        rows.collect(),
    )
}

/// What follows from all of them.
pub(super) fn results(
    config: &Config,
    session: &mut Session,
    all: &[Measured],
    growing: &[Measured],
) -> anyhow::Result<()> {
    let far: Vec<&Measured> = all.iter().filter(|found| found.inputs != found.outputs).collect();
    let right = far
        .iter()
        .filter(|found| (found.forward.seconds < found.reverse.seconds) == (found.inputs < found.outputs));
    let part = right.count() as f64 / far.len().max(1) as f64;
    session.result(
        "part of the sizes at which the mode with fewer passes is faster",
        part,
        "most of them",
    )?;
    // Beside the passes there is the value itself and what is done element by element.
    let excess = growing.iter().flat_map(|found| {
        let plan = [found.forward.operations, found.reverse.operations];
        plan.into_iter().zip(found.formulas).map(|(plan, formula)| plan as f64 / formula as f64)
    });
    let excess: Vec<f64> = excess.collect();
    session.result(
        "operations of the plan beside the formula, at most",
        excess.iter().copied().fold(0.0, f64::max),
        "",
    )?;
    session.result(
        "operations of the plan beside the formula, at least",
        excess.into_iter().fold(f64::INFINITY, f64::min),
        "",
    )?;
    let difference = all.iter().map(|found| found.difference).fold(0.0, f64::max);
    session.result("largest difference between both Jacobians (f32)", difference, "near 1e-6")?;
    session.result("u · (J v) beside (Jᵀ u) · v, relative (f64)", adjointness(config), "near 1e-15")?;
    session.say(
        "With fewer inputs than outputs forward mode is cheaper, otherwise reverse mode. A loss has one output and a \
         network millions of inputs: that is why training goes backwards.",
    )
}
