//! Both ways to a boundary in one case, and the errors that they make.

use super::Config;
use super::boundary::{Fitted, Line, by_lbfgs, discriminant, exact, logistic};
use super::case::Case;
use crate::session::Session;

/// Fits both lines and tells what came of it: the discriminant and the logistic regression.
pub(super) fn study(
    case: &Case,
    config: &Config,
    session: &mut Session,
    expected: &str,
) -> anyhow::Result<(Line, Fitted)> {
    let spectrum = case.covariances[1].eigvalsh().to_vec::<f64>();
    session.say(&format!(
        "The covariance of class 1 has eigenvalues {:.4} and {:.4}: {}.",
        spectrum[0],
        spectrum[1],
        if spectrum[0] > 0.0 { "positive definite, as it must be" } else { "not a covariance" }
    ))?;
    let discriminant = discriminant(&case.train);
    let logistic = logistic(&case.train, config.iterations);
    let quasi = by_lbfgs(&case.train, config.iterations);
    let exact = exact(&case.covariances);
    let mut rows =
        vec![row(case, "discriminant", &discriminant), row(case, "logistic, Newton", &logistic.line)];
    rows.push(row(case, "logistic, L-BFGS", &quasi));
    rows.extend(exact.as_ref().map(|line| row(case, "true densities", line)));
    let header = ["method", "w₁", "w₂", "b", "training error", "test error"];
    session.table("Boundaries", &header, rows)?;
    session.say(&newton(&logistic, &discriminant))?;
    session.result("error of the discriminant on fresh points", discriminant.errors(&case.test), expected)?;
    session.result(
        "error of logistic regression on fresh points",
        logistic.line.errors(&case.test),
        expected,
    )?;
    session.result(
        "error of the true densities (Bayes)",
        case.bayes_error(),
        "the least that is possible",
    )?;
    Ok((discriminant, logistic))
}

/// A boundary with its errors.
fn row(case: &Case, name: &str, line: &Line) -> Vec<String> {
    let [a, b, c] = line.values();
    let errors = (line.errors(&case.train), line.errors(&case.test));
    let mut row = vec![name.to_owned()];
    row.extend([a, b, c].map(|value| format!("{value:.3}")));
    row.extend([format!("{:.4}", errors.0), format!("{:.4}", errors.1)]);
    row
}

/// How Newton's method went, and how far the normals of both boundaries are apart.
fn newton(logistic: &Fitted, discriminant: &Line) -> String {
    let steps = logistic.losses.len() - 1;
    let degrees = discriminant.cosine(&logistic.line).clamp(-1.0, 1.0).acos().to_degrees();
    if logistic.converged {
        return format!(
            "Newton's method needs {steps} steps to a gradient of zero; the normals of the two boundaries differ by \
             {degrees:.2} degrees."
        );
    }
    let last = logistic.lengths.last().copied().unwrap_or_default();
    format!(
        "A line separates these points, so that no maximum of the likelihood exists: each Newton step makes w \
         longer ({last:.0} after {steps} steps) and the loss smaller ({:.1e}), without end. The direction is what \
         counts; it differs from that of the discriminant by {degrees:.3} degrees.",
        logistic.losses.last().copied().unwrap_or_default()
    )
}
