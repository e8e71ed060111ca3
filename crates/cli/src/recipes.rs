//! The recipes: what can be run, one file each.

mod bias_variance;
mod checkpointing;
mod derivative_tower;
mod digits;
mod discriminant;
mod double_descent;
mod fluid;
mod forward_reverse;
mod gradient_descent;
mod initialisation;
mod line_search;
mod mlp;
mod normalisation;
mod optimisers;
mod perceptron;
mod polynomial;
mod schedules;
mod space_stretching;
mod spiral;
mod universal_approximation;
mod vanishing_gradients;
mod weight_decay;

pub use crate::recipe::Registered;

use crate::recipe::Group;

/// All recipes, in the order in which they are listed.
pub const ALL: &[Registered] = &[
    Registered::of::<digits::Digits>(),
    Registered::of::<polynomial::Polynomial>(),
    Registered::of::<bias_variance::BiasVariance>(),
    Registered::of::<double_descent::DoubleDescent>(),
    Registered::of::<perceptron::Perceptron>(),
    Registered::of::<discriminant::Discriminant>(),
    Registered::of::<space_stretching::SpaceStretching>(),
    Registered::of::<spiral::Spiral>(),
    Registered::of::<universal_approximation::UniversalApproximation>(),
    Registered::of::<gradient_descent::GradientDescent>(),
    Registered::of::<vanishing_gradients::VanishingGradients>(),
    Registered::of::<mlp::Mlp>(),
    Registered::of::<derivative_tower::DerivativeTower>(),
    Registered::of::<forward_reverse::ForwardReverse>(),
    Registered::of::<checkpointing::Checkpointing>(),
    Registered::of::<fluid::Fluid>(),
    Registered::of::<optimisers::Optimisers>(),
    Registered::of::<line_search::LineSearch>(),
    Registered::of::<initialisation::InitialisationStudy>(),
    Registered::of::<normalisation::NormalisationStudy>(),
    Registered::of::<schedules::Schedules>(),
    Registered::of::<weight_decay::WeightDecayStudy>(),
];

/// The recipe of this name.
///
/// # Errors
/// Names the nearest one.
pub fn find(name: &str) -> anyhow::Result<&'static Registered> {
    ALL.iter().find(|recipe| recipe.entry.name == name).ok_or_else(|| {
        let nearest = ALL
            .iter()
            .map(|recipe| (strsim::damerau_levenshtein(recipe.entry.name, name), recipe.entry.name))
            .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 2)
            .min();
        let hint = match nearest {
            Some((_, known)) => format!("the nearest is '{known}'"),
            None => "`bolete list` names them".to_owned(),
        };
        anyhow::anyhow!("there is no recipe '{name}'; {hint}")
    })
}

/// The recipes as a list to read.
pub fn list() -> String {
    let width = ALL.iter().map(|recipe| recipe.entry.name.len()).max().unwrap_or(0);
    let mut groups: Vec<Group> = ALL.iter().map(|recipe| recipe.entry.group).collect();
    groups.sort();
    groups.dedup();
    let mut text = String::new();
    for group in groups {
        text += &match group {
            Group::Lecture(number) => format!("Lecture {number}: {}\n", lecture_title(number)),
            Group::Application(name) => format!("Application: {name}\n"),
        };
        for recipe in ALL.iter().filter(|recipe| recipe.entry.group == group) {
            text += &format!("  {:width$}  {}\n", recipe.entry.name, recipe.entry.about);
        }
        text.push('\n');
    }
    text + "Run one with `bolete train RECIPE`; `bolete describe RECIPE` tells what it does and its keys.\n"
}

/// What a lecture is about.
pub fn lecture_title(number: u8) -> &'static str {
    match number {
        1 => "fundamentals of machine learning",
        2 => "multi-layer perceptron",
        3 => "automatic differentiation",
        4 => "training neural networks",
        _ => "",
    }
}
