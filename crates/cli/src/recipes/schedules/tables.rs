//! Factors of the schedules, and what came of training with them.

use super::catalogue::{DRAWN, Named, plateau};
use super::comparison::{Tried, best};
use super::figures;
use crate::session::Session;
use crate::trial::with_deviation;

/// The factors of all schedules at some moments.
pub(super) fn factors(session: &mut Session, all: &[Named], steps: u64) -> anyhow::Result<()> {
    let moments = [0, steps / 20, steps / 4, steps / 2, steps * 3 / 4, steps - 1];
    let mut rows: Vec<Vec<String>> = all
        .iter()
        .map(|named| {
            let mut row = vec![named.name.to_owned(), named.formula.to_owned()];
            row.extend(moments.map(|moment| format!("{:.4}", named.schedule.factor(moment))));
            row
        })
        .collect();
    let (_, by_plateau) = plateau(steps);
    let mut row = vec!["plateau".to_owned(), "⅒ when the loss stalls".to_owned()];
    row.extend(moments.map(|moment| format!("{:.4}", by_plateau[moment as usize])));
    rows.push(row);
    let titles = moments.map(|moment| format!("step {moment}"));
    let mut header = vec!["schedule", "factor"];
    header.extend(titles.iter().map(String::as_str));
    session.table(&format!("Factor of the learning rate, {steps} steps"), &header, rows)
}

/// Where restarts begin again, and how the warm-up rises.
pub(super) fn restarts(session: &mut Session, drawn: &[Named]) -> anyhow::Result<()> {
    let (steps, warm_up, cycles) = DRAWN;
    let restarts =
        &drawn.iter().find(|named| named.name == "warm-up, cosine, restarts").expect("it is listed").schedule;
    let period = (steps - warm_up) / cycles;
    let peaks: Vec<f64> = (0..cycles).map(|cycle| restarts.factor(warm_up + cycle * period)).collect();
    session.result("factor at the beginning of each of 3 cycles, smallest", least(&peaks), "1")?;
    session.result("factor after half of the warm-up", restarts.factor(warm_up / 2 - 1), "0.5")
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// All trainings, and each schedule at its best rate.
pub(super) fn comparison(session: &mut Session, tried: &[Tried]) -> anyhow::Result<()> {
    let row = |tried: &Tried| {
        vec![
            tried.name.to_owned(),
            tried.rate.to_string(),
            with_deviation(&tried.losses()),
            with_deviation(&tried.accuracies()),
        ]
    };
    let header = ["schedule", "largest rate", "test loss", "test accuracy"];
    session.table("All trainings", &header, tried.iter().map(row).collect())?;
    let best = best(tried);
    session.table(
        "Each schedule at its best rate",
        &header,
        best.iter().map(|tried| row(tried)).collect(),
    )?;
    let caption = "Means over seeds, and one deviation around them.";
    session.figure("losses", caption, &figures::losses(&best))?;
    session.figure("ends", "Schedule and its largest rate, the best at the top.", &figures::ends(&best))?;
    for tried in best {
        session.result(&format!("test loss, {}", tried.name), tried.mean_loss(), "")?;
    }
    Ok(())
}
