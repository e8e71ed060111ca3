//! From the names of a file to the paths of a model.

use bolete_tensor::tree::path_captures;

use super::LoadOptions;

/// The path for a name of the file, or `None` where it is left out.
pub(super) fn renamed(name: &str, options: &LoadOptions) -> Option<String> {
    let steps: Vec<&str> = name.split('.').collect();
    let fits = |pattern: &String| path_captures(&pattern.split('.').collect::<Vec<_>>(), &steps).is_some();
    if options.ignore.iter().any(fits) {
        return None;
    }
    let name = name.strip_prefix(options.strip_prefix.as_str())?;
    let steps: Vec<&str> = name.split('.').collect();
    let path = options.rename.iter().find_map(|(from, to)| {
        let pattern: Vec<&str> = from.split('.').collect();
        let captured = path_captures(&pattern, &steps)?;
        // Those of `*` and those of `**`, each in order.
        let wildcards = || pattern.iter().filter(|step| matches!(**step, "*" | "**"));
        let of = |kind: &'static str| {
            wildcards().zip(&captured).filter(move |(step, _)| **step == kind).map(|(_, steps)| steps.clone())
        };
        let (mut single, mut several) = (of("*"), of("**"));
        let mut path = Vec::new();
        for step in to.split('.') {
            match step {
                "*" => path.extend(single.next().unwrap_or_default()),
                "**" => path.extend(several.next().unwrap_or_default()),
                _ => path.push(step),
            }
        }
        Some(path.join("."))
    });
    Some(format!("{}{}", options.add_prefix, path.as_deref().unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stripped_renamed_and_prefixed() {
        let options = LoadOptions {
            strip_prefix: "module.".to_string(),
            rename: vec![
                ("layers.*.fc.**".to_string(), "blocks.*.feed.**".to_string()),
                ("swap.*.**".to_string(), "**.*".to_string()),
                ("**.gamma".to_string(), "**.weight".to_string()),
            ],
            add_prefix: "net.".to_string(),
            ..LoadOptions::default()
        };
        let renamed = |name: &str| renamed(name, &options);
        assert_eq!(renamed("module.layers.3.fc.0.weight").as_deref(), Some("net.blocks.3.feed.0.weight"));
        assert_eq!(renamed("module.layers.3.fc").as_deref(), Some("net.blocks.3.feed"));
        assert_eq!(renamed("module.a.b.gamma").as_deref(), Some("net.a.b.weight"));
        assert_eq!(renamed("module.swap.a.b.c").as_deref(), Some("net.b.c.a"));
        assert_eq!(renamed("module.gamma").as_deref(), Some("net.weight"));
        assert_eq!(renamed("module.layers.fc").as_deref(), Some("net.layers.fc"));
        assert_eq!(renamed("optimizer.step"), None);
        assert_eq!(renamed("module.bn.num_batches_tracked"), None);
    }
}
