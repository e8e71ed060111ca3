//! Writes one page with every kind of figure: `cargo run -p bolete-plot --example gallery -- OUT.html`.

mod data;
mod figures;

fn main() -> Result<(), bolete_plot::FormatError> {
    let folder = std::env::args().nth(1).unwrap_or(".".into());
    let all = [
        ("lines", figures::lines()),
        ("bands", figures::bands()),
        ("scatters", figures::scatters()),
        ("amounts", figures::amounts()),
        ("histograms", figures::histograms()),
        ("fields", figures::fields()),
        ("notes", figures::notes()),
        ("pictures", figures::pictures()),
        ("density", figures::density()),
    ];
    for (name, figure) in all {
        figure.write(format!("{folder}/{name}.png"))?;
        figure.write(format!("{folder}/{name}.svg"))?;
    }
    Ok(())
}
