//! Optimises the shape of a wing in a wind tunnel and writes pictures of it.
//!
//! `cargo run --release -p bolete-worlds --example wing -- [STEPS] [FOLDER]`

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use bolete_formats::array::Array;
use bolete_formats::npy;
use bolete_formats::picture::Picture;
use bolete_tensor::{DType, Key, Step, Tensor};
use bolete_worlds::fluid::WindTunnel;

/// Pixels of a picture for each cell.
const ZOOM: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let steps: usize = arguments.next().map_or(Ok(100), |steps| steps.parse())?;
    let folder = arguments.next();
    let folder = folder.as_deref().map(Path::new);
    let tunnel = WindTunnel::default();
    let mut wing = tunnel.initial_wing(&Key::new(0));
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
        let start = Array::from_values(vec![tunnel.rows, tunnel.columns], &wing.to_vec::<f32>())?;
        npy::write(folder.join("wing.npy"), &start)?;
        draw(&tunnel, &wing, &folder.join("before.png"))?;
    }
    let mut ascend = Step::new(|wing: Tensor| tunnel.ascend(&wing, 1e3));
    let mut times = Vec::new();
    for step in 0..steps {
        let start = Instant::now();
        let value;
        (wing, value) = ascend.call(wing);
        let value = value.item();
        times.push(start.elapsed().as_secs_f64() * 1e3);
        println!("step {step:3}  lift/drag {value:8.5}  {:8.2} ms", times[step]);
    }
    println!("step {steps:3}  lift/drag {:8.5}", tunnel.lift_to_drag(&wing).item());
    // The first step is planned before it runs.
    let mut times: Vec<f64> = times.into_iter().skip(1).collect();
    times.sort_by(f64::total_cmp);
    if let Some(median) = times.get(times.len() / 2) {
        println!("median {median:.2} ms");
    }
    if let Some(folder) = folder {
        draw(&tunnel, &wing, &folder.join("after.png"))?;
    }
    Ok(())
}

/// The start, the middle and the end of a simulation beside each other.
fn draw(tunnel: &WindTunnel, wing: &Tensor, path: &Path) -> Result<(), Box<dyn Error>> {
    let frames = tunnel.simulate(wing).frames();
    let gap = Tensor::full([tunnel.rows, 1, 3], 255.0, DType::U8);
    let frame = |number: usize| frames.narrow(0, number, 1).squeeze(0);
    let row = [frame(0), gap.clone(), frame(tunnel.steps / 2), gap, frame(tunnel.steps)];
    let picture = Tensor::concatenate(&row, 1).repeat_interleave(ZOOM, 0).repeat_interleave(ZOOM, 1);
    let (height, width) = (picture.shape()[0], picture.shape()[1]);
    Picture::new(width, height, 3, picture.to_vec::<u8>())?.write_png(path)?;
    Ok(())
}
