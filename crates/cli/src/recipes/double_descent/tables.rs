//! Losses by width, and the peak at the threshold.

use super::figures;
use super::network::parameters;
use super::training::Trained;
use crate::session::Session;

/// The row of a width.
pub(super) fn row(found: &Trained) -> Vec<String> {
    let losses = [found.train[0], found.test[0]].map(|loss| format!("{loss:.5}"));
    let errors = [found.train[1], found.test[1]].map(|part| format!("{:.2} %", part * 100.0));
    let counts = [found.width, parameters(found.width), found.epochs].map(|count| count.to_string());
    counts.into_iter().chain(losses).chain(errors).collect()
}

/// All widths, and the numbers of the course beside ours.
pub(super) fn report(session: &mut Session, all: &[Trained], threshold: usize) -> anyhow::Result<()> {
    session.table(
        "Losses by width",
        &["units", "parameters", "epochs", "squared, train", "test", "zero-one, train", "test"],
        all.iter().map(row).collect(),
    )?;
    session.figure(
        "curves",
        "Losses of trained networks against the number of their parameters.",
        &figures::curves(all, threshold),
    )?;
    let near = |wanted: usize| {
        let distance = |found: &Trained| (parameters(found.width) as f64 / wanted as f64).ln().abs();
        let nearest = all.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.filter(|found| distance(found) < 0.25)
    };
    let course = [(10_000, "about 0.13"), (40_000, "about 0.21"), (800_000, "0.04 to 0.05")];
    for (wanted, expected) in course.into_iter().filter(|_| threshold == 40_000) {
        if let Some(found) = near(wanted) {
            let name = format!("zero-one test error near {wanted} parameters");
            session.result(&name, found.test[1], &format!("{expected} in the course"))?;
        }
    }
    let squared = |found: &Trained| found.test[0];
    let before = all.iter().filter(|found| 2 * parameters(found.width) < threshold).map(squared);
    let before = before.fold(f64::INFINITY, f64::min);
    session.result("least squared test error below half of the threshold", before, "")?;
    if let Some(peak) = near(threshold) {
        session.result("squared test error at the threshold", squared(peak), "more: the peak")?;
    }
    if let Some(last) = all.last() {
        session.result("squared test error of the widest network", squared(last), "the least of all")?;
    }
    session.say(
        "Where the parameters are about as many as the numbers to be learned, there is hardly more than one network that \
         has them all right, and it has to bend wildly for that. With more parameters there are many such networks, and \
         gradient descent from small weights ends at one that bends little. How high the peak is depends on how long and \
         with which steps one trains: stopping early lowers it.",
    )
}
