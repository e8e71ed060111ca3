//! `line_search`: how far to go in a direction, and what that does to steepest descent, Newton and L-BFGS.

mod descent;
mod figures;
mod line;
mod methods;

use bolete::nn::{BacktrackingSearch, WolfeSearch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::recipes::optimisers::surface::Surface;
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Nothing is random here; the key is there as in all recipes.
    seed: u64,
    /// c₁: the part of the promised descent that must be there.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.5))]
    decrease: f64,
    /// c₂: the part of the slope that may be left.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.999))]
    curvature: f64,
    /// Points at which the line is drawn and the conditions are examined.
    #[schemars(range(min = 10, max = 100000))]
    resolution: usize,
    /// Largest number of iterations of each method.
    #[schemars(range(min = 5, max = 1000000))]
    iterations: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 0, decrease: 1e-4, curvature: 0.9, resolution: 2000, iterations: 5000 }
    }
}

/// The recipe.
pub struct LineSearch;

impl Recipe for LineSearch {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "line_search",
        about: "Wolfe's conditions on a line; steepest descent, L-BFGS and Newton by evaluations and order",
        group: Group::Lecture(4),
        expected: "orders of convergence on Beale's function: 1.00 for steepest descent, 1.30 for L-BFGS, 2.14 for \
                   Newton; 4067, 25 and 16 evaluations",
        time: "1 s",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { iterations: 2000, ..whole },
            Setting::Smoke => Config { resolution: 100, iterations: 20, ..whole },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        line::run(config, session)?;
        for surface in [Surface::Beale, Surface::Rosenbrock] {
            methods::run(config, session, surface)?;
        }
        session.say(
            "Steepest descent gains a factor per iteration that the curvatures decide, and zigzags in a bent valley. Newton's \
             method knows the curvatures and doubles its correct digits once it is near; L-BFGS learns them from the change of \
             the gradient, and needs no Hessian.",
        )
    }
}

/// Both searches with the constants of the conditions.
fn searches(config: &Config) -> (BacktrackingSearch, WolfeSearch) {
    let Config { decrease, curvature, .. } = *config;
    let backtracking = BacktrackingSearch { decrease, ..BacktrackingSearch::default() };
    (backtracking, WolfeSearch { decrease, curvature, ..WolfeSearch::default() })
}
