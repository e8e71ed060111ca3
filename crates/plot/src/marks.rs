//! The kinds of mark.

pub(crate) mod arrows;
pub(crate) mod band;
pub(crate) mod bars;
pub(crate) mod boxes;
pub(crate) mod clip;
pub(crate) mod contour;
pub(crate) mod ellipse;
pub(crate) mod heat_map;
pub(crate) mod histogram;
pub(crate) mod image;
pub(crate) mod levels;
pub(crate) mod line;
pub(crate) mod note;
pub(crate) mod reference;
pub(crate) mod scatter;
