//! Sigmoids: the plane in the corners of a square.

use bolete::prelude::*;

use super::figures;
use crate::session::Session;

/// sigmoid(10 s x) for s = 1 to 5: the plane is pressed into the corners of a square.
pub(super) fn run(session: &mut Session, points: &Tensor) -> anyhow::Result<()> {
    session.heading("Sigmoids")?;
    session.say(
        "The sigmoid bends the plane into a square. The more the points are stretched before, the more of them lie in \
         its corners, where the sigmoid is flat and nothing can be learned any more.",
    )?;
    let (mut rows, mut panels) = (Vec::new(), Vec::new());
    let eye = Tensor::eye(2, DType::F32) * 10.0;
    for s in 1..=5 {
        let output = points.matmul(&(&eye * f64::from(s))).sigmoid();
        let corners = (&output - 0.5).abs().greater(0.49).all(1).cast(DType::F64).mean(..).item();
        let slope = (&output * (1.0 - &output)).mean(..).item();
        panels.push(figures::panel(format!("s = {s}"), points, &output, 190.0));
        rows.push(vec![format!("{s}"), format!("{:.1} %", 100.0 * corners), format!("{slope:.4}")]);
    }
    session.table("sigmoid(10 s x)", &["s", "points in a corner", "mean slope of the sigmoid"], rows)?;
    figures::squashing(session, panels)
}
