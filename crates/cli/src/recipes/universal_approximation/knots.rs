//! The curve as straight pieces, whose knots go one after the other to where the error is largest.

use super::shallow::{Sampled, Shallow, greedy};
use super::{Config, Errors, figures, order};
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("ReLUs, greedily")?;
    session.say(
        "A sum of ReLUs is a chain of straight pieces that bends at each -b. Each new knot goes to where the chain is \
         farthest from the curve. Straight pieces follow a smooth curve with an error of 1/n², so that a dozen do what \
         takes hundreds of steps.",
    )?;
    let (knots, errors) = greedy(truth, config.knots);
    let rows =
        errors.iter().enumerate().map(|(index, error)| vec![(index + 2).to_string(), format!("{error:.3}")]);
    session.table("Largest error of straight pieces", &["knots", "largest error"], rows.collect())?;
    let places: Vec<String> = knots.iter().map(|knot| format!("{knot:.2}")).collect();
    session.say(&format!("Knots: {}.", places.join(", ")))?;
    session.result(&format!("largest error with {} knots", knots.len()), errors[errors.len() - 1], "")?;
    let (_, many) = greedy(truth, 129);
    let counts = [17.0, 33.0, 65.0, 129.0];
    let at: Vec<f64> = counts.iter().map(|count| many[*count as usize - 2]).collect();
    session.result("order of the error in the number of knots", order(&counts, &at), "-2")?;
    let frames: Vec<_> = (2..=config.knots)
        .map(|count| {
            let knots = greedy(truth, count).0;
            let values = Shallow::of_knots(&knots).at(&truth.tensor()).to_vec::<f64>();
            (knots, values)
        })
        .collect();
    figures::greedy(session, truth, &frames)?;
    // One unit less than there are knots.
    Ok(many.into_iter().enumerate().map(|(index, error)| ((index + 1) as f64, error)).collect())
}
