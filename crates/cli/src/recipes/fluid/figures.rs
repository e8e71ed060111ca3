//! Figures of wings and of the air around them.

use bolete::formats::picture::Picture;
use bolete::plot::{Animation, Axes, Figure, HeatMap, Image, Line, image_grid};
use bolete::prelude::*;
use bolete::worlds::fluid::WindTunnel;

use super::ascent::Ascent;
use crate::session::Session;

/// A frame of the flow, `zoom` pixels for each cell.
fn picture(frames: &Tensor, frame: usize, zoom: usize) -> Picture {
    let pixels = frames.narrow(0, frame, 1).squeeze(0).repeat_interleave(zoom, 0).repeat_interleave(zoom, 1);
    let (height, width) = (pixels.shape()[0], pixels.shape()[1]);
    Picture::new(width, height, 3, pixels.to_vec()).expect("three bytes a pixel")
}

/// Lift over drag by step.
pub(super) fn lift_over_drag(session: &mut Session, ascent: &Ascent) -> anyhow::Result<()> {
    let axes = Axes::new("Lift over drag").labels("step", "").with(Line::new(&ascent.steps, &ascent.values));
    session.figure(
        "lift-over-drag",
        "Every step along the gradient of the whole simulation.",
        &Figure::new(axes),
    )
}

/// Smoke around the first and the last wing.
pub(super) fn flow(session: &mut Session, tunnel: &WindTunnel, ascent: &Ascent) -> anyhow::Result<()> {
    let wings = [("at first", &ascent.wings[0]), ("at last", &ascent.wing)];
    let panels = wings.into_iter().flat_map(|(when, wing)| {
        let frames = tunnel.simulate(wing).frames();
        [0, tunnel.steps / 2, tunnel.steps]
            .map(|frame| (Image::new(picture(&frames, frame, 4)), format!("{when}, time {frame}")))
    });
    let caption =
        "Two bands of smoke show the flow around the obstacle (black) before and after optimisation.";
    session.figure("flow", caption, &image_grid(3, panels.collect::<Vec<_>>()))
}

/// How solid each cell of the last wing is.
pub(super) fn wing(session: &mut Session, tunnel: &WindTunnel, ascent: &Ascent) -> anyhow::Result<()> {
    let solidity: Vec<f64> = tunnel.solidity(&ascent.wing).cast(DType::F64).to_vec();
    let map = HeatMap::new(tunnel.rows, tunnel.columns, &solidity).label("solidity");
    session.figure("wing", "The wing that came out.", &Figure::new(Axes::new("The wing").with(map)))
}

/// Wing after wing, each at the end of its simulation.
pub(super) fn growing(session: &mut Session, tunnel: &WindTunnel, ascent: &Ascent) -> anyhow::Result<()> {
    let mut growing = Animation::new(120);
    for wing in &ascent.wings {
        growing = growing.picture(picture(&tunnel.simulate(wing).frames(), tunnel.steps, 5));
    }
    session.animation("growing", "How the wing grows, step by step along the gradient.", &growing)
}

/// The simulation of the last wing, frame by frame.
pub(super) fn moving(session: &mut Session, tunnel: &WindTunnel, ascent: &Ascent) -> anyhow::Result<()> {
    let frames = tunnel.simulate(&ascent.wing).frames();
    let moving = (0..=tunnel.steps)
        .fold(Animation::new(80), |moving, frame| moving.picture(picture(&frames, frame, 5)));
    session.animation("moving", "The flow around the wing that came out.", &moving)
}
