//! Pages and animations.

use std::path::Path;
use std::time::Duration;

use bolete_formats::picture::{Limits, decode_gif};
use bolete_plot::page::{Page, Table};
use bolete_plot::{Animation, Axes, Figure, FormatError, Line, Picture};

fn wave(shift: f64) -> Figure {
    let axes = Axes::new("wave")
        .labels("x <&>\"'", "y")
        .with(Line::function(0.0, 6.0, |x| (x + shift).sin()).label("a\"<b>"));
    Figure::new(axes).size(200.0, 150.0)
}

#[test]
fn a_gif_decodes_again() {
    let mut animation = Animation::new(120);
    for step in 0..7 {
        animation.push(&wave(step as f64 * 0.3));
    }
    let small = Picture::new(10, 10, 1, vec![0; 100]).unwrap();
    let bytes = animation.clone().picture(small).gif().unwrap();
    assert_eq!(
        bytes,
        animation.clone().picture(Picture::new(10, 10, 1, vec![0; 100]).unwrap()).gif().unwrap()
    );
    let frames = decode_gif(&bytes, "test.gif", &Limits::default()).unwrap();
    assert_eq!(frames.len(), 8);
    for (index, frame) in frames.iter().enumerate() {
        assert_eq!((frame.picture.width(), frame.picture.height()), (200, 150));
        assert_eq!(frame.delay, Duration::from_millis(120));
        let expected = animation.frames().get(index).map(|frame| frame.to_rgb());
        if let Some(expected) = expected {
            let pairs = frame.picture.to_rgb().into_pixels().into_iter().zip(expected.into_pixels());
            let off: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / (200.0 * 150.0 * 3.0);
            assert!(off < 2.0, "mean error {off}");
        }
    }
    assert!(matches!(Animation::new(10).gif(), Err(FormatError::Unwritable { .. })));
    assert!(matches!(animation.write("x.png"), Err(FormatError::Unwritable { .. })));
}

#[test]
fn hostile_text_stays_text() {
    let evil = "<img src=x onerror=alert(1)> & \" ' </script> </style>";
    let mut page = Page::new(evil);
    page.subtitle(evil).heading(evil).subheading(evil).paragraph(evil).preformatted(evil).list(&[evil]);
    page.figure(&wave(0.0), evil).picture(&Picture::new(1, 1, 1, vec![7]).unwrap(), evil);
    page.table(Table::new(&[evil, "n"]).row(&[evil, "1"]).caption(evil));
    page.key_values([(evil, evil)]).tiles(&[(evil, evil, evil)]);
    page.details(evil, |page| {
        page.heading(evil);
    });
    let html = page.html();
    assert!(!html.contains("<img src=x"));
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(html.matches("</script>").count(), 1);
    assert_eq!(html.matches("</style>").count(), 1);
    // What is between the tags of the body is XML once void elements are closed.
    let body = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    let mut closed = String::new();
    for part in body.split_inclusive('>') {
        let void = part.rfind('<').is_some_and(|at| part[at..].starts_with("<img"));
        closed.push_str(&if void { format!("{}/>", &part[..part.len() - 1]) } else { part.to_string() });
    }
    let xml = format!("<main>{closed}</main>");
    let document = roxmltree::Document::parse(&xml).expect("well-formed");
    // Everything that the script reads is there.
    let hover = document.descendants().find(|node| node.has_attribute("data-plot")).unwrap();
    assert!(hover.attribute("data-plot").unwrap().contains("\"n\":\"a\\\"<b>\""));
    let names: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

#[test]
fn pages_are_self_contained_and_equal() {
    let make = || {
        let mut page = Page::new("Report");
        page.heading("One").figure(&wave(0.0), "a").heading("Two").heading("Two");
        page.animation(&Animation::new(50).frame(&wave(0.0)).frame(&wave(1.0)), "").unwrap();
        page
    };
    let html = make().html();
    assert_eq!(html, make().html());
    assert!(html.contains("href=\"#one\"") && html.contains("href=\"#two-2\""));
    // The only addresses are data and places in the page.
    for attribute in ["src=\"", "href=\"", "url("] {
        for (at, _) in html.match_indices(attribute) {
            let address = &html[at + attribute.len()..];
            assert!(address.starts_with("data:") || address.starts_with('#'), "{}", &address[..40]);
        }
    }
    assert!(html.contains("alt=\"wave\""));
    let path = std::env::temp_dir().join(format!("bolete-page-{}.html", std::process::id()));
    make().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), html);
    std::fs::remove_file(&path).unwrap();
    assert!(make().write(Path::new("no/such/folder/x.html")).is_err());
}

#[test]
fn columns_of_numbers_are_aligned_and_sortable() {
    let mut table = Table::new(&["name", "loss", "mixed"]);
    table.row(&["a", "1,234", "1"]).row(&["b", "−2.5×10⁻³", "x"]).row(&["c", "–", "2"]);
    let mut page = Page::new("");
    let html = page.table(&table).html();
    assert!(html.contains("<td class=\"n\" data-v=\"1234.0\">1,234</td>"));
    assert!(html.contains("<td class=\"n\" data-v=\"-0.0025\">"));
    assert!(html.contains("<td>x</td>") && html.contains("<td>1</td>"));
}
