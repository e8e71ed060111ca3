//! Where downloads are kept.

use std::ffi::OsString;
use std::path::PathBuf;

use super::DownloadError;

/// The folder that downloads are kept in: `BOLETE_CACHE` where it is set, else `bolete/data` in `XDG_CACHE_HOME` where
/// that is an absolute path, else `~/.cache/bolete/data`. It need not exist yet.
///
/// # Errors
/// [`DownloadError::NoCache`] when there is no home folder either.
pub fn cache_folder() -> Result<PathBuf, DownloadError> {
    choose(|name| std::env::var_os(name)).ok_or(DownloadError::NoCache)
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = folder("BOLETE_CACHE") {
        return Some(own);
    }
    // The specification says that relative paths there are to be ignored.
    let cache = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || folder("HOME").or_else(|| folder("USERPROFILE")).map(|home| home.join(".cache"));
    cache.or_else(home).map(|cache| cache.join("bolete").join("data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> Option<PathBuf> {
        choose(|wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let home = ("HOME", "/home/eve");
        let all = [("BOLETE_CACHE", "/data"), ("XDG_CACHE_HOME", "/cache"), home];
        assert_eq!(chosen(&all), Some("/data".into()));
        assert_eq!(chosen(&all[1..]), Some("/cache/bolete/data".into()));
        assert_eq!(chosen(&[home]), Some("/home/eve/.cache/bolete/data".into()));
        let unset = [("BOLETE_CACHE", ""), ("XDG_CACHE_HOME", "relative"), home];
        assert_eq!(chosen(&unset), Some("/home/eve/.cache/bolete/data".into()));
        assert_eq!(chosen(&[("XDG_CACHE_HOME", "relative")]), None);
    }
}
