//! What one gradient costs, in all and beside one without checkpoints.

use super::Config;
use super::blocks::difference;
use super::cost::{Measured, root};
use crate::session::Session;

/// A row for each length of the segments; the first keeps everything.
pub(super) fn costs(config: &Config, session: &mut Session, all: &[Measured]) -> anyhow::Result<()> {
    let root = root(config.depth);
    let everything = &all[0];
    let rows = all.iter().map(|found| {
        let kept = match found.segment {
            0 => "everything".to_owned(),
            1 => "the input of every block".to_owned(),
            segment if segment == root => format!("every √{} = {root} blocks", config.depth),
            segment => format!("every {segment} blocks"),
        };
        let differs = difference(&found.gradients, &everything.gradients);
        vec![
            kept,
            format!("{:.2}", found.memory as f64 / 1e6),
            format!("{:.2}", found.peak as f64 / 1e6),
            format!("{:.3}", found.operations as f64 / 1e9),
            format!("{:.2}", found.seconds * 1e3),
            if differs == 0.0 { "none".to_owned() } else { format!("{differs:.1e}") },
        ]
    });
    session.table(
        "What one gradient costs",
        &["kept", "values, MB", "with weights, MB", "GFLOP", "ms", "difference of gradients"],
        rows.collect(),
    )
}

/// Memory, operations and time with checkpoints as parts of those without.
pub(super) fn parts(config: &Config, session: &mut Session, all: &[Measured]) -> anyhow::Result<()> {
    let root = root(config.depth);
    let everything = &all[0];
    let of = |segment: usize| all.iter().find(|found| found.segment == segment).unwrap_or(everything);
    for (name, segment) in [("every block", 1), ("every √L blocks", root)] {
        let found = of(segment);
        let part = |new: f64, old: f64| new / old;
        session.result(
            &format!("memory of values, {name}"),
            part(found.memory as f64, everything.memory as f64),
            "a fraction of that without checkpoints",
        )?;
        session.result(
            &format!("operations, {name}"),
            part(found.operations as f64, everything.operations as f64),
            "4/3: three passes become four",
        )?;
        session.result(&format!("time, {name}"), part(found.seconds, everything.seconds), "about 4/3")?;
    }
    let worst =
        all.iter().map(|found| difference(&found.gradients, &everything.gradients)).fold(0.0, f64::max);
    session.result("largest difference of gradients", worst, "0 or rounding (1e-6)")
}
