//! Patterns of paths: `*` stands for one step, `**` for any number of them.

/// Whether a path fits a pattern such as `encoder.*.weight` or `**.bias`.
///
/// ```
/// use bolete_tensor::tree::path_fits;
/// assert!(path_fits("encoder.*.weight", "encoder.3.weight"));
/// assert!(path_fits("**.bias", "encoder.3.attention.bias"));
/// assert!(!path_fits("encoder.*", "encoder.3.weight"));
/// ```
pub fn path_fits(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let path: Vec<&str> = path.split('.').collect();
    path_captures(&pattern, &path).is_some()
}

/// What each `*` and `**` of a pattern stands for in a name, or `None` where it does not fit.
pub fn path_captures<'a>(pattern: &[&str], name: &[&'a str]) -> Option<Vec<Vec<&'a str>>> {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => Some(Vec::new()),
        (Some((&"**", rest)), _) => (0..=name.len()).rev().find_map(|taken| {
            let mut captured = path_captures(rest, &name[taken..])?;
            captured.insert(0, name[..taken].to_vec());
            Some(captured)
        }),
        (Some((&"*", rest)), Some((step, left))) => {
            let mut captured = path_captures(rest, left)?;
            captured.insert(0, vec![step]);
            Some(captured)
        }
        (Some((literal, rest)), Some((step, left))) if literal == step => path_captures(rest, left),
        _ => None,
    }
}
