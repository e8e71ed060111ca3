//! Beale's function: where the optimisers go, and at which learning rates they arrive.

use bolete::prelude::*;

use super::race::{Path, Race, Racer, terminal_speed};
use super::surface::Surface;
use super::tables::short;
use super::{Config, figures, tables};
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session, racers: &[Racer]) -> anyhow::Result<()> {
    session.heading("Beale's function")?;
    session.say(&format!(
        "Every optimiser of the library starts at (0.7, 1.4) and makes {} updates toward the minimum at (3, 0.5). The \
         gradient is steep at the start and nearly flat in the valley: what divides it by its own size keeps going \
         there, what follows it as it is slows down.",
        config.steps
    ))?;
    let beale = Race::new(config, Surface::Beale);
    let paths: Vec<Path> = racers.iter().map(|racer| racer.path(&beale)).collect();
    session.check()?;
    tables::distances(
        session,
        "Distance to the minimum of Beale's function",
        racers,
        &paths,
        Surface::Beale,
    )?;
    for (racer, path) in racers.iter().zip(&paths).filter(|(racer, _)| racer.of_course) {
        let name = format!("Beale, {}: final distance", racer.name);
        session.result(&name, Surface::Beale.distance(path[config.steps]), "")?;
    }
    session.say(
        "AdamW ends beside the minimum, not in it: its weight decay pulls toward (0, 0) all the time, and on a flat valley a \
         weak pull is seen.",
    )?;
    let caption = "Paths over contours at equal ratios of the function; the star is the minimum.";
    session.figure("beale-paths", caption, &figures::trajectories(Surface::Beale, racers, &paths))?;
    let caption = "Distance to the minimum by update; a straight line is a constant factor per update.";
    session.figure("beale-distances", caption, &figures::distances(Surface::Beale, racers, &paths))?;
    session.progress("drawing the animation")?;
    let moving = figures::animation(Surface::Beale, racers, &paths, config.frames);
    session.animation(
        "beale",
        "The optimisers of the lecture on their way, slow at the beginning.",
        &moving,
    )?;
    let (rate, momentum) = (0.01, 0.9);
    let expected = format!("γ/(1 − α) = {:.2}", rate / (1.0 - momentum));
    session.result(
        "terminal speed of momentum on a slope of 1, γ = 0.01, α = 0.9",
        terminal_speed(rate, momentum),
        &expected,
    )?;
    best_rates(config, session, racers, &beale)
}

/// Each optimiser at many learning rates, so that none is judged by the rate that somebody chose for it.
fn best_rates(config: &Config, session: &mut Session, racers: &[Racer], race: &Race) -> anyhow::Result<()> {
    session.say(
        "The rates above are those of the lecture, and guesses for the optimisers that it does not have. A fairer \
         comparison tries each at many rates: how close does it come at its best, and over which range does it come \
         close at all?",
    )?;
    let rates = Tensor::logspace(-4.0, 1.0, config.rates, 10.0, DType::F64).to_vec::<f64>();
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for racer in racers {
        session.progress(&format!("{} at {} learning rates", racer.name, rates.len()))?;
        // What has diverged is infinitely far away, so that it is the best of nothing.
        let far = |distance: f64| if distance.is_finite() { distance } else { f64::INFINITY };
        let end = |rate: &f64| far(race.surface.distance(racer.path_at(race, *rate)[race.steps]));
        let reached: Vec<f64> = rates.iter().map(end).collect();
        let order = |a: &&usize, b: &&usize| reached[**a].total_cmp(&reached[**b]);
        let indices: Vec<usize> = (0..rates.len()).collect();
        let best = *indices.iter().min_by(order).expect("there are at least two rates");
        let near = reached.iter().filter(|distance| **distance < 0.1).count();
        rows.push(vec![
            racer.name.to_owned(),
            short(rates[best]),
            short(reached[best]),
            format!("{near} of {}", rates.len()),
        ]);
        all.push(reached);
    }
    let header = ["optimiser", "best rate", "distance", "rates within 0.1"];
    session.table("Beale's function, each optimiser at its best learning rate", &header, rows)?;
    let figure = figures::rates(&rates, racers, &all, race.steps);
    session.figure(
        "beale-rates",
        "Distance at the end by learning rate; gaps are where it diverges.",
        &figure,
    )
}
