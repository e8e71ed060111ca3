//! How good the tree-structured Parzen estimator is, to be compared with another implementation
//! (`bench/peers/tpe_optuna.py` prints the same table):
//!
//! ```text
//! cargo run --release -p bolete-train --example tpe -- [SEEDS]
//! ```
//!
//! Per function the quartiles, over the seeds, of the best value after 60 trials.

use std::f64::consts::PI;

use bolete_train::sweep::{Strategy, Study, StudyConfig};

const TRIALS: usize = 60;

type Function = (&'static str, &'static [&'static str], fn(&[f64]) -> f64);

const FUNCTIONS: [Function; 4] = [
    ("branin", &["x=-5..10", "y=0..15"], branin),
    ("hartmann6", &["a=0..1", "b=0..1", "c=0..1", "d=0..1", "e=0..1", "f=0..1"], hartmann6),
    ("rosenbrock4", &["a=-2..2", "b=-2..2", "c=-2..2", "d=-2..2"], rosenbrock),
    ("mixed", &["rate=log:1e-6..1", "layers=int:1..12", "kind=choice:a,b,c,d,e"], mixed),
];

/// Minimum 0.397887.
fn branin(at: &[f64]) -> f64 {
    let (x, y) = (at[0], at[1]);
    (y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0).powi(2)
        + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos()
        + 10.0
}

/// Minimum −3.32237.
fn hartmann6(at: &[f64]) -> f64 {
    const HEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const NARROWNESS: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRES: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let bump = |hill: usize| {
        let distance: f64 =
            (0..6).map(|axis| NARROWNESS[hill][axis] * (at[axis] - CENTRES[hill][axis]).powi(2)).sum();
        HEIGHTS[hill] * (-distance).exp()
    };
    -(0..4).map(bump).sum::<f64>()
}

/// Minimum 0.
fn rosenbrock(at: &[f64]) -> f64 {
    at.windows(2).map(|pair| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2)).sum()
}

/// As the settings of a training: a rate by its logarithm, a number of layers, one of five kinds. Minimum 0.
fn mixed(at: &[f64]) -> f64 {
    const KINDS: [f64; 5] = [0.7, 0.3, 0.0, 1.0, 0.5];
    // The place of a logarithmic space is the logarithm.
    ((at[0] / 10f64.ln()) + 2.5).powi(2) + ((at[1] - 7.0) / 4.0).powi(2) + KINDS[at[2] as usize]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seeds: u64 = std::env::args().nth(1).map_or(Ok(40), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("bolete-tpe-{}", std::process::id()));
    for (name, spaces, function) in FUNCTIONS {
        for strategy in [Strategy::Random, Strategy::Tpe] {
            let mut best = Vec::new();
            for seed in 0..seeds {
                let spaces = spaces.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
                let config = StudyConfig { spaces, strategy, trials: TRIALS, seed, ..StudyConfig::default() };
                let mut study = Study::create(&folder, config)?;
                while let Some(trial) = study.ask()? {
                    study.complete(trial.number, function(&trial.places))?;
                }
                best.push(study.leaderboard()[0].value.ok_or("no value")?);
                std::fs::remove_dir_all(&folder)?;
            }
            best.sort_by(f64::total_cmp);
            let quartile = |part: usize| best[(best.len() - 1) * part / 4];
            println!(
                "{name:<12} {:<7} {:>9.4} {:>9.4} {:>9.4}",
                format!("{strategy:?}").to_lowercase(),
                quartile(1),
                quartile(2),
                quartile(3)
            );
        }
    }
    Ok(())
}
