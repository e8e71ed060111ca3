//! `optimisers`: how the optimisers of the library move on functions of two numbers.

pub mod figures;
pub mod race;
pub mod surface;

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;
use race::{Path, Race, Racer, racers};
use surface::Surface;

/// The learning rates at which plain descent is watched.
const RATES: [f64; 3] = [0.01, 0.1, 0.4];

/// Bowls by how much more they are curved across than along.
const BOWLS: [(&str, Surface); 3] = [
    ("round", Surface::Bowl([1.0, 1.0])),
    ("x²/8 + 2y²", Surface::BOWL),
    ("narrow", Surface::Bowl([0.05, 8.0])),
];

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the noise of stochastic gradient descent.
    seed: u64,
    /// Updates of each optimiser.
    #[schemars(range(min = 10, max = 100000))]
    steps: usize,
    /// Learning rate of gradient descent, SGD, momentum and Nesterov's momentum.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    descent_rate: f64,
    /// Learning rate of AdaGrad, RMSProp and Adam with its kin.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    adaptive_rate: f64,
    /// Standard deviation of the noise that SGD has in each element of the gradient.
    #[schemars(range(min = 0.0))]
    noise: f64,
    /// Learning rates at which every optimiser is tried, from 0.0001 to 10.
    #[schemars(range(min = 2, max = 1000))]
    rates: usize,
    /// Frames of the animation.
    #[schemars(range(min = 2, max = 300))]
    frames: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            steps: 300,
            descent_rate: 0.01,
            adaptive_rate: 0.1,
            noise: 3.0,
            rates: 41,
            frames: 60,
        }
    }
}

/// The recipe.
pub struct Optimisers;

impl Recipe for Optimisers {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "optimisers",
        about: "all optimisers on Beale's function and on bowls: trajectories, distances, learning rates",
        group: Group::Lecture(4),
        expected: "Beale's function at the best of 41 rates: Adam 1e-7 from the minimum, Nesterov 7e-7, momentum 4e-6, \
                   gradient descent 0.008; factors on bowls 1 − γ × curvature up to rounding",
        time: "4 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { rates: 16, frames: 40, ..whole },
            Setting::Smoke => Config { steps: 20, rates: 2, frames: 3, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let racers = racers(config.descent_rate, config.adaptive_rate);
        session.heading("Beale's function")?;
        session.say(&format!(
            "Every optimiser of the library starts at (0.7, 1.4) and makes {} updates toward the minimum at (3, 0.5). The \
             gradient is steep at the start and nearly flat in the valley: what divides it by its own size keeps going \
             there, what follows it as it is slows down.",
            config.steps
        ))?;
        let beale = race(config, Surface::Beale);
        let paths: Vec<Path> = racers.iter().map(|racer| racer.path(&beale)).collect();
        session.check()?;
        distances(session, "Distance to the minimum of Beale's function", &racers, &paths, Surface::Beale)?;
        for (racer, path) in racers.iter().zip(&paths).filter(|(racer, _)| racer.of_course) {
            let name = format!("Beale, {}: final distance", racer.name);
            session.result(&name, Surface::Beale.distance(path[config.steps]), "")?;
        }
        session.say(
            "AdamW ends beside the minimum, not in it: its weight decay pulls toward (0, 0) all the time, and on a flat valley a \
             weak pull is seen.",
        )?;
        let caption = "Paths over contours at equal ratios of the function; the star is the minimum.";
        session.figure("beale-paths", caption, &figures::trajectories(Surface::Beale, &racers, &paths))?;
        let caption = "Distance to the minimum by update; a straight line is a constant factor per update.";
        session.figure("beale-distances", caption, &figures::distances(Surface::Beale, &racers, &paths))?;
        session.progress("drawing the animation")?;
        let moving = figures::animation(Surface::Beale, &racers, &paths, config.frames);
        session.animation(
            "beale",
            "The optimisers of the lecture on their way, slow at the beginning.",
            &moving,
        )?;
        terminal_speed(session)?;
        best_rates(config, session, &racers, &beale)?;

        session.heading("Bowls")?;
        session.say(
            "On a bowl gradient descent shrinks each coordinate by |1 − γ × curvature| per update, whatever the other does. \
             One learning rate has to serve all curvatures: small enough for the largest, below 2/curvature, and then slow \
             along the smallest.",
        )?;
        contraction(config, session)?;
        let bowl = race(config, Surface::BOWL);
        let paths: Vec<Path> = racers.iter().map(|racer| racer.path(&bowl)).collect();
        distances(session, "Distance to the minimum of x²/8 + 2y²", &racers, &paths, Surface::BOWL)?;
        let caption = "Paths on x²/8 + 2y².";
        session.figure("bowl-paths", caption, &figures::trajectories(Surface::BOWL, &racers, &paths))?;
        let caption = "Distance to the minimum of x²/8 + 2y² by update.";
        session.figure("bowl-distances", caption, &figures::distances(Surface::BOWL, &racers, &paths))
    }
}

/// A race with the noise of its seed.
fn race(config: &Config, surface: Surface) -> Race {
    let noise = Key::new(config.seed).normal([config.steps, 2], DType::F64) * config.noise;
    let noise = noise.to_vec::<f64>().chunks(2).map(|pair| [pair[0], pair[1]]).collect();
    Race { surface, steps: config.steps, noise }
}

/// A number of very different sizes.
fn short(value: f64) -> String {
    match value.is_finite() {
        true if (1e-3..1e4).contains(&value.abs()) || value == 0.0 => format!("{value:.4}"),
        true => format!("{value:.2e}"),
        false => "diverged".to_owned(),
    }
}

/// Where the optimisers are at a third, two thirds and the end of their updates.
fn distances(
    session: &mut Session,
    title: &str,
    racers: &[Racer],
    paths: &[Path],
    surface: Surface,
) -> anyhow::Result<()> {
    let steps = paths[0].len() - 1;
    let moments = [steps / 3, 2 * steps / 3, steps];
    let header = moments.map(|moment| format!("after {moment}"));
    let rows = racers.iter().zip(paths).map(|(racer, path)| {
        let mut row = vec![racer.name.to_owned(), racer.rate.to_string()];
        row.extend(moments.map(|moment| short(surface.distance(path[moment]))));
        let (x, y) = path[steps].map(Tensor::from).into();
        row.push(short(surface.value(&x, &y).item()));
        row
    });
    let header = ["optimiser", "learning rate", &header[0], &header[1], &header[2], "function at the end"];
    session.table(title, &header, rows.collect())
}

/// On a constant slope of 1 momentum speeds up to γ/(1 − α).
fn terminal_speed(session: &mut Session) -> anyhow::Result<()> {
    let (rate, momentum) = (0.01, 0.9);
    let mut at = Tensor::from(0.0f64);
    let mut optimiser = SgdConfig { learning_rate: rate, momentum, ..SgdConfig::default() }.init(&at);
    let mut speed = 0.0;
    for _ in 0..400 {
        let before = at.item();
        (at, optimiser) = optimiser.update(at, &Tensor::from(1.0f64));
        speed = before - at.item();
    }
    let expected = format!("γ/(1 − α) = {:.2}", rate / (1.0 - momentum));
    session.result("terminal speed of momentum on a slope of 1, γ = 0.01, α = 0.9", speed, &expected)
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

/// Plain descent on bowls, measured against |1 − γ × curvature|.
fn contraction(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    let (mut rows, mut cases) = (Vec::new(), Vec::new());
    let mut worst = 0.0f64;
    for (name, surface) in BOWLS {
        let Surface::Bowl(curvatures) = surface else { unreachable!("these are bowls") };
        for rate in RATES {
            let descent = &racers(rate, rate)[0];
            let path = descent.path(&race(config, surface));
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
