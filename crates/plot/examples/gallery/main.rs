//! Writes one page with every kind of figure: `cargo run -p bolete-plot --example gallery -- gallery.html`.
//!
//! With the name of a folder after it, the figures are written there as files too.

mod charts;
mod data;
mod figures;

use bolete_plot::page::{Page, Table};
use bolete_plot::{Figure, FormatError, image_grid, number};

fn main() -> Result<(), FormatError> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "gallery.html".to_string());
    let folder = arguments.next();

    let mut page = Page::new("Gallery");
    page.subtitle("One figure of each kind, from made-up data. Hover over lines to see their values.");
    page.tiles(&[
        ("test accuracy", "98.3 %", "best of 20 epochs"),
        ("test loss", "0.0541", "cross-entropy in nats"),
        ("time", "41 s", "2 cores"),
        ("parameters", "235,146", ""),
    ]);
    let images = |columns: usize| {
        image_grid(
            columns,
            figures::discs().into_iter().enumerate().map(|(i, disc)| (disc, format!("light {i}"))),
        )
    };
    let sections: [(&str, Vec<(&str, &str, Figure)>); 5] = [
        (
            "Curves and points",
            vec![
                ("lines", "Lines on linear and logarithmic axes, with markers and dashes.", figures::lines()),
                (
                    "bands",
                    "A band of *one* and *two* standard deviations; many faint lines.",
                    figures::bands(),
                ),
                ("scatters", "Points by value, by class, and very many.", figures::scatters()),
                ("notes", "Notes, arrows, ellipses and reference lines.", figures::notes()),
            ],
        ),
        (
            "Amounts",
            vec![
                ("amounts", "Bars in groups with errors, bars to the right, histograms.", figures::amounts()),
                ("histograms", "A grid of histograms.", figures::histograms()),
            ],
        ),
        (
            "Fields",
            vec![
                ("fields", "Heat map, filled contours, contour lines, arrows.", figures::fields()),
                ("density", "A smooth heat map.", figures::density()),
            ],
        ),
        (
            "Pictures",
            vec![
                ("images", "A grid of gray pictures.", images(6)),
                ("pictures", "Boxes, masks, attention and keypoints.", figures::pictures()),
            ],
        ),
        (
            "Diagrams",
            vec![
                ("diagnostics", "ROC, precision and recall, calibration, parity.", charts::diagnostics()),
                ("confusion", "Confusion matrices.", charts::confusion()),
                ("sweep", "Runs of a sweep as parallel coordinates.", charts::sweep()),
                ("graph", "A computation graph in layers.", charts::graph()),
                ("chain", "A graph with cycles, sideways.", charts::chain()),
            ],
        ),
    ];
    for (heading, figures) in &sections {
        page.heading(heading);
        for (name, caption, figure) in figures {
            page.figure(figure, caption);
            if let Some(folder) = &folder {
                figure.write(format!("{folder}/{name}.svg"))?;
                figure.write(format!("{folder}/{name}.png"))?;
            }
        }
    }
    let descent = charts::descent();
    page.heading("Things that move").animation(&descent, "Gradient descent on Beale’s function.")?;
    if let Some(folder) = &folder {
        descent.write(format!("{folder}/descent.gif"))?;
    }

    page.heading("Text and tables")
        .paragraph("A paragraph with `code`, **strong** and *emphasised* words, and <&>.");
    let mut table = Table::new(&["optimiser", "learning rate", "loss", "time"]);
    for (name, rate, loss, time) in
        [("SGD", 0.1, 0.31, 12.5), ("Adam", 1e-3, 0.12, 9.75), ("Muon", 2e-2, 0.094, 11.0)]
    {
        table.row(&[name.to_string(), number(rate), number(loss), format!("{} s", number(time))]);
    }
    page.table(table.caption("Click on a header to sort."));
    page.key_values([("seed", "0"), ("batch size", "128"), ("schedule", "cosine with 500 steps of warm-up")]);
    page.details("Model summary", |page| {
        page.preformatted("Linear 784 → 256\nRelu\nLinear 256 → 128\nRelu\nLinear 128 → 10");
    });
    page.write(path)
}
