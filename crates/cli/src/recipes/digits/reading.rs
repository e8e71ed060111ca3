//! What the network takes pictures for.

use std::path::{Path, PathBuf};

use bolete::data::{ImageClassification, Normalisation};
use bolete::prelude::*;

use crate::pictures::{self, SIDE};
use crate::terminal;

/// A few test digits with what the network takes them for, as text.
pub(super) fn some(model: &Sequential, test: &ImageClassification, count: usize) -> String {
    let shown: Vec<usize> = (0..test.labels().len().min(count)).collect();
    let probabilities = probabilities(model, shown.iter().map(|index| test.pixels(*index)));
    let columns = shown.iter().zip(&probabilities).map(|(index, probabilities)| {
        let best = best(probabilities);
        let mark = if i64::try_from(best).ok() == Some(test.labels()[*index]) { "" } else { " ✗" };
        (test.pixels(*index), format!("{best} ({:.0} %){mark}", probabilities[best] * 100.0))
    });
    terminal::pictures(&columns.collect::<Vec<_>>(), SIDE)
}

/// Prints what the network takes files for.
pub(super) fn files(model: &Sequential, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut failures = Vec::new();
    for file in files {
        match one(model, file) {
            Ok(line) => terminal::print(&line)?,
            Err(error) => failures.push(error),
        }
    }
    // The pictures that can be read are read; then the first failure decides how the command ends.
    let more = failures.len().saturating_sub(1);
    match failures.into_iter().next() {
        None => Ok(()),
        Some(error) if more == 0 => Err(error),
        Some(error) => Err(error.context(format!(
            "{} of {} pictures could not be read, the first",
            more + 1,
            files.len()
        ))),
    }
}

fn one(model: &Sequential, file: &Path) -> anyhow::Result<String> {
    let image = pictures::digit(file)?;
    let probabilities = probabilities(model, std::iter::once(image.as_slice())).remove(0);
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let said: Vec<String> =
        order[..3].iter().map(|digit| format!("{digit} ({:.1} %)", probabilities[*digit] * 100.0)).collect();
    Ok(format!("{}: {}, then {}\n", file.display(), said[0], said[1..].join(", ")))
}

/// The probability of each digit for gray pictures of 28×28, white on black.
fn probabilities<'a>(model: &Sequential, images: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<f32>> {
    let normalisation = Normalisation::mnist();
    let (mean, deviation) = (normalisation.mean[0], normalisation.deviation[0]);
    let pixels: Vec<f32> =
        images.flatten().map(|pixel| (f32::from(*pixel) / 255.0 - mean) / deviation).collect();
    let count = pixels.len() / (SIDE * SIDE);
    let images = Tensor::from_vec(pixels, [count, 1, SIDE, SIDE]);
    let probabilities = model.forward(&images, &mut Context::evaluation()).softmax(-1).to_vec::<f32>();
    probabilities.chunks(10).map(<[f32]>::to_vec).collect()
}

fn best(probabilities: &[f32]) -> usize {
    (0..probabilities.len()).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0)
}
