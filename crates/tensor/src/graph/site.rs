//! Which line, and which phase of a computation, a node belongs to.
//!
//! An op's methods pass on the line that called them. What a derivative or batching rule records would carry a line of
//! this crate; while a rule runs, such nodes carry the line of the node whose rule it is. This changes what reports
//! say and nothing else.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;

/// Which part of a computation a node was recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// The computation as the user wrote it.
    #[default]
    Forward,
    /// A reverse derivative: `grad`, `vjp`.
    Reverse,
    /// A forward derivative: `jvp`.
    Tangent,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Phase::Forward => "forward computation",
            Phase::Reverse => "reverse derivative",
            Phase::Tangent => "forward derivative",
        })
    }
}

/// A line and a phase.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub site: &'static Location<'static>,
    pub phase: Phase,
}

thread_local! {
    static BEHALF: Cell<Option<Origin>> = const { Cell::new(None) };
}

/// The path of this crate's sources, as the compiler writes it into locations.
const SOURCES: &str = {
    let (path, own) = (file!(), "graph/site.rs".len());
    path.split_at(path.len() - own).0
};

/// What a node that `caller` records belongs to.
pub(crate) fn origin(caller: &'static Location<'static>) -> Origin {
    match BEHALF.get() {
        None => Origin { site: caller, phase: Phase::Forward },
        // A rule that a user wrote has a line of its own.
        Some(behalf) if caller.file().starts_with(SOURCES) => behalf,
        Some(behalf) => Origin { site: caller, phase: behalf.phase },
    }
}

/// While it lives, what this crate records on this thread belongs to the given origin.
pub(crate) struct OnBehalf(Option<Origin>);

impl OnBehalf {
    pub fn of(origin: Origin) -> OnBehalf {
        OnBehalf(BEHALF.replace(Some(origin)))
    }
}

/// While it lives, what this crate records on this thread belongs to the line that called the function which asks for
/// it. For ops with closures, which do not pass on their callers.
#[track_caller]
pub(crate) fn on_behalf_of_caller() -> OnBehalf {
    OnBehalf::of(origin(Location::caller()))
}

impl Drop for OnBehalf {
    fn drop(&mut self) {
        BEHALF.set(self.0);
    }
}
