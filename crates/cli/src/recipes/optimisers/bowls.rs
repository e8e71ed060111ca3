//! Bowls: what one learning rate does along and across.

use super::race::{Path, Race, Racer, racers};
use super::surface::Surface;
use super::tables::short;
use super::{Config, figures, tables};
use crate::session::Session;

/// The learning rates at which plain descent is watched.
const RATES: [f64; 3] = [0.01, 0.1, 0.4];

/// Bowls by how much more they are curved across than along.
const BOWLS: [(&str, Surface); 3] = [
    ("round", Surface::Bowl([1.0, 1.0])),
    ("x²/8 + 2y²", Surface::BOWL),
    ("narrow", Surface::Bowl([0.05, 8.0])),
];

pub(super) fn run(config: &Config, session: &mut Session, racers: &[Racer]) -> anyhow::Result<()> {
    session.heading("Bowls")?;
    session.say(
        "On a bowl gradient descent shrinks each coordinate by |1 − γ × curvature| per update, whatever the other does. \
         One learning rate has to serve all curvatures: small enough for the largest, below 2/curvature, and then slow \
         along the smallest.",
    )?;
    contraction(config, session)?;
    let bowl = Race::new(config, Surface::BOWL);
    let paths: Vec<Path> = racers.iter().map(|racer| racer.path(&bowl)).collect();
    tables::distances(session, "Distance to the minimum of x²/8 + 2y²", racers, &paths, Surface::BOWL)?;
    let caption = "Paths on x²/8 + 2y².";
    session.figure("bowl-paths", caption, &figures::trajectories(Surface::BOWL, racers, &paths))?;
    let caption = "Distance to the minimum of x²/8 + 2y² by update.";
    session.figure("bowl-distances", caption, &figures::distances(Surface::BOWL, racers, &paths))
}

/// Plain descent on bowls, measured against |1 − γ × curvature|.
fn contraction(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    let (mut rows, mut cases) = (Vec::new(), Vec::new());
    let mut worst = 0.0f64;
    for (name, surface) in BOWLS {
        let Surface::Bowl(curvatures) = surface else { unreachable!("these are bowls") };
        for rate in RATES {
            let descent = &racers(rate, rate)[0];
            let path = descent.path(&Race::new(config, surface));
            let factors: Vec<f64> = (0..2).map(|axis| path[1][axis] / path[0][axis]).collect();
            for (factor, curvature) in factors.iter().zip(curvatures) {
                worst = worst.max((factor - (1.0 - rate * curvature)).abs());
            }
            let updates = path.iter().position(|point| surface.distance(*point) < 0.01);
            rows.push(vec![
                format!("{name} ({} and {})", curvatures[0], curvatures[1]),
                rate.to_string(),
                format!("{:.4}, {:.4}", factors[0], factors[1]),
                updates.map_or("-".to_owned(), |count| count.to_string()),
                short(surface.distance(path[config.steps])),
            ]);
            cases.push((name, rate, surface, path));
        }
    }
    let header = ["bowl (curvatures)", "γ", "factors per update", "updates to 0.01", "distance at the end"];
    session.table("Gradient descent on bowls", &header, rows)?;
    session.result(
        "factor per update, largest difference to 1 − γ × curvature",
        worst,
        "0 up to rounding",
    )?;
    let caption = "A rate that suits the round bowl crawls along the narrow one, or leaves it across.";
    session.figure("bowls", caption, &figures::bowls(&cases))
}
