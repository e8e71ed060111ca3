//! `bolete download`: data sets from the network.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bolete::data::catalogue::Catalogued;
use bolete::data::download::{self, Downloader, Progress, cache_folder};

use crate::arguments::DownloadOptions;
use crate::terminal::Display as _;
use crate::{Interrupted, commands, terminal};

/// `bolete download`.
pub fn download(options: &DownloadOptions) -> anyhow::Result<()> {
    let Some(name) = &options.name else {
        let rows = Catalogued::ALL.iter().map(|set| vec![set.name().to_owned(), set.terms().to_owned()]);
        return terminal::print(&terminal::table("data sets", &["name", "terms"], &rows.collect::<Vec<_>>()));
    };
    let Some(set) = Catalogued::ALL.into_iter().find(|set| set.name() == name) else {
        let names: Vec<&str> = Catalogued::ALL.iter().map(|set| set.name()).collect();
        anyhow::bail!("there is no data set '{name}'; there are {}", names.join(", "));
    };
    let controls = commands::controls_on_interrupt()?;
    let folder = match &options.to {
        Some(folder) => folder.clone(),
        None => cache_folder()?,
    };
    let stop = controls.stop.clone();
    let shown = Mutex::new(terminal::Plain::new());
    let observer: download::Observer = Arc::new(move |progress: &Progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        // A terminal that takes nothing is no reason to stop.
        let _ = match progress {
            Progress::Waiting { file } => {
                shown.progress(&format!("{file}: another process is downloading it; waiting"))
            }
            Progress::Receiving { file, received, of, .. } => shown.progress(&match of {
                Some(all) => format!("{file}: {} of {}", megabytes(*received), megabytes(*all)),
                None => format!("{file}: {}", megabytes(*received)),
            }),
            Progress::Failed { file, from, failure } => {
                shown.print(&format!("{file}: {from}: {failure}; trying again\n"))
            }
            _ => Ok(()),
        };
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let options = download::DownloadOptions { observer: Some(observer), ..Default::default() };
    let fetched = set.fetch(&Downloader::new(options), &folder);
    terminal::Plain::new().end()?;
    match fetched {
        Err(_) if controls.stop.load(Ordering::Relaxed) => {
            terminal::print("\ninterrupted; what has come is kept, and the same command goes on with it\n")?;
            Err(Interrupted.into())
        }
        Err(error) => Err(error.into()),
        Ok(folder) => terminal::print(&format!("{} is in {}\n", set.title(), folder.display())),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
