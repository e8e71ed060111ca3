//! The curve as a staircase.

use super::shallow::{Sampled, Shallow};
use super::{Config, Errors, figures, order};
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, truth: &Sampled) -> anyhow::Result<Errors> {
    session.heading("Steps")?;
    session.say(
        "A unit step(x + b) is 0 up to -b and 1 from there on. Weighed by how much the curve changes, one after the \
         other builds the curve as a staircase: one hidden layer comes as close to a continuous function as anybody \
         wants. The error falls as 1/n, like the width of a step.",
    )?;
    let (mut rows, mut errors, mut frames) = (Vec::new(), Errors::new(), Vec::new());
    for count in &config.steps {
        anyhow::ensure!(*count > 0, "`steps` must be numbers from 1 on, found 0");
        let staircase = Shallow::of_steps(config.interval[0], config.interval[1], *count);
        let values = staircase.at(&truth.tensor()).to_vec::<f64>();
        let (_, error) = truth.largest_error(&values);
        rows.push(vec![count.to_string(), format!("{error:.3}")]);
        errors.push((*count as f64, error));
        frames.push((*count, values));
    }
    session.table("Largest error of a staircase", &["steps", "largest error"], rows)?;
    // Few steps are too coarse for a law.
    let (counts, fine): (Vec<f64>, Vec<f64>) = [64usize, 128, 256, 512]
        .into_iter()
        .map(|count| {
            let staircase = Shallow::of_steps(config.interval[0], config.interval[1], count);
            (count as f64, truth.largest_error(&staircase.at(&truth.tensor()).to_vec::<f64>()).1)
        })
        .unzip();
    session.result("order of the error in the number of steps", order(&counts, &fine), "-1")?;
    figures::staircases(session, truth, &frames)?;
    Ok(errors)
}
