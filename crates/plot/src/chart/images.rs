//! Grids of pictures.

use crate::{Figure, Image};

/// Pictures with captions (which may be empty) in rows of `columns`. Small ones are enlarged, by the same factor.
///
/// # Panics
/// If `columns` is 0.
///
/// # Examples
/// ```
/// use bolete_plot::{Image, image_grid};
/// let digits = (0..4).map(|i| (Image::gray(2, 2, &[0, 80, 160, 240]), format!("digit {i}")));
/// assert!(image_grid(2, digits).svg().contains("digit 3"));
/// ```
#[track_caller]
pub fn image_grid<S: Into<String>>(columns: usize, pictures: impl IntoIterator<Item = (Image, S)>) -> Figure {
    let pictures: Vec<(Image, S)> = pictures.into_iter().collect();
    let longest = pictures.iter().map(|(image, _)| image.sides().0.max(image.sides().1)).fold(1.0, f64::max);
    let target = if columns <= 4 { 150.0 } else { 90.0 };
    let scale = if longest <= target { (target / longest).round().max(1.0) } else { target * 1.5 / longest };
    let panels = pictures.into_iter().map(|(image, caption)| {
        let (width, height) = image.sides();
        image.panel(caption).area(width * scale.min(1e3), height * scale.min(1e3))
    });
    Figure::grid(columns, panels.collect::<Vec<_>>())
}
